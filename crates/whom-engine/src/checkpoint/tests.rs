use std::fs::OpenOptions;
use std::time::{Duration, SystemTime};

use datafusion::arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use tempfile::TempDir;
use whom_store::{Fault, Moment};

use super::*;
use crate::row_store::RowStore;
use crate::rows::Rows;
use crate::spill::SpillFolder;

fn terms() -> CheckpointTerms {
    CheckpointTerms { identity: "these files".to_owned(), attempt: "one".to_owned(), ..CheckpointTerms::default() }
}

fn opened(parent: &Path, terms: CheckpointTerms) -> (CheckpointFolder, FolderState) {
    CheckpointFolder::open(parent, "plan", terms).unwrap().expect("nobody else has it")
}

fn rows(first: i64, count: i64) -> Rows {
    let units: ArrayRef = Arc::new(Int64Array::from_iter_values(first..first + count));
    let words: ArrayRef = Arc::new(StringArray::from_iter_values((0..count).map(|row| format!("w{}", row % 7))));
    let batch = RecordBatch::try_from_iter([("unit", units), ("word", words)]).unwrap();
    Rows { schema: batch.schema(), batches: vec![batch] }
}

/// A table in two pieces: one in memory, one on disk.
fn table(parent: &Path, name: &str, count: i64) -> TableRows {
    let spill = SpillFolder::create(&parent.join("spill"), None).unwrap();
    let disk = RowStore::new(0, spill).keep(rows(count, count)).unwrap();
    assert!(disk.spilled_bytes() > 0);
    TableRows { name: name.to_owned(), pieces: vec![Arc::new(StoredRows::uncounted(rows(0, count))), Arc::new(disk)] }
}

fn contents(tables: &[TableRows]) -> Vec<(String, Vec<RecordBatch>)> {
    let whole = |rows: &Arc<StoredRows>| rows.load().unwrap().to_batch().unwrap();
    tables.iter().map(|table| (table.name.clone(), table.pieces.iter().map(whole).collect())).collect()
}

fn files(folder: &CheckpointFolder) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A parent with the checkpoint of one table, whose owner is gone.
fn left_behind() -> (TempDir, Vec<TableRows>) {
    let parent = tempfile::tempdir().unwrap();
    let tables = vec![table(parent.path(), "units", 1_000)];
    opened(parent.path(), terms()).0.save(&tables, &7).unwrap();
    (parent, tables)
}

#[test]
fn what_is_kept_is_found_by_the_next_run() {
    let (parent, tables) = left_behind();
    let expected = contents(&tables);
    drop(tables);
    let (folder, found) = opened(parent.path(), terms());
    assert_eq!((found, folder.pieces(), folder.note::<u8>()), (FolderState::Usable, Some(2), Some(7)));
    assert_eq!(contents(&folder.load().unwrap()), expected);
}

#[test]
fn rows_without_any_keep_their_columns() {
    let parent = tempfile::tempdir().unwrap();
    let nothing = StoredRows::uncounted(Rows { batches: Vec::new(), ..rows(0, 1) });
    let tables = [TableRows { name: "orders".to_owned(), pieces: vec![Arc::new(nothing)] }];
    opened(parent.path(), terms()).0.save(&tables, &()).unwrap();
    let loaded = opened(parent.path(), terms()).0.load().unwrap();
    assert_eq!((loaded[0].pieces[0].rows(), loaded[0].pieces[0].schema()), (0, &rows(0, 1).schema));
}

#[test]
fn a_checkpoint_writes_only_what_the_one_before_had_not() {
    let parent = tempfile::tempdir().unwrap();
    let (folder, _) = opened(parent.path(), terms());
    let (units, orders) = (table(parent.path(), "units", 1_000), table(parent.path(), "orders", 2_000));
    let first = folder.save(std::slice::from_ref(&units), &1).unwrap();
    let second = folder.save(&[units.clone(), orders.clone()], &2).unwrap();
    assert!(first.written > 0 && second.bytes > first.bytes, "{first:?} {second:?}");
    // The piece on disk is linked, the one in memory written; of the units nothing at all.
    assert!(second.written < second.bytes - first.bytes, "{first:?} {second:?}");
    assert_eq!(files(&folder), ["0", "1", "2", "3", "owner", "state.json"]);
    folder.save(&[orders], &3).unwrap();
    assert_eq!(files(&folder), ["2", "3", "owner", "state.json"]);
}

#[test]
fn rows_that_came_from_a_checkpoint_stay_readable_in_the_next_one() {
    let (parent, tables) = left_behind();
    let expected = contents(&tables);
    let (folder, _) = opened(parent.path(), terms());
    let loaded = folder.load().unwrap();
    let more = table(parent.path(), "orders", 10);
    assert_eq!(folder.save(&[loaded[0].clone(), more], &8).unwrap().bytes, folder.taken.load(Ordering::Relaxed));
    assert_eq!(contents(&loaded), expected);
    drop((folder, loaded));
    let (folder, _) = opened(parent.path(), terms());
    assert_eq!((contents(&folder.load().unwrap()[..1]), folder.note::<u8>()), (expected, Some(8)));
}

