//! The rows of a query.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, MutableArrayData, RecordBatch, make_array};
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::{DataType, Int64Type, SchemaRef};
use datafusion::arrow::error::ArrowError;

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

/// The batch with buffers of its own, if it is a small part of larger ones. Operators that keep batches count the buffers of each,
/// so that the parts of one buffer would count it as many times as there are parts.
pub(crate) fn with_own_buffers(batch: RecordBatch) -> Result<RecordBatch, EngineError> {
    if batch.get_array_memory_size() <= 2 * bytes_of(&batch) {
        return Ok(batch);
    }
    let internal = |error: ArrowError| EngineError::Internal(error.to_string());
    let columns = batch.columns().iter().map(copied).collect::<Result<_, _>>().map_err(internal)?;
    RecordBatch::try_new(batch.schema(), columns).map_err(internal)
}

fn copied(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    Ok(match column.data_type() {
        DataType::Utf8View => Arc::new(column.as_string_view().gc()),
        DataType::BinaryView => Arc::new(column.as_binary_view().gc()),
        _ => {
            let data = column.to_data();
            let mut copy = MutableArrayData::new(vec![&data], false, data.len());
            copy.try_extend(0, 0, data.len())?;
            make_array(copy.freeze())
        }
    })
}

fn no_integer(column: &str) -> EngineError {
    EngineError::Internal(format!("no integer `{column}` in the answer"))
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{Int64Array, StringArray, StringViewArray, StructArray};

    use super::*;

    #[test]
    fn a_small_part_is_copied_and_a_large_one_is_not() {
        let words: Vec<Option<String>> = (0..1_000)
            .map(|place| (place % 7 > 0).then(|| format!("a word of more than twelve letters, {place}")))
            .collect();
        let numbers: ArrayRef =
            Arc::new((0..1_000).map(|place| (place % 5 > 0).then_some(place)).collect::<Int64Array>());
        let texts: ArrayRef = Arc::new(words.iter().cloned().collect::<StringArray>());
        let nested =
            StructArray::try_from(vec![("number", Arc::clone(&numbers)), ("text", Arc::clone(&texts))]).unwrap();
        let views: ArrayRef = Arc::new(words.into_iter().collect::<StringViewArray>());
        let columns =
            [("numbers", numbers), ("texts", texts), ("nested", Arc::new(nested) as ArrayRef), ("views", views)];
        let whole = RecordBatch::try_from_iter(columns).unwrap();
        let size = whole.get_array_memory_size();
        let most = whole.project(&[0, 1, 2]).unwrap().slice(0, 900);
        assert_eq!(with_own_buffers(most.clone()).unwrap().get_array_memory_size(), most.get_array_memory_size());
        let part = whole.slice(500, 10);
        assert_eq!(part.get_array_memory_size(), size);
        let copy = with_own_buffers(part.clone()).unwrap();
        assert_eq!(copy, part);
        assert!(copy.get_array_memory_size() < size / 10, "{} of {size}", copy.get_array_memory_size());
    }
}
