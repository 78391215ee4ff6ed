use proptest::prelude::*;
use whom_report::{EVERYBODY, EffectRow, Estimand, Family};
use whom_stats::{Grid, QuantileOf, QuantileSearch};

use super::*;
use crate::averages::{AverageCells, average_rows};
use crate::cohorts::MeasuredCohorts;
use crate::discovery::discover;
use crate::event::Silent;
use crate::fixture::{Experiment, LETTER};
use crate::leaf_sums::LeafSums;
use crate::rows::exploratory;

fn found(values: &[i64], share: f64) -> FoundQuantile {
    let mut search = QuantileSearch::new(Percentile::new(share).unwrap(), QuantileOf::Units);
    while !search.is_done() {
        for value in values {
            search.push_unit(&[*value]);
        }
        search = search.narrow();
    }
    search.found(Grid::INTEGER)
}

proptest! {
    #[test]
    fn swapping_the_arms_flips_the_sign_and_shifts_and_scales_do_what_they_should(
        one in prop::collection::vec(-500_i64..500, 60..120), other in prop::collection::vec(-500_i64..500, 60..120),
        shift in -10_000_i64..10_000, factor in 1_i64..7,
    ) {
        let of = |values: &[i64]| found(values, 0.5);
        let there = compared(&of(&one), &of(&other));
        let back = compared(&of(&other), &of(&one));
        let (effect, flipped) = (there.effect.clone().unwrap().difference, back.effect.unwrap().difference);
        prop_assert_eq!((effect.value, effect.std_err), (-flipped.value, flipped.std_err));
        prop_assert_eq!((there.treatment, there.control), (back.control, back.treatment));
        let changed = |values: &[i64]| of(&values.iter().map(|value| factor * value + shift).collect::<Vec<_>>());
        let after = compared(&changed(&one), &changed(&other)).effect.unwrap().difference;
        prop_assert!((after.value - factor as f64 * effect.value).abs() < 1e-9);
        prop_assert!((after.std_err - factor as f64 * effect.std_err).abs() < 1e-9 * after.std_err.max(1.0));
    }
}

#[test]
fn degenerate_arms_have_named_outcomes_and_keep_their_quantiles() {
    let (many, constant): (Vec<i64>, Vec<i64>) = ((0..100).collect(), vec![5; 100]);
    let outcome = |treatment: &[i64], control: &[i64], share| {
        let comparison = compared(&found(treatment, share), &found(control, share));
        (
            comparison.effect.map(|effect| effect.unreliable().is_some()),
            comparison.treatment.mean,
            comparison.control.mean,
        )
    };
    assert_eq!(outcome(&many, &many, 0.5), (Ok(false), Some(49.0), Some(49.0)));
    assert_eq!(outcome(&constant, &constant, 0.5), (Err(NotEstimable::FlatQuantile), Some(5.0), Some(5.0)));
    assert_eq!(outcome(&many, &constant, 0.5), (Ok(true), Some(49.0), Some(5.0)), "marked: one arm is tied");
    assert_eq!(outcome(&many, &[], 0.5), (Err(NotEstimable::EmptyArm), Some(49.0), None));
    assert_eq!(outcome(&many, &many[..20], 0.9), (Err(NotEstimable::TooFewBeyondQuantile), Some(89.0), Some(17.0)));
}

#[test]
fn an_arm_in_one_cluster_is_compared_by_cluster_and_has_no_error() {
    let found = |cells: usize| {
        let mut search = QuantileSearch::new(Percentile::new(0.5).unwrap(), QuantileOf::Units).by_cluster(100);
        while !search.is_done() {
            (0..100).for_each(|value| search.push(&[value], value as usize % cells));
            search = search.narrow();
        }
        search.found(Grid::INTEGER)
    };
    for (treatment, control) in [(1, 1), (1, 100), (100, 1)] {
        let compared = compared(&found(treatment), &found(control));
        let told = (compared.method, compared.clusters, compared.effect.err());
        let clusters = [control, treatment].map(|clusters| clusters as u64);
        assert_eq!(told, ("clustered_quantile", Some(clusters), Some(NotEstimable::OneCluster)));
    }
}

fn about_the_letter(rows: Vec<EffectRow>, metric: &str, estimand: Estimand) -> Vec<EffectRow> {
    rows.into_iter().filter(|row| row.variant == "letter" && row.metric == metric && row.estimand == estimand).collect()
}

#[tokio::test]
async fn averages_and_declared_cohorts_are_compared_by_the_quantile() {
    let experiment = Experiment::with_median();
    let study = experiment.study();
    let cells = AverageCells::count(&study).await.unwrap();
    let rows: Vec<EffectRow> = exploratory(average_rows(&study, &cells).exploratory, &[]).0;
    let effects = about_the_letter(rows.clone(), "spend", Estimand::Effect);
    let told: Vec<_> = effects.iter().map(|row| (row.cohort.as_str(), row.mean_control, row.mean_variant)).collect();
    assert_eq!(told, [(EVERYBODY, Some(0.0), Some(0.0)), ("grown_up", Some(0.0), Some(19.99))]);
    for row in &effects {
        assert_eq!((row.method.as_str(), row.family, row.estimate), ("quantile", Family::Exploratory, None));
        let reason = "all values around the quantile are the same, so nothing tells its error";
        assert_eq!(row.not_estimable.as_deref(), Some(reason));
    }
    assert_eq!((effects[0].n_control, effects[0].n_variant), (Some(2_000), Some(2_000)));
    let question = Question { treatment: usize::from(LETTER), metric: 0 };
    assert!(cells.quantiles.compare(Among::Everybody, question).is_none(), "a share of buyers is a mean");
}

#[tokio::test]
async fn discovered_cohorts_are_those_of_the_other_metrics() {
    let experiment = Experiment::with_median();
    let study = experiment.study();
    let questions = study.targets();
    let tree = discover(&study, &questions, &Silent).await.unwrap().joint.pruned;
    let cells = LeafSums::of(&study, &tree.routing).await.unwrap();
    let cohorts = tree.cohorts();
    let quantiles = Quantiles::of_leaves(&study, &tree.routing, &cohorts).await.unwrap();
    let found = MeasuredCohorts::new(&study, &cells, &cohorts).with_quantiles(&quantiles).rows(&questions);
    let medians = about_the_letter(exploratory(found.exploratory, &[]).0, "spend", Estimand::Effect);
    let shares = about_the_letter(found.done, "buys", Estimand::Effect);
    assert!(medians.len() > 1 && medians.len() == shares.len());
    for (median, share) in medians.iter().zip(&shares) {
        assert_eq!(
            (&median.cohort, median.n_control, median.n_variant),
            (&share.cohort, share.n_control, share.n_variant)
        );
        let most_buy = share.mean_variant.unwrap() > 0.5;
        assert_eq!((median.mean_control, median.mean_variant), (Some(0.0), Some(if most_buy { 19.99 } else { 0.0 })));
    }
    assert!(
        medians.iter().any(|row| row.mean_variant > Some(0.0))
            && medians.iter().any(|row| row.mean_variant == Some(0.0))
    );
}
