//! What is listed, what is kept, what goes.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt, memory::InMemory, path::Path as ObjectPath};

use super::fixture::{Folder, fill, hasty, latest_whole, quick, record, run, run_id};
use crate::{
    Fault, FaultPlan, FaultStore, Manifest, Moment, Output, Retention, StoreError, Surplus, output::manifest_path,
};

/// An output in memory, and its store.
fn in_memory() -> (Arc<InMemory>, Output) {
    let store = Arc::new(InMemory::new());
    let output = over(Arc::clone(&store) as Arc<dyn ObjectStore>);
    (store, output)
}

fn over(store: Arc<dyn ObjectStore>) -> Output {
    Output { patience: quick(), ..Output::at(store, &Folder::new().output()) }
}

/// Publishes runs 1 to `last`.
async fn publish(output: &Output, last: u128) {
    for id in 1..=last {
        let mut stage = output.stage(run_id(id)).await.unwrap();
        fill(&mut stage, &format!("plan {id}")).await.unwrap();
        stage.publish(record(&format!("plan {id}"))).await.unwrap();
    }
}

/// Writes a run's files and forgets it.
async fn abandon(output: &Output, id: u128) {
    let mut stage = output.stage(run_id(id)).await.unwrap();
    fill(&mut stage, "forgotten").await.unwrap();
}

/// Keeps so many runs whatever their age, and every upload.
fn keep(keep: usize) -> Retention {
    let (abandoned_before, failed_before) = (DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH);
    Retention { keep, finished_before: Some(after(days(1_000_000))), abandoned_before, failed_before }
}

fn days(days: i64) -> TimeDelta {
    TimeDelta::days(days)
}

fn after(pause: TimeDelta) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + pause
}

async fn removed(output: &Output, retention: &Retention) -> Surplus {
    let surplus = output.surplus(retention).await.unwrap();
    output.remove(&surplus).await.unwrap();
    surplus
}

async fn paths(store: &dyn ObjectStore) -> Vec<String> {
    let listed: Vec<_> = store.list(None).try_collect().await.unwrap();
    listed.iter().map(|found| found.location.to_string()).collect()
}

async fn numbers(output: &Output) -> Vec<u64> {
    output.runs().await.unwrap().iter().map(|listed| listed.number).collect()
}

#[tokio::test]
async fn the_latest_run_is_listed_first_and_a_damaged_one_hides_none() {
    let (store, output) = in_memory();
    publish(&output, 3).await;
    store.put(&manifest_path(2), "{}".into()).await.unwrap();
    let runs = output.runs().await.unwrap();
    assert_eq!(runs.iter().map(|listed| listed.number).collect::<Vec<_>>(), [3, 2, 1]);
    assert_eq!(runs[0].run, output.published(3).await);
    assert!(matches!(runs[1].run, Err(StoreError::ManifestUnreadable { number: 2, .. })));
    assert!(runs[2].run.is_ok());
}

#[tokio::test]
async fn an_output_without_runs_lists_none() {
    let (_, output) = in_memory();
    assert_eq!(output.runs().await.unwrap(), []);
}

#[tokio::test]
async fn runs_beyond_those_to_keep_go_with_all_their_files() {
    let (store, output) = in_memory();
    publish(&output, 3).await;
    let held = paths(&*store).await.len();
    let surplus = removed(&output, &keep(2)).await;
    assert_eq!((surplus.runs.len(), surplus.kept), (1, 2));
    assert_eq!(surplus.runs[0].manifest.number, 1);
    assert_eq!(numbers(&output).await, [3, 2]);
    // Three result files, the copy of the manifest, and the manifest.
    assert_eq!(paths(&*store).await.len(), held - 5);
    assert!(!paths(&*store).await.iter().any(|path| path.contains(&run_id(1).to_string())));
    latest_whole(&output).await.unwrap();
}

