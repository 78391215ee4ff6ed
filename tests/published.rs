//! What was published is found, shown and thrown away: `runs`, `show` and `clean`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use crate::program::{Answer, Baseline, assert_text, whom};
use crate::warehouse::{Sample, Warehouse};

/// Longer than anything that was never published is kept.
const LONG_AGO: Duration = Duration::from_hours(25);

/// A warehouse in which the tiny pipeline ran so many times, and the ids of the runs, the first one first.
fn published(runs: usize) -> (Warehouse, Vec<String>) {
    let warehouse = Warehouse::copy(Sample::Tiny);
    for _ in 0..runs {
        warehouse.run(&[]);
    }
    let ids = ids(&warehouse);
    assert_eq!(ids.len(), runs);
    (warehouse, ids)
}

fn ids(warehouse: &Warehouse) -> Vec<String> {
    let published = warehouse.published().into_iter();
    published.map(|run| run.manifest["run_id"].as_str().expect("an id").to_owned()).collect()
}

fn on(command: &str, place: &Path) -> Command {
    let mut whom = whom();
    whom.arg(command).arg(place);
    whom
}

fn answer(command: &str, place: &Path, arguments: &[&str]) -> String {
    Answer::of(on(command, place).args(arguments)).expect_success().stdout
}

/// Makes everything in a folder look as if it was written so long ago.
fn age(folder: &Path, by: Duration) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let file = File::options().write(true).open(entry.expect("an entry").path()).expect("a file");
        file.set_modified(SystemTime::now() - by).expect("another time");
    }
}

/// The folder of a run that was killed before it was published.
fn abandoned(warehouse: &Warehouse) -> PathBuf {
    let before = ids(warehouse);
    // A run ends with `latest.json`, the manifest and its copy; before that it writes files.
    let killed = (1..200).find(|call| {
        Answer::of(warehouse.run_command(&["--quiet"]).env("WHOM_TEST_KILL_AT", format!("{call}:after"))).code.is_none()
            && unpublished(warehouse, &before).is_some()
    });
    assert!(killed.is_some());
    unpublished(warehouse, &before).expect("what a killed run left")
}

fn unpublished(warehouse: &Warehouse, known: &[String]) -> Option<PathBuf> {
    let entries = fs::read_dir(warehouse.output().join("runs")).expect("runs");
    let mut folders = entries.map(|entry| entry.expect("an entry"));
    let left = folders.find(|folder| !known.iter().any(|id| *folder.file_name() == **id))?;
    Some(left.path())
}

#[test]
fn runs_are_listed_the_latest_first_by_file_and_by_output() {
    let (warehouse, _) = published(2);
    let listed = answer("runs", &warehouse.pipeline(), &[]);
    assert_eq!(listed, answer("runs", &warehouse.output(), &[]));
    let lines: Vec<Vec<&str>> = listed.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        lines[0],
        ["run", "published", "(UTC)", "experiment", "through", "analysis", "plan", "units", "seconds", "size"]
    );
    let identities = &warehouse.published()[0].manifest["run"]["identities"];
    let digits = |name: &str| identities[name].as_str().expect("an identity")[..8].to_owned();
    for (line, number) in lines[1..].iter().zip(["2", "1"]) {
        assert_eq!((line[0], line[3], line[4]), (number, "tiny", "2026-02-12"));
        assert_eq!((line[5], line[6], line[7]), (&*digits("analysis"), &*digits("plan"), "599"));
    }
    assert_eq!(lines.len(), 3);
}

