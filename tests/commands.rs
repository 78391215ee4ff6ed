//! The commands beside `run`.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::program::{Answer, Baseline, assert_text, whom};
use crate::warehouse::{Sample, Warehouse, repository};

#[test]
fn the_schema_in_the_repository_is_the_one_that_is_printed() {
    let printed = Answer::of(whom().arg("schema")).expect_success().stdout;
    let path = repository().join("pipelines/whom.schema.json");
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == printed, "run `cargo run --locked --bin whom -- schema > pipelines/whom.schema.json`");
}

#[test]
fn compile_prints_the_sql_and_names_every_pinned_table() {
    let warehouse = Warehouse::copy(Sample::Tiny);
    let answer = Answer::of(&mut on_pipeline("compile", &warehouse)).expect_success();
    assert_text("tiny_compiled", &without_etags(&warehouse.without_folder(&answer.stdout)));
    assert!(warehouse.published().is_empty());
}

#[test]
fn check_reads_the_tables_and_publishes_nothing() {
    let warehouse = Warehouse::copy(Sample::Tiny);
    let answer = Answer::of(&mut on_pipeline("check", &warehouse)).expect_success();
    assert_text("tiny_checked", &warehouse.without_folder(&answer.stdout));
    assert!(!warehouse.output().exists());
}

#[test]
fn check_finds_a_column_that_is_not_there() {
    let warehouse = Warehouse::copy(Sample::Tiny);
    warehouse.edit("value: amount", "value: price");
    let answer = Answer::of(&mut on_pipeline("check", &warehouse));
    assert_eq!(answer.code, Some(2), "{}", answer.stderr);
    assert!(answer.stderr.contains("`price`"), "{}", answer.stderr);
}

#[test]
fn path_names_a_published_file() {
    let warehouse = Warehouse::copy(Sample::Tiny);
    warehouse.run(&["--keep-units"]);
    let answer = Answer::of(on_pipeline("path", &warehouse).arg("effects.parquet")).expect_success();
    let bytes = fs::read(Path::new(answer.stdout.trim_end())).expect("a published file");
    assert_eq!(bytes, Baseline::of(Sample::Tiny).published.bytes("effects.parquet"));
}

#[test]
fn path_before_any_run_says_so() {
    let warehouse = Warehouse::copy(Sample::Tiny);
    let answer = Answer::of(on_pipeline("path", &warehouse).arg("effects.parquet"));
    assert_ne!(answer.code, Some(0));
    assert!(!warehouse.output().exists(), "asking makes no folder");
}

#[test]
fn a_variable_given_by_set_arrives_in_the_plan() {
    let warehouse = Warehouse::copy(Sample::Tiny);
    warehouse.edit("through: 2026-02-12", "through: ${var.ds}");
    let published = warehouse.run(&["--set", "ds=2026-02-12", "--keep-units"]);
    Baseline::of(Sample::Tiny).published.assert_same_files(&published, "with `through` from a variable");
}

fn on_pipeline(command: &str, warehouse: &Warehouse) -> Command {
    let mut whom = whom();
    whom.arg(command).arg(warehouse.pipeline());
    whom
}

/// The text with `[etag]` for each file's, which is another one in each copy.
fn without_etags(text: &str) -> String {
    let mut parts = text.split(", etag ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.filter_map(|part| part.split_once(')')).fold(first, |told, (_, rest)| told + ", etag [etag])" + rest)
}
