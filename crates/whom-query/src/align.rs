//! Rows of other tables beside the units they belong to.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch, make_comparator};
use datafusion::arrow::compute::SortOptions;
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::common::hash_utils::RandomState;
use whom_engine::Rows;

use crate::error::QueryError;
use crate::gather::{Place, gather};
use crate::unit_table::column;

/// The table of units with the rows of all other tables beside them.
pub(crate) const JOINED: &str = "joined";

/// Where each unit stands.
pub(crate) struct Alignment<'a> {
    places: Places<'a>,
    units: usize,
}

enum Places<'a> {
    Integers(HashMap<i64, u32, RandomState>),
    Texts(HashMap<&'a str, u32, RandomState>),
}

/// Columns of a table, a row for each unit.
pub(crate) struct Aligned {
    /// The columns, null where a unit has no row.
    pub(crate) columns: Vec<ArrayRef>,
    pub(crate) beside: Beside,
}

/// Units that have rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

impl<'a> Alignment<'a> {
    /// By the units of a column, each of them once.
    pub(crate) fn by(units: &'a ArrayRef) -> Result<Self, QueryError> {
        let places = match units.data_type() {
            DataType::Int64 => {
                let units = units.as_primitive::<Int64Type>();
                Places::Integers(units.values().iter().zip(0..).map(|(unit, place)| (*unit, place)).collect())
            }
            DataType::Utf8 => {
                let units = units.as_string::<i32>();
                Places::Texts(units.iter().flatten().zip(0..).collect())
            }
            other => return Err(QueryError::Internal(format!("a unit cannot be of type {other}"))),
        };
        Ok(Self { places, units: units.len() })
    }

    /// Puts rows beside the units in their column `unit`; equal rows of one unit count once.
    ///
    /// # Errors
    /// [`QueryError::Internal`] for a row of a unit that is not there, or a table without one of the columns.
    pub(crate) fn align(&self, table: &Rows, columns: &[String]) -> Result<Aligned, QueryError> {
        let values: Vec<Vec<ArrayRef>> =
            table.batches.iter().map(|batch| named(batch, columns)).collect::<Result<_, _>>()?;
        let nowhere: Place = (table.batches.len(), 0);
        let mut rows: Vec<Place> = vec![nowhere; self.units];
        let mut differing = BTreeSet::new();
        for (number, batch) in table.batches.iter().enumerate() {
            for (row, place) in self.places_of(&column(batch, "unit")?)?.into_iter().enumerate() {
                let place = place.ok_or_else(|| QueryError::Internal("a row of no unit was joined".to_owned()))?;
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

    fn places_of(&self, units: &ArrayRef) -> Result<Vec<Option<u32>>, QueryError> {
        let places = match &self.places {
            Places::Integers(places) => units
                .as_primitive_opt::<Int64Type>()
                .map(|units| units.iter().map(|unit| places.get(&unit?).copied()).collect()),
            Places::Texts(places) => {
                units.as_string_opt::<i32>().map(|units| units.iter().map(|unit| places.get(unit?).copied()).collect())
            }
        };
        places.ok_or_else(|| QueryError::Internal("the ids of two tables are of two types".to_owned()))
    }
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

    use datafusion::arrow::array::{Float64Array, Int64Array, StringArray};

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
        let aligned = Alignment::by(units).unwrap().align(&rows(table), &["value".to_owned()]).unwrap();
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
        let units = integers(&[1]);
        let refused = Alignment::by(&units).unwrap().align(&rows(&table(integers(&[2]), vec![None])), &[]);
        assert!(matches!(refused, Err(QueryError::Internal(_))));
    }
}
