use whom_report::DifferingScale;

use super::*;
use crate::discovery::discover;
use crate::event::Silent;
use crate::fixture::{Experiment, LETTER, Person, SMALL_TREES};
use crate::leaf_sums::LeafSums;

/// The heterogeneity of the call and of the letter between the joint tree's cohorts.
async fn scatters(experiment: &Experiment) -> Vec<CohortScatter> {
    let study = experiment.study();
    let questions = study.targets();
    let tree = discover(&study, &questions, &Silent).await.unwrap().joint.pruned;
    let cells = LeafSums::of(&study, &tree.routing).await.unwrap();
    let cohorts = if tree.leaves().len() > 1 { tree.cohorts() } else { Vec::new() };
    cohort_scatter(&MeasuredCohorts::new(&study, &cells, &cohorts), &questions)
}

/// People who buy with these chances in percent, of those below age 2 and of all others, with and without a letter.
fn buying(young: [i64; 2], others: [i64; 2]) -> Experiment {
    let who = std::cell::Cell::new(0);
    Experiment::with(SMALL_TREES, |person| {
        let chances = if person.age.is_some_and(|age| age < 2.0) { young } else { others };
        let number = who.replace(who.get() + 1) / 3;
        let chance = chances[usize::from(person.arm == LETTER)];
        Person { buys: i64::from(number * 7_919 % 100 < chance), ..person }
    })
}

#[tokio::test]
async fn a_constant_lift_on_two_baselines_follows_the_baseline() {
    let found = scatters(&buying([16, 24], [60, 90])).await;
    let letter = found.iter().find(|found| found.variant == "letter").unwrap();
    assert_eq!(letter.differing, DifferingScale::FollowsBaseline, "{letter:?}");
    assert!(letter.absolute.p_value_adjusted.unwrap() < 0.01, "{letter:?}");
}

#[tokio::test]
async fn an_effect_on_some_alone_differs_on_both_scales() {
    let found = scatters(&Experiment::new()).await;
    let [call, letter] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((letter.differing, call.differing), (DifferingScale::Both, DifferingScale::Neither));
    let twice = |p_value: Option<f64>| p_value.map(|p_value| 2.0 * p_value);
    assert_eq!(letter.absolute.p_value_adjusted, twice(letter.absolute.p_value), "the smaller of two by Holm");
    assert_eq!(letter.absolute.groups + letter.absolute.left_out, call.absolute.groups + call.absolute.left_out);
}

#[tokio::test]
async fn without_cohorts_there_is_nothing_to_compare() {
    let nobody = Experiment::with(SMALL_TREES, |person| Person { buys: 0, ..person });
    assert!(scatters(&nobody).await.is_empty());
}
