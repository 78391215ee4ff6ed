//! Running again, with more or less to keep, and two runs at once.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use crate::program::{Answer, Baseline, whom};
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
fn two_runs_of_one_analysis_at_once_do_not_mix() {
    let warehouse = Warehouse::copy(Sample::Tiny);
    for answer in at_once([&warehouse.pipeline(), &warehouse.pipeline()]) {
        answer.expect_success();
    }
    let published = warehouse.published();
    assert!(matches!(published.len(), 1 | 2), "{} published runs", published.len());
    for run in &published {
        Baseline::of(Sample::Tiny).published.assert_same_files(run, "two runs at once");
    }
}

#[test]
fn two_analyses_at_once_do_not_mix() {
    let warehouse = Warehouse::copy(Sample::Tiny);
    let others = warehouse.copied();
    let other = others.edit("bootstrap: 200", "bootstrap: 300").run(&["--keep-units"]);
    let second = warehouse.pipeline().with_file_name("second.yaml");
    fs::copy(others.pipeline(), &second).expect("a second pipeline file");
    let answers = at_once([&warehouse.pipeline(), &second]);
    let published = warehouse.published();
    assert_eq!(answers.iter().filter(|answer| answer.code == Some(0)).count(), published.len());
    for late in answers.iter().filter(|answer| answer.code != Some(0)) {
        assert_eq!(late.code, Some(4), "{}", late.stderr);
    }
    for run in &published {
        assert!([&Baseline::of(Sample::Tiny).published, &other].iter().any(|whole| whole.files == run.files));
    }
}

/// Starts both and waits for both.
fn at_once(pipelines: [&Path; 2]) -> [Answer; 2] {
    let started = pipelines.map(|pipeline| {
        let mut command = whom();
        command.arg("run").arg(pipeline).args(["--keep-units", "--quiet"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts")
    });
    started.map(|child| child.wait_with_output().expect("an answer").into())
}
