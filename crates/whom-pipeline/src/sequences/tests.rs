use whom_report::EVERYBODY;
use whom_stats::{Estimate, Reference};

use super::*;
use crate::averages::{AverageCells, average_rows};
use crate::fixture::Experiment;

/// The rows of a plan that asks for sequences, tightest at so many units, or for none.
async fn rows(planned: Option<u64>) -> Vec<EffectRow> {
    rows_of(planned, |_| ()).await
}

/// The rows of a plan that is changed besides.
async fn rows_of(planned: Option<u64>, change: impl Fn(&mut Plan)) -> Vec<EffectRow> {
    let experiment = Experiment::new();
    let mut study = experiment.study();
    let mut plan = study.plan.clone();
    plan.validate.sequence_units = planned;
    change(&mut plan);
    study.plan = &plan;
    let cells = AverageCells::count(&study).await.unwrap();
    average_rows(&study, &cells).done
}

fn own(row: &EffectRow) -> Estimate {
    Estimate { value: row.estimate.unwrap(), std_err: row.std_err.unwrap(), degrees_of_freedom: f64::INFINITY }
}

#[tokio::test]
async fn a_sequence_is_wider_than_the_interval_of_its_family_and_only_of_what_is_claimed() {
    let without = rows(None).await;
    assert!(without.iter().all(|row| row.sequence.is_none() && row.holds == Holds::FixedHorizon));
    let rows = rows(Some(3_000)).await;
    let looks = || rows.iter().filter_map(|row| Some((row, row.sequence?)));
    let of = |estimand| looks().filter(move |(row, _)| row.estimand == estimand);
    let cohorts = |estimand| of(estimand).map(|(row, _)| row.cohort.as_str()).collect::<Vec<_>>();
    assert_eq!(cohorts(Estimand::Effect), [EVERYBODY, "grown_up", EVERYBODY, "grown_up"], "of two treatments");
    assert_eq!(cohorts(Estimand::Contrast), ["grown_up", "grown_up"]);
    assert_eq!(looks().count(), 6, "the guardrail has no values");
    for (row, look) in looks() {
        assert_eq!(row.metric, "buys");
        let fixed = own(row).interval(1.0 - 0.05 / 6.0, Reference::Normal);
        assert!(look.interval.lower < fixed.lower && fixed.upper < look.interval.upper);
        assert!(look.p_value >= own(row).p_value(Reference::Normal));
    }
}

#[tokio::test]
async fn the_margin_of_a_guardrail_has_a_one_sided_sequence_at_the_whole_level() {
    let rows = rows_of(Some(3_000), |plan| {
        let limit = plan.metrics.iter().find_map(|metric| metric.limit);
        let primary = plan.metrics.iter_mut().find(|metric| metric.role == Role::Primary).unwrap();
        (primary.role, primary.limit) = (Role::Guardrail, limit);
    })
    .await;
    let looks: Vec<_> = rows.iter().filter_map(|row| Some((row, row.sequence?))).collect();
    assert_eq!(looks.len(), 2, "of two treatments");
    for (row, look) in looks {
        assert_eq!((row.cohort.as_str(), row.estimand), (EVERYBODY, Estimand::Margin));
        let fixed = own(row).interval(0.9, Reference::Normal);
        assert!(look.interval.lower < fixed.lower && fixed.upper < look.interval.upper);
        assert!(look.p_value >= row.p_value.unwrap());
        let expected = OneSidedSequence::new(0.95, 3_000).unwrap().look(&own(row), 4_000).unwrap();
        assert_eq!(look, expected);
    }
}

#[tokio::test]
async fn all_sequences_of_a_treatment_count_the_units_of_everybody() {
    let rows = rows(Some(4_000)).await;
    let critical = |estimand| {
        let of = rows.iter().filter(move |row| row.estimand == estimand);
        of.filter_map(|row| row.sequence).map(|look| look.critical_value).collect::<Vec<_>>()
    };
    let units = |row: &&EffectRow| row.cohort == EVERYBODY && row.n_control.zip(row.n_variant) == Some((2_000, 2_000));
    assert!(rows.iter().any(|row| units(&row)), "so that here is where they are tightest");
    for estimand in [Estimand::Effect, Estimand::Contrast] {
        for found in critical(estimand) {
            let best = ConfidenceSequence::of_family(0.95, 6, 4_000).unwrap();
            let at = |units| best.look(&own(&rows[0]), units).unwrap().critical_value;
            assert!((found - at(4_000)).abs() < 1e-12 && at(4_000) < at(3_900) && at(4_000) < at(4_100));
        }
    }
}

#[tokio::test]
async fn until_all_planned_units_have_counted_a_sequence_holds_or_nothing() {
    let claimed = |row: &&EffectRow| matches!(row.family, Family::Confirmatory | Family::Guardrail);
    let early = rows(Some(4_001)).await;
    for row in early.iter().filter(claimed) {
        let expected = if row.sequence.is_some() { Holds::Sequence } else { Holds::Neither };
        assert_eq!(row.holds, expected, "{row:?}");
    }
    let lift = early.iter().find(|row| row.estimand == Estimand::Lift).unwrap();
    assert_eq!(lift.holds, Holds::Neither);
    assert!(rows(Some(4_000)).await.iter().all(|row| row.holds == Holds::FixedHorizon), "and sequences as well");
}
