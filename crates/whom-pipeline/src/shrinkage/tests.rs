use whom_report::Estimand;
use whom_stats::Fold as StatsFold;

use super::*;
use crate::averages::AverageCells;
use crate::discovery::discover;
use crate::event::Silent;
use crate::fixture::{Experiment, Person, SMALL_TREES};
use crate::leaf_sums::LeafSums;

/// The letter's shrunken effects, and the measured ones in the same order.
async fn letter(experiment: &Experiment) -> Option<(ShrunkenEffects, Vec<f64>)> {
    let study = experiment.study();
    let questions = study.targets();
    let tree = discover(&study, &questions, &Silent).await.unwrap().joint.pruned;
    let cells = LeafSums::of(&study, &tree.routing).await.unwrap();
    let cohorts = if tree.leaves().len() > 1 { tree.cohorts() } else { Vec::new() };
    let measured = MeasuredCohorts::new(&study, &cells, &cohorts);
    let everybody = AverageCells::count(&study).await.unwrap().everybody;
    let found = shrunken_effects(&measured, &questions, &everybody);
    let found = found.into_iter().find(|found| found.variant == "letter")?;
    let rows = measured.rows(&questions).done.into_iter();
    let effects = rows.filter(|row| row.variant == "letter" && row.metric == "buys");
    let effects = effects.filter(|row| row.estimand == Estimand::Effect);
    Some((found, effects.map(|row| row.estimate.unwrap()).collect()))
}

#[tokio::test]
async fn a_shrunken_effect_lies_between_the_measured_one_and_the_mean() {
    let (found, measured) = letter(&Experiment::new()).await.unwrap();
    assert_eq!((found.model.as_str(), found.cohorts.len()), ("normal_normal", measured.len()));
    let mean = found.mean.unwrap();
    for (cohort, measured) in found.cohorts.iter().zip(measured) {
        let (estimate, shrinkage) = (cohort.estimate.unwrap(), cohort.shrinkage.unwrap());
        assert!((estimate - measured) * (estimate - mean) < 0.0, "{cohort:?}, measured {measured}, mean {mean}");
        assert!((0.0..=1.0).contains(&shrinkage) && cohort.interval.unwrap().contains(estimate));
    }
    let best: f64 = found.cohorts.iter().filter_map(|cohort| cohort.best).sum();
    assert!((best - 1.0).abs() < 1e-9);
}

#[tokio::test]
async fn the_scale_of_the_prior_is_known_before_any_effect_is_measured() {
    let experiment = Experiment::new();
    let (_, share) = experiment.buyers(StatsFold::Discover, 0, |_| true);
    let folds = experiment.study().folds;
    let changed = Experiment::with(SMALL_TREES, |person| match folds.of(person.bucket) {
        StatsFold::Discover => person,
        StatsFold::Measure | StatsFold::Judge => Person { buys: i64::from(person.bucket % 5 == 0), ..person },
    });
    let priors = [letter(&experiment).await.unwrap().0.prior, letter(&changed).await.unwrap().0.prior];
    let [Some(Prior::Rayleigh { scale }), other] = priors else { panic!("{priors:?}") };
    assert_eq!(other, Some(Prior::Rayleigh { scale }));
    let deviation = (share * (1.0 - share)).sqrt();
    assert!((scale / (0.1 * deviation) - 1.0).abs() < 1e-3, "a tenth of {deviation}, as .01 matters: {scale}");
}

#[tokio::test]
async fn where_less_is_better_the_best_effect_is_the_smallest_and_figures_stay() {
    let (more, _) = letter(&Experiment::new()).await.unwrap();
    let (less, _) = letter(&Experiment::desiring("decrease")).await.unwrap();
    let estimates =
        |found: &ShrunkenEffects| found.cohorts.iter().map(|cohort| cohort.estimate.unwrap()).collect::<Vec<f64>>();
    let close = |one: f64, other: f64| (one - other).abs() < 1e-9;
    assert!(estimates(&more).into_iter().zip(estimates(&less)).all(|(one, other)| close(one, other)));
    let positive = |found: &ShrunkenEffects| found.cohorts.iter().map(|cohort| cohort.positive.unwrap()).sum::<f64>();
    assert!(close(positive(&more), positive(&less)) && close(more.mean.unwrap(), less.mean.unwrap()));
    let smallest = less.cohorts.iter().min_by(|one, other| one.estimate.partial_cmp(&other.estimate).unwrap());
    assert_eq!(less.best().map(|best| &best.cohort), smallest.map(|cohort| &cohort.cohort));
    let largest = more.cohorts.iter().max_by(|one, other| one.estimate.partial_cmp(&other.estimate).unwrap());
    assert_eq!(more.best().map(|best| &best.cohort), largest.map(|cohort| &cohort.cohort));
}

#[tokio::test]
async fn without_cohorts_there_is_nothing_to_draw_together() {
    let nobody = Experiment::with(SMALL_TREES, |person| Person { buys: 0, ..person });
    assert!(letter(&nobody).await.is_none());
}
