//! A run that was killed goes on where it was: the same bytes, and what is done is not done again. Whatever happens to a
//! checkpoint, it costs time and never the result.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::program::{Answer, Baseline, Published, whom};
use crate::warehouse::{Sample, Warehouse};

/// More steps than a run of the tiny pipeline makes.
const STEPS: u32 = 500;

/// A warehouse, and a folder for checkpoints beside it.
struct Kept {
    warehouse: Warehouse,
    folder: PathBuf,
}

impl Kept {
    fn of(sample: Sample) -> Self {
        Self::in_warehouse(Warehouse::copy(sample))
    }

    fn in_warehouse(warehouse: Warehouse) -> Self {
        let folder = warehouse.root().join("checkpoints");
        Self { warehouse, folder }
    }

    /// A run that keeps a checkpoint wherever it can.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.warehouse.run_command(&["--keep-units", "--checkpoint-after", "0", "--checkpoints"]);
        command.arg(&self.folder).args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> (Published, Answer) {
        let answer = Answer::of(&mut self.command(arguments)).expect_success();
        (self.warehouse.published().pop().expect("a published run"), answer)
    }

    /// Kills runs, each a step later than the one before, until one has kept what it had done up to a statement.
    fn killed_after(&self, statement: &str, arguments: &[&str]) {
        for step in 1..STEPS {
            self.forget();
            let killed = Answer::of(self.command(arguments).env("WHOM_TEST_KILL_AT", format!("{step}:after")));
            assert_eq!(killed.code, None, "no checkpoint after `{statement}`\n{}", killed.stderr);
            if self.state().is_some_and(|state| state["note"]["after"] == statement) {
                return;
            }
        }
        panic!("no checkpoint after `{statement}` in {STEPS} steps");
    }

    fn forget(&self) {
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder).expect("a folder to remove");
        }
    }

    /// The folder of the plan, if there is one.
    fn plan(&self) -> Option<PathBuf> {
        let entry = fs::read_dir(&self.folder).ok()?.next()?;
        Some(entry.expect("an entry").path())
    }

    /// The checkpoint, if there is one.
    fn state(&self) -> Option<Value> {
        let text = fs::read_to_string(self.plan()?.join("state.json")).ok()?;
        Some(serde_json::from_str(text.lines().next()?).expect("JSON"))
    }
}

/// What the manifest says of checkpoints.
fn told(published: &Published) -> &Value {
    &published.manifest["run"]["details"]["checkpoints"]
}

/// The statements by whether they were carried over, and the bytes that the others read.
fn executed(published: &Published) -> (BTreeSet<&str>, BTreeSet<&str>, u64) {
    let statements = published.manifest["run"]["details"]["statements"].as_array().expect("statements");
    let named = |carried: bool| {
        let those = statements.iter().filter(move |statement| statement["carried"] == carried);
        those.map(|statement| statement["statement"].as_str().expect("a name")).collect()
    };
    let new = statements.iter().filter(|statement| statement["carried"] == false);
    (named(true), named(false), new.map(|statement| statement["bytes_read"].as_u64().expect("bytes")).sum())
}

fn assert_clean(kept: &Kept, occasion: &str) {
    assert_eq!(kept.plan(), None, "{occasion}: a checkpoint is left");
}

#[test]
fn killed_at_any_step_the_next_run_goes_on_and_gives_the_same_bytes() {
    let expected = &Baseline::of(Sample::Tiny).published;
    let mut resumed_after = BTreeSet::new();
    for step in 1..STEPS {
        let kept = Kept::of(Sample::Tiny);
        let killed = Answer::of(kept.command(&[]).env("WHOM_TEST_KILL_AT", format!("{step}:after")));
        if killed.code == Some(0) {
            assert!(step > 20, "a run with only {step} steps: was the switch read?");
            let groups = ["exposures", "units", "unit_table"];
            let missed: Vec<&&str> = groups.iter().filter(|group| !resumed_after.contains(**group)).collect();
            assert!(missed.is_empty(), "nothing went on after {missed:?}, only after {resumed_after:?}");
            assert!(resumed_after.len() >= 6, "{resumed_after:?}");
            return;
        }
        assert_eq!(killed.code, None, "killed at step {step}, it ended by itself\n{}", killed.stderr);
        let state = kept.state();
        let was_published = !kept.warehouse.published().is_empty();
        let (published, answer) = kept.run(&[]);
        expected.assert_same_files(&published, &format!("the run after a kill at step {step}"));
        assert_clean(&kept, &format!("after a kill at step {step}"));
        if was_published {
            continue;
        }
        let after = state.as_ref().map(|state| &state["note"]["after"]);
        assert_eq!(&told(&published)["resumed_after"], after.unwrap_or(&Value::Null), "killed at step {step}");
        if let Some(after) = after.and_then(Value::as_str) {
            assert!(answer.stderr.contains(&format!("resumed after `{after}`")), "{}", answer.stderr);
            resumed_after.insert(after.to_owned());
        }
    }
    panic!("a run was killed at each of its first {STEPS} steps");
}

