use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Int64Array, StringArray};
use tempfile::TempDir;

use super::*;

fn batch(rows: i64) -> RecordBatch {
    let units: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows));
    let words: ArrayRef = Arc::new(StringArray::from_iter_values((0..rows).map(|row| format!("w{row}"))));
    RecordBatch::try_from_iter([("unit", units), ("word", words)]).unwrap()
}

fn folder(limit: Option<u64>) -> (TempDir, Arc<SpillFolder>) {
    let parent = tempfile::tempdir().unwrap();
    let folder = SpillFolder::create(parent.path(), limit).unwrap();
    (parent, folder)
}

fn spilled(folder: &Arc<SpillFolder>, rows: i64) -> Result<SpilledRows, EngineError> {
    let batch = batch(rows);
    let mut writer = folder.writer(&batch.schema())?;
    writer.write(&batch)?;
    writer.finish()
}

#[test]
fn rows_come_back_as_they_went_and_leave_nothing() {
    let (parent, folder) = folder(None);
    let rows = spilled(&folder, 1000).unwrap();
    let read: Vec<RecordBatch> = rows.read().unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!((rows.rows(), read), (1000, vec![batch(1000)]));
    assert!(rows.bytes() > 0 && folder.peak() == rows.bytes());
    drop(rows);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "the owner alone");
    drop(folder);
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
}

#[test]
fn a_limit_is_kept_and_what_is_dropped_is_given_back() {
    let (_parent, folder) = folder(Some(20_000));
    for _ in 0..5 {
        spilled(&folder, 1000).unwrap();
    }
    let refused = spilled(&folder, 1_000_000).unwrap_err();
    assert!(matches!(&refused, EngineError::Resources(message) if message.contains("--spill-limit")), "{refused}");
    spilled(&folder, 1000).unwrap();
    assert!(folder.peak() <= 20_000);
}

#[test]
fn a_start_removes_what_dead_owners_left_and_nothing_else() {
    let (parent, alive) = folder(None);
    let dead = parent.path().join("whom-spill-dead");
    fs::create_dir(&dead).unwrap();
    fs::write(dead.join(OWNER), "").unwrap();
    let (other, young) = (parent.path().join("other"), parent.path().join("whom-spill-young"));
    fs::create_dir(&other).unwrap();
    fs::create_dir(&young).unwrap();
    let next = SpillFolder::create(parent.path(), None).unwrap();
    assert!(!dead.exists());
    assert!(other.exists() && young.exists() && alive.path().exists() && next.path().exists());
}
