//! Rows of one table in one piece, wherever they lie.

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;

use crate::error::EngineError;
use crate::rows::Rows;
use crate::spill::SpilledRows;

/// Rows, each of them in memory or on disk.
#[derive(Debug)]
pub struct StoredRows {
    memory: Rows,
    disk: Vec<SpilledRows>,
}

impl StoredRows {
    /// Rows in memory that take no room of a store.
    pub fn uncounted(rows: Rows) -> Self {
        Self { memory: rows, disk: Vec::new() }
    }

    /// The columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.memory.schema
    }

    /// The number of rows.
    pub fn rows(&self) -> u64 {
        self.memory.len() as u64 + self.disk.iter().map(SpilledRows::rows).sum::<u64>()
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
        Ok(Rows { schema: self.schema().clone(), batches })
    }
}
