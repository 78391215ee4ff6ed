//! The same work on a cluster of processes: the same bytes on one, two and four executors, whoever is killed in the middle of
//! whatever, and nobody let in who does not belong there.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::object_storage::{InBucket, servers, variables};
use crate::party::{Certificates, DEADLINE, Party};
use crate::program::{Answer, Baseline, Published, whom};
use crate::warehouse::{Sample, Warehouse};
use crate::{clusters, quantiles};

/// The arguments of every run: the unit table is published as well, so that its bytes are compared, too.
const ALL: &[&str] = &["--keep-units"];

/// What makes every part last long enough to be met in its middle.
const SLOW: (&str, &str) = ("WHOM_TEST_PAUSE_PARTS", "40");

#[path = "cluster/hosts.rs"]
mod hosts;

fn run(party: &Party, warehouse: &Warehouse) -> Published {
    Answer::of(party.command(&mut warehouse.run_command(ALL))).expect_success();
    warehouse.published().pop().expect("a published run")
}

/// Starts a run, to be disturbed.
fn begun(party: &Party, warehouse: &Warehouse) -> Child {
    let mut command = warehouse.run_command(ALL);
    party.command(&mut command).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts")
}

/// How a run ended, which it must in time.
fn ended(mut run: Child) -> Answer {
    let begun = Instant::now();
    while run.try_wait().expect("a child").is_none() {
        assert!(begun.elapsed() < DEADLINE, "the run hangs");
        thread::sleep(Duration::from_millis(20));
    }
    run.wait_with_output().expect("an answer").into()
}

/// Waits until a file is there.
fn wait_for(file: &Path) {
    let begun = Instant::now();
    while !file.exists() {
        assert!(begun.elapsed() < DEADLINE, "no {}", file.display());
        thread::sleep(Duration::from_millis(5));
    }
}

/// What stages took, as the manifest tells.
fn stages(published: &Published) -> &Vec<Value> {
    published.manifest["run"]["details"]["elsewhere"].as_array().unwrap_or_else(|| panic!("{}", published.manifest))
}

/// Parts and stages that were done again.
fn retries(published: &Published) -> u64 {
    let of = |stage: &Value| {
        let repeats = stage["repeats"].as_array().map_or(0, Vec::len) as u64;
        stage["parts_retried"].as_u64().unwrap_or(0) + repeats
    };
    stages(published).iter().map(of).sum()
}

#[test]
fn one_two_and_four_executors_publish_the_bytes_of_one_process() {
    let expected = &Baseline::of(Sample::Tiny).published;
    let mut party = Party::of(1);
    for executors in [1, 2, 4] {
        while party.executors.len() < executors {
            party.add_executor(&[]);
        }
        let warehouse = Warehouse::copy(Sample::Tiny);
        let published = run(&party, &warehouse);
        expected.assert_same_files(&published, &format!("on {executors} executors"));
        let kinds = [
            "exposures",
            "unit_table",
            "look for values",
            "codes",
            "pass",
            "sums",
            "look for cohorts",
            "replicates",
            "halvings",
        ];
        for kind in kinds {
            assert!(stages(&published).iter().any(|stage| stage["stage"] == kind), "no stage `{kind}`");
        }
        assert_eq!(retries(&published), 0);
        let left = std::fs::read_dir(warehouse.output().join("_exchange")).expect("a folder").count();
        assert_eq!(left, 0, "what was handed over goes with the run");
    }
}

/// A percentile cap, ratios, quantiles, a model that is calibrated and one by cluster, both of which predict, and the units themselves.
#[test]
fn whatever_is_asked_of_units_is_looked_for_where_they_lie() {
    const MODELS: &str = "\nmodels:\n  cate: { metric: spend, tags: [age], standardise: true, units: { device: [phone] }, calibrate: { device: [desktop] }, predict: { average: {}, young: { age: 20 } } }\n  by_device: { metric: orders_placed, tags: [age], cluster: device, errors: CR2, predict: { old: { age: 60 } } }\n\nslices:";
    let warehouse = quantiles::shop();
    warehouse.edit("\nslices:", MODELS);
    let here = warehouse.copied().run(ALL);
    let published = run(&Party::of(2), &warehouse);
    here.assert_same_files(&published, "on two executors");
    let kinds = ["percentiles", "thresholds", "ratios", "values", "quantiles", "units of models", "products of models"];
    let further = ["scores of models", "tenths of predictions", "sums of tenths", "cohorts"];
    let looks = kinds.into_iter().chain(further).map(|kind| format!("look for {kind}"));
    let ordered = stages(&published).iter().map(|stage| stage["bytes_ordered"].as_u64().expect("bytes"));
    assert!(ordered.max() < Some(100_000), "what is large is not sent with every part");
    for kind in looks.chain(["file of units".to_owned()]) {
        assert!(stages(&published).iter().any(|stage| stage["stage"] == kind.as_str()), "no stage `{kind}`");
    }
}

