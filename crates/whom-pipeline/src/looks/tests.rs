use chrono::DateTime;
use serde_json::json;
use whom_store::{Identities, InputEntry, RunId, RunRecord};

use super::*;

const EXPERIMENT: &str = "checkout";

fn discovery(analysis: &str, through: &str) -> Discovery {
    Discovery { analysis: analysis.to_owned(), through: through.to_owned() }
}

/// A published run of a discovery with these details beside.
fn manifest(analysis: &str, details: Value, inputs: Vec<InputEntry>) -> Manifest {
    let identities = Identities { analysis: analysis.to_owned(), plan: "plan".to_owned(), inputs: "inputs".to_owned() };
    let run = RunRecord {
        identities,
        tool_version: "0.1.0".to_owned(),
        started_at: DateTime::UNIX_EPOCH,
        finished_at: DateTime::UNIX_EPOCH,
        inputs,
        details,
    };
    let run_id = RunId::from(uuid::Uuid::nil());
    Manifest { schema_version: 1, number: 1, run_id, parent: None, run, files: Vec::new() }
}

/// A run of a program that kept no ledger.
fn of_old(analysis: &str, through: &str) -> Manifest {
    manifest(analysis, json!({ "experiment": EXPERIMENT, "through": through }), Vec::new())
}

fn looks(manifests: &[Manifest]) -> Looks {
    Looks::of(manifests.iter(), EXPERIMENT)
}

#[test]
fn a_discovery_keeps_the_number_of_its_first_publication() {
    let mut looks = Looks::default();
    let numbers = ["a", "b", "a", "c", "b"].map(|analysis| looks.enter(discovery(analysis, "2026-11-20")));
    assert_eq!(numbers, [1, 2, 1, 3, 2]);
}

#[test]
fn another_night_and_other_settings_are_other_looks() {
    let mut looks = Looks::default();
    let asked = [("a", "2026-11-20"), ("a", "2026-11-21"), ("b", "2026-11-20"), ("a", "2026-11-20")];
    assert_eq!(asked.map(|(analysis, through)| looks.enter(discovery(analysis, through))), [1, 2, 3, 1]);
}

#[test]
fn a_manifest_that_carries_the_ledger_tells_of_runs_that_were_removed() {
    let carried = Looks(vec![discovery("a", "2026-11-20"), discovery("b", "2026-11-20")]).to_json();
    let latest =
        manifest("b", json!({ "experiment": EXPERIMENT, "through": "2026-11-20", "looks": carried }), Vec::new());
    let all = looks(&[of_old("a", "2026-11-20"), latest.clone()]);
    assert_eq!(looks(std::slice::from_ref(&latest)), all);
    assert_eq!(told(&latest), Some(all));
}

#[test]
fn runs_of_programs_without_a_ledger_count() {
    let mut found = looks(&[of_old("a", "2026-11-20"), of_old("a", "2026-11-20"), of_old("a", "2026-11-21")]);
    assert_eq!(found.enter(discovery("a", "2026-11-21")), 2);
    assert_eq!(found.enter(discovery("z", "2026-11-21")), 3);
}

#[test]
fn other_experiments_and_runs_that_search_nothing_are_no_looks() {
    let other = manifest("a", json!({ "experiment": "basket", "through": "2026-11-20" }), Vec::new());
    let input = InputEntry {
        table: EARLIER_RUN.to_owned(),
        location: "out".to_owned(),
        path: "result.json".to_owned(),
        size: 1,
        etag: None,
    };
    let replication = manifest("b", json!({ "experiment": EXPERIMENT, "through": "2026-11-20" }), vec![input]);
    assert_eq!(looks(&[other, replication]), Looks::default());
}
