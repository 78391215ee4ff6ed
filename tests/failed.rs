//! Why it was slow, why it failed: what a run tells of its stages and statements, published or not.

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::program::{Answer, Baseline, whom};
use crate::warehouse::{Sample, Warehouse};

/// A sample with a text that one of its metrics takes for a number.
fn spoilt() -> Warehouse {
    let warehouse = Warehouse::copy(Sample::Tiny);
    warehouse.edit("value: amount ", "value: CAST(kind AS BIGINT) ");
    warehouse
}

/// What runs that failed told, in no order.
fn records(warehouse: &Warehouse) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(warehouse.output().join("_failures")) else { return Vec::new() };
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

fn names<'a>(told: &'a Value, list: &str, name: &str) -> Vec<&'a str> {
    let list = told[list].as_array().unwrap_or_else(|| panic!("no `{list}` in {told}"));
    list.iter().map(|entry| entry[name].as_str().expect("a name")).collect()
}

fn answer(warehouse: &Warehouse, arguments: &[&str]) -> Answer {
    Answer::of(whom().arg(arguments[0]).arg(warehouse.pipeline()).args(&arguments[1..]))
}

#[test]
fn a_published_run_tells_what_its_stages_and_statements_took() {
    let manifest = &Baseline::of(Sample::Hillstrom).published.manifest;
    let details = &manifest["run"]["details"];
    let stages = details["stages"].as_array().expect("stages");
    assert!(stages.iter().all(|stage| stage["seconds"].as_f64().is_some_and(|seconds| seconds >= 0.0)));
    if cfg!(target_os = "linux") {
        let peaks: Vec<u64> = stages.iter().map(|stage| stage["peak_bytes"].as_u64().expect("a peak")).collect();
        assert!(peaks.is_sorted() && peaks[0] > 1 << 20, "the most so far: {peaks:?}");
        assert!(stages.iter().any(|stage| stage["cpu_seconds"].as_f64().is_some_and(|seconds| seconds > 0.0)));
    }
    let told = names(details, "statements", "statement");
    assert_eq!(told.first(), Some(&"exposures"), "{told:?}");
    assert_eq!(told.last(), Some(&"unit_table"), "{told:?}");
    let statement = |name: &str| {
        let place = told.iter().position(|statement| *statement == name).expect("a statement");
        &details["statements"][place]
    };
    let units = details["units"].as_u64().expect("units");
    assert!(statement("unit_table")["rows"].as_u64().expect("rows") >= units);
    let reserved = statement("units")["bytes_reserved"].as_u64().expect("bytes");
    assert!(reserved > 0, "operators of `units` hold memory");
    let read = statement("exposures")["bytes_read"].as_u64().expect("bytes");
    let inputs = manifest["run"]["inputs"].as_array().expect("inputs").iter();
    let size: u64 =
        inputs.filter(|input| input["table"] == "split").map(|input| input["size"].as_u64().expect("a size")).sum();
    assert!((1..=size).contains(&read), "{read} of {size} bytes");
    let plan = statement("metrics of orders")["plan"].as_str().expect("a plan");
    assert!(plan.contains("AggregateExec") && plan.contains("output_rows="), "{plan}");
}

#[test]
fn a_published_run_is_shown_with_its_plans() {
    let warehouse = Warehouse::copy(Sample::Tiny);
    warehouse.run(&[]);
    let shown = answer(&warehouse, &["show", "--plans"]).expect_success().stdout;
    for part in ["STAGES", "peak so far", "STATEMENTS", "snapshots of profile", "PLANS", "DataSourceExec"] {
        assert!(shown.contains(part), "no `{part}` in\n{shown}");
    }
    assert!(!answer(&warehouse, &["show"]).expect_success().stdout.contains("DataSourceExec"));
}