#[test]
fn what_was_done_is_not_done_again_and_told_as_it_was() {
    let kept = Kept::of(Sample::Tiny);
    let whole = kept.run(&[]).0;
    let (carried, own, all_bytes) = executed(&whole);
    assert!(carried.is_empty() && own.contains("exposures") && all_bytes > 0, "{own:?}");
    assert_eq!(told(&whole)["resumed_after"], Value::Null);
    assert!(told(&whole)["kept"].as_u64() >= Some(6) && told(&whole)["bytes"].as_u64() > Some(0), "{}", told(&whole));

    kept.killed_after("units", &[]);
    let resumed = kept.run(&[]).0;
    let (carried, own, bytes) = executed(&resumed);
    assert!(carried.contains("exposures") && carried.contains("units") && !own.contains("exposures"), "{carried:?}");
    assert!(bytes > 0 && bytes < all_bytes, "{bytes} of {all_bytes}");
    assert!(told(&resumed)["seconds_saved"].as_f64() > Some(0.0), "{}", told(&resumed));
    let details = |published: &Published| published.manifest["run"]["details"].clone();
    assert_eq!(details(&resumed)["waterfall"], details(&whole)["waterfall"]);
    let figures = |published: &Published| {
        let statements = details(published)["statements"].as_array().expect("statements").clone();
        let figures = |statement: &Value| ["statement", "plans", "rows"].map(|name| statement[name].clone());
        statements.iter().map(figures).collect::<Vec<_>>()
    };
    assert_eq!(figures(&resumed), figures(&whole));

    kept.killed_after("unit_table", &[]);
    let resumed = kept.run(&[]).0;
    let (_, own, bytes) = executed(&resumed);
    assert_eq!((own, bytes), (BTreeSet::new(), 0), "the unit table was there");
    whole.assert_same_files(&resumed, "from the unit table on");
}

#[test]
fn rows_on_disk_are_linked_and_go_on_as_well() {
    let expected = &Baseline::of(Sample::Tiny).published;
    for (pieces, statement) in [("1", "units"), ("7", "exposures"), ("7", "unit_table")] {
        let kept = Kept::of(Sample::Tiny);
        let arguments = ["--waiting-limit", "1B", "--pieces", pieces];
        kept.killed_after(statement, &arguments);
        let (published, _) = kept.run(&arguments);
        assert_eq!(told(&published)["resumed_after"], statement);
        expected.assert_same_files(&published, &format!("after `{statement}` in {pieces} pieces on disk"));
        assert_clean(&kept, statement);
    }
}

#[test]
fn a_run_of_seconds_keeps_nothing() {
    let warehouse = Warehouse::copy(Sample::Tiny);
    let folder = warehouse.root().join("checkpoints");
    let mut command = warehouse.run_command(&["--checkpoint-after", "3600"]);
    let answer = Answer::of(command.env("WHOM_CHECKPOINTS", &folder)).expect_success();
    let published = warehouse.published().pop().expect("a published run");
    assert_eq!((&told(&published)["kept"], answer.stderr.contains("checkpoint")), (&0.into(), false));
    assert!(fs::read_dir(&folder).expect("a folder").next().is_none());
}

/// Does something to the folder of a plan.
type Damage = fn(&Path);

