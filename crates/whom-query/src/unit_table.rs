//! The unit table: one row per unit, with arm, first exposure, metrics and tags.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch};
use datafusion::arrow::datatypes::{Date32Type, Int32Type, Int64Type, TimestampMicrosecondType};
use whom_engine::{Rows, StoredRows};
use whom_stats::ABSENT;

use crate::error::QueryError;
use crate::flow::RowFlow;
use crate::status::Status;

pub use crate::build::{Watch, build};

/// The unit table: one row per unit, in the order of buckets and ids, units in several variants included.
#[derive(Clone, Debug)]
pub struct UnitTable {
    batch: RecordBatch,
    /// Where the rows of the inputs went.
    pub flow: RowFlow,
}

/// A column of a statement's answer.
pub(crate) fn column(batch: &RecordBatch, name: &str) -> Result<ArrayRef, QueryError> {
    batch
        .column_by_name(name)
        .cloned()
        .ok_or_else(|| QueryError::Internal(format!("a statement's answer lacks `{name}`")))
}

impl UnitTable {
    /// The unit tables of all pieces, one after the other.
    pub(crate) fn new(pieces: &[Arc<StoredRows>], flow: RowFlow) -> Result<Self, QueryError> {
        let first = pieces.first().ok_or_else(|| QueryError::Internal("there is no piece".to_owned()))?;
        let mut whole = Rows { schema: Arc::clone(first.schema()), batches: Vec::new() };
        for piece in pieces {
            whole.batches.extend(piece.load()?.batches);
        }
        Ok(Self { batch: whole.to_batch()?, flow })
    }

    /// The number of units.
    pub fn len(&self) -> usize {
        self.batch.num_rows()
    }

    /// Whether no unit was exposed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A column under its name in the unit table.
    ///
    /// # Errors
    /// [`QueryError::Internal`] if there is none.
    pub fn column(&self, name: &str) -> Result<ArrayRef, QueryError> {
        column(&self.batch, name)
    }

    /// The arm of each unit.
    ///
    /// # Errors
    /// As [`Self::column`].
    pub fn arms(&self) -> Result<Vec<u8>, QueryError> {
        Ok(self.column("arm")?.as_primitive::<Int64Type>().values().iter().map(|arm| *arm as u8).collect())
    }

    /// The bucket of each unit.
    ///
    /// # Errors
    /// As [`Self::column`].
    pub fn buckets(&self) -> Result<Vec<u16>, QueryError> {
        Ok(self.column("bucket")?.as_primitive::<Int32Type>().values().iter().map(|bucket| *bucket as u16).collect())
    }

    /// The instant of each unit's first exposure, in microseconds since 1970 UTC.
    ///
    /// # Errors
    /// As [`Self::column`].
    pub fn first_exposures(&self) -> Result<Vec<i64>, QueryError> {
        Ok(self.column("first_exposure")?.as_primitive::<TimestampMicrosecondType>().values().to_vec())
    }

    /// The day of each unit's first exposure in the experiment's time zone, as days since 1970-01-01.
    ///
    /// # Errors
    /// As [`Self::column`].
    pub fn exposure_days(&self) -> Result<Vec<i32>, QueryError> {
        Ok(self.column("exposure_day")?.as_primitive::<Date32Type>().values().to_vec())
    }

    /// Whether each unit saw several variants.
    ///
    /// # Errors
    /// As [`Self::column`].
    pub fn several_variants(&self) -> Result<BooleanArray, QueryError> {
        Ok(self.column("several_variants")?.as_boolean().clone())
    }

    /// The grid values of a metric, [`ABSENT`] where a unit has none.
    ///
    /// # Errors
    /// As [`Self::column`].
    pub fn metric(&self, column: &str) -> Result<Vec<i64>, QueryError> {
        Ok(self.column(column)?.as_primitive::<Int64Type>().iter().map(|value| value.unwrap_or(ABSENT)).collect())
    }

    /// Why units have or lack a value.
    ///
    /// # Errors
    /// As [`Self::column`], and for a number that is no status.
    pub fn statuses(&self, column: &str) -> Result<Vec<Status>, QueryError> {
        self.column(column)?
            .as_primitive::<Int64Type>()
            .values()
            .iter()
            .map(|number| Status::of(*number).ok_or_else(|| QueryError::Internal(format!("{number} is no status"))))
            .collect()
    }

    /// Which units a pre-registered cohort holds.
    ///
    /// # Errors
    /// As [`Self::column`].
    pub fn cohort(&self, column: &str) -> Result<BooleanArray, QueryError> {
        Ok(self.column(column)?.as_boolean().clone())
    }
}
