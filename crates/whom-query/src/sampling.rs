//! Which units stand for all of them where all would be too many.

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::Int64Type;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::error::QueryError;
use crate::unit_table::UnitRows;

/// Up to so many units stand for themselves; of more, about so many stand for all.
const UNITS: u64 = 1 << 20;

/// The product's own constant in the hash of a unit, so that neither an assignment nor our buckets choose alike.
const SAMPLE_SEED: u64 = 0x77_68_6f_6d_3f_73_6d_70;

/// A choice of units that depends on nothing but their ids and how many there are: the same units are chosen whatever the
/// pieces, and each of them whatever becomes of the others. All of them unless told otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sampling {
    /// Units whose hash lies below are chosen; `None` chooses all.
    below: Option<u64>,
}

impl Sampling {
    /// All of so many units, or a part of them.
    pub(crate) fn of_units(units: u64) -> Self {
        Self::about(UNITS, units)
    }

    /// All of so many units if they are at most `some`, and about `some` of them otherwise.
    pub(crate) fn about(some: u64, units: u64) -> Self {
        let share = || ((u128::from(some) << u64::BITS) / u128::from(units)) as u64;
        Self { below: (units > some).then(share) }
    }

    /// The chosen ones among some units, in their order.
    ///
    /// # Errors
    /// As [`Self::places`], and [`QueryError::Internal`] for rows that are not of the unit table.
    pub(crate) fn of_rows(self, rows: UnitRows) -> Result<UnitRows, QueryError> {
        if self.below.is_none() {
            return Ok(rows);
        }
        match self.places(&rows.column("unit")?)? {
            Some(places) => rows.at(&places),
            None => Ok(rows),
        }
    }

    /// The places of the chosen units among those with these ids; `None` for all of them.
    ///
    /// # Errors
    /// [`QueryError::Internal`] for ids that are neither integers nor texts.
    pub(crate) fn places(self, ids: &ArrayRef) -> Result<Option<Vec<usize>>, QueryError> {
        let Some(below) = self.below else { return Ok(None) };
        let chosen = |id: &[u8]| xxh3_64_with_seed(id, SAMPLE_SEED) < below;
        if let Some(ids) = ids.as_primitive_opt::<Int64Type>() {
            return Ok(Some((0..ids.len()).filter(|row| chosen(&ids.value(*row).to_le_bytes())).collect()));
        }
        match ids.as_string_opt::<i32>() {
            Some(ids) => Ok(Some((0..ids.len()).filter(|row| chosen(ids.value(*row).as_bytes())).collect())),
            None => Err(QueryError::Internal(format!("a unit cannot be of type {}", ids.data_type()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{Int64Array, StringArray};
    use whom_stats::bucket_of_integer;

    use super::*;

    #[test]
    fn few_units_are_all_chosen_and_of_many_about_as_many_as_asked_for() {
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..100_000));
        assert_eq!(Sampling::of_units(UNITS).places(&ids).unwrap(), None);
        assert!(Sampling::of_units(UNITS + 1).places(&ids).unwrap().is_some());
        assert_eq!(Sampling::about(100_000, 100_000).places(&ids).unwrap(), None);
        let chosen = Sampling::about(10_000, 100_000).places(&ids).unwrap().unwrap();
        assert!((9_700..10_300).contains(&chosen.len()), "{}", chosen.len());
        let fewer = Sampling::about(1_000, 100_000).places(&ids).unwrap().unwrap();
        assert!(fewer.iter().all(|place| chosen.contains(place)), "a smaller sample is a part of a larger one");
    }

    #[test]
    fn the_choice_does_not_know_the_buckets() {
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..100_000));
        let chosen = Sampling::about(10_000, 100_000).places(&ids).unwrap().unwrap();
        let low = chosen.iter().filter(|place| bucket_of_integer(**place as i64) < 512).count();
        assert!((4_800..5_200).contains(&low), "{low} of {}", chosen.len());
    }

    #[test]
    fn the_choice_never_changes() {
        let places = |ids: ArrayRef| Sampling::about(2, 10).places(&ids).unwrap().unwrap();
        // Computed by xxhash in Python: `xxh3_64_intdigest(id, 0x77686f6d3f736d70) < (2 << 64) // 10`.
        assert_eq!(places(Arc::new(Int64Array::from_iter_values(0..20))), [1, 8, 12]);
        let texts = StringArray::from_iter_values((0..20).map(|id| id.to_string()));
        assert_eq!(places(Arc::new(texts)), [5, 10, 12, 14, 19]);
    }
}
