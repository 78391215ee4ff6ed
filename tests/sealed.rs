//! Plans sealed before the experiment: `whom register`, and what later runs say about it.

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::program::{Answer, Published, whom};
use crate::warehouse::{Sample, Warehouse};

/// The sample's first exposures are of the second of February.
const BEFORE: &str = "2026-01-30T12:00:00Z";

fn register(warehouse: &Warehouse) -> Answer {
    Answer::of(whom().arg("register").arg(warehouse.pipeline()))
}

fn registrations(warehouse: &Warehouse) -> Vec<PathBuf> {
    let entries = fs::read_dir(warehouse.output().join("_registrations")).expect("registrations");
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

/// The sample with its plan sealed, and the seal as old as if it had been set at an instant.
fn sealed_at(instant: &str) -> Warehouse {
    let warehouse = Warehouse::copy(Sample::Tiny);
    register(&warehouse).expect_success();
    let instant: DateTime<Utc> = instant.parse().expect("an instant");
    for path in registrations(&warehouse) {
        let file = File::options().write(true).open(path).expect("a registration");
        file.set_modified(SystemTime::from(instant)).expect("a time");
    }
    warehouse
}

/// What confirmatory rows and guardrails are evidence of.
fn evidence(published: &Published) -> Vec<String> {
    let rows = published.effects().into_iter();
    let declared = rows.filter(|row| ["F1", "guardrail"].contains(&row.family.as_str()) && row.cohort == "all");
    let mut found: Vec<String> = declared.map(|row| row.evidence).collect();
    found.sort();
    found.dedup();
    found
}

#[test]
fn a_plan_is_sealed_before_there_are_any_data() {
    let warehouse = Warehouse::copy(Sample::Tiny);
    fs::remove_dir_all(warehouse.table("")).expect("no tables");
    let first = register(&warehouse).expect_success().stdout;
    assert!(first.starts_with("sealed analysis ") && first.contains("_registrations"), "{first}");
    let again = register(&warehouse).expect_success().stdout;
    assert!(again.starts_with("was sealed before: analysis "), "{again}");
    assert_eq!(registrations(&warehouse).len(), 1);
}

#[test]
fn what_a_sealed_plan_declares_is_sealed_evidence() {
    let warehouse = sealed_at(BEFORE);
    let answer = Answer::of(&mut warehouse.run_command(&[] as &[&str])).expect_success();
    assert!(answer.stdout.contains("The plan was registered before the first exposure"), "{}", answer.stdout);
    let published = warehouse.published().pop().expect("a run");
    assert_eq!(evidence(&published), ["sealed"]);
    assert_eq!(published.json("result.json")["seal"], json!({ "standing": "kept", "differences": [] }));
    let told = &published.manifest["run"]["details"]["registrations"];
    assert_eq!(told[0]["registered_at"], BEFORE, "{told}");
}

#[test]
fn a_run_that_departs_from_its_plan_says_where() {
    let warehouse = sealed_at(BEFORE);
    warehouse.edit("matters: 10%", "matters: 5%");
    let published = warehouse.run(&[]);
    assert_eq!(evidence(&published), ["declared"]);
    let seal = &published.json("result.json")["seal"];
    assert_eq!(seal["standing"], "changed");
    let difference = json!({ "place": "metrics.sign_up.matters.relative", "registered": "0.1", "run": "0.05" });
    assert_eq!(seal["differences"], Value::Array(vec![difference]));
    assert!(published.text("summary.md").contains("did not keep to the plan"), "{}", published.text("summary.md"));
}

#[test]
fn a_plan_that_was_sealed_too_late_seals_nothing() {
    let warehouse = Warehouse::copy(Sample::Tiny);
    let unsealed = warehouse.run(&[]);
    assert_eq!(unsealed.json("result.json")["seal"], Value::Null);
    register(&warehouse).expect_success();
    let late = warehouse.run(&[]);
    assert_eq!(evidence(&late), ["declared"]);
    assert_eq!(late.json("result.json")["seal"], json!({ "standing": "late", "differences": [] }));
    assert_eq!(late.bytes("effects.parquet"), unsealed.bytes("effects.parquet"));
}
