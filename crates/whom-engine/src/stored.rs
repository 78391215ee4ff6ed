//! Rows of one table in one piece, wherever they lie.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;

use crate::error::EngineError;
use crate::row_store::Held;
use crate::rows::Rows;
use crate::spill::SpilledRows;

/// Rows, each of them in memory or on disk.
#[derive(Debug)]
pub struct StoredRows {
    memory: Rows,
    held: Vec<Held>,
    disk: Vec<SpilledRows>,
}

impl StoredRows {
    /// Rows in memory, with the room that they take, and rows on disk.
    pub(crate) fn new(memory: Rows, held: impl IntoIterator<Item = Held>, disk: Vec<SpilledRows>) -> Self {
        Self { memory, held: held.into_iter().collect(), disk }
    }

    /// Rows in memory that take no room of a store.
    pub fn uncounted(rows: Rows) -> Self {
        Self::new(rows, None, Vec::new())
    }

    /// The columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.memory.schema
    }

    /// The number of rows.
    pub fn rows(&self) -> u64 {
        self.memory.len() as u64 + self.disk.iter().map(SpilledRows::rows).sum::<u64>()
    }

    /// The bytes that lie on disk.
    pub fn spilled_bytes(&self) -> u64 {
        self.disk.iter().map(SpilledRows::bytes).sum()
    }

    /// The rows, if all of them are in memory.
    pub fn in_memory(&self) -> Option<&Rows> {
        self.disk.is_empty().then_some(&self.memory)
    }

    /// The rows, batch by batch: first those on disk, then those in memory.
    ///
    /// # Errors
    /// [`EngineError::Resources`] if they cannot be read back.
    pub fn read(&self) -> Result<impl Iterator<Item = Result<RecordBatch, EngineError>> + Send + use<>, EngineError> {
        let disk = self.disk.iter().map(SpilledRows::read).collect::<Result<Vec<_>, _>>()?;
        Ok(disk.into_iter().flatten().chain(self.memory.batches.clone().into_iter().map(Ok)))
    }

    /// All rows, in memory.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn load(&self) -> Result<Rows, EngineError> {
        let batches = self.read()?.collect::<Result<_, _>>()?;
        Ok(Rows { schema: Arc::clone(self.schema()), batches })
    }

    /// The rows of both, those of `self` first.
    pub(crate) fn join(&mut self, other: Self) {
        self.memory.batches.extend(other.memory.batches);
        self.held.extend(other.held);
        self.disk.extend(other.disk);
    }

    /// Those in memory.
    pub(crate) fn memory(&self) -> &Rows {
        &self.memory
    }

    /// Those on disk.
    pub(crate) fn disk(&self) -> &[SpilledRows] {
        &self.disk
    }

    /// Adds rows on disk.
    pub(crate) fn extend_by(&mut self, disk: impl IntoIterator<Item = SpilledRows>) {
        self.disk.extend(disk);
    }
}
