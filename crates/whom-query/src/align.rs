//! Rows of other tables beside the units they belong to.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch, make_comparator};
use datafusion::arrow::compute::SortOptions;
use datafusion::arrow::datatypes::{DataType, Date32Type};
use serde::{Deserialize, Serialize};
use whom_engine::{KeyPlaces, NOWHERE, Rows};

use crate::error::QueryError;
use crate::gather::{Place, gather};
use crate::unit_table::column;

/// The table of units with the rows of all other tables beside them.
pub(crate) const JOINED: &str = "joined";

/// Where each unit stands.
pub(crate) struct Alignment {
    places: KeyPlaces,
    units: usize,
}

/// Which rows of a table count.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Counting<'a> {
    /// All of them; each is of a unit that is there.
    All,
    /// Those of units that are there.
    OfUnits,
    /// Those that are of the day of their unit, in their column `day`.
    OfDays(&'a [Option<i32>]),
}

/// Columns of a table, a row for each unit.
pub(crate) struct Aligned {
    /// The columns, null where a unit has no row.
    pub(crate) columns: Vec<ArrayRef>,
    pub(crate) beside: Beside,
}

/// Units that have rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Beside {
    /// Units with a row.
    pub(crate) units: u64,
    /// Units with several rows which differ.
    pub(crate) differing: u64,
}

impl std::ops::AddAssign for Beside {
    fn add_assign(&mut self, other: Self) {
        self.units += other.units;
        self.differing += other.differing;
    }
}

impl Alignment {
    /// By the units of a column, each of them once.
    ///
    /// # Errors
    /// [`QueryError::Engine`] for a unit that is there twice, or is neither an integer nor a text.
    pub(crate) fn by(units: ArrayRef) -> Result<Self, QueryError> {
        Ok(Self { units: units.len(), places: KeyPlaces::of(units)? })
    }

    /// The day of each unit, from the columns `unit` and `snapshot` of a table; `None` where it has none.
    ///
    /// # Errors
    /// [`QueryError::Internal`] for a row of a unit that is not there, or a table without one of the columns.
    pub(crate) fn days(&self, table: &Rows) -> Result<Vec<Option<i32>>, QueryError> {
        let mut days = vec![None; self.units];
        for batch in &table.batches {
            let snapshots = column(batch, "snapshot")?;
            let snapshots = dates(&snapshots)?;
            for (place, day) in self.places.find(&column(batch, "unit")?)?.into_iter().zip(snapshots) {
                *days.get_mut(place as usize).ok_or_else(nobody)? = day;
            }
        }
        Ok(days)
    }

    /// Puts the rows that count beside the units in their column `unit`; equal rows of one unit count once.
    ///
    /// # Errors
    /// [`QueryError::Internal`] for a row of a unit that is not there but should be, or a table without one of the columns.
    pub(crate) fn align(
        &self,
        table: &Rows,
        columns: &[String],
        counting: Counting<'_>,
    ) -> Result<Aligned, QueryError> {
        let values: Vec<Vec<ArrayRef>> =
            table.batches.iter().map(|batch| named(batch, columns)).collect::<Result<_, _>>()?;
        let nowhere: Place = (table.batches.len(), 0);
        let mut rows: Vec<Place> = vec![nowhere; self.units];
        let mut differing = BTreeSet::new();
        for (number, batch) in table.batches.iter().enumerate() {
            for (row, place) in self.places_of(batch, counting)?.into_iter().enumerate() {
                if place == NOWHERE {
                    continue;
                }
                let first = &mut rows[place as usize];
                if *first == nowhere {
                    *first = (number, row);
                } else if !are_equal((&values[first.0], first.1), (&values[number], row))? {
                    differing.insert(place);
                }
            }
        }
        let units = rows.iter().filter(|row| **row != nowhere).count() as u64;
        let kinds = columns.iter().map(|name| kind_of(table, name));
        let columns = kinds.enumerate().map(|(place, kind)| {
            let parts: Vec<ArrayRef> = values.iter().map(|batch| ArrayRef::clone(&batch[place])).collect();
            gather(&kind?, &parts, &rows).map_err(internal)
        });
        let columns = columns.collect::<Result<_, _>>()?;
        Ok(Aligned { columns, beside: Beside { units, differing: differing.len() as u64 } })
    }

    /// The place of each row that counts, [`NOWHERE`] for the others.
    fn places_of(&self, batch: &RecordBatch, counting: Counting<'_>) -> Result<Vec<u32>, QueryError> {
        let mut places = self.places.find(&column(batch, "unit")?)?;
        match counting {
            Counting::All if places.contains(&NOWHERE) => return Err(nobody()),
            Counting::All | Counting::OfUnits => {}
            Counting::OfDays(of_units) => {
                let days = column(batch, "day")?;
                for (place, day) in places.iter_mut().zip(dates(&days)?) {
                    let of_unit = of_units.get(*place as usize).copied().flatten();
                    if day.is_none() || day != of_unit {
                        *place = NOWHERE;
                    }
                }
            }
        }
        Ok(places)
    }
}

fn dates(column: &ArrayRef) -> Result<impl Iterator<Item = Option<i32>>, QueryError> {
    let days = column.as_primitive_opt::<Date32Type>();
    Ok(days.ok_or_else(|| QueryError::Internal(format!("a day is of type {}", column.data_type())))?.iter())
}

fn nobody() -> QueryError {
    QueryError::Internal("a row of no unit was joined".to_owned())
}

