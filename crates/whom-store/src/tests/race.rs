//! Many writers, one winner.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::Barrier;

use super::fixture::{Folder, create, fill, hasty, latest_whole, record, run_id};
use crate::{Location, Output, Publication, Result, StoreError};

const WRITERS: u128 = 8;
const ROUNDS: u128 = 20;

/// One writer's attempt of one round: all begin on the same state, all publish at once.
async fn attempt(location: Location, id: u128, plan: String, barrier: Arc<Barrier>) -> Result<Publication> {
    let output = create(&hasty(), &location, id).await.unwrap();
    let mut stage = output.stage(run_id(id)).await.unwrap();
    fill(&mut stage, &plan).await.unwrap();
    barrier.wait().await;
    stage.publish(record(&plan)).await
}

/// The outcomes of all writers of a round.
async fn round(location: &Location, round: u128, plan: impl Fn(u128) -> String) -> Vec<Result<Publication>> {
    let barrier = Arc::new(Barrier::new(WRITERS as usize));
    let ids = (0..WRITERS).map(|writer| 1 + round * WRITERS + writer);
    let writers: Vec<_> =
        ids.map(|id| tokio::spawn(attempt(location.clone(), id, plan(id), Arc::clone(&barrier)))).collect();
    let mut outcomes = Vec::new();
    for writer in writers {
        outcomes.push(writer.await.unwrap());
    }
    outcomes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_writers_with_different_work_exactly_one_wins_each_round_and_readers_see_only_whole_runs() {
    let folder = Folder::new();
    let location = folder.output();
    create(&hasty(), &location, 0).await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let reader = tokio::spawn(read_until(location.clone(), Arc::clone(&done)));
    for number in 0..ROUNDS {
        let outcomes = round(&location, number, |id| format!("plan {id}")).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        for outcome in outcomes {
            assert!(matches!(outcome, Ok(Publication::Published(_)) | Err(StoreError::Conflict { .. })), "{outcome:?}");
        }
    }
    done.store(true, Ordering::SeqCst);
    reader.await.unwrap();

    let output = Output::open(&hasty(), &location).unwrap();
    let expected: Vec<u64> = (1..=ROUNDS as u64).collect();
    assert_eq!(output.numbers().await.unwrap(), expected);
    for number in expected {
        let manifest = output.published(number).await.unwrap().manifest;
        assert_eq!(manifest.parent, (number > 1).then_some(number - 1));
        let own = format!("runs/{}/", manifest.run_id);
        assert!(manifest.files.iter().all(|file| file.path.starts_with(&own)), "{manifest:?}");
    }
}

async fn read_until(location: Location, done: Arc<AtomicBool>) {
    let output = Output::open(&hasty(), &location).unwrap();
    let mut highest = 0;
    while !done.load(Ordering::SeqCst) {
        if let Some((published, _)) = latest_whole(&output).await {
            assert!(published.manifest.number >= highest);
            highest = published.manifest.number;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_writers_with_the_same_work_one_publishes_and_the_others_are_content() {
    let folder = Folder::new();
    for number in 0..3 {
        let outcomes = round(&folder.output(), number, |_| format!("plan of round {number}")).await;
        let published: Vec<_> = outcomes.into_iter().map(|outcome| outcome.unwrap().published().clone()).collect();
        assert!(published.iter().all(|run| run == &published[0]));
    }
    let output = Output::open(&hasty(), &folder.output()).unwrap();
    assert_eq!(output.numbers().await.unwrap(), [1, 2, 3]);
    latest_whole(&output).await.unwrap();
}