#[test]
fn a_damaged_checkpoint_is_told_of_and_never_believed() {
    let expected = &Baseline::of(Sample::Tiny).published;
    let damages: [(&str, Damage); 5] = [
        ("a byte of the state", |plan| flip(&plan.join("state.json"))),
        ("an empty state", |plan| fs::write(plan.join("state.json"), "").expect("a file")),
        ("a byte of rows", |plan| flip(&rows(plan))),
        ("rows cut off", |plan| fs::write(rows(plan), "ARROW").expect("a file")),
        ("no rows", |plan| fs::remove_file(rows(plan)).expect("a file")),
    ];
    for (name, damage) in damages {
        let kept = Kept::of(Sample::Tiny);
        kept.killed_after("units", &[]);
        damage(&kept.plan().expect("a plan"));
        let (published, answer) = kept.run(&[]);
        assert!(answer.stderr.contains("was removed") && answer.stderr.contains("begins anew"), "{}", answer.stderr);
        assert_eq!(told(&published)["resumed_after"], Value::Null, "{name}");
        expected.assert_same_files(&published, name);
        assert_clean(&kept, name);
    }
}

/// A file that the checkpoint names; a kill may have left others beside it.
fn rows(plan: &Path) -> PathBuf {
    let text = fs::read_to_string(plan.join("state.json")).expect("a file");
    let state: Value = serde_json::from_str(text.lines().next().expect("a line")).expect("JSON");
    plan.join(state["tables"][0]["pieces"][0][0]["number"].to_string())
}