#[tokio::test]
async fn the_latest_run_never_goes() {
    let (_, output) = in_memory();
    publish(&output, 2).await;
    removed(&output, &keep(0)).await;
    assert_eq!(numbers(&output).await, [2]);
    assert_eq!(removed(&output, &keep(0)).await.runs, []);
    latest_whole(&output).await.unwrap();
}

#[tokio::test]
async fn a_run_goes_only_once_it_is_old_enough() {
    let (_, output) = in_memory();
    publish(&output, 3).await;
    let finished_at = record("").finished_at;
    let at = |finished_before| Retention { finished_before, ..keep(1) };
    for young in [None, Some(finished_at)] {
        assert_eq!(output.surplus(&at(young)).await.unwrap().runs, []);
    }
    assert_eq!(output.surplus(&at(Some(finished_at + TimeDelta::seconds(1)))).await.unwrap().runs.len(), 2);
}

#[tokio::test]
async fn what_no_run_published_goes_once_it_is_old_enough() {
    let (store, output) = in_memory();
    publish(&output, 1).await;
    let held = paths(&*store).await;
    abandon(&output, 7).await;
    store.put(&ObjectPath::from(format!("_probe-{}", run_id(8))), "first\n".into()).await.unwrap();
    let young = output.surplus(&keep(1)).await.unwrap();
    assert_eq!((young.abandoned.len(), young.bytes), (0, 0));
    let surplus = removed(&output, &Retention { abandoned_before: Utc::now() + days(1), ..keep(1) }).await;
    assert_eq!(surplus.abandoned, [run_id(7)]);
    assert!(surplus.bytes > 0);
    assert_eq!(paths(&*store).await, held);
}

#[tokio::test]
async fn what_machines_handed_over_for_a_run_that_never_ended_goes_once_it_is_old_enough() {
    let (store, output) = in_memory();
    publish(&output, 1).await;
    let held = paths(&*store).await;
    for name in ["one/state", "one/rows/1", "another/rows/2"] {
        store.put(&ObjectPath::from(format!("_exchange/{name}")), "rows".into()).await.unwrap();
    }
    assert_eq!(output.surplus(&keep(1)).await.unwrap().exchanges, 0, "it may be under way");
    let surplus = removed(&output, &Retention { abandoned_before: Utc::now() + days(1), ..keep(1) }).await;
    assert_eq!(surplus.exchanges, 2);
    assert_eq!(paths(&*store).await, held);
}

#[tokio::test]
async fn what_failed_runs_tell_is_listed_and_goes_once_it_is_old_enough() {
    let (store, output) = in_memory();
    publish(&output, 1).await;
    let held = paths(&*store).await;
    output.write_failure(run_id(7), "{\"code\": 4}").await.unwrap();
    output.write_failure(run_id(8), "{\"code\": 5}").await.unwrap();
    store.put(&ObjectPath::from("_failures/notes.txt"), "of somebody else".into()).await.unwrap();
    let told: Vec<_> = output.failures().await.unwrap().iter().map(|failure| failure.run_id).collect();
    assert_eq!(told, [run_id(8), run_id(7)], "the latest first");
    assert_eq!(output.read_failure(run_id(7)).await.unwrap(), "{\"code\": 4}");
    assert_eq!(output.latest().await.unwrap().unwrap().manifest.number, 1, "no reader takes it for a result");
    assert_eq!(output.surplus(&keep(1)).await.unwrap().failures, 0);
    let surplus = removed(&output, &Retention { failed_before: Utc::now() + days(1), ..keep(1) }).await;
    assert_eq!(surplus.failures, 2);
    store.delete(&ObjectPath::from("_failures/notes.txt")).await.unwrap();
    assert_eq!(paths(&*store).await, held);
}

