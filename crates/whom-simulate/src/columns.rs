//! Columns on their way to a batch.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, DictionaryArray, RecordBatch, StringArray, TimestampMicrosecondArray, UInt16Array,
};
use arrow::datatypes::{Field, Schema};
use arrow::error::ArrowError;

use crate::population::{DAY, Population};

/// Columns in the order in which they are added.
#[derive(Default)]
pub(crate) struct Columns {
    fields: Vec<Field>,
    arrays: Vec<ArrayRef>,
}

impl Columns {
    pub(crate) fn add(mut self, name: &str, nullable: bool, array: impl Array + 'static) -> Self {
        self.fields.push(Field::new(name, array.data_type().clone(), nullable));
        self.arrays.push(Arc::new(array));
        self
    }

    /// Instants, from seconds since the start of the experiment.
    pub(crate) fn instants(self, name: &str, population: &Population, since_start: impl Iterator<Item = i64>) -> Self {
        let start = population.date(0).signed_duration_since(chrono::NaiveDate::default()).num_days() * DAY;
        let microseconds = TimestampMicrosecondArray::from_iter_values(since_start.map(|at| (start + at) * 1_000_000));
        self.add(name, false, microseconds.with_timezone("UTC"))
    }

    /// Words, as places in a list of them.
    ///
    /// # Errors
    /// If a place is not in the list.
    pub(crate) fn words<'a>(
        self,
        name: &str,
        nullable: bool,
        places: UInt16Array,
        words: impl Iterator<Item = &'a str>,
    ) -> Result<Self, ArrowError> {
        let words: StringArray = words.map(Some).collect();
        Ok(self.add(name, nullable, DictionaryArray::try_new(places, Arc::new(words))?))
    }

    pub(crate) fn batch(self) -> Result<RecordBatch, ArrowError> {
        RecordBatch::try_new(Arc::new(Schema::new(self.fields)), self.arrays)
    }
}
