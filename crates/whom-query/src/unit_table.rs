//! The unit table: one row per unit, with arm, first exposure, metrics and tags.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use datafusion::arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch, UInt64Array};
use datafusion::arrow::compute::{filter_record_batch, min, take_record_batch};
use datafusion::arrow::datatypes::{Date32Type, Int32Type, Int64Type, TimestampMicrosecondType};
use rayon::prelude::*;
use whom_engine::{EngineError, StoredRows};
use whom_stats::ABSENT;

use crate::elsewhere::TableElsewhere;
use crate::error::QueryError;
use crate::flow::RowFlow;
use crate::status::Status;

pub use crate::build::{Checkpoints, Keeping, Watch, build, build_kept};

/// The unit table: one row per unit, units in several variants included. It lies in pieces, in memory or on disk; the
/// pieces, one after the other, hold the units in the order of buckets and ids.
#[derive(Debug)]
pub struct UnitTable {
    pieces: Pieces,
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
    /// The unit tables of all pieces, in the order of the pieces.
    ///
    /// # Errors
    /// [`QueryError::Internal`] if there is no piece.
    pub fn new(pieces: Vec<Arc<StoredRows>>, flow: RowFlow) -> Result<Self, QueryError> {
        if pieces.is_empty() {
            return Err(QueryError::Internal("there is no piece".to_owned()));
        }
        Ok(Self { pieces: Pieces::Here(pieces), flow })
    }

    /// A unit table that other machines made, and that lies where they can take it.
    pub(crate) fn elsewhere_made(pieces: TableElsewhere, flow: RowFlow) -> Self {
        Self { pieces: Pieces::Elsewhere(Box::new(pieces)), flow }
    }

    /// The table, if other machines made it.
    pub(crate) fn elsewhere(&self) -> Option<&TableElsewhere> {
        match &self.pieces {
            Pieces::Here(_) => None,
            Pieces::Elsewhere(elsewhere) => Some(elsewhere),
        }
    }

    /// The number of units.
    pub fn units(&self) -> u64 {
        match &self.pieces {
            Pieces::Here(pieces) => pieces.iter().map(|piece| piece.rows()).sum(),
            Pieces::Elsewhere(elsewhere) => elsewhere.units(),
        }
    }

    /// The pieces, on this machine.
    fn pieces(&self) -> Result<&[Arc<StoredRows>], QueryError> {
        match &self.pieces {
            Pieces::Here(pieces) => Ok(pieces),
            Pieces::Elsewhere(_) => {
                Err(QueryError::Internal("units that lie elsewhere are looked at there, and not read here".to_owned()))
            }
        }
    }

    /// Every unit, in order, some at a time; [`QueryError::Engine`] where some cannot be read back, and
    /// [`QueryError::Internal`] where they lie elsewhere.
    ///
    /// A piece is opened when the one before it has ended: an open file takes a buffer, and there may be 512 pieces.
    pub fn read(&self) -> impl Iterator<Item = Result<UnitRows, QueryError>> + Send {
        let (pieces, refusal) = match self.pieces() {
            Ok(pieces) => (pieces, None),
            Err(error) => (&[][..], Some(Err(error))),
        };
        let rows = pieces.iter().flat_map(|piece| {
            let (rows, refusal) = match piece.read() {
                Ok(rows) => (Some(rows), None),
                Err(error) => (None, Some(Err(error.into()))),
            };
            rows.into_iter().flatten().map(|batch| Ok(UnitRows(batch?))).chain(refusal)
        });
        rows.chain(refusal)
    }

    /// None of the units, in the columns of all.
    ///
    /// # Errors
    /// [`QueryError::Internal`] if nobody knows the columns.
    pub fn no_rows(&self) -> Result<UnitRows, QueryError> {
        let schema = match &self.pieces {
            Pieces::Here(pieces) => {
                let first = pieces.first().ok_or_else(|| QueryError::Internal("there is no piece".to_owned()))?;
                Arc::clone(first.schema())
            }
            Pieces::Elsewhere(elsewhere) => elsewhere.schema()?,
        };
        Ok(UnitRows(RecordBatch::new_empty(schema)))
    }

    /// Works through the pieces, side by side on rayon's threads, and gives what each came to, in their order. Within a
    /// piece the units come in order, some at a time. The flag is read between them.
    pub(crate) fn in_each_piece<T: Send>(
        &self,
        cancel: &AtomicBool,
        work: impl Fn(&mut dyn Iterator<Item = Result<UnitRows, QueryError>>) -> Result<T, QueryError> + Sync,
    ) -> Result<Vec<T>, QueryError> {
        self.pieces()?.par_iter().map(|piece| work(&mut rows_of(piece, cancel)?)).collect()
    }