/// Whether two rows are the same in every column; NaN equals itself, and null itself.
fn are_equal(one: (&[ArrayRef], usize), other: (&[ArrayRef], usize)) -> Result<bool, QueryError> {
    for (left, right) in one.0.iter().zip(other.0) {
        let compare = make_comparator(left, right, SortOptions::default()).map_err(internal)?;
        if compare(one.1, other.1) != Ordering::Equal {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Columns of a batch by name.
fn named(batch: &RecordBatch, columns: &[String]) -> Result<Vec<ArrayRef>, QueryError> {
    columns.iter().map(|name| column(batch, name)).collect()
}

/// The type of a column of a table.
fn kind_of(table: &Rows, name: &str) -> Result<DataType, QueryError> {
    table.schema.field_with_name(name).map(|field| field.data_type().clone()).map_err(internal)
}

fn internal(error: impl std::fmt::Display) -> QueryError {
    QueryError::Internal(error.to_string())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{Date32Array, Float64Array, Int64Array, StringArray};

    use super::*;

    fn table(units: ArrayRef, values: Vec<Option<f64>>) -> RecordBatch {
        let values: ArrayRef = Arc::new(Float64Array::from(values));
        RecordBatch::try_from_iter_with_nullable([("unit", units, true), ("value", values, true)]).unwrap()
    }

    fn integers(units: &[i64]) -> ArrayRef {
        Arc::new(Int64Array::from(units.to_vec()))
    }

    fn rows(table: &RecordBatch) -> Rows {
        let cut = table.num_rows() / 2;
        let batches = vec![table.slice(0, cut), table.slice(cut, table.num_rows() - cut)];
        Rows { schema: table.schema(), batches }
    }

    fn aligned(units: &ArrayRef, table: &RecordBatch) -> (Vec<Option<f64>>, u64) {
        counted(units, table, Counting::All)
    }

    fn counted(units: &ArrayRef, table: &RecordBatch, counting: Counting<'_>) -> (Vec<Option<f64>>, u64) {
        let alignment = Alignment::by(ArrayRef::clone(units)).unwrap();
        let aligned = alignment.align(&rows(table), &["value".to_owned()], counting).unwrap();
        let values = aligned.columns[0].as_primitive::<datafusion::arrow::datatypes::Float64Type>().iter().collect();
        (values, aligned.beside.differing)
    }

    #[test]
    fn a_row_stands_beside_its_unit_and_who_has_none_has_null() {
        let found = aligned(&integers(&[7, 1, 5]), &table(integers(&[5, 7]), vec![Some(0.5), None]));
        assert_eq!(found, (vec![None, None, Some(0.5)], 0));
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["b", "a"]));
        let of_a: ArrayRef = Arc::new(StringArray::from(vec!["a"]));
        assert_eq!(aligned(&texts, &table(of_a, vec![Some(2.0)])), (vec![None, Some(2.0)], 0));
    }

    #[test]
    fn equal_rows_count_once_and_different_ones_are_told() {
        let nan = Some(f64::NAN);
        let twice =
            table(integers(&[1, 1, 2, 2, 3, 3, 3]), vec![nan, nan, None, None, Some(1.0), Some(2.0), Some(3.0)]);
        assert_eq!(aligned(&integers(&[1, 2, 3]), &twice).1, 1);
        let null_and_zero = table(integers(&[1, 1]), vec![None, Some(0.0)]);
        assert_eq!(aligned(&integers(&[1]), &null_and_zero).1, 1);
    }

    #[test]
    fn a_row_of_nobody_is_a_bug_of_ours() {
        let alignment = Alignment::by(integers(&[1])).unwrap();
        let refused = alignment.align(&rows(&table(integers(&[2]), vec![None])), &[], Counting::All);
        assert!(matches!(refused, Err(QueryError::Internal(_))));
    }

    #[test]
    fn rows_of_other_units_may_be_left_out() {
        let found = counted(&integers(&[1]), &table(integers(&[2, 1]), vec![Some(2.0), Some(1.0)]), Counting::OfUnits);
        assert_eq!(found, (vec![Some(1.0)], 0));
    }

    #[test]
    fn of_the_rows_of_days_that_of_the_units_day_counts() {
        let days = |days: &[Option<i32>]| Arc::new(Date32Array::from(days.to_vec())) as ArrayRef;
        let units = integers(&[7, 1, 5, 3]);
        let snapshots = [("unit", integers(&[5, 7, 3]), true), ("snapshot", days(&[Some(4), Some(2), None]), true)];
        let snapshots = rows(&RecordBatch::try_from_iter_with_nullable(snapshots).unwrap());
        let found = Alignment::by(ArrayRef::clone(&units)).unwrap().days(&snapshots).unwrap();
        assert_eq!(found, [Some(2), None, Some(4), None]);
        let values: ArrayRef = Arc::new(Float64Array::from(vec![0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]));
        let of_days = [
            ("unit", integers(&[5, 5, 7, 1, 7, 9, 3, 5]), true),
            ("day", days(&[Some(3), Some(4), Some(2), Some(2), Some(4), Some(2), None, None]), true),
            ("value", values, true),
        ];
        let of_days = RecordBatch::try_from_iter_with_nullable(of_days).unwrap();
        let found = counted(&units, &of_days, Counting::OfDays(&found));
        assert_eq!(found, (vec![Some(0.3), None, Some(0.2), None], 0));
    }
}