#[test]
fn whatever_happened_to_a_file_is_noticed() {
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 5] = [
        ("a byte of the state", |folder| flip(&folder.join(STATE))),
        ("a byte of rows in memory", |folder| flip(&folder.join("0"))),
        ("a byte of rows on disk", |folder| flip(&folder.join("1"))),
        ("a file cut off", |folder| {
            OpenOptions::new().write(true).open(folder.join("1")).unwrap().set_len(99).unwrap();
        }),
        ("no file", |folder| fs::remove_file(folder.join("0")).unwrap()),
    ];
    for (name, damage) in damages {
        let (parent, _tables) = left_behind();
        damage(&parent.path().join("whom-checkpoint-plan"));
        let (folder, found) = opened(parent.path(), terms());
        let is_noticed = matches!(found, FolderState::Unusable(_)) || folder.load().is_err();
        assert!(is_noticed, "{name}");
    }
}

fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_checkpoint_of_other_inputs_is_removed() {
    let (parent, _tables) = left_behind();
    let (folder, found) = opened(parent.path(), CheckpointTerms { identity: "other files".to_owned(), ..terms() });
    assert!(matches!(found, FolderState::Unusable(_)), "{found:?}");
    assert_eq!((files(&folder), folder.pieces()), (vec!["owner".to_owned()], None));
}

#[test]
fn one_process_at_a_time_has_the_folder() {
    let parent = tempfile::tempdir().unwrap();
    let (folder, _) = opened(parent.path(), terms());
    assert!(CheckpointFolder::open(parent.path(), "plan", terms()).unwrap().is_none());
    assert!(CheckpointFolder::open(parent.path(), "other plan", terms()).unwrap().is_some());
    folder.remove();
    opened(parent.path(), terms());
}

#[test]
fn a_full_disk_or_limit_leaves_what_was_kept_before() {
    let full = CheckpointTerms { faults: Some(Arc::new(FaultPlan::new(1, Fault::DiskFull))), ..terms() };
    let limited = CheckpointTerms { limit: Some(20_000), ..terms() };
    for terms in [full, limited] {
        let (parent, tables) = left_behind();
        let expected = contents(&tables);
        let (folder, _) = opened(parent.path(), terms);
        let before = files(&folder);
        let more = table(parent.path(), "orders", 100_000);
        let refused = folder.save(&[tables[0].clone(), more], &8).unwrap_err();
        assert!(matches!(refused, EngineError::Resources(_)), "{refused}");
        assert_eq!((files(&folder), folder.note::<u8>()), (before, Some(7)));
        assert_eq!(contents(&folder.load().unwrap()), expected);
        folder.save(&[table(parent.path(), "values", 10)], &9).unwrap();
        assert_eq!(folder.note::<u8>(), Some(9), "the next one is kept, if it fits");
    }
}

#[test]
fn the_disk_is_full_at_any_step() {
    for step in 1..=2 {
        let (parent, tables) = left_behind();
        let faults = Some(Arc::new(FaultPlan::new(step, Fault::DiskFull)));
        let (folder, _) = opened(parent.path(), CheckpointTerms { faults, ..terms() });
        let before = files(&folder);
        folder.save(&[tables[0].clone(), table(parent.path(), "orders", 10)], &8).unwrap_err();
        assert_eq!((files(&folder), folder.note::<u8>()), (before, Some(7)), "at step {step}");
    }
    let counting = Arc::new(FaultPlan::new(3, Fault::Lost(Moment::Before)));
    let parent = tempfile::tempdir().unwrap();
    let (folder, _) = opened(parent.path(), CheckpointTerms { faults: Some(Arc::clone(&counting)), ..terms() });
    folder.save(&[table(parent.path(), "orders", 10)], &8).unwrap();
    assert_eq!(counting.calls(), 2, "every step was struck");
}

#[test]
fn old_checkpoints_and_empty_folders_go_and_those_in_use_stay() {
    let (parent, _tables) = left_behind();
    fs::create_dir(parent.path().join("whom-checkpoint-killed-early")).unwrap();
    fs::create_dir(parent.path().join("somebody else's")).unwrap();
    let swept = |written_before| CheckpointSweep::find(parent.path(), written_before).unwrap();
    let (past, future) = (SystemTime::UNIX_EPOCH, SystemTime::now() + Duration::from_mins(1));
    assert_eq!((swept(None).checkpoints(), swept(None).kept), (1, 1));
    assert_eq!((swept(Some(past)).checkpoints(), swept(Some(past)).kept), (1, 1));
    let (user, _) = opened(parent.path(), terms());
    assert_eq!((swept(Some(future)).checkpoints(), swept(Some(future)).kept), (1, 1));
    drop(user);
    let sweep = swept(Some(future));
    assert!(sweep.checkpoints() == 2 && sweep.kept == 0 && sweep.bytes > 1_000, "{sweep:?}");
    sweep.remove("two").unwrap();
    let left = fs::read_dir(parent.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(left.filter(|name| name != "spill").collect::<Vec<_>>(), ["somebody else's"]);
    assert!(CheckpointSweep::find(&parent.path().join("nowhere"), None).is_err());
}