/// Households that were assigned together.
#[test]
fn clusters_are_counted_and_summed_where_units_lie() {
    let warehouse = clusters::households();
    let here = warehouse.copied().run(ALL);
    let published = run(&Party::of(2), &warehouse);
    here.assert_same_files(&published, "on two executors");
    for kind in ["look for clusters", "look for totals of clusters", "file of units"] {
        assert!(stages(&published).iter().any(|stage| stage["stage"] == kind), "no stage `{kind}`");
    }
}

#[test]
fn several_pipelines_are_run_one_after_the_other_and_what_is_for_one_machine_is_refused() {
    let party = Party::of(2);
    let warehouses = [(); 2].map(|()| Warehouse::copy(Sample::Tiny));
    let mut command = warehouses[0].run_command(ALL);
    Answer::of(party.command(command.arg(warehouses[1].pipeline()))).expect_success();
    for warehouse in &warehouses {
        let published = warehouse.published().pop().expect("a published run");
        Baseline::of(Sample::Tiny).published.assert_same_files(&published, "one of two");
        assert!(!stages(&published).is_empty());
    }
    for variable in ["WHOM_CACHE", "WHOM_CHECKPOINTS"] {
        let mut command = warehouses[0].run_command(ALL);
        let answer = Answer::of(party.command(&mut command).env(variable, party.work_folder()));
        assert_eq!(answer.code, Some(2), "{}", answer.stderr);
        assert!(answer.stderr.contains(&format!("leave out `{variable}`, or `--cluster`")), "{}", answer.stderr);
    }
}

#[test]
fn tables_and_output_in_a_bucket_give_the_same_bytes() {
    let place = InBucket::new("on-a-cluster");
    let mut party = Party::of(0);
    for _ in 0..2 {
        let variables = variables(servers::s3());
        let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        party.add_executor(&variables);
    }
    let address = party.address();
    let mut command = place.command(servers::s3(), &["run", "--keep-units", "--quiet", "--cluster", &address]);
    let answer = Answer::of(party.certificates.prove(&mut command));
    place.assert_published(&answer.expect_success());
    assert!(place.objects().iter().all(|(key, _)| !key.contains("_exchange")));
}

/// Kills the only executor in the middle of a part, once in each kind of stage that a run has; another one comes.
#[test]
fn an_executor_that_is_killed_in_the_middle_of_any_stage_changes_no_byte() {
    let expected = &Baseline::of(Sample::Tiny).published;
    let mut party = Party::losing_after("2");
    party.add_executor(&[]);
    let undisturbed = run(&party, &Warehouse::copy(Sample::Tiny));
    let kinds: BTreeSet<&str> = stages(&undisturbed).iter().filter_map(|stage| stage["stage"].as_str()).collect();
    assert!(kinds.len() >= 15, "{kinds:?}");
    for kind in kinds {
        party.executors.clear();
        let held = party.work_folder().join(kind);
        let file = held.display().to_string();
        party.add_executor(&[("WHOM_TEST_HOLD_STAGE", kind), ("WHOM_TEST_HOLD_FILE", &file)]);
        let warehouse = Warehouse::copy(Sample::Tiny);
        let disturbed = begun(&party, &warehouse);
        wait_for(&held);
        party.executors[0].signal("-KILL");
        assert_eq!(party.executors[0].ended(), None, "it was killed in `{kind}`");
        party.add_executor(&[]);
        ended(disturbed).expect_success();
        let published = warehouse.published().pop().expect("a published run");
        expected.assert_same_files(&published, &format!("killed in `{kind}`"));
        let again = |stage: &&Value| {
            stage["parts_retried"] != 0 || stage["repeats"].as_array().is_some_and(|all| !all.is_empty())
        };
        let struck = stages(&published).iter().filter(again).map(|stage| stage["stage"].as_str());
        assert_eq!(struck.collect::<Vec<_>>(), [Some(kind)]);
    }
}

