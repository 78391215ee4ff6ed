//! Rows of one table in one piece, wherever they lie.

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::execution::memory_pool::MemoryReservation;

use crate::error::EngineError;
use crate::rows::Rows;
use crate::spill::SpilledRows;

/// Rows in memory, counted against its limit, or on disk.
#[derive(Debug)]
pub enum StoredRows {
    /// In memory.
    Memory {
        /// The rows.
        rows: Rows,
        /// What they take.
        reserved: MemoryReservation,
    },
    /// In the spill folder.
    Disk(SpilledRows),
}

impl StoredRows {
    /// The columns.
    pub fn schema(&self) -> &SchemaRef {
        match self {
            Self::Memory { rows, .. } => &rows.schema,
            Self::Disk(rows) => rows.schema(),
        }
    }

    /// The number of rows.
    pub fn rows(&self) -> u64 {
        match self {
            Self::Memory { rows, .. } => rows.len() as u64,
            Self::Disk(rows) => rows.rows(),
        }
    }

    /// The rows, batch by batch.
    ///
    /// # Errors
    /// [`EngineError::Resources`] if they cannot be read back.
    pub fn read(&self) -> Result<Box<dyn Iterator<Item = Result<RecordBatch, EngineError>> + Send>, EngineError> {
        Ok(match self {
            Self::Memory { rows, .. } => Box::new(rows.batches.clone().into_iter().map(Ok)),
            Self::Disk(rows) => Box::new(rows.read()?),
        })
    }

    /// All rows, in memory.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn load(&self) -> Result<Rows, EngineError> {
        match self {
            Self::Memory { rows, .. } => Ok(rows.clone()),
            Self::Disk(_) => {
                let batches = self.read()?.collect::<Result<_, _>>()?;
                Ok(Rows { schema: self.schema().clone(), batches })
            }
        }
    }
}
