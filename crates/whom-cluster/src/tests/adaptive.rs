//! What Ballista's adaptive planner makes of our stages, recorded with Ballista 55.0. It is off, because it has nothing to adapt.

use std::sync::atomic::Ordering;
use std::time::Duration;

use ballista_core::config::BALLISTA_ADAPTIVE_PLANNER_ENABLED;
use bytes::Bytes;
use tokio::time::Instant;

use super::party::{Party, stage};
use crate::Cluster;
use crate::cluster::encoded;
use crate::failure::Failure;
use crate::job::Job;
use crate::settings;

/// One attempt at a stage with the adaptive planner on.
async fn attempted(cluster: &Cluster, what: &'static str, parts: usize) -> Result<Vec<Bytes>, Failure> {
    let stage = stage(what, parts);
    let mut settings = settings::of_job(&stage.name);
    let planner = settings.iter_mut().find(|setting| setting.key == BALLISTA_ADAPTIVE_PLANNER_ENABLED);
    planner.expect("a setting").value = Some("true".to_owned());
    let job = Job::submit(cluster, settings, encoded(&stage)?).await?;
    let done = job.watch(Instant::now() + Duration::from_secs(40)).await?;
    let mut answers = Vec::new();
    let mut take = |answer: crate::answer::Answer| {
        answers.push(answer.bytes);
        Ok(())
    };
    job.fetch(done, parts, &mut take).await?;
    Ok(answers)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_adaptive_planner_changes_no_answer() {
    let party = Party::of(2);
    let cluster = party.client().await;
    let with = attempted(&cluster, "echo", 6).await.map_err(whom_engine::EngineError::from).unwrap();
    let numbers: Vec<String> = (0..6).map(|part| format!("{part}!")).collect();
    assert_eq!(with, numbers);
    assert_eq!(party.worker.begun.load(Ordering::SeqCst), 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_adaptive_planner_goes_on_when_all_executors_are_lost() {
    let mut party = Party::of(1);
    let cluster = std::sync::Arc::new(party.client().await);
    let running = tokio::spawn({
        let cluster = std::sync::Arc::clone(&cluster);
        async move { attempted(&cluster, "slow", 3).await.map_err(whom_engine::EngineError::from) }
    });
    party.until("it is at it", |worker| worker.begun.load(Ordering::SeqCst) == 2).await;
    party.executors.clear();
    party.join();
    let answers = running.await.unwrap().unwrap();
    assert_eq!(answers.len(), 3);
    assert_eq!(party.worker.begun.load(Ordering::SeqCst), 5);
}
