//! Orders and answers where nothing goes wrong but the work itself.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use whom_engine::{Dispatch, EngineError, StageOrder};

use super::party::{Party, elsewhere, no_answers, repeats, stage, words};
use crate::Tls;
use crate::header::Header;
use crate::job::Job;
use crate::orders_exec::OrdersExec;
use crate::settings;
use crate::version::VERSION;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_come_in_the_order_of_the_parts() {
    for proxy in [true, false] {
        let party = Party::with(2, Tls::Off, proxy);
        let cluster = party.client().await;
        let answers = cluster.dispatch(stage("echo", 40)).await.unwrap();
        assert_eq!(answers, (0..40).map(|part| Bytes::from(format!("{part}!"))).collect::<Vec<_>>());
        let figures = cluster.figures().remove(0);
        assert_eq!((figures.parts, figures.parts_retried, figures.repeats.len()), (40, 0, 0));
        assert_eq!((figures.bytes_ordered, figures.bytes_answered), (4 + 70, 70 + 40));
        let mut ports: Vec<String> =
            party.executors.iter().map(|machine| format!("localhost:{}", machine.port)).collect();
        ports.sort();
        assert!(!figures.hosts.is_empty() && figures.hosts.iter().all(|host| ports.contains(host)));
        assert_eq!(party.worker.begun.load(Ordering::SeqCst), 40);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_answers_arrive_whole_and_are_forgotten_by_the_executors() {
    let party = Party::of(2);
    let cluster = party.client().await;
    let answers = cluster.dispatch(stage("long", 12)).await.unwrap();
    for (part, answer) in answers.iter().enumerate() {
        assert!(answer.len() == 10 << 20 && answer.iter().all(|byte| usize::from(*byte) == part.to_string().len()));
    }
    party.until("answers are removed", |_| no_answers(party.work.path())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_longer_than_a_usual_message_arrive() {
    let party = Party::of(1);
    let cluster = party.client().await;
    let part = |letter: u8| Bytes::from(vec![letter; 9 << 20]);
    let parts = vec![part(b'a'), part(b'b'), part(b'c')];
    let ordered = StageOrder { parts: parts.clone(), ..stage("flaky", 0) };
    assert!(cluster.dispatch(ordered).await.unwrap() == parts);
    let too_long = StageOrder { common: Bytes::from(vec![b'x'; 140 << 20]), ..stage("echo", 1) };
    let told = words(&cluster.dispatch(too_long).await.unwrap_err(), &party);
    insta::assert_snapshot!(told, @"the orders of `stage of echo` need 293601282 bytes in a message of at most 268435456");
    let error = cluster.dispatch(stage("echo", 0)).await.unwrap_err();
    insta::assert_snapshot!(words(&error, &party), @"`stage of echo` has no parts");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_arrives_as_what_it_is_at_once_and_is_not_tried_again() {
    let party = Party::of(1);
    let cluster = party.client().await;
    let error = cluster.dispatch(stage("refuse", 1)).await.unwrap_err();
    assert!(matches!(&error, EngineError::Data(words) if words == "value of part 0"), "{error:?}");
    let error = cluster.dispatch(stage("full", 1)).await.unwrap_err();
    assert!(
        matches!(&error, EngineError::Resources(_)) && words(&error, &party) == "on `localhost:1`: no space left",
        "{error:?}"
    );
    let error = cluster.dispatch(stage("panic", 1)).await.unwrap_err();
    assert!(matches!(&error, EngineError::Internal(words) if words.contains("out of cheese")), "{error:?}");
    assert_eq!(party.worker.begun.load(Ordering::SeqCst), 3);
    assert_eq!(repeats(&cluster), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_pass_is_tried_again_part_by_part_and_then_stage_by_stage() {
    let party = Party::of(1);
    let cluster = party.client().await;
    party.worker.failures.store(3, Ordering::SeqCst);
    assert_eq!(cluster.dispatch(stage("flaky", 1)).await.unwrap(), [Bytes::from_static(b"0")]);
    let costs =
        || cluster.figures().into_iter().map(|stage| (stage.parts_retried, stage.repeats.len())).collect::<Vec<_>>();
    assert_eq!(costs(), [(3, 0)]);
    party.worker.failures.store(5, Ordering::SeqCst);
    assert_eq!(cluster.dispatch(stage("flaky", 1)).await.unwrap(), [Bytes::from_static(b"0")]);
    assert_eq!(costs(), [(3, 0), (1, 1)], "the stage before it, of the same name, was not repeated");
    assert!(repeats(&cluster)[0].ends_with("`: connection reset"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stage_is_repeated_three_times_and_no_more() {
    let party = Party::of(1);
    let cluster = party.client().await;
    party.worker.failures.store(1000, Ordering::SeqCst);
    let error = cluster.dispatch(stage("flaky", 1)).await.unwrap_err();
    insta::assert_snapshot!(words(&error, &party), @"`stage of flaky` failed 4 times on the cluster, at last: on `localhost:1`: connection reset");
    assert_eq!((repeats(&cluster).len(), party.worker.begun.load(Ordering::SeqCst)), (3, 16));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_ends_the_other_parts() {
    let party = Party::of(2);
    let cluster = party.client().await;
    let error = cluster.dispatch(stage("first", 4)).await.unwrap_err();
    assert!(matches!(&error, EngineError::Data(words) if words == "value of part 0"), "{error:?}");
    party
        .until("the others are told", |worker| {
            worker.begun.load(Ordering::SeqCst) == worker.cancelled.load(Ordering::SeqCst) + 1
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_stage_ends_soon_here_and_there() {
    let party = Party::of(1);
    let cluster = Arc::new(party.client().await);
    let running = tokio::spawn({
        let cluster = Arc::clone(&cluster);
        async move { cluster.dispatch(stage("forever", 5)).await }
    });
    party.until("two parts run", |worker| worker.begun.load(Ordering::SeqCst) == 2).await;
    let cancelled = Instant::now();
    party.cancel.store(true, Ordering::SeqCst);
    assert!(matches!(running.await.unwrap(), Err(EngineError::Cancelled)));
    party.until("both are told", |worker| worker.cancelled.load(Ordering::SeqCst) == 2).await;
    assert!(cancelled.elapsed() < Duration::from_secs(5), "{:?}", cancelled.elapsed());
    assert_eq!(party.worker.begun.load(Ordering::SeqCst), 2);
}

/// What comes of an order that a program of another version wrote.
async fn of_version(party: &Party, version: &str) -> String {
    let cluster = party.client().await;
    let plan = OrdersExec::plan(&stage("echo", 1)).unwrap();
    let header = Header { version: version.to_owned(), ..plan.header().clone() };
    let input = Arc::clone(datafusion::physical_plan::ExecutionPlan::children(plan.as_ref())[0]);
    let bytes = crate::cluster::encoded_plan(Arc::new(OrdersExec::new(header, input, None))).unwrap();
    let Err(failure) = Job::submit(&cluster, settings::of_job("echo"), bytes).await else { panic!("it was accepted") };
    elsewhere(&failure.into()).1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_of_another_version_is_refused_with_both() {
    let party = Party::of(0);
    for theirs in ["9.9.9", "0.1.0 (build of yesterday)"] {
        assert_eq!(
            of_version(&party, theirs).await,
            format!(
                "on `localhost`: this is whom {VERSION}, and the order was written by whom {theirs}; run the same build everywhere"
            )
        );
    }
}