fn flip(path: &Path) {
    let mut bytes = fs::read(path).expect("a file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).expect("a file");
}

#[test]
fn a_file_that_was_written_anew_makes_the_checkpoint_useless() {
    let kept = Kept::of(Sample::Tiny);
    kept.killed_after("units", &[]);
    let table = kept.warehouse.table("exposures.parquet");
    let bytes = fs::read(&table).expect("a file");
    fs::remove_file(&table).expect("a file");
    fs::write(&table, bytes).expect("a file");
    let (published, answer) = kept.run(&[]);
    assert!(answer.stderr.contains("its inputs, its statements or the program were others"), "{}", answer.stderr);
    assert_eq!(told(&published)["resumed_after"], Value::Null);
    Baseline::of(Sample::Tiny).published.assert_same_files(&published, "the same rows in another file");
    assert_clean(&kept, "a file written anew");
}

#[test]
fn another_plan_begins_anew_and_leaves_the_checkpoint_to_its_own() {
    let kept = Kept::of(Sample::Tiny);
    kept.killed_after("units", &[]);
    let pipeline = fs::read_to_string(kept.warehouse.pipeline()).expect("a pipeline file");
    kept.warehouse.edit("bootstrap: 200", "bootstrap: 300");
    let (other, answer) = kept.run(&[]);
    assert_eq!((&told(&other)["resumed_after"], answer.stderr.contains("removed")), (&Value::Null, false));
    fs::write(kept.warehouse.pipeline(), pipeline).expect("a pipeline file");
    assert_eq!(told(&kept.run(&[]).0)["resumed_after"], "units");
    assert_clean(&kept, "both are published");
}

#[test]
fn a_retry_with_more_memory_goes_on_in_the_pieces_that_there_are() {
    let expected = &Baseline::of(Sample::Tiny).published;
    let kept = Kept::of(Sample::Tiny);
    kept.killed_after("units", &["--threads", "3"]);
    let (published, _) = kept.run(&["--threads", "1"]);
    let details = &published.manifest["run"]["details"];
    assert_eq!((&told(&published)["resumed_after"], &details["pieces"]), (&"units".into(), &3.into()));
    expected.assert_same_files(&published, "with fewer threads");

    kept.killed_after("units", &["--threads", "1"]);
    let (published, answer) = kept.run(&["--threads", "3"]);
    assert!(answer.stderr.contains("it is in 1 pieces, and the limits of this run ask for 3"), "{}", answer.stderr);
    assert_eq!(told(&published)["resumed_after"], Value::Null);
    expected.assert_same_files(&published, "with more threads");
}

#[test]
fn where_there_is_no_room_the_run_goes_on_without() {
    let kept = Kept::of(Sample::Tiny);
    let (published, answer) = kept.run(&["--checkpoint-limit", "1kB"]);
    assert!(answer.stderr.contains("kept no checkpoint after `exposures`"), "{}", answer.stderr);
    assert!(answer.stderr.contains("--checkpoint-limit"), "{}", answer.stderr);
    assert_eq!(told(&published)["kept"], 0);
    assert!(told(&published)["failed"].as_u64() > Some(0));
    Baseline::of(Sample::Tiny).published.assert_same_files(&published, "without room");
    assert_clean(&kept, "without room");
}

#[test]
fn a_folder_that_cannot_be_is_refused_before_any_row_is_read() {
    let kept = Kept::of(Sample::Tiny);
    fs::write(&kept.folder, "a file").expect("a file");
    let answer = Answer::of(&mut kept.command(&[]));
    assert_eq!(answer.code, Some(2), "{}", answer.stderr);
    let line = answer.last_line();
    assert!(line["message"].as_str().is_some_and(|message| message.contains("--checkpoints")), "{line}");
    assert!(kept.warehouse.published().is_empty());
}

#[test]
fn of_two_runs_at_once_the_second_keeps_nothing() {
    let kept = Kept::of(Sample::Hillstrom);
    let mut first = kept.command(&[]);
    let mut first = first.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
    let deadline = SystemTime::now() + Duration::from_mins(1);
    while kept.plan().is_none_or(|plan| !plan.join("owner").exists()) {
        assert!(SystemTime::now() < deadline, "no checkpoints in a minute");
        thread::sleep(Duration::from_millis(2));
    }
    // The first one holds still while the second one looks.
    let signal =
        |name: &str| Command::new("kill").args([name, &first.id().to_string()]).status().expect("`kill` starts");
    assert!(signal("-STOP").success());
    let (published, answer) = kept.run(&[]);
    assert!(signal("-CONT").success());
    assert!(answer.stderr.contains("another run of this plan keeps its checkpoints"), "{}", answer.stderr);
    assert_eq!(*told(&published), Value::Null);
    Baseline::of(Sample::Hillstrom).published.assert_same_files(&published, "beside another run");
    assert!(first.wait().expect("an end").success());
    assert_clean(&kept, "both have ended");
}

#[test]
fn a_refusal_of_the_data_leaves_no_checkpoint() {
    let kept = Kept::of(Sample::Tiny);
    kept.warehouse.edit("control: { weight: 0.5 }", "control: { weight: 0.9 }");
    kept.warehouse.edit("new: { weight: 0.5 }", "new: { weight: 0.1 }");
    let answer = Answer::of(&mut kept.command(&[]));
    assert_eq!(answer.code, Some(3), "{}", answer.stderr);
    assert_clean(&kept, "refused");
}

#[test]
fn with_a_cache_a_run_goes_on_as_well() {
    let kept = Kept::of(Sample::Tiny);
    let cache = kept.warehouse.root().join("cache").to_string_lossy().into_owned();
    kept.killed_after("units", &["--cache", &cache]);
    let (published, _) = kept.run(&["--cache", &cache]);
    assert_eq!(told(&published)["resumed_after"], "units");
    Baseline::of(Sample::Tiny).published.assert_same_files(&published, "with a cache");
}

#[test]
fn checkpoints_that_nobody_goes_on_from_are_cleaned_away() {
    let kept = Kept::of(Sample::Tiny);
    kept.killed_after("units", &[]);
    let clean = |arguments: &[&str]| {
        let mut command = whom();
        command.arg("clean").arg("--checkpoints").arg(&kept.folder).args(arguments);
        Answer::of(&mut command).expect_success().stdout
    };
    assert_eq!(clean(&[]), "nothing to remove; kept 1 checkpoint\n");
    assert_eq!(clean(&["--older-than", "1h"]), "nothing to remove; kept 1 checkpoint\n");
    let state = kept.plan().expect("a plan").join("state.json");
    let old = SystemTime::now() - Duration::from_hours(72);
    fs::File::options().append(true).open(&state).and_then(|file| file.set_modified(old)).expect("an old file");
    assert!(clean(&["--older-than", "2d", "--dry-run"]).starts_with("would remove 1 checkpoint, "));
    assert!(kept.plan().is_some());
    assert!(clean(&["--older-than", "2d"]).starts_with("removed 1 checkpoint, "));
    assert_clean(&kept, "cleaned");
}