#[test]
fn an_executor_that_is_stopped_is_taken_for_lost_and_its_late_answer_for_nothing() {
    let mut party = Party::impatient(1);
    let stopped = party.add_executor(&[SLOW]);
    let address = stopped.address;
    let warehouse = Warehouse::copy(Sample::Tiny);
    let disturbed = begun(&party, &warehouse);
    party.executors[1].wait_until_at_work();
    party.executors[1].signal("-STOP");
    thread::sleep(Duration::from_secs(7));
    party.executors[1].signal("-CONT");
    ended(disturbed).expect_success();
    let published = warehouse.published().pop().expect("a published run");
    Baseline::of(Sample::Tiny).published.assert_same_files(&published, "stopped");
    assert!(retries(&published) >= 1, "{address}");
}

#[test]
fn all_executors_lost_and_one_started_again_finish_the_run() {
    let mut party = Party::impatient(0);
    party.add_executor(&[SLOW]);
    party.add_executor(&[SLOW]);
    let warehouse = Warehouse::copy(Sample::Tiny);
    let disturbed = begun(&party, &warehouse);
    party.executors[0].wait_until_at_work();
    for executor in &mut party.executors {
        executor.signal("-KILL");
        assert_eq!(executor.ended(), None);
    }
    party.executors.clear();
    party.add_executor(&[]);
    ended(disturbed).expect_success();
    let published = warehouse.published().pop().expect("a published run");
    Baseline::of(Sample::Tiny).published.assert_same_files(&published, "all executors killed");
    assert!(retries(&published) >= 1);
}

#[test]
fn a_scheduler_that_is_started_again_costs_a_stage() {
    let mut party = Party::impatient(0);
    party.add_executor(&[SLOW]);
    let warehouse = Warehouse::copy(Sample::Tiny);
    let disturbed = begun(&party, &warehouse);
    party.executors[0].wait_until_at_work();
    party.restart_scheduler();
    ended(disturbed).expect_success();
    let published = warehouse.published().pop().expect("a published run");
    Baseline::of(Sample::Tiny).published.assert_same_files(&published, "another scheduler");
    assert_eq!(stages(&published).iter().filter(|stage| stage["repeats"] != serde_json::json!([])).count(), 1);
}

#[test]
fn a_caller_that_was_killed_goes_on_after_the_last_stage_that_was_done() {
    let mut party = Party::of(0);
    party.add_executor(&[SLOW]);
    let warehouse = Warehouse::copy(Sample::Tiny);
    let mut killed = begun(&party, &warehouse);
    let done = |party: &Party| party.executors[0].figure("whom_executor_parts_answered_total");
    let begun = Instant::now();
    while done(&party) < 12 {
        assert!(begun.elapsed() < DEADLINE && killed.try_wait().expect("a child").is_none(), "it ended too soon");
        thread::sleep(Duration::from_millis(5));
    }
    killed.kill().expect("a child");
    assert_eq!(ended(killed).code, None);
    assert!(warehouse.published().is_empty());
    let published = run(&party, &warehouse);
    Baseline::of(Sample::Tiny).published.assert_same_files(&published, "the run after a killed one");
    let kept = &published.manifest["run"]["details"]["checkpoints"];
    assert!(kept["resumed_after"].is_string(), "{kept}");
    assert!(!stages(&published).iter().any(|stage| stage["stage"] == "exposures"), "it was done already");
}

#[test]
fn nobody_there_is_told_in_time_and_can_be_tried_again() {
    let mut party = Party::of(0);
    let warehouse = Warehouse::copy(Sample::Tiny);
    let mut command = warehouse.run_command(&["--keep-units", "--cluster-patience", "2"]);
    let answer = Answer::of(party.command(&mut command));
    assert_eq!(answer.code, Some(4), "{}", answer.stderr);
    assert!(answer.stderr.contains("no executor was at the scheduler"), "{}", answer.stderr);
    assert!(warehouse.published().is_empty());
    party.add_executor(&[]);
    Baseline::of(Sample::Tiny).published.assert_same_files(&run(&party, &warehouse), "once somebody is there");
}

