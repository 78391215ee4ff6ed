//! A fault at every store call leaves the state before or after.

use std::{sync::Arc, time::Duration};

use super::fixture::{Folder, hasty, latest_whole, run, run_id};
use crate::{ErrorKind, Fault, FaultPlan, Location, Moment, Output, Publication, Result, StoreError};

/// Runs `before` undisturbed, then `after` with the fault at call `at`; gives the plan and what became of `after`.
async fn disturbed(location: &Location, at: u64, fault: Fault) -> (Arc<FaultPlan>, Result<Publication>) {
    run(&hasty(), location, 1, "before").await.unwrap();
    let plan = Arc::new(FaultPlan::new(at, fault));
    let outcome = run(&hasty().with_faults(Arc::clone(&plan)), location, 2, "after").await;
    (plan, outcome)
}

/// Checks the state after a disturbed run, then that the next run needs no cleaning and gives the same bytes.
async fn check(location: &Location, outcome: &Result<Publication>, clean: &[(String, bytes::Bytes)]) {
    let output = Output::open(&hasty(), location).unwrap();
    let (state, _) = latest_whole(&output).await.unwrap();
    match outcome {
        Ok(Publication::Published(published)) => assert_eq!(state, *published),
        Ok(other) => panic!("nobody else was there: {other:?}"),
        Err(StoreError::CommitUnknown { .. }) => assert!(state.manifest.number <= 2),
        Err(_) => assert_eq!((state.manifest.number, state.manifest.run_id), (1, run_id(1))),
    }
    let next = run(&hasty(), location, 3, "after").await.unwrap();
    assert_eq!(next.published().manifest.number, state.manifest.number + 1);
    let (_, files) = latest_whole(&output).await.unwrap();
    assert_eq!(files, clean);
}

/// Strikes at every call; gives the outcomes, the last of which was not struck.
async fn at_every_call(fault: Fault) -> Vec<Result<Publication>> {
    at_every_call_but(None, fault).await
}

/// Strikes at every call but one.
async fn at_every_call_but(spared: Option<u64>, fault: Fault) -> Vec<Result<Publication>> {
    let folder = Folder::new();
    run(&hasty(), &folder.output(), 9, "after").await.unwrap();
    let (_, clean) = latest_whole(&Output::open(&hasty(), &folder.output()).unwrap()).await.unwrap();
    let mut outcomes = Vec::new();
    for at in (1..).filter(|at| Some(*at) != spared) {
        let folder = Folder::new();
        let (plan, outcome) = disturbed(&folder.output(), at, fault).await;
        check(&folder.output(), &outcome, &clean).await;
        outcomes.push(outcome);
        if plan.calls() < at {
            break;
        }
    }
    assert!(outcomes.len() > 15, "a run makes many calls: {}", outcomes.len());
    assert!(outcomes.last().unwrap().is_ok());
    outcomes
}

fn is_unknown(outcome: &Result<Publication>) -> bool {
    matches!(outcome, Err(StoreError::CommitUnknown { .. }))
}

#[tokio::test]
async fn a_store_that_is_gone_leaves_the_state_before_or_after() {
    for moment in [Moment::Before, Moment::After] {
        let outcomes = at_every_call(Fault::Gone(moment)).await;
        assert_eq!(
            outcomes.iter().filter(|outcome| is_unknown(outcome)).count(),
            1,
            "only the manifest itself leaves a doubt"
        );
    }
}

#[tokio::test]
async fn a_lost_answer_is_settled_by_reading() {
    for moment in [Moment::Before, Moment::After] {
        for outcome in at_every_call(Fault::Lost(moment)).await {
            assert!(!matches!(outcome, Err(StoreError::CommitUnknown { .. } | StoreError::Conflict { .. })));
        }
    }
}

#[tokio::test]
async fn an_answer_that_it_exists_is_not_believed_before_a_read() {
    for moment in [Moment::Before, Moment::After] {
        for outcome in at_every_call(Fault::AlreadyExists(moment)).await {
            assert!(!matches!(outcome, Err(StoreError::Conflict { .. })), "{outcome:?}");
        }
    }
}

#[tokio::test]
async fn a_torn_write_that_reports_success_is_found_before_publication() {
    // A manifest is a single conditional write, which every store makes whole or not at all.
    let gone = at_every_call(Fault::Gone(Moment::Before)).await;
    let manifest = 1 + gone.iter().position(is_unknown).unwrap() as u64;
    let outcomes = at_every_call_but(Some(manifest), Fault::Torn).await;
    assert!(outcomes.iter().any(|outcome| matches!(outcome, Err(StoreError::FileDamaged { .. }))));
}

#[tokio::test]
async fn a_full_disk_is_told_as_such() {
    for outcome in at_every_call(Fault::DiskFull).await {
        if let Err(error) = outcome {
            assert_eq!(error.kind(), ErrorKind::Resources, "{error}");
        }
    }
}

#[tokio::test]
async fn a_slow_answer_changes_nothing() {
    assert!(at_every_call(Fault::Delay(Duration::from_millis(1))).await.iter().all(Result::is_ok));
}

#[test]
fn the_kill_switch_reads_its_variable_and_refuses_what_it_does_not_understand() {
    let plan = |value: &str| FaultPlan::from_environment(|_| Some(value.to_owned()));
    assert!(FaultPlan::from_environment(|_| None).unwrap().is_none());
    for value in ["1", "7:before", "7:after"] {
        assert!(plan(value).unwrap().is_some(), "{value}");
    }
    for value in ["", "0", "-1", "x", "7:", "7:during", "7:before:before", ":after", "\u{1b}"] {
        assert!(plan(value).is_err(), "{value}");
    }
    insta::assert_snapshot!(plan("soon").unwrap_err(), @"`WHOM_TEST_KILL_AT` is `soon`; it must be a number of at least 1, or one followed by `:before` or `:after`");
}
