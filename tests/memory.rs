//! Memory decides how fast a run is and never what it finds: what does not fit lies on disk, what can hold nothing is refused
//! before any work, and a full disk publishes nothing.

use std::fs;
use std::path::Path;

use crate::program::{Answer, Baseline, Published, whom};
use crate::warehouse::{Sample, Warehouse, fresh_folder};

/// Nothing waits in memory.
const NOTHING_WAITS: [&str; 2] = ["--waiting-limit", "1B"];

#[test]
fn what_lies_on_disk_changes_no_byte() {
    for (sample, pieces) in
        [(Sample::Tiny, "7"), (Sample::Tiny, "1"), (Sample::Hillstrom, "40"), (Sample::Retention, "3")]
    {
        let published = run_within(sample, &["--pieces", pieces]);
        Baseline::of(sample).published.assert_same_files(&published, &format!("{sample:?} in {pieces} pieces on disk"));
    }
}

#[test]
fn limits_of_memory_change_no_byte() {
    for limit in ["256MiB", "512MiB", "8GiB"] {
        let published = Warehouse::copy(Sample::Hillstrom).run(&["--keep-units", "--memory-limit", limit]);
        Baseline::of(Sample::Hillstrom).published.assert_same_files(&published, limit);
        let memory = &published.manifest["run"]["details"]["memory"];
        assert!(memory["expected_peak"].as_u64() <= memory["limit"].as_u64(), "{memory}");
    }
}

/// Runs a sample so that everything that waits does so on disk, and asserts that it did.
fn run_within(sample: Sample, arguments: &[&str]) -> Published {
    let arguments: Vec<&str> = ["--keep-units"].iter().chain(&NOTHING_WAITS).chain(arguments).copied().collect();
    let published = Warehouse::copy(sample).run(&arguments);
    let spilled = published.manifest["run"]["details"]["memory"]["spilled"].as_u64();
    assert!(spilled > Some(10_000), "{sample:?}: {spilled:?} bytes on disk");
    published
}

#[test]
fn a_full_disk_ends_the_run_with_its_own_code_and_publishes_nothing() {
    let warehouse = Warehouse::copy(Sample::Hillstrom);
    let spill = fresh_folder();
    let folder = spill.path().to_string_lossy().into_owned();
    let arguments = ["--waiting-limit", "1B", "--spill-limit", "100kB", "--spill-dir", &folder];
    let answer = Answer::of(&mut warehouse.run_command(&arguments));
    assert_eq!(answer.code, Some(5), "{}", answer.stderr);
    let line = answer.last_line();
    let message = line["message"].as_str().unwrap_or_default();
    assert!(message.contains("--spill-limit"), "{line}");
    assert!(warehouse.published().is_empty());
    assert_eq!(left_in(spill.path()), Vec::<String>::new());
}

#[test]
fn too_little_memory_is_refused_before_any_work() {
    let warehouse = Warehouse::copy(Sample::Tiny);
    let answer = Answer::of(&mut warehouse.run_command(&["--memory-limit", "100MiB", "--threads", "2"]));
    assert_eq!(answer.code, Some(5), "{}", answer.stderr);
    assert!(
        answer.stderr.contains("--memory-limit") && answer.stderr.contains("the program takes"),
        "{}",
        answer.stderr
    );
    assert!(warehouse.published().is_empty());
}

#[test]
fn a_killed_run_leaves_its_folder_to_the_next_one_to_remove() {
    let warehouse = Warehouse::copy(Sample::Tiny);
    let spill = fresh_folder();
    let folder = spill.path().to_string_lossy().into_owned();
    let arguments = ["--waiting-limit", "1B", "--spill-dir", &folder];
    let left_by_a_kill = (20..200).step_by(10).any(|call| {
        let fault = format!("{call}:before");
        let killed = Answer::of(warehouse.run_command(&arguments).env("WHOM_TEST_KILL_AT", fault));
        assert_eq!(killed.code, None, "{}", killed.stderr);
        !left_in(spill.path()).is_empty()
    });
    assert!(left_by_a_kill, "nothing was left, so nothing is tested");
    Answer::of(&mut warehouse.run_command(&arguments)).expect_success();
    assert_eq!(left_in(spill.path()), Vec::<String>::new());
}

#[test]
fn a_plan_tells_what_a_run_then_does() {
    let warehouse = Warehouse::copy(Sample::Hillstrom);
    let mut command = whom();
    command.arg("plan").arg(warehouse.pipeline()).args(["--threads", "2", "--memory-limit", "512MiB"]);
    let answer = Answer::of(&mut command).expect_success();
    crate::program::assert_text("hillstrom_planned", &answer.stdout);
    assert!(warehouse.published().is_empty());
}

fn left_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    entries.map(|name| name.to_string_lossy().into_owned()).collect()
}