#[test]
fn an_executor_that_is_asked_to_stop_ends_what_it_has_begun() {
    let mut party = Party::of(1);
    party.add_executor(&[SLOW]);
    let warehouse = Warehouse::copy(Sample::Tiny);
    let disturbed = begun(&party, &warehouse);
    party.executors[1].wait_until_at_work();
    party.executors[1].signal("-TERM");
    assert_eq!(party.executors[1].ended(), Some(0));
    ended(disturbed).expect_success();
    let published = warehouse.published().pop().expect("a published run");
    Baseline::of(Sample::Tiny).published.assert_same_files(&published, "one fewer");
    assert_eq!(retries(&published), 0, "nothing was lost");
}

#[test]
fn what_the_data_do_not_allow_is_refused_as_it_is_by_one_process() {
    let party = Party::of(1);
    let warehouse = Warehouse::copy(Sample::Tiny);
    warehouse
        .edit("    where: kind = 'sign_up'\n", "    where: 1 / (CASE kind WHEN 'sign_up' THEN 0 ELSE 1 END) > 0\n");
    let here = Answer::of(&mut warehouse.run_command(&["--keep-units", "--quiet"]));
    let there = Answer::of(party.command(&mut warehouse.run_command(ALL)));
    assert_eq!((there.code, &there.stderr), (here.code, &here.stderr));
    assert_eq!(there.code, Some(3), "{}", there.stderr);
}

#[test]
fn an_executor_without_memory_ends_the_run_with_its_name() {
    let mut party = Party::of(0);
    let name = party.add_executor_with("1KiB", &[]).address.port();
    let warehouse = Warehouse::copy(Sample::Tiny);
    let answer = Answer::of(party.command(&mut warehouse.run_command(ALL)));
    assert_eq!(answer.code, Some(5), "{}", answer.stderr);
    assert!(answer.stderr.contains(&format!("on `localhost:{name}`: ")), "{}", answer.stderr);
    assert!(warehouse.published().is_empty());
}

#[test]
fn nobody_is_let_in_without_a_certificate_of_the_authority() {
    let party = Party::of(1);
    let strangers = Certificates::new();
    let warehouse = Warehouse::copy(Sample::Tiny);
    let address = party.address();
    let arguments = ["--cluster", &address, "--quiet", "--cluster-patience", "3"];
    let stranger = Answer::of(strangers.prove(&mut warehouse.run_command(&arguments)));
    let plain = Answer::of(warehouse.run_command(&arguments).arg("--no-tls"));
    let unproven = Answer::of(&mut warehouse.run_command(&arguments));
    for refused in [&stranger, &plain, &unproven] {
        assert!(matches!(refused.code, Some(2 | 4)), "{:?}: {}", refused.code, refused.stderr);
    }
    assert!(unproven.stderr.contains("`whom certs`"), "{}", unproven.stderr);
    let executor = ["executor", "--bind", "127.0.0.1:0", "--patience", "3", "--scheduler", &address, "--work-dir"];
    let mut stranger = whom();
    let stranger = Answer::of(strangers.prove(stranger.args(executor).arg(party.work_folder())));
    assert!(matches!(stranger.code, Some(2 | 4)), "{:?}: {}", stranger.code, stranger.stderr);
    for port in [party.scheduler.address, party.executors[0].address] {
        let mut connection = TcpStream::connect(port).expect("a connection");
        connection.set_read_timeout(Some(Duration::from_secs(10))).expect("a deadline");
        connection
            .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
            .expect("a greeting");
        let mut answer = Vec::new();
        // However it ends: not with the settings of HTTP/2, whose kind is 4.
        let _ = connection.read_to_end(&mut answer);
        assert_ne!(answer.get(3), Some(&4), "{port} speaks in plain text");
    }
    let published = run(&party, &warehouse);
    Baseline::of(Sample::Tiny).published.assert_same_files(&published, "who belongs there");
}
