//! Publication in a bucket.

use bytes::Bytes;
use chrono::DateTime;
use uuid::Uuid;
use whom_store::{DayCache, ErrorKind, Output, Publication, Retention, StoreError};

use crate::{
    fixture::{Bucket, fill, latest_whole, output, record, run, run_id},
    proxy::Fault,
};

#[tokio::test]
async fn a_run_is_published_in_a_bucket_and_found_there() {
    let bucket = Bucket::new();
    let (stores, location) = (bucket.stores(), bucket.output());
    assert!(latest_whole(&stores, &location).await.is_none());
    run(&stores, &location, 1, "one").await.unwrap();
    let second = run(&stores, &location, 2, "two").await.unwrap();
    let (latest, files) = latest_whole(&stores, &location).await.unwrap();
    assert_eq!((&latest, latest.manifest.parent), (second.published(), Some(1)));
    assert_eq!(files[1], ("units.parquet".to_owned(), "units two".into()));

    let address = latest.address("units.parquet").unwrap();
    let path = format!("out/runs/{}/units.parquet", run_id(2));
    assert_eq!(address.to_string(), format!("s3://{}/{path}", bucket.name));
    assert_eq!(address.path(), None);
    assert_eq!(bucket.read(&path).await, "units two");
    let manifest = bucket.read("out/_manifests/00000000000000000002.json").await;
    assert_eq!(manifest, bucket.read(&format!("out/runs/{}/manifest.json", run_id(2))).await);
}

#[tokio::test]
async fn a_file_of_many_parts_arrives_whole() {
    let bucket = Bucket::new();
    let output = Output::create(&bucket.stores(), &bucket.output(), Uuid::nil()).await.unwrap();
    let mut stage = output.stage(run_id(1)).await.unwrap();
    let piece = Bytes::from((0..=u8::MAX).cycle().take(1 << 20).collect::<Vec<_>>());
    let mut file = stage.writer("units.parquet").await.unwrap();
    for _ in 0..12 {
        file.write(piece.clone()).await.unwrap();
    }
    file.finish(None).await.unwrap();
    let published = stage.publish(record("plan")).await.unwrap().published().clone();
    assert_eq!(output.read(&published, "units.parquet").await.unwrap(), piece.repeat(12));
    let parts = bucket.proxy.seen().iter().filter(|request| request.line().contains("partNumber=")).count();
    assert_eq!(parts, 3);
}

#[tokio::test]
async fn a_file_in_parts_that_is_given_up_is_aborted() {
    let bucket = Bucket::new();
    let output = Output::create(&bucket.stores(), &bucket.output(), Uuid::nil()).await.unwrap();
    let mut stage = output.stage(run_id(1)).await.unwrap();
    let mut file = stage.writer("units.parquet").await.unwrap();
    for _ in 0..12 {
        file.write(vec![7; 1 << 20].into()).await.unwrap();
    }
    file.discard().await;
    let seen = bucket.proxy.seen();
    let aborted = seen.iter().filter(|request| request.method() == "DELETE" && request.line().contains("uploadId="));
    assert_eq!(aborted.count(), 1);
    assert!(
        seen.iter().all(|request| request.method() != "POST" || !request.line().contains("uploadId=")),
        "completed"
    );
}

#[tokio::test]
async fn of_two_runs_at_once_one_wins_and_the_other_is_told() {
    let bucket = Bucket::new();
    let output = Output::create(&bucket.stores(), &bucket.output(), Uuid::nil()).await.unwrap();
    let mut slow = output.stage(run_id(1)).await.unwrap();
    let mut same = output.stage(run_id(2)).await.unwrap();
    fill(&mut slow, "slow").await.unwrap();
    fill(&mut same, "quick").await.unwrap();
    let quick = run(&bucket.stores(), &bucket.output(), 3, "quick").await.unwrap();
    let error = slow.publish(record("slow")).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict { number: 1, winner, .. } if winner == run_id(3)), "{error}");
    let outcome = same.publish(record("quick")).await.unwrap();
    assert_eq!(outcome, Publication::AlreadyPublished(quick.published().clone()));
}

#[tokio::test]
async fn runs_in_a_bucket_are_listed_and_removed() {
    let bucket = Bucket::new();
    let (stores, location) = (bucket.stores(), bucket.output());
    for number in 1..=3 {
        run(&stores, &location, number, "plan").await.unwrap();
    }
    let output = Output::open(&stores, &location).unwrap();
    let mut abandoned = output.stage(run_id(4)).await.unwrap();
    fill(&mut abandoned, "abandoned").await.unwrap();
    let end_of_time = DateTime::from_timestamp(4_000_000_000, 0).unwrap();
    let retention = Retention {
        keep: 1,
        finished_before: Some(end_of_time),
        abandoned_before: end_of_time,
        failed_before: end_of_time,
    };
    let surplus = output.surplus(&retention).await.unwrap();
    assert_eq!((surplus.runs.len(), surplus.abandoned.as_slice(), surplus.kept), (2, [run_id(4)].as_slice(), 1));
    output.remove(&surplus).await.unwrap();
    let numbers: Vec<u64> = output.runs().await.unwrap().iter().map(|listed| listed.number).collect();
    assert_eq!(numbers, [3]);
    assert_eq!(latest_whole(&stores, &location).await.unwrap().0.manifest.run_id, run_id(3));
    let nothing = output.surplus(&retention).await.unwrap();
    assert_eq!((nothing.runs.len(), nothing.abandoned.len(), nothing.bytes), (0, 0, 0));
}

