//! Throttling, broken answers, lost acknowledgements, and the budget of a run.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use futures::{StreamExt, stream};
use object_store::ObjectStoreExt;
use whom_store::{ErrorKind, NetworkLimits, ObjectPath, PinnedFiles, Publication, StoreError, Stores};

use crate::{
    fixture::{Bucket, CANARY, latest_whole, quick, run, shown},
    proxy::{Fault, Request},
};

/// Runs that are disturbed at the same time, each in its own bucket; most of their time is pauses.
const RUNS_AT_ONCE: usize = 8;

/// What became of a run with `fault` at its `at`-th request, after a check of what is published then; and the requests it
/// made.
async fn struck(at: usize, fault: Fault) -> (whom_store::Result<Publication>, usize) {
    let bucket = Bucket::with_faults(move |request| if request.number == at { fault } else { Fault::None });
    let outcome = run(&bucket.stores(), &bucket.output(), 1, "plan").await;
    let made = bucket.proxy.seen().len();
    let published = latest_whole(&bucket.stores(), &bucket.output()).await;
    match (&outcome, &published) {
        (Ok(Publication::Published(ours)), Some((latest, files))) => {
            assert_eq!((latest, &*files[0].1), (ours, b"effects plan".as_slice()), "{fault:?} at request {at}");
        }
        (Err(_), None) => {}
        _ => panic!("{fault:?} at request {at}: {outcome:?}, and published is {published:?}"),
    }
    (outcome, made)
}

/// What becomes of a run with `fault` at each of its requests in turn.
async fn at_every_request(fault: Fault) -> Vec<whom_store::Result<Publication>> {
    let (_, requests) = struck(0, fault).await;
    assert!(requests > 12, "a run makes many requests: {requests}");
    let runs = (1..=requests).map(|at| async move { struck(at, fault).await.0 });
    stream::iter(runs).buffered(RUNS_AT_ONCE).collect().await
}

#[tokio::test]
async fn a_lost_acknowledgement_of_any_request_is_settled() {
    for fault in [Fault::Lost, Fault::Dropped] {
        for (at, outcome) in at_every_request(fault).await.into_iter().enumerate() {
            assert!(outcome.is_ok(), "{fault:?} at request {}: {outcome:?}", at + 1);
        }
    }
}

#[tokio::test]
async fn an_error_after_the_deed_is_settled() {
    for (at, outcome) in at_every_request(Fault::DoneAndRefused(500, "InternalError")).await.into_iter().enumerate() {
        assert!(outcome.is_ok(), "at request {}: {outcome:?}", at + 1);
    }
}

#[tokio::test]
async fn a_conflict_of_two_requests_is_not_believed_before_a_read() {
    for fault in
        [Fault::Refused(409, "ConditionalRequestConflict"), Fault::DoneAndRefused(409, "ConditionalRequestConflict")]
    {
        for outcome in at_every_request(fault).await {
            assert!(
                !matches!(outcome, Err(StoreError::Conflict { .. } | StoreError::CommitUnknown { .. })),
                "{outcome:?}"
            );
        }
    }
}

