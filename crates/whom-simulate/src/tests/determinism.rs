use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use arrow::compute::concat_batches;

use super::rows::{Event, Exposure, batches, events, exposures};
use crate::{PIPELINE_FILE, Population, Progress, SimulateError, Size, TRUTH_FILE, TableKind, Warehouse};

fn population(seed: u64, units_per_file: u64) -> Population {
    Population::new(Warehouse { units: 3_000, units_per_file, ..Warehouse::standard(Size::Tiny, seed) })
        .expect("a population")
}

/// Every file below a folder with its bytes.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("below the folder").to_owned();
                found.insert(name, fs::read(&path).expect("a file"));
            }
        }
    }
    found
}

fn written(population: &Population, threads: usize) -> BTreeMap<PathBuf, Vec<u8>> {
    let folder = tempfile::tempdir().expect("a folder");
    let threads = NonZeroUsize::new(threads).expect("threads");
    population.write(folder.path(), threads, &|_| {}).expect("a warehouse");
    files(folder.path())
}

#[test]
fn one_thread_and_four_write_the_same_bytes() {
    let population = population(3, 1_000);
    let alone = written(&population, 1);
    // Three parts of 7 days of exposures, 7 snapshots, and twice 26 days of facts, besides the two texts.
    assert_eq!(alone.len(), 3 * (7 + 7 + 2 * 26) + 2);
    assert!(alone == written(&population, 4));
}

#[test]
fn a_day_made_alone_equals_the_day_made_with_all_others() {
    let population = population(3, 1_000);
    let together = written(&population, 2);
    let folder = tempfile::tempdir().expect("a folder");
    for partition in population.partitions().into_iter().rev().step_by(7) {
        population.write_file(folder.path(), partition).expect("a file");
        let path = population.path(partition);
        let alone = fs::read(folder.path().join(&path)).expect("a file");
        assert!(together[&path] == alone, "{}", path.display());
    }
}

#[test]
fn the_rows_do_not_depend_on_the_number_of_files() {
    let (few, many) = (population(3, 3_000), population(3, 700));
    let sorted_exposures = |population: &Population| -> Vec<Exposure> {
        let mut rows = exposures(population);
        rows.sort_unstable();
        rows
    };
    assert!(sorted_exposures(&few) == sorted_exposures(&many));
    let sorted_events = |population: &Population| -> Vec<Event> {
        let mut rows = events(population, 1);
        rows.sort_by_key(|event| (event.key, event.unit));
        rows
    };
    assert!(sorted_events(&few) == sorted_events(&many));
    let snapshots = |population: &Population| {
        let batches: Vec<_> = batches(population, TableKind::Snapshots).into_iter().map(|(_, batch)| batch).collect();
        concat_batches(&batches[0].schema(), &batches).expect("one schema")
    };
    assert_eq!(snapshots(&few), snapshots(&many));
}

#[test]
fn another_seed_is_another_population() {
    assert!(exposures(&population(3, 3_000)) != exposures(&population(4, 3_000)));
}

#[test]
fn rows_of_a_day_are_in_the_order_of_time_and_of_that_day() {
    let population = population(3, 3_000);
    let start = super::rows::start(&population);
    for (table, column) in [(TableKind::Exposures, "exposed_at"), (TableKind::Fact(0), "ordered_at")] {
        for (day, batch) in batches(&population, table) {
            let instants = super::rows::instants(&batch, column);
            assert!(instants.is_sorted());
            assert!(instants.iter().all(|at| (at - start).div_euclid(super::rows::DAY) == day));
        }
    }
}

#[test]
fn progress_ends_with_everything() {
    let population = population(3, 3_000);
    let (folder, told) = (tempfile::tempdir().expect("a folder"), Mutex::new(Vec::new()));
    let observer = |progress: Progress| told.lock().expect("a lock").push(progress);
    let tables = population.write(folder.path(), NonZeroUsize::MIN, &observer).expect("a warehouse");
    let last = *told.lock().expect("a lock").last().expect("progress");
    assert_eq!((last.files, last.all_files), (66, 66));
    assert_eq!(last.rows, tables.iter().map(|table| table.rows).sum::<u64>());
    assert_eq!(last.bytes, tables.iter().map(|table| table.bytes).sum::<u64>());
}

#[test]
fn a_folder_that_holds_something_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("precious.txt"), "mine").expect("a file");
    let error = population(3, 3_000).write(folder.path(), NonZeroUsize::MIN, &|_| {}).expect_err("a refusal");
    assert!(matches!(error, SimulateError::FolderInUse { .. }));
    assert!(files(folder.path()).into_keys().eq([PathBuf::from("precious.txt")]));
}

#[test]
fn a_folder_that_cannot_be_made_is_named_and_not_the_fault_of_the_machine() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    fs::write(&file, "").expect("a file");
    let below = file.join("warehouse");
    let error = population(3, 3_000).write(&below, NonZeroUsize::MIN, &|_| {}).expect_err("a refusal");
    assert!(!error.is_of_the_machine() && error.to_string().contains("warehouse"), "{error}");
}

#[test]
fn the_truth_and_the_pipeline_lie_beside_the_tables() {
    let files = written(&population(3, 3_000), 2);
    let truth: serde_json::Value = serde_json::from_slice(&files[Path::new(TRUTH_FILE)]).expect("JSON");
    assert_eq!(truth["cohorts"][0]["cohort"], "all");
    assert!(files.contains_key(Path::new(PIPELINE_FILE)));
}