#[test]
fn a_run_that_failed_tells_why_beside_what_is_published() {
    let warehouse = Warehouse::copy(Sample::Tiny);
    warehouse.run(&[]);
    let before = warehouse.published();
    warehouse.edit("value: amount ", "value: CAST(kind AS BIGINT) ");
    let failed = Answer::of(&mut warehouse.run_command(&["--quiet"]));
    assert_eq!(failed.code, Some(3), "{}", failed.stderr);
    assert_eq!(warehouse.published(), before);
    let [record] = records(&warehouse).try_into().expect("one record");
    let told: Value = serde_json::from_slice(&fs::read(&record).expect("a record")).expect("JSON");
    let line = failed.last_line();
    for word in ["code", "stage", "cause", "fix", "retryable"] {
        assert_eq!(told[word], line[word], "`{word}`");
    }
    assert_eq!(record.file_stem().and_then(|name| name.to_str()), told["run_id"].as_str());
    assert!(told["message"].as_str().is_some_and(|message| message.contains("has no value for some row")), "{told}");
    assert_eq!(told["at_hand"]["statement"], "events of events");
    assert!(told["at_hand"]["sql"].as_str().is_some_and(|sql| sql.contains("to_grid")), "{told}");
    let statements = names(&told, "statements", "statement");
    assert!(statements.contains(&"units") && !statements.contains(&"unit_table"), "{statements:?}");
    assert_eq!(names(&told, "stages", "stage").last(), Some(&"unit table"));
    let shown = answer(&warehouse, &["show", "--failed"]).expect_success().stdout;
    for part in ["exit code   3", "MESSAGE", "FIX", "STATEMENT AT HAND", "to_grid", "STATEMENTS"] {
        assert!(shown.contains(part), "no `{part}` in\n{shown}");
    }
}

#[test]
fn an_id_in_a_message_is_a_hash_unless_it_may_be_shown() {
    let warehouse = Warehouse::copy(Sample::Tiny);
    warehouse.edit("value: amount ", "value: CAST(user_id AS BIGINT) ");
    let told = |arguments: &[&str]| {
        let answer = Answer::of(&mut warehouse.run_command(arguments));
        assert_eq!(answer.code, Some(3), "{}", answer.stderr);
        format!("{}\n{}", answer.stderr, answer.stdout)
    };
    let hashed = told(&[]);
    assert!(hashed.contains("Cannot cast string #") && hashed.contains("--show-ids"), "{hashed}");
    let record = records(&warehouse).pop().expect("a record");
    let record = fs::read_to_string(record).expect("a record");
    for text in [hashed, record] {
        assert!(!text.contains("'user-"), "{text}");
    }
    let shown = told(&["--show-ids", "--quiet"]);
    assert!(shown.contains("Cannot cast string 'user-"), "{shown}");
}

#[test]
fn a_refusal_by_a_check_is_told_without_a_statement_at_hand() {
    let warehouse = Warehouse::copy(Sample::Tiny);
    warehouse.edit("at_most: 0.5%", "at_most: 0.1%");
    assert_eq!(Answer::of(&mut warehouse.run_command(&["--quiet"])).code, Some(3));
    let [record] = records(&warehouse).try_into().expect("one record");
    let told: Value = serde_json::from_slice(&fs::read(record).expect("a record")).expect("JSON");
    assert_eq!((&told["stage"], &told["at_hand"]), (&"checks".into(), &Value::Null));
    assert_eq!(names(&told, "statements", "statement").last(), Some(&"unit_table"));
}

#[test]
fn a_record_that_cannot_be_written_hides_no_failure() {
    let warehouse = spoilt();
    fs::create_dir_all(warehouse.output()).expect("a folder");
    fs::write(warehouse.output().join("_failures"), "in the way").expect("a file");
    let failed = Answer::of(&mut warehouse.run_command(&["--quiet"]));
    assert_eq!(failed.code, Some(3), "{}", failed.stderr);
    assert!(failed.stderr.contains("has no value for some row"), "{}", failed.stderr);
    assert!(!failed.stderr.contains("_failures"), "{}", failed.stderr);
}

#[test]
fn without_a_failure_there_is_none_to_show() {
    let warehouse = Warehouse::copy(Sample::Tiny);
    warehouse.run(&[]);
    let failed = answer(&warehouse, &["show", "--failed"]);
    assert_eq!(failed.code, Some(2));
    assert!(failed.stderr.contains("has left the record of a failure"), "{}", failed.stderr);
}

#[test]
fn old_records_are_thrown_away() {
    let warehouse = spoilt();
    Answer::of(&mut warehouse.run_command(&["--quiet"]));
    warehouse.edit("value: CAST(kind AS BIGINT) ", "value: amount ");
    warehouse.run(&[]);
    assert!(answer(&warehouse, &["clean"]).expect_success().stdout.starts_with("nothing to remove"));
    let [record] = records(&warehouse).try_into().expect("one record");
    let file = File::options().write(true).open(record).expect("a file");
    file.set_modified(SystemTime::now() - Duration::from_hours(31 * 24)).expect("another time");
    let told = answer(&warehouse, &["clean"]).expect_success().stdout;
    assert!(told.contains("removed 1 record of a failed run"), "{told}");
    assert!(records(&warehouse).is_empty());
}