#[tokio::test]
async fn throttling_is_waited_for() {
    for (status, code) in
        [(503, "SlowDown"), (429, "TooManyRequests"), (408, "RequestTimeout"), (400, "RequestTimeout")]
    {
        let bucket = Bucket::with_faults(move |request| {
            if request.number % 3 == 1 && request.method() == "GET" {
                Fault::Refused(status, code)
            } else {
                Fault::None
            }
        });
        bucket.write("in/a.parquet", "0123456789").await;
        let stores = bucket.stores();
        let pinned = PinnedFiles::list(&stores, &bucket.input("in/"), None).await.unwrap();
        assert_eq!(
            pinned.store().get(&ObjectPath::from("a.parquet")).await.unwrap().bytes().await.unwrap(),
            "0123456789"
        );
        assert!(stores.failed_requests() > 0, "{status}");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_or_stalls_is_taken_up_again() {
    let content = "0123456789".repeat(100_000);
    for fault in [Fault::Broken, Fault::Stalled, Fault::Slow] {
        let first = AtomicUsize::new(0);
        let bucket = Bucket::with_faults(move |request| {
            let is_struck = !request.is_listing() && first.fetch_add(1, Ordering::SeqCst) < 2;
            if is_struck { fault } else { Fault::None }
        });
        bucket.write("in/a.parquet", content.clone()).await;
        let stores = bucket.stores();
        let pinned = PinnedFiles::list(&stores, &bucket.input("in/"), None).await.unwrap();
        let read = pinned.store().get(&ObjectPath::from("a.parquet")).await.unwrap().bytes().await.unwrap();
        assert!(read == content, "{fault:?}");
        let failed = if fault == Fault::Slow { 0 } else { 2 };
        assert_eq!(stores.failed_requests(), failed, "{fault:?}");
        if failed > 0 {
            assert!(
                bucket.proxy.seen().iter().any(|request| request.head.contains("bytes=500")),
                "from where it broke off"
            );
        }
    }
}

#[tokio::test]
async fn a_listing_that_breaks_off_is_asked_again() {
    let listings = AtomicUsize::new(0);
    let bucket = Bucket::with_faults(move |request| {
        let is_struck = request.is_listing() && listings.fetch_add(1, Ordering::SeqCst) < 2;
        if is_struck { Fault::Broken } else { Fault::None }
    });
    bucket.write("in/a.parquet", "0123456789").await;
    let stores = bucket.stores();
    let pinned = PinnedFiles::list(&stores, &bucket.input("in/"), None).await.unwrap();
    assert_eq!(pinned.files.len(), 1);
    assert_eq!(stores.failed_requests(), 2);
}

/// What goes wrong with every tenth request, each time something else.
fn every_tenth(request: &Request) -> Fault {
    let kinds = [
        Fault::Refused(503, "SlowDown"),
        Fault::Lost,
        Fault::Broken,
        Fault::Refused(500, "InternalError"),
        Fault::Dropped,
    ];
    if request.number % 10 == 7 { kinds[request.number / 10 % kinds.len()] } else { Fault::None }
}

#[tokio::test]
async fn with_a_tenth_of_the_requests_failing_a_run_publishes_the_same_bytes() {
    let undisturbed = Bucket::new();
    run(&undisturbed.stores(), &undisturbed.output(), 1, "plan").await.unwrap();
    let (_, expected) = latest_whole(&undisturbed.stores(), &undisturbed.output()).await.unwrap();
    let bucket = Bucket::with_faults(every_tenth);
    let stores = bucket.stores();
    for number in 1..=5 {
        run(&stores, &bucket.output(), number, "plan").await.unwrap();
        let (latest, files) = latest_whole(&stores, &bucket.output()).await.unwrap();
        assert_eq!((u128::from(latest.manifest.number), &files), (number, &expected));
    }
    assert!(stores.failed_requests() >= 5);
}

/// How a run ends when every request fails, and how long that takes.
async fn all_failing(fault: Fault, limits: NetworkLimits) -> (StoreError, Stores, Duration) {
    let bucket = Bucket::with_faults(move |_| fault);
    let stores = bucket.stores().with_limits(limits);
    let begun = Instant::now();
    let error = run(&stores, &bucket.output(), 1, "plan").await.expect_err("a failure");
    let took = begun.elapsed();
    assert!(!shown(&error).contains(CANARY), "{}", shown(&error));
    (error, stores, took)
}

#[tokio::test]
async fn with_all_requests_failing_the_run_ends_within_its_budget() {
    let limits = NetworkLimits { retries: 6, ..quick() };
    for fault in [Fault::Refused(503, "SlowDown"), Fault::Dropped, Fault::Broken] {
        let (error, stores, took) = all_failing(fault, limits).await;
        assert_eq!(error.kind(), ErrorKind::Transient, "{fault:?}: {error}");
        assert!(error.to_string().contains("the run has no retries left after"), "{fault:?}: {error}");
        // The beginning of an answer that breaks off is an answer, and four of them earn a retry.
        assert!((7..=8).contains(&stores.failed_requests()), "after that nobody is asked");
        assert!(took < Duration::from_secs(10), "{took:?}");
    }
}

#[tokio::test]
async fn a_store_that_says_nothing_ends_the_run_in_time() {
    let limits = NetworkLimits { answer: Duration::from_millis(200), outage: Duration::from_secs(1), ..quick() };
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let bucket = Bucket::new();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let variables = bucket.variables().into_iter().chain([("AWS_ENDPOINT_URL".to_owned(), endpoint)]);
    let stores = Stores::with_environment(variables).with_limits(limits);
    let begun = Instant::now();
    let error = PinnedFiles::list(&stores, &bucket.input("in/"), None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transient);
    assert!(error.to_string().contains("no answer within"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn what_is_refused_is_not_asked_again_and_shows_no_secret() {
    for (status, code) in [
        (403, "SignatureDoesNotMatch"),
        (403, "RequestTimeTooSkewed"),
        (400, "ExpiredToken"),
        (301, "PermanentRedirect"),
    ] {
        let bucket = Bucket::with_faults(move |_| Fault::Refused(status, code));
        let stores = bucket.stores();
        let error = PinnedFiles::list(&stores, &bucket.input("in/"), None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
        assert!(error.to_string().contains(if status == 301 { "elsewhere" } else { code }), "{error}");
        assert!(!shown(&error).contains(CANARY), "{}", shown(&error));
        assert_eq!((bucket.proxy.seen().len(), stores.failed_requests()), (1, 0));
    }
}
