use whom_report::Evidence;

use super::*;
use crate::discovery::discover;
use crate::event::Silent;
use crate::fixture::{Experiment, Person, SMALL_TREES};

/// The tests of the made-up experiment: of the call, then of the letter.
async fn tested(experiment: &Experiment) -> Vec<GlobalTestRow> {
    let study = experiment.study();
    let questions = study.targets();
    let discovered = discover(&study, &questions, &Silent).await.unwrap();
    global_tests(&study, &questions, &discovered, None).await.unwrap()
}

#[tokio::test]
async fn the_gate_opens_for_the_treatment_that_works_for_some() {
    let rows = tested(&Experiment::new()).await;
    let [call, letter] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!((call.variant.as_str(), letter.variant.as_str()), ("call", "letter"));
    assert!(letter.open && letter.slope.unwrap() > 0.0 && letter.cochran_p_value.unwrap() < 1e-6, "{letter:?}");
    assert!(!call.open, "the call works for nobody: {call:?}");
    assert_eq!(letter.p_value_adjusted, 2.0 * letter.p_value, "the smaller of two by Holm");
    assert_eq!(call.p_value_adjusted, call.p_value.max(letter.p_value_adjusted));
    assert!(rows.iter().all(|row| row.evidence == Evidence::HeldOut));
}

#[tokio::test]
async fn without_a_candidate_the_gate_is_closed_and_p_is_one() {
    let nobody = Experiment::with(SMALL_TREES, |person| Person { buys: 0, ..person });
    for row in tested(&nobody).await {
        assert_eq!((row.leaves, row.p_value, row.p_value_adjusted, row.open), (1, 1.0, 1.0, false));
        assert_eq!((row.slope, row.std_err, row.cochran_q), (None, None, None));
    }
}

#[tokio::test]
async fn only_the_measuring_fold_can_open_the_gate() {
    let folds = Experiment::new().study().folds;
    let unmoved = Experiment::with(SMALL_TREES, |person| match folds.of(person.bucket) {
        whom_stats::Fold::Discover => person,
        // The same chance to buy in every arm and at every age.
        whom_stats::Fold::Measure | whom_stats::Fold::Judge => {
            Person { buys: i64::from(person.bucket % 3 == 0), ..person }
        }
    });
    let rows = tested(&unmoved).await;
    assert!(rows.iter().all(|row| row.leaves > 1 && !row.open), "{rows:?}");
}
