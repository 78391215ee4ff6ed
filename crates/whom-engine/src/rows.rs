//! The rows of a query.

use datafusion::arrow::array::{Array, AsArray, RecordBatch};
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

fn no_integer(column: &str) -> EngineError {
    EngineError::Internal(format!("no integer `{column}` in the answer"))
}