#[tokio::test]
async fn a_file_that_a_kept_run_names_stays() {
    let (store, output) = in_memory();
    publish(&output, 2).await;
    let first = output.published(1).await.unwrap().manifest;
    let mut second = output.published(2).await.unwrap().manifest;
    second.files[0] = first.files[0].clone();
    let body = second.to_json(output.location.declared()).unwrap();
    store.put(&manifest_path(2), body.into()).await.unwrap();
    removed(&output, &Retention { abandoned_before: Utc::now() + days(1), ..keep(1) }).await;
    latest_whole(&output).await.unwrap();
    let of_the_first = format!("runs/{}", run_id(1));
    let left: Vec<String> = paths(&*store).await.into_iter().filter(|path| path.starts_with(&of_the_first)).collect();
    assert_eq!(left, [first.files[0].path.clone()]);
}

#[tokio::test]
async fn nothing_that_is_not_ours_is_touched() {
    let (store, output) = in_memory();
    publish(&output, 1).await;
    let others =
        ["runs/notes.txt", "runs/mine/a.parquet", "runs/00000000000000000000000000000007/a", "orders/a.parquet"]
            .map(ObjectPath::from);
    for path in &others {
        store.put(path, "mine".into()).await.unwrap();
    }
    removed(&output, &Retention { abandoned_before: Utc::now() + days(1), ..keep(1) }).await;
    for path in &others {
        assert!(store.head(path).await.is_ok(), "{path}");
    }
}

#[tokio::test]
async fn nothing_goes_while_a_manifest_cannot_be_read() {
    let (store, output) = in_memory();
    publish(&output, 3).await;
    store.put(&manifest_path(2), "{\"schema_version\": 99}".into()).await.unwrap();
    let refused = output.surplus(&keep(1)).await.unwrap_err();
    assert!(matches!(refused, StoreError::ManifestTooNew { number: 2, .. }), "{refused}");
}

#[tokio::test]
async fn an_interrupted_removal_leaves_whole_runs_and_the_next_one_ends_it() {
    for moment in [Moment::Before, Moment::After] {
        let mut at = 1;
        while interrupted(at, moment).await {
            at += 1;
        }
        assert!(at > 5, "{at} calls");
    }
}

/// Removes two of three runs, with a store that is gone from call `at` on, then again with a whole one. Gives whether
/// there was such a call.
async fn interrupted(at: u64, moment: Moment) -> bool {
    let (store, output) = in_memory();
    publish(&output, 3).await;
    let plan = Arc::new(FaultPlan::new(at, Fault::Gone(moment)));
    let faulty = over(Arc::new(FaultStore::new(Arc::clone(&store) as Arc<dyn ObjectStore>, Arc::clone(&plan))));
    let disturbed = match faulty.surplus(&keep(1)).await {
        Ok(surplus) => faulty.remove(&surplus).await,
        Err(error) => Err(error),
    };
    assert_eq!(disturbed.is_ok(), plan.calls() < at);
    for listed in output.runs().await.unwrap() {
        let run = listed.run.unwrap();
        for file in &run.manifest.files {
            output.read(&run, &file.name).await.unwrap();
        }
    }
    removed(&output, &Retention { abandoned_before: Utc::now() + days(1), ..keep(1) }).await;
    let left = paths(&*store).await;
    assert!([1, 2].iter().all(|id| !left.iter().any(|path| path.contains(&run_id(*id).to_string()))), "{left:?}");
    assert_eq!(numbers(&output).await, [3]);
    plan.calls() >= at
}

#[tokio::test]
async fn on_a_disk_no_empty_folder_is_left() {
    let folder = Folder::new();
    for id in 1..=3 {
        run(&hasty(), &folder.output(), id, &format!("plan {id}")).await.unwrap();
    }
    let output = Output::open(&hasty(), &folder.output()).unwrap();
    removed(&output, &keep(1)).await;
    let left: Vec<_> =
        std::fs::read_dir(folder.path("out/runs")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, [std::ffi::OsString::from(run_id(3).to_string())]);
    let manifest = std::fs::read(folder.path("out/_manifests/00000000000000000003.json")).unwrap();
    Manifest::parse(&manifest, 3, folder.output().declared()).unwrap();
}