#[test]
fn a_run_is_shown_with_its_verdict_and_where_its_time_went() {
    let (warehouse, ids) = published(2);
    let latest = answer("show", &warehouse.pipeline(), &[]);
    assert!(latest.starts_with(&format!("run         2 ({})\n", ids[1])), "{latest}");
    assert_eq!(latest, answer("show", &warehouse.output(), &["--run", "2"]));
    let first = answer("show", &warehouse.pipeline(), &["--run", "1"]);
    assert!(first.contains(&ids[0]), "{first}");
    let verdict = Baseline::of(Sample::Tiny).published.json("result.json");
    for sentence in verdict["summary"].as_array().expect("sentences") {
        assert!(first.contains(sentence.as_str().expect("a sentence")), "{first}");
    }
    for shown in ["discovery ", "fact events ", "effects.parquet "] {
        assert!(first.contains(&format!("\n{shown}")), "`{shown}` is not in\n{first}");
    }
}

#[test]
fn a_run_that_is_not_there_is_refused() {
    let (warehouse, _) = published(1);
    let refused = Answer::of(on("show", &warehouse.pipeline()).args(["--run", "7"]));
    assert_eq!(refused.code, Some(2));
    let nothing = Warehouse::copy(Sample::Tiny);
    let told: Vec<String> = ["runs", "show", "clean"]
        .into_iter()
        .map(|command| {
            let answer = Answer::of(&mut on(command, &nothing.pipeline()));
            assert_eq!(answer.code, Some(2), "{command}");
            format!("$ whom {command}\n{}", nothing.without_folder(&answer.stderr))
        })
        .collect();
    assert!(!nothing.output().exists(), "asking makes no folder");
    assert_text("refused_without_runs", &format!("{}{}", warehouse.without_folder(&refused.stderr), told.join("")));
}

#[test]
fn old_runs_go_and_the_latest_stays() {
    let (warehouse, ids_before) = published(3);
    let dry = answer("clean", &warehouse.pipeline(), &["--keep", "1", "--dry-run"]);
    assert_eq!(ids(&warehouse), ids_before);
    let cleaned = answer("clean", &warehouse.pipeline(), &["--keep", "1"]);
    assert_eq!(cleaned, dry.replace("would remove", "removed"));
    let lines: Vec<&str> = cleaned.lines().collect();
    assert!(lines[0].starts_with("removed run 2 of 2") && lines[0].ends_with(&format!(" UTC ({})", ids_before[1])));
    assert!(lines[2].starts_with("removed 2 published runs and the remains of 0 others, "), "{cleaned}");
    assert!(lines[2].ends_with(" kB; kept 1 run"), "{cleaned}");
    assert_eq!(ids(&warehouse), ids_before[2..]);
    assert_eq!(fs::read_dir(warehouse.output().join("runs")).expect("runs").count(), 1);
    let effects = answer("path", &warehouse.output(), &["effects.parquet"]);
    assert_eq!(
        fs::read(effects.trim_end()).expect("a file"),
        Baseline::of(Sample::Tiny).published.bytes("effects.parquet")
    );
}

#[test]
fn young_runs_stay() {
    let (warehouse, ids_before) = published(2);
    for arguments in [&["--older-than", "1h"][..], &[], &["--keep", "1", "--older-than", "1d"]] {
        assert_eq!(answer("clean", &warehouse.pipeline(), arguments), "nothing to remove; kept 2 runs\n");
    }
    assert_eq!(ids(&warehouse), ids_before);
    answer("clean", &warehouse.pipeline(), &["--older-than", "0h"]);
    assert_eq!(ids(&warehouse), ids_before[1..]);
}

#[test]
fn what_a_killed_run_left_goes_after_a_day() {
    let (warehouse, ids_before) = published(1);
    let left = abandoned(&warehouse);
    assert_eq!(answer("clean", &warehouse.pipeline(), &[]), "nothing to remove; kept 1 run\n");
    assert!(left.exists());
    age(&left, LONG_AGO);
    let told = answer("clean", &warehouse.pipeline(), &[]);
    assert!(told.starts_with("removed what was left of run "), "{told}");
    assert!(!left.exists());
    assert_eq!(ids(&warehouse), ids_before);
    warehouse.run(&[]);
}