/// The uploads that a test aborted, by their paths.
fn aborted(bucket: &Bucket) -> Vec<String> {
    let seen = bucket.proxy.seen();
    let aborts = seen.iter().filter(|request| request.method() == "DELETE" && request.line().contains("uploadId="));
    aborts.map(|request| request.line().split(['?', ' ']).nth(1).unwrap_or_default().to_owned()).collect()
}

/// The server says of every upload that it began in 2010.
fn retention(abandoned_before: &str) -> Retention {
    let abandoned_before = abandoned_before.parse().expect("an instant");
    Retention { keep: 1, finished_before: None, abandoned_before, failed_before: abandoned_before }
}

#[tokio::test]
async fn uploads_that_killed_runs_left_are_aborted_and_no_others() {
    let bucket = Bucket::new();
    let (stores, location) = (bucket.stores(), bucket.output());
    run(&stores, &location, 1, "plan").await.unwrap();
    let left = [2, 3].map(|run| format!("out/runs/{}/units.parquet", run_id(run)));
    let of_others = ["out/elsewhere/x", "out/runs-of-others/x", "other/runs/x"];
    for path in left.iter().map(String::as_str).chain(of_others) {
        bucket.leave_upload(path).await;
    }
    let output = Output::open(&stores, &location).unwrap();
    let young = output.surplus(&retention("2010-01-01T00:00:00Z")).await.unwrap();
    assert_eq!((young.pending.count(), young.pending.unlisted), (0, None));
    let surplus = output.surplus(&retention("2011-01-01T00:00:00Z")).await.unwrap();
    assert_eq!((surplus.pending.count(), aborted(&bucket).len()), (2, 0), "found, not yet aborted");
    output.remove(&surplus).await.unwrap();
    let expected: Vec<String> = left.iter().map(|path| format!("/{}/{path}", bucket.name)).collect();
    assert_eq!(aborted(&bucket), expected);
    output.remove(&surplus).await.unwrap();
    assert_eq!(output.surplus(&retention("2011-01-01T00:00:00Z")).await.unwrap().pending.count(), 0);
}

#[tokio::test]
async fn where_uploads_may_not_be_listed_the_rest_is_cleaned() {
    let bucket = Bucket::with_faults(|request| match (request.method(), request.line().contains("?uploads")) {
        ("GET", true) => Fault::Refused(403, "AccessDenied"),
        _ => Fault::None,
    });
    let (stores, location) = (bucket.stores(), bucket.output());
    run(&stores, &location, 1, "plan").await.unwrap();
    bucket.leave_upload(&format!("out/runs/{}/units.parquet", run_id(2))).await;
    let output = Output::open(&stores, &location).unwrap();
    let surplus = output.surplus(&retention("2011-01-01T00:00:00Z")).await.unwrap();
    assert_eq!((surplus.kept, surplus.pending.count()), (1, 0));
    insta::assert_snapshot!(surplus.pending.unlisted.as_deref().unwrap_or_default(), @"403 Forbidden (AccessDenied): of the proxy");
    output.remove(&surplus).await.unwrap();
}

#[tokio::test]
async fn uploads_to_a_cache_are_aborted_too() {
    let bucket = Bucket::new();
    let location = output(&format!("s3://{}/cache/", bucket.name));
    bucket.leave_upload("cache/days/table/2026-10-01/state/columns-attempt-0.parquet").await;
    bucket.leave_upload("cache/other/x").await;
    let cache = DayCache::open(&bucket.stores(), &location).unwrap();
    let sweep = cache.sweep(None, "2011-01-01T00:00:00Z".parse().unwrap()).await.unwrap();
    assert_eq!(sweep.pending.count(), 1);
    cache.remove_swept(&sweep).await.unwrap();
    assert_eq!(aborted(&bucket).len(), 1);
}

#[tokio::test]
async fn a_store_that_ignores_the_condition_is_refused() {
    let bucket = Bucket::with_faults(|_| Fault::Without("if-none-match"));
    let error = run(&bucket.stores(), &bucket.output(), 1, "plan").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    insta::assert_snapshot!(error.to_string().replace(&bucket.name, "bucket"), @"output `s3://bucket/out/` cannot publish safely: the store overwrites what exists; choose another place for `output`");
    assert!(bucket.proxy.seen().iter().all(|request| !request.line().contains("/_manifests/")));
}

#[tokio::test]
async fn a_store_that_does_not_know_the_condition_is_refused_at_once() {
    let bucket = Bucket::with_faults(|request| match request.method() {
        "PUT" => Fault::Refused(501, "NotImplemented"),
        _ => Fault::None,
    });
    let error = run(&bucket.stores(), &bucket.output(), 1, "plan").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    insta::assert_snapshot!(error.to_string().replace(&bucket.name, "bucket"), @"cannot write `_probe-00000000-0000-0000-0000-000000000001` in `s3://bucket/out/`: 501 Not Implemented (NotImplemented): of the proxy");
    let puts = bucket.proxy.seen().iter().filter(|request| request.method() == "PUT").count();
    assert_eq!(puts, 1);
}

#[tokio::test]
async fn a_bucket_that_does_not_exist_is_told_at_once() {
    let bucket = Bucket::new();
    let error = run(&bucket.stores(), &output("s3://no-such-bucket/out/"), 1, "plan").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    insta::assert_snapshot!(error, @"cannot write `_probe-00000000-0000-0000-0000-000000000001` in `s3://no-such-bucket/out/`: 404 Not Found (NoSuchBucket): The specified bucket does not exist");
}
