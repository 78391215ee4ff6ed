//! The process itself is killed at every store call.

use std::{
    env,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use super::fixture::{Folder, hasty, latest_whole, run, run_id};
use crate::{FaultPlan, Location, Output};

/// Names the folder in which the child publishes; without it the child has nothing to do.
const FOLDER: &str = "WHOM_STORE_TEST_FOLDER";

/// The process that is killed. As a test of its own it does nothing.
#[tokio::test]
async fn child_that_publishes() {
    let Ok(folder) = env::var(FOLDER) else { return };
    let plan = FaultPlan::from_environment(|name| env::var(name).ok()).unwrap().unwrap();
    let location = Location::output("out", Path::new(&folder)).unwrap();
    run(&hasty().with_faults(Arc::new(plan)), &location, 2, "after").await.unwrap();
}

/// Whether the child, killed at its `at`-th call, came through.
fn child_survives(folder: &Path, at: u32, moment: &str) -> bool {
    let status = Command::new(env::current_exe().unwrap())
        .args(["--exact", "tests::kill::child_that_publishes"])
        .env(FOLDER, folder)
        .env("WHOM_TEST_KILL_AT", format!("{at}:{moment}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    // A killed child has no exit code; one whose test failed has.
    assert!(status.success() || status.code().is_none(), "{status}");
    status.success()
}

#[tokio::test]
async fn killed_at_any_store_call_the_state_is_before_or_after_and_the_next_run_succeeds() {
    for moment in ["before", "after"] {
        let mut states = Vec::new();
        for at in 1.. {
            let folder = Folder::new();
            run(&hasty(), &folder.output(), 1, "before").await.unwrap();
            let survived = child_survives(&folder.path(""), at, moment);
            let output = Output::open(&hasty(), &folder.output()).unwrap();
            let (state, _) = latest_whole(&output).await.unwrap();
            states.push(state.manifest.run_id);
            let next = run(&hasty(), &folder.output(), 3, "after").await.unwrap();
            assert_eq!(next.published().manifest.parent, Some(state.manifest.number));
            latest_whole(&output).await.unwrap();
            if survived {
                break;
            }
        }
        assert!(states.len() > 15, "a run makes many calls: {}", states.len());
        assert!(states.is_sorted(), "first the state before, then the state after: {states:?}");
        assert_eq!((states.first(), states.last()), (Some(&run_id(1)), Some(&run_id(2))));
    }
}
