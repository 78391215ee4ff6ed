//! Filters over keys: which units, or units on a day, can have rows that matter, known before the rows are decoded.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Date32Type, Int64Type};
use parquet::bloom_filter::Sbbf;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::error::EngineError;
use crate::stored::StoredRows;

/// The share of keys that were never added and pass all the same.
const FALSE_POSITIVES: f64 = 0.01;

/// The seed of keys that are not of a day; no day is so far from 1970.
const NO_DAY: u64 = u64::MAX;

/// A split-block Bloom filter over units, or over units on a day.
///
/// It holds every key that was added, and about 1 % of the others; what reads rows through it joins them to the exact keys
/// later. It takes about 10 bits a key, however large the keys are, so it also fits where the keys do not.
#[derive(Debug)]
pub struct KeyFilter {
    blocks: Sbbf,
}

impl KeyFilter {
    /// The filter of the keys in these rows: a column of units and, if the key has one, a column of days.
    ///
    /// # Errors
    /// [`EngineError::Internal`] if a column is missing or has another type, [`EngineError::Resources`] if rows on disk
    /// cannot be read.
    pub fn of(rows: &[&StoredRows], unit: &str, day: Option<&str>) -> Result<Self, EngineError> {
        let keys: u64 = rows.iter().map(|rows| rows.rows()).sum();
        let blocks = Sbbf::new_with_ndv_fpp(keys.max(1), FALSE_POSITIVES);
        let mut blocks = blocks.map_err(|error| EngineError::Internal(error.to_string()))?;
        for rows in rows {
            for batch in rows.read()? {
                let batch = batch?;
                let days = day.map(|day| named(&batch, day)).transpose()?;
                for_each_key(named(&batch, unit)?, days, |key| {
                    if let Some(key) = key {
                        blocks.insert(&key);
                    }
                })?;
            }
        }
        Ok(Self { blocks })
    }

    /// Which rows may hold a key that was added; a null is none.
    ///
    /// # Errors
    /// [`EngineError::Internal`] for columns of another type.
    pub(crate) fn holds(&self, units: &dyn Array, days: Option<&dyn Array>) -> Result<Vec<bool>, EngineError> {
        let mut found = Vec::with_capacity(units.len());
        for_each_key(units, days, |key| found.push(key.is_some_and(|key| self.blocks.check(&key))))?;
        Ok(found)
    }
}

fn named<'a>(batch: &'a RecordBatch, column: &str) -> Result<&'a dyn Array, EngineError> {
    let found = batch.column_by_name(column).map(AsRef::as_ref);
    found.ok_or_else(|| EngineError::Internal(format!("no column `{column}` to filter by")))
}

/// Calls a function with the hash of each row's key, or with none where a part of it is null.
fn for_each_key(
    units: &dyn Array,
    days: Option<&dyn Array>,
    mut each: impl FnMut(Option<i64>),
) -> Result<(), EngineError> {
    let unfit = |kind: &DataType| EngineError::Internal(format!("a key cannot be of type {kind}"));
    let days = match days {
        None => None,
        Some(days) => Some(days.as_primitive_opt::<Date32Type>().ok_or_else(|| unfit(days.data_type()))?),
    };
    let seed = |row: usize| match days {
        None => Some(NO_DAY),
        Some(days) => days.is_valid(row).then(|| u64::from(days.value(row).cast_unsigned())),
    };
    let hash = |bytes: &[u8], row: usize| seed(row).map(|seed| xxh3_64_with_seed(bytes, seed).cast_signed());
    if let Some(integers) = units.as_primitive_opt::<Int64Type>() {
        for (row, unit) in integers.iter().enumerate() {
            each(unit.and_then(|unit| hash(&unit.to_le_bytes(), row)));
        }
    } else if let Some(texts) = units.as_string_opt::<i32>() {
        for (row, unit) in texts.iter().enumerate() {
            each(unit.and_then(|unit| hash(unit.as_bytes(), row)));
        }
    } else {
        return Err(unfit(units.data_type()));
    }
    Ok(())
}

/// The filters of a session by name, which `may_hold` looks up.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyFilters {
    by_name: Arc<RwLock<BTreeMap<String, Arc<KeyFilter>>>>,
}

impl KeyFilters {
    pub(crate) fn add(&self, name: &str, filter: KeyFilter) {
        let mut filters = self.by_name.write().unwrap_or_else(PoisonError::into_inner);
        filters.insert(name.to_owned(), Arc::new(filter));
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<KeyFilter>> {
        self.by_name.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{ArrayRef, Date32Array, Int64Array, StringArray};

    use super::*;
    use crate::rows::Rows;

    fn filter(columns: Vec<(&str, ArrayRef)>) -> KeyFilter {
        let day = (columns.len() == 2).then_some("day");
        let batch =
            RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)));
        let batch = batch.unwrap();
        let rows = StoredRows::uncounted(Rows { schema: batch.schema(), batches: vec![batch] });
        KeyFilter::of(&[&rows], "unit", day).unwrap()
    }

    #[test]
    fn every_key_that_was_added_is_held_and_few_others_are() {
        let filter = filter(vec![("unit", Arc::new(Int64Array::from_iter_values(0..10_000)))]);
        let held = filter.holds(&Int64Array::from_iter_values(0..10_000), None).unwrap();
        assert!(held.iter().all(|held| *held));
        let others = filter.holds(&Int64Array::from_iter_values(10_000..20_000), None).unwrap();
        assert!(others.iter().filter(|held| **held).count() < 300);
    }

    #[test]
    fn a_unit_is_another_key_on_another_day() {
        let units = || Arc::new(StringArray::from(vec!["a", "b"]));
        let filter = filter(vec![("unit", units()), ("day", Arc::new(Date32Array::from(vec![1, 2])))]);
        let held = |days: Vec<Option<i32>>| filter.holds(units().as_ref(), Some(&Date32Array::from(days))).unwrap();
        assert_eq!(held(vec![Some(1), Some(2)]), [true, true]);
        assert_eq!(held(vec![Some(2), Some(1)]), [false, false]);
        assert_eq!(held(vec![None, None]), [false, false]);
    }

    #[test]
    fn nobody_is_held_by_the_filter_of_no_keys() {
        let filter = filter(vec![("unit", Arc::new(StringArray::from(vec![None::<&str>])))]);
        assert_eq!(filter.holds(&StringArray::from(vec![Some("a"), None]), None).unwrap(), [false, false]);
    }

    #[test]
    fn other_types_are_refused() {
        let filter = filter(vec![("unit", Arc::new(Int64Array::from(vec![1])))]);
        assert!(filter.holds(&Date32Array::from(vec![1]), None).is_err());
    }
}
