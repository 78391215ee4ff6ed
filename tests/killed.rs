//! The process dies at its first, second, … n-th call of a store, before or after the call took effect: what is
//! published is exactly what was published before or exactly what the run would have published, and the next run
//! succeeds with the same bytes.

use std::fs;

use crate::program::{Answer, Baseline, Published};
use crate::warehouse::{Sample, Warehouse};

/// More calls than a run of the tiny pipeline makes; reaching it means that the switch does nothing or never ends.
const CALLS: u32 = 500;

#[test]
fn killed_before_any_store_call() {
    kill_everywhere("before");
}

#[test]
fn killed_after_any_store_call() {
    kill_everywhere("after");
}

fn kill_everywhere(moment: &str) {
    let prepared = Prepared::new();
    for call in 1..CALLS {
        let warehouse = prepared.warehouse();
        let fault = format!("{call}:{moment}");
        let killed = Answer::of(warehouse.run_command(&["--keep-units"]).env("WHOM_TEST_KILL_AT", &fault));
        if killed.code == Some(0) {
            assert!(call > 10, "a run with only {call} store calls: was the switch read?");
            return;
        }
        assert_eq!(killed.code, None, "killed at call {fault}, it ended by itself\n{}", killed.stderr);
        prepared.assert_before_or_after(&warehouse, &fault);
        let next = warehouse.run(&["--keep-units"]);
        prepared.after.assert_same_files(&next, &format!("the run after a kill at call {fault}"));
    }
    panic!("a run was killed at each of its first {CALLS} calls");
}

/// A warehouse in which another experiment is published already: another analysis of this one would be a first look at its units.
struct Prepared {
    published: Warehouse,
    before: Published,
    after: &'static Published,
}

impl Prepared {
    fn new() -> Self {
        let published = Warehouse::copy(Sample::Tiny);
        let pipeline = fs::read_to_string(published.pipeline()).expect("a pipeline file");
        published.rename_experiment("another");
        let before = published.run(&["--keep-units"]);
        fs::write(published.pipeline(), pipeline).expect("a pipeline file");
        Self { published, before, after: &Baseline::of(Sample::Tiny).published }
    }

    fn warehouse(&self) -> Warehouse {
        self.published.copied()
    }

    fn assert_before_or_after(&self, warehouse: &Warehouse, fault: &str) {
        let published = warehouse.published();
        let (first, rest) = published.split_first().expect("what was published before");
        assert_eq!(*first, self.before, "killed at call {fault}");
        assert!(rest.len() <= 1, "killed at call {fault}: {} new runs", rest.len());
        for run in rest {
            self.after.assert_same_files(run, &format!("published when killed at call {fault}"));
        }
    }
}
