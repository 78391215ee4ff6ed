//! The rows of a query.

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::{Int64Type, SchemaRef};

use crate::error::EngineError;

/// The rows of a query.
#[derive(Clone, Debug)]
pub struct Rows {
    /// The columns, known even without rows.
    pub schema: SchemaRef,
    /// The rows in batches.
    pub batches: Vec<RecordBatch>,
}

impl Rows {
    /// The number of rows.
    pub fn len(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes that the rows take. Batches that are parts of one buffer count their parts, not the buffer each.
    pub(crate) fn bytes(&self) -> usize {
        self.batches.iter().map(bytes_of).sum()
    }

    /// All rows in one batch.
    ///
    /// # Errors
    /// [`EngineError::Internal`] if the batches disagree on their columns.
    pub fn to_batch(&self) -> Result<RecordBatch, EngineError> {
        concat_batches(&self.schema, &self.batches).map_err(|error| EngineError::Internal(error.to_string()))
    }

    /// The sum of a column of counts; nulls count nothing.
    ///
    /// # Errors
    /// [`EngineError::Internal`] if there is no such column of 64-bit integers.
    pub fn total(&self, column: &str) -> Result<u64, EngineError> {
        let mut total = 0_u64;
        for batch in &self.batches {
            let counts = batch.column_by_name(column).and_then(|array| array.as_primitive_opt::<Int64Type>());
            let counts = counts.ok_or_else(|| no_integer(column))?;
            total += counts.iter().flatten().map(i64::unsigned_abs).sum::<u64>();
        }
        Ok(total)
    }
}

/// An integer column of the first row; `None` if it is null.
///
/// # Errors
/// [`EngineError::Internal`] if there is no row or no such column of 64-bit integers.
pub fn integer(rows: &Rows, column: &str) -> Result<Option<i64>, EngineError> {
    let missing = || no_integer(column);
    let batch = rows.batches.iter().find(|batch| batch.num_rows() > 0).ok_or_else(missing)?;
    let values =
        batch.column_by_name(column).and_then(|array| array.as_primitive_opt::<Int64Type>()).ok_or_else(missing)?;
    Ok(values.is_valid(0).then(|| values.value(0)))
}

/// The bytes that a batch takes of its buffers.
pub(crate) fn bytes_of(batch: &RecordBatch) -> usize {
    let bytes = |column: &ArrayRef| {
        let data = column.to_data();
        data.get_slice_memory_size().unwrap_or_else(|_| data.get_buffer_memory_size())
    };
    batch.columns().iter().map(bytes).sum()
}

fn no_integer(column: &str) -> EngineError {
    EngineError::Internal(format!("no integer `{column}` in the answer"))
}
