//! Stores that fail: the same bytes while they fail now and then, an end in time when they fail always, and no credential
//! in anything that is written or said.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::object_storage::{InBucket, SECRET, servers};

#[path = "../crates/whom-store/tests/stores/proxy.rs"]
#[expect(dead_code, reason = "the tests of the stores know more faults")]
mod proxy;

use proxy::{Fault, Proxy, Request};

fn holds_secret(bytes: &[u8]) -> bool {
    bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes())
}

/// Every tenth request fails, each time in another way.
fn every_tenth(request: &Request) -> Fault {
    let kinds = [
        Fault::Refused(503, "SlowDown"),
        Fault::Refused(429, "TooManyRequests"),
        Fault::Dropped,
        Fault::Broken,
        Fault::Lost,
        Fault::DoneAndRefused(500, "InternalError"),
    ];
    if request.number % 10 == 7 { kinds[request.number / 10 % kinds.len()] } else { Fault::None }
}

#[test]
fn with_a_tenth_of_the_requests_failing_the_bytes_are_the_same() {
    let place = InBucket::new("one-in-ten");
    let proxy = Proxy::before(servers::s3(), every_tenth);
    for _ in 0..3 {
        place.assert_published(&place.ask(proxy.port, &["run", "--keep-units", "--quiet"]).expect_success());
    }
    let (asked, failed) =
        (proxy.seen().len(), proxy.seen().iter().filter(|request| every_tenth(request) != Fault::None).count());
    assert!(failed >= 12 && failed * 11 > asked, "each kind of failure twice: {failed} of {asked}");
}

/// The probe is written twice, and the second write has to be refused: whether it was, is asked again if the answer is lost.
#[test]
fn a_probe_whose_answers_break_off_is_asked_again() {
    let place = InBucket::new("broken-probes");
    let writes = AtomicUsize::new(0);
    let proxy = Proxy::before(servers::s3(), move |request| {
        let is_probe = request.method() == "PUT" && request.line().contains("_probe-");
        let breaks = is_probe && [1, 2].contains(&writes.fetch_add(1, Ordering::Relaxed));
        if breaks { Fault::Broken } else { Fault::None }
    });
    place.assert_published(&place.ask(proxy.port, &["run", "--keep-units", "--quiet"]).expect_success());
    let probes =
        proxy.seen().iter().filter(|request| request.method() == "PUT" && request.line().contains("_probe-")).count();
    assert_eq!(probes, 4, "one that was written, and one refusal that was told the third time");
}

#[test]
fn with_all_requests_failing_the_run_ends_within_its_budget_and_tells_what_it_waits_for() {
    let place = InBucket::new("none-in-ten");
    let proxy = Proxy::before(servers::s3(), |_| Fault::Refused(503, "SlowDown"));
    let started = Instant::now();
    let answer = place.ask(proxy.port, &["run"]);
    let took = started.elapsed();
    assert_eq!(answer.code, Some(4), "{}", answer.stderr);
    assert!(took < Duration::from_secs(150), "two minutes without an answer are put up with: {took:?}");
    assert!(proxy.seen().len() > 3, "it was tried again: {}", proxy.seen().len());
    assert!(took > Duration::from_millis(900), "with pauses: {took:?}");
    let line = answer.last_line();
    assert_eq!((&line["cause"], &line["retryable"]), (&"transient".into(), &true.into()));
    let waits: Vec<&str> = answer.stderr.lines().filter(|line| line.contains("\"event\":\"waiting\"")).collect();
    assert!(waits.len() == 1 || took < Duration::from_secs(4), "a longer wait is told, once: {}", answer.stderr);
    let told = |line: &&str| line.contains("waiting for `s3://none-in-ten/") && line.contains("503");
    assert!(waits.iter().all(told), "{waits:?}");
    assert!(!holds_secret(format!("{answer:?}").as_bytes()), "{answer:?}");
}

#[test]
fn no_credential_is_in_anything_that_is_written_or_said() {
    let place = InBucket::new("canaries");
    let web = Proxy::before(servers::s3(), |_| Fault::Without("authorization"));
    let address = format!("http://127.0.0.1:{}/{}/warehouse/homes.parquet?sig={SECRET}", web.port, place.bucket);
    place.warehouse.edit(&format!("path: s3://{}/warehouse/homes.parquet", place.bucket), &format!("path: {address}"));
    let mut answers = vec![place.ask(servers::s3(), &["run", "--keep-units"]).expect_success()];
    place.warehouse.edit("value: amount ", "value: CAST(kind AS BIGINT) ");
    let refused = place.ask(servers::s3(), &["run"]);
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    answers.push(refused);
    for arguments in [&["show", "--plans"][..], &["show", "--failed", "--plans"], &["runs"], &["check"]] {
        answers.push(place.ask(servers::s3(), arguments).expect_success());
    }
    for arguments in [&["compile"][..], &["compile", "--portable"], &["plan"]] {
        answers.push(place.ask(servers::s3(), arguments).expect_success());
    }
    let away = Proxy::before(servers::s3(), |request| {
        if request.is_listing() { Fault::None } else { Fault::Refused(403, "AccessDenied") }
    });
    answers.push(place.ask(away.port, &["run"]));
    let refusing = Proxy::before(servers::s3(), |_| Fault::Refused(403, "AccessDenied"));
    let elsewhere = format!("http://127.0.0.1:{}/", refusing.port);
    place.warehouse.edit(&format!("http://127.0.0.1:{}/", web.port), &elsewhere);
    answers.push(place.ask(servers::s3(), &["run"]));
    place.warehouse.edit(&elsewhere, &format!("http://reader:{SECRET}@127.0.0.1:{}/", refusing.port));
    answers.push(place.ask(servers::s3(), &["run"]));
    assert!(answers[answers.len() - 3..].iter().all(|answer| answer.code == Some(2)), "{answers:?}");
    for answer in &answers {
        assert!(!holds_secret(format!("{answer:?}").as_bytes()), "{answer:?}");
    }
    let objects = place.objects();
    for kind in ["_manifests/", "_failures/", "latest.json", "units.parquet", "result.json"] {
        assert!(objects.iter().any(|(key, _)| key.contains(kind)), "no `{kind}` among {:?}", keys(&objects));
    }
    let leaks: Vec<&String> = objects.iter().filter(|(_, bytes)| holds_secret(bytes)).map(|(key, _)| key).collect();
    assert!(leaks.is_empty(), "{leaks:?}");
}

fn keys(objects: &[(String, Vec<u8>)]) -> Vec<&String> {
    objects.iter().map(|(key, _)| key).collect()
}
