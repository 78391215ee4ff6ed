//! The first command of the README: what it prints, and what it leaves.

use std::fs;

use serde_json::Value;

use crate::program::{Answer, Baseline, assert_text};
use crate::warehouse::{Sample, Warehouse};

#[test]
fn the_summary_of_hillstrom() {
    let answer = &Baseline::of(Sample::Hillstrom).answer;
    let (summary, _) = answer.stdout.trim_end().rsplit_once('\n').expect("a summary and a line for programs");
    assert_text("hillstrom_terminal", summary);
}

#[test]
fn the_page_of_hillstrom() {
    assert_text("hillstrom_summary", Baseline::of(Sample::Hillstrom).published.text("summary.md"));
}

#[test]
fn the_page_of_retention() {
    assert_text("retention_summary", Baseline::of(Sample::Retention).published.text("summary.md"));
}

#[test]
fn the_last_line_is_for_programs() {
    let warehouse = Warehouse::copy(Sample::Tiny);
    let answer = Answer::of(&mut warehouse.run_command::<&str>(&[])).expect_success();
    let line = answer.last_line();
    assert_eq!(line["status"], "published");
    assert_eq!(line["experiment"], "tiny");
    let locations = line["locations"].as_object().expect("locations");
    let [published] = warehouse.published().try_into().expect("one published run");
    assert_eq!(locations.keys().map(String::as_str).collect::<Vec<_>>(), published.names());
    for (name, location) in locations {
        let bytes = fs::read(location.as_str().expect("a path")).expect("a published file");
        assert_eq!(bytes, published.bytes(name), "`{name}`");
    }
}

#[test]
fn a_run_leaves_these_files() {
    let published = &Baseline::of(Sample::Tiny).published;
    let expected = [
        "charts.json",
        "cohorts.parquet",
        "cohorts.sql",
        "effects.parquet",
        "ranking.parquet",
        "report.html",
        "report.json",
        "result.json",
        "slices.parquet",
        "stability.parquet",
        "summary.md",
        "tags.parquet",
        "tree.json",
        "units.parquet",
    ];
    assert_eq!(published.names(), expected);
}

#[test]
fn the_manifest_tells_what_was_read_and_what_became_of_the_rows() {
    let manifest = &Baseline::of(Sample::Hillstrom).published.manifest;
    let inputs = manifest["run"]["inputs"].as_array().expect("inputs");
    let tables = inputs.iter().filter_map(|input| input["table"].as_str());
    let tables: std::collections::BTreeSet<&str> = tables.collect();
    assert!(tables.len() >= 4, "{tables:?}");
    for identity in ["analysis", "plan", "inputs"] {
        assert!(manifest["run"]["identities"][identity].is_string(), "{identity}");
    }
    assert_ne!(manifest["run"]["details"], Value::Null);
}

#[test]
fn results_know_nothing_of_where_they_were_made() {
    for sample in [Sample::Tiny, Sample::Hillstrom] {
        let published = &Baseline::of(sample).published;
        for (name, bytes) in &published.files {
            let text = String::from_utf8_lossy(bytes);
            for trace in [env!("CARGO_TARGET_TMPDIR"), "whom-out", "part-0.parquet"] {
                assert!(!text.contains(trace), "`{name}` of {sample:?} holds `{trace}`");
            }
        }
    }
}
