use whom_report::{Correction as ReportCorrection, Estimand};

use super::*;
use crate::discovery::discover;
use crate::event::Silent;
use crate::fixture::{Experiment, SMALL_TREES};
use crate::rows::exploratory;

/// The rows of the joint tree's cohorts about the letter, corrected.
async fn rows(validate: &str) -> Vec<EffectRow> {
    let experiment = Experiment::with(&format!("{SMALL_TREES}\n{validate}"), |person| person);
    let study = experiment.study();
    let questions = study.targets();
    let tree = discover(&study, &questions, &Silent).await.unwrap().joint.pruned;
    let cells = LeafSums::of(&study, &tree.routing).await.unwrap();
    let cohorts = tree.cohorts();
    let Rows { mut done, exploratory: drafts } = MeasuredCohorts::new(&study, &cells, &cohorts).rows(&questions);
    done.extend(exploratory(drafts, &[]).0);
    done.retain(|row| row.variant == "letter");
    done
}

/// Metric, estimand and evidence of the rows of a family about the first cohort.
fn in_family(rows: &[EffectRow], family: Family) -> Vec<String> {
    let told = |row: &EffectRow| format!("{} {} {}", row.metric, row.estimand, row.evidence);
    rows.iter().filter(|row| row.family == family && row.cohort == "c1").map(told).collect()
}

#[tokio::test]
async fn only_what_was_searched_is_the_discovered_family() {
    let rows = rows("validate: { bootstrap: 200 }").await;
    assert_eq!(in_family(&rows, Family::Discovered), ["buys effect held_out", "buys contrast held_out"]);
    assert_eq!(
        in_family(&rows, Family::Guardrail),
        ["returns effect held_out", "returns lift held_out", "returns margin held_out"]
    );
    assert_eq!(
        in_family(&rows, Family::Exploratory),
        [
            "buys lift exploratory",
            "returns contrast exploratory",
            "spend effect exploratory",
            "spend lift exploratory",
            "spend contrast exploratory",
        ]
    );
}

#[tokio::test]
async fn a_lift_beside_the_discovered_family_has_no_corrected_p_value() {
    let rows = rows("validate: { bootstrap: 200 }").await;
    let lifts = || rows.iter().filter(|row| row.metric == "buys" && row.estimand == Estimand::Lift);
    assert!(lifts().count() > 1);
    assert!(lifts().all(|row| row.p_value.is_some() && row.p_value_adjusted.is_none()), "{rows:?}");
}

#[tokio::test]
async fn interval_and_corrected_p_value_agree_by_every_correction() {
    for (validate, correction) in [
        ("validate: { bootstrap: 200 }", ReportCorrection::MaxT),
        ("validate: { bootstrap: 200, correction: romano_wolf }", ReportCorrection::RomanoWolf),
        ("validate: { correction: holm }", ReportCorrection::Holm),
        ("validate: { correction: bonferroni }", ReportCorrection::Bonferroni),
    ] {
        let rows = rows(validate).await;
        let discovered: Vec<&EffectRow> = rows.iter().filter(|row| row.family == Family::Discovered).collect();
        assert!(discovered.iter().all(|row| row.correction == correction));
        for row in &discovered {
            let (interval, individual) = (row.interval.unwrap(), row.individual_interval.unwrap());
            assert!(interval.half_width() >= individual.half_width(), "{row:?}");
            assert!(row.p_value_adjusted.unwrap() >= row.p_value.unwrap(), "{row:?}");
            assert!(row.is_significant() || !interval.excludes_zero(), "{row:?}");
        }
        assert!(discovered.iter().any(|row| row.is_significant()));
    }
}

#[tokio::test]
async fn stepping_down_never_finds_less() {
    let single = rows("validate: { bootstrap: 200 }").await;
    let down = rows("validate: { bootstrap: 200, correction: romano_wolf }").await;
    let discovered = single.iter().zip(&down).filter(|(row, _)| row.family == Family::Discovered);
    let pairs: Vec<_> = discovered.collect();
    assert!(pairs.iter().all(|(single, down)| down.p_value_adjusted <= single.p_value_adjusted));
    assert!(pairs.iter().all(|(single, down)| down.interval == single.interval));
    assert!(pairs.iter().any(|(single, down)| down.p_value_adjusted < single.p_value_adjusted));
}

#[tokio::test]
async fn cohorts_are_measured_on_units_that_did_not_discover_them() {
    let rows = rows("validate: { bootstrap: 200 }").await;
    let effects = rows.iter().filter(|row| row.metric == "buys" && row.estimand == Estimand::Effect);
    let measured: u64 = effects.filter_map(|row| row.n_control).sum();
    let experiment = Experiment::new();
    assert_eq!(measured, experiment.buyers(whom_stats::Fold::Measure, 0, |_| true).0);
}
