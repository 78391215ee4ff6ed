//! Whole runs of a tiny pipeline, without the command line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tempfile::TempDir;
use whom_store::Stores;

use super::*;

/// The pipeline of 600 made-up users, with its results in a temporary folder.
pub(crate) fn tiny(folder: &TempDir, change: impl Fn(String) -> String) -> Request {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/tiny").canonicalize().unwrap();
    let text = std::fs::read_to_string(data.join("tiny.yaml")).unwrap();
    let text = text.replace("path: warehouse/", &format!("path: {}/warehouse/", data.display()));
    let text = text.replace("path: ../../../whom-out/tiny/", "path: out/");
    let pipeline = folder.path().join("tiny.yaml");
    std::fs::write(&pipeline, change(text)).unwrap();
    requested(pipeline)
}

/// A request for a pipeline, with nothing around it.
pub(crate) fn requested(pipeline: PathBuf) -> Request {
    Request {
        pipeline,
        variables: BTreeMap::default(),
        environment: BTreeMap::default(),
        keep_units: false,
        show_ids: false,
        memory: 4 << 30,
        limits: Limits::default(),
        stores: Stores::new(),
        cache: None,
        checkpoints: None,
        elsewhere: None,
        findings_of: None,
        cancel: Arc::default(),
    }
}

fn published(folder: &TempDir) -> Vec<PathBuf> {
    let manifests =
        std::fs::read_dir(folder.path().join("out")).map(|entries| entries.map(|entry| entry.unwrap().path()));
    manifests.map(Iterator::collect).unwrap_or_default()
}

#[tokio::test]
async fn every_step_of_the_waterfall_accounts_for_what_the_one_before_kept() {
    let folder = tempfile::tempdir().unwrap();
    let request = tiny(&folder, |text| text);
    let outcome = run(&request, &Silent).await.unwrap();
    let steps = &outcome.results.waterfall;
    let told = |number: Option<u64>| number.unwrap();
    let of = |table: Option<&str>| steps.iter().filter(move |step| step.table.as_deref() == table).collect::<Vec<_>>();
    for table in [Some("split"), Some("events")] {
        for pair in of(table).windows(2) {
            assert_eq!(told(pair[0].kept), told(pair[1].kept) + told(pair[1].dropped), "{table:?}: {}", pair[1].step);
        }
    }
    let units = of(None);
    let exposed = units.iter().find(|step| step.step == "units with a first exposure").unwrap();
    let analysed = units.iter().find(|step| step.step == "units analysed").unwrap();
    assert_eq!(told(exposed.kept), told(analysed.kept) + told(analysed.dropped));
    for step in units.iter().filter(|step| step.step.starts_with("units with `")) {
        assert_eq!(told(step.kept) + told(step.dropped), told(analysed.kept), "{}", step.step);
    }
    assert_eq!(outcome.results.units(), told(analysed.kept));
    assert!(steps.iter().all(|step| (step.dropped == Some(0)) == step.reason.is_empty()));
}

#[tokio::test]
async fn published_files_are_found_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let request = tiny(&folder, |text| text);
    let error = path(&request, "summary.md").await.unwrap_err();
    assert_eq!(error.cause, Cause::Configuration);
    run(&request, &Silent).await.unwrap();
    assert!(path(&request, "summary.md").await.unwrap().path().unwrap().is_file());
    assert_eq!(path(&request, "no such file").await.unwrap_err().cause, Cause::Configuration);
}

/// Raises the flag of a run when a stage begins.
struct StopAt(Stage, Arc<AtomicBool>);

impl Observer for StopAt {
    fn event(&self, event: &Event) {
        if *event == Event::Started(self.0) {
            self.1.store(true, Ordering::Relaxed);
        }
    }
}

#[tokio::test]
async fn a_run_that_is_stopped_in_any_stage_publishes_nothing() {
    for stage in Stage::ALL.into_iter().filter(|stage| *stage != Stage::Publish) {
        let folder = tempfile::tempdir().unwrap();
        let mut request = tiny(&folder, |text| text);
        let cache = SharedCache::lasting(folder.path().join("cache").to_str().unwrap(), vec![request.clone()]);
        request.cache = Some(Arc::new(cache.unwrap()));
        let stop = StopAt(stage, Arc::clone(&request.cancel));
        let error = run(&request, &stop).await.unwrap_err();
        assert_eq!(error.cause, Cause::Interrupted, "{}", stage.name());
        assert!(path(&request, "summary.md").await.is_err(), "{:?}", published(&folder));
    }
}

#[tokio::test]
async fn a_check_reads_footers_and_publishes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let request = tiny(&folder, |text| text);
    let checked = check(&request).await.unwrap();
    let rows: u64 = checked.tables.iter().filter(|(table, ..)| table == "split").map(|(_, _, rows)| rows).sum();
    assert!(rows > 600, "{checked:?}");
    assert!(compile(&request).await.unwrap().contains("-- unit_table"));
    assert!(published(&folder).is_empty());
}

#[tokio::test]
async fn a_refused_expression_is_shown_where_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let request = tiny(&folder, |text| text.replace("where: kind = 'sign_up'", "where: kin = 'sign_up'"));
    let error = check(&request).await.unwrap_err();
    assert_eq!((error.cause, error.stage), (Cause::Configuration, Stage::Sources));
    assert!(error.headline.ends_with("tiny.yaml:33:12: there is no column `kin` in fact table `events`"), "{error:?}");
    assert!(error.message.contains("did you mean `kind`?"), "{}", error.message);
}
