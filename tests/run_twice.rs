//! Running again, with more or less to keep, and two runs at once.

use std::process::Stdio;

use crate::program::{Answer, Baseline};
use crate::warehouse::{Sample, Warehouse};

#[test]
fn a_second_run_gives_the_same_bytes_and_another_manifest() {
    let warehouse = Warehouse::copy(Sample::Tiny);
    let first = warehouse.run(&[]);
    let second = warehouse.run(&[]);
    first.assert_same_files(&second, "a second run");
    let identities = |manifest: &serde_json::Value| manifest["run"]["identities"].clone();
    assert_eq!(identities(&first.manifest), identities(&second.manifest));
    assert_ne!(first.manifest["run_id"], second.manifest["run_id"]);
    assert_eq!(warehouse.published().len(), 2);
}

#[test]
fn keeping_the_units_adds_a_file_and_changes_none() {
    let with_units = &Baseline::of(Sample::Tiny).published;
    let mut without = with_units.clone();
    assert!(without.files.remove("units.parquet").is_some());
    without.assert_same_files(&Warehouse::copy(Sample::Tiny).run(&[]), "without `--keep-units`");
}

#[test]
fn two_runs_at_once_do_not_mix() {
    let warehouse = Warehouse::copy(Sample::Tiny);
    let started: Vec<_> = (0..2)
        .map(|_| warehouse.run_command(&["--keep-units"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn())
        .collect();
    for child in started {
        let answer: Answer = child.expect("the program starts").wait_with_output().expect("an answer").into();
        answer.expect_success();
    }
    let published = warehouse.published();
    assert!(matches!(published.len(), 1 | 2), "{} published runs", published.len());
    for run in &published {
        Baseline::of(Sample::Tiny).published.assert_same_files(run, "two runs at once");
    }
}