    /// Gathers something from all units that lie here, as a [look](crate::Look) does: each thread adds the units of its pieces to something empty, and what they come to
    /// is merged. Neither may depend on order, but for that of units within a piece.
    pub(crate) fn gather<T: Send>(
        &self,
        cancel: &AtomicBool,
        empty: impl Fn() -> T + Sync + Send,
        add: impl Fn(&mut T, UnitRows) -> Result<(), QueryError> + Sync + Send,
        merge: impl Fn(T, T) -> T + Sync + Send,
    ) -> Result<T, QueryError> {
        let added = self.pieces()?.par_iter().try_fold(&empty, |mut gathered, piece| {
            rows_of(piece, cancel)?.try_for_each(|rows| add(&mut gathered, rows?))?;
            Ok::<T, QueryError>(gathered)
        });
        added.try_reduce(&empty, |one, other| Ok(merge(one, other)))
    }
}

/// Where the pieces lie.
#[derive(Debug)]
enum Pieces {
    Here(Vec<Arc<StoredRows>>),
    Elsewhere(Box<TableElsewhere>),
}

pub(crate) fn rows_of<'a>(
    piece: &StoredRows,
    cancel: &'a AtomicBool,
) -> Result<impl Iterator<Item = Result<UnitRows, QueryError>> + 'a, QueryError> {
    Ok(piece.read()?.map(|batch| {
        if cancel.load(Ordering::Relaxed) {
            return Err(EngineError::Cancelled.into());
        }
        Ok(UnitRows(batch?))
    }))
}

/// Some units of the unit table.
#[derive(Clone, Debug)]
pub struct UnitRows(RecordBatch);

impl UnitRows {
    /// Units in the columns of the unit table.
    pub fn new(rows: RecordBatch) -> Self {
        Self(rows)
    }

    /// The units, in the columns of the unit table.
    #[cfg(test)]
    pub(crate) fn batch(&self) -> &RecordBatch {
        &self.0
    }

    /// The units of all of some rows.
    #[cfg(test)]
    pub(crate) fn joined(rows: &[Self]) -> Self {
        Self(datafusion::arrow::compute::concat_batches(&rows[0].0.schema(), rows.iter().map(|rows| &rows.0)).unwrap())
    }

    /// The number of units.
    pub fn len(&self) -> usize {
        self.0.num_rows()
    }

    /// Whether there is no unit.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Some of the units, which follow each other.
    pub(crate) fn slice(&self, places: Range<usize>) -> Self {
        Self(self.0.slice(places.start, places.len()))
    }

    /// The units whose place is kept.
    ///
    /// # Errors
    /// [`QueryError::Internal`] if there are not as many places as units.
    pub(crate) fn filtered(&self, kept: &BooleanArray) -> Result<Self, QueryError> {
        let filtered = filter_record_batch(&self.0, kept);
        Ok(Self(filtered.map_err(|error| QueryError::Internal(error.to_string()))?))
    }

    /// The units at some places, in their order.
    ///
    /// # Errors
    /// [`QueryError::Internal`] for a place at which there is no unit.
    pub(crate) fn at(&self, places: &[usize]) -> Result<Self, QueryError> {
        let places: UInt64Array = places.iter().map(|place| *place as u64).collect();
        let taken = take_record_batch(&self.0, &places);
        Ok(Self(taken.map_err(|error| QueryError::Internal(error.to_string()))?))
    }

    /// A column under its name in the unit table.
    ///
    /// # Errors
    /// [`QueryError::Internal`] if there is none.
    pub fn column(&self, name: &str) -> Result<ArrayRef, QueryError> {
        column(&self.0, name)
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

    /// The day of each unit's first exposure in the experiment's time zone, as days since 1970-01-01.
    ///
    /// # Errors
    /// As [`Self::column`].
    pub fn exposure_days(&self) -> Result<Vec<i32>, QueryError> {
        Ok(self.column("exposure_day")?.as_primitive::<Date32Type>().values().to_vec())
    }

    /// The earliest first exposure, in microseconds since 1970-01-01 UTC; `None` without a unit.
    ///
    /// # Errors
    /// As [`Self::column`].
    pub(crate) fn earliest_exposure(&self) -> Result<Option<i64>, QueryError> {
        Ok(min(self.column("first_exposure")?.as_primitive::<TimestampMicrosecondType>()))
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
