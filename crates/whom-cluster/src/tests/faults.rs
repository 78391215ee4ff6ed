//! Machines that come, go and never were.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use whom_engine::{Dispatch, StageOrder};
use whom_store::ErrorKind;

use super::party::{Party, elsewhere, repeats, stage};
use crate::{Address, Cluster, ClusterOptions, Patience, Tls};

/// The parts of a stage as answers.
fn parts(stage: &StageOrder) -> Vec<bytes::Bytes> {
    stage.parts.clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_parts_of_a_lost_executor_are_done_by_another() {
    let mut party = Party::of(2);
    let cluster = Arc::new(party.client().await);
    let (slow, dispatched) = (stage("slow", 8), Arc::clone(&cluster));
    let running = tokio::spawn(async move { dispatched.dispatch(slow).await });
    party.until("both executors are at it", |worker| worker.begun.load(Ordering::SeqCst) == 4).await;
    drop(party.executors.remove(0));
    assert!(!running.is_finished());
    assert_eq!(running.await.unwrap().unwrap(), parts(&stage("slow", 8)));
    let figures = cluster.figures().remove(0);
    assert!(figures.parts_retried >= 2 || !figures.repeats.is_empty(), "{figures:?}");
    assert!(party.worker.begun.load(Ordering::SeqCst) >= 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_executor_that_joins_takes_part() {
    let mut party = Party::of(1);
    let cluster = Arc::new(party.client().await);
    assert_eq!(cluster.slots().await.unwrap(), 2);
    let dispatched = Arc::clone(&cluster);
    let running = tokio::spawn(async move { dispatched.dispatch(stage("slow", 6)).await });
    party.until("one executor is at it", |worker| worker.begun.load(Ordering::SeqCst) == 2).await;
    party.join();
    party.until("the other one too", |worker| worker.begun.load(Ordering::SeqCst) == 4).await;
    party
        .until("progress is told", |_| cluster.progress().is_some_and(|stage| stage.done > 0 && stage.running > 0))
        .await;
    assert_eq!(running.await.unwrap().unwrap(), parts(&stage("slow", 6)));
    assert_eq!(cluster.progress(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_executor_that_is_told_to_stop_hands_over_what_it_does() {
    let mut party = Party::of(1);
    let cluster = Arc::new(party.client().await);
    let dispatched = Arc::clone(&cluster);
    let running = tokio::spawn(async move { dispatched.dispatch(stage("slow", 2)).await });
    party.until("it is at it", |worker| worker.begun.load(Ordering::SeqCst) == 2).await;
    let leaving = party.executors.remove(0);
    let left = tokio::task::spawn_blocking(move || leaving.end());
    assert_eq!(running.await.unwrap().unwrap(), parts(&stage("slow", 2)));
    left.await.unwrap().unwrap();
    assert_eq!((party.worker.begun.load(Ordering::SeqCst), repeats(&cluster).len()), (2, 0));
    let left = std::fs::read_dir(party.work.path()).unwrap().count();
    assert_eq!(left, 0, "an executor leaves nothing in its work folder");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_stage_of_a_client_that_is_gone_is_given_up() {
    let party = Party::of(1);
    let cluster = party.client().await;
    let gone = tokio::spawn(async move { cluster.dispatch(stage("forever", 100)).await });
    party.until("it is at it", |worker| worker.begun.load(Ordering::SeqCst) == 2).await;
    gone.abort();
    party.until("both parts are told", |worker| worker.cancelled.load(Ordering::SeqCst) == 2).await;
    let successor = party.client().await;
    assert_eq!(successor.dispatch(stage("echo", 1)).await.unwrap().len(), 1);
    assert_eq!(party.worker.begun.load(Ordering::SeqCst), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scheduler_that_is_started_again_costs_a_repeat() {
    let mut party = Party::of(1);
    let cluster = Arc::new(party.client().await);
    let dispatched = Arc::clone(&cluster);
    let running = tokio::spawn(async move { dispatched.dispatch(stage("slow", 4)).await });
    party.until("it is at it", |worker| worker.begun.load(Ordering::SeqCst) == 2).await;
    let port = party.address().port();
    drop(party.scheduler.take());
    party.scheduler = Some(party.scheduler_at(port));
    assert_eq!(running.await.unwrap().unwrap(), parts(&stage("slow", 4)));
    assert_eq!(repeats(&cluster).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scheduler_that_is_started_again_between_stages_costs_nothing() {
    let mut party = Party::of(1);
    let cluster = party.client().await;
    cluster.dispatch(stage("echo", 1)).await.unwrap();
    let port = party.address().port();
    drop(party.scheduler.take());
    party.scheduler = Some(party.scheduler_at(port));
    cluster.dispatch(stage("echo", 1)).await.unwrap();
    assert_eq!(repeats(&cluster), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stage_whose_executors_are_all_lost_goes_on_with_the_next_one() {
    let mut party = Party::of(1);
    let cluster = Arc::new(party.client().await);
    let dispatched = Arc::clone(&cluster);
    let running = tokio::spawn(async move { dispatched.dispatch(stage("slow", 3)).await });
    party.until("it is at it", |worker| worker.begun.load(Ordering::SeqCst) == 2).await;
    party.executors.clear();
    party.join();
    assert_eq!(running.await.unwrap().unwrap(), parts(&stage("slow", 3)));
    let figures = cluster.figures().remove(0);
    assert_eq!((figures.parts_retried, figures.repeats.len()), (2, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_there_is_said_within_the_deadline() {
    let party = Party::of(0);
    let cluster = party.try_client(Tls::Off, Duration::from_secs(1)).await.unwrap();
    let begun = Instant::now();
    let (kind, words) = elsewhere(&cluster.dispatch(stage("echo", 1)).await.unwrap_err());
    let words = words.replace(&party.address().to_string(), "df://localhost:1");
    assert_eq!(kind, ErrorKind::Transient);
    insta::assert_snapshot!(words, @"no executor was at the scheduler `df://localhost:1` for 1s; start some with `whom executor`");
    assert!(begun.elapsed() < Duration::from_secs(4));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_scheduler_is_said_within_the_deadline() {
    let patience = Patience { scheduler: Duration::from_secs(1), ..Patience::default() };
    let scheduler = Address::new("localhost", 1);
    let options = ClusterOptions { scheduler, tls: Tls::Off, patience, cancel: Arc::default() };
    let (kind, words) = elsewhere(&Cluster::connect(options).await.unwrap_err());
    assert_eq!(kind, ErrorKind::Transient);
    assert!(words.starts_with("the scheduler at `df://localhost:1` cannot be reached: "), "{words}");
    assert!(words.contains("refused"), "{words}");
}
