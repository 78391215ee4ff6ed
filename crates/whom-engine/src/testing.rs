//! What the tests of this crate share: a session to ask, and a warehouse to write.

use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Int64Array, RecordBatch};
use parquet::arrow::ArrowWriter;
use whom_store::{Location, PartitionDays, PinnedFiles, Stores};

use crate::error::EngineError;
use crate::rows::Rows;
use crate::session::{Engine, Limits};
use crate::table::PinnedTable;

/// So many units, the integers from 0 on, in one batch.
pub(crate) fn unit_rows(count: i64) -> Rows {
    let units: ArrayRef = Arc::new(Int64Array::from_iter_values(0..count));
    let batch = RecordBatch::try_from_iter([("unit", units)]).unwrap();
    Rows { schema: batch.schema(), batches: vec![batch] }
}

/// A session that works in batches of three rows, so that groups are split over batches.
pub(crate) fn engine() -> Engine {
    Engine::new(&Limits { batch_size: 3, ..Limits::default() }).unwrap()
}

/// A session that knows one table.
pub(crate) fn engine_with(name: &str, columns: Vec<(&str, ArrayRef)>) -> Engine {
    let engine = engine();
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    engine.add_rows(name, Rows { schema: batch.schema(), batches: sliced(&batch) }).unwrap();
    engine
}

/// The first column of a query that needs no table.
pub(crate) async fn column(sql: &str) -> ArrayRef {
    column_of(&engine(), sql).await
}

/// The first column of a query.
pub(crate) async fn column_of(engine: &Engine, sql: &str) -> ArrayRef {
    Arc::clone(engine.query(sql).await.unwrap().to_batch().unwrap().column(0))
}

/// The message of a query that must be refused.
pub(crate) async fn refusal(sql: &str) -> String {
    engine().query(sql).await.unwrap_err().to_string()
}

/// Writes a Parquet file beneath a folder.
pub(crate) fn write(folder: &Path, name: &str, columns: Vec<(&str, ArrayRef)>) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(std::fs::File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// Pins what lies beneath a folder.
pub(crate) async fn pin(folder: &Path, days: Option<&PartitionDays>) -> PinnedFiles {
    let location = Location::input(&format!("{}/", folder.display()), folder).unwrap();
    PinnedFiles::list(&Stores::new(), &location, days).await.unwrap()
}

/// Opens what lies beneath a folder as the table `t`.
pub(crate) async fn open(folder: &Path) -> Result<Engine, EngineError> {
    open_with(folder, &Limits { batch_size: 3, ..Limits::default() }).await
}

/// Opens what lies beneath a folder as the table `t`, within limits.
pub(crate) async fn open_with(folder: &Path, limits: &Limits) -> Result<Engine, EngineError> {
    let table = PinnedTable::open("t", &pin(folder, None).await, None).await?;
    let engine = Engine::new(limits)?;
    engine.add_pinned("t", Arc::new(table))?;
    Ok(engine)
}

fn sliced(batch: &RecordBatch) -> Vec<RecordBatch> {
    (0..batch.num_rows()).step_by(3).map(|start| batch.slice(start, 3.min(batch.num_rows() - start))).collect()
}
