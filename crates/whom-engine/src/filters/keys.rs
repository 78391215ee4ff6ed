//! The keys of rows: units, or units on a day.

use std::ops::Range;

use datafusion::arrow::array::{Array, AsArray, Date32Array, Int64Array, StringArray};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::datatypes::{DataType, Date32Type, Int64Type};
use whom_stats::bucket::{bucket_of_integer, bucket_of_text};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::AT_ONCE;
use crate::error::EngineError;

/// The seed of keys that are not of a day; no day is so far from 1970.
const NO_DAY: u64 = u64::MAX;

/// The keys of some rows.
pub(super) struct Keys<'a> {
    units: Units<'a>,
    days: Option<&'a Date32Array>,
}

enum Units<'a> {
    Integers(&'a Int64Array),
    Texts(&'a StringArray),
}

impl<'a> Keys<'a> {
    pub(super) fn new(units: &'a dyn Array, days: Option<&'a dyn Array>) -> Result<Self, EngineError> {
        let unfit = |kind: &DataType| EngineError::Internal(format!("a key cannot be of type {kind}"));
        let days = match days {
            None => None,
            Some(days) => Some(days.as_primitive_opt::<Date32Type>().ok_or_else(|| unfit(days.data_type()))?),
        };
        let integers = units.as_primitive_opt::<Int64Type>().map(Units::Integers);
        let units = integers
            .or_else(|| units.as_string_opt::<i32>().map(Units::Texts))
            .ok_or_else(|| unfit(units.data_type()))?;
        Ok(Self { units, days })
    }

    /// The rows in which no part of the key is null; `None` if that is all of them.
    pub(super) fn nulls(&self) -> Option<NullBuffer> {
        let units = match self.units {
            Units::Integers(units) => units.nulls(),
            Units::Texts(units) => units.nulls(),
        };
        NullBuffer::union(units, self.days.and_then(|days| days.nulls()))
    }

    /// The hashes of some rows, in their order.
    #[inline]
    pub(super) fn hash_each(&self, rows: Range<usize>, hashes: &mut [u64; AT_ONCE]) {
        match (&self.units, self.days) {
            (Units::Integers(units), None) => {
                for (hash, unit) in hashes.iter_mut().zip(&units.values()[rows]) {
                    *hash = mixed(unit.cast_unsigned(), NO_DAY);
                }
            }
            (Units::Integers(units), Some(days)) => {
                let days = &days.values()[rows.clone()];
                for (hash, (unit, day)) in hashes.iter_mut().zip(units.values()[rows].iter().zip(days)) {
                    *hash = mixed(unit.cast_unsigned(), u64::from(day.cast_unsigned()));
                }
            }
            (Units::Texts(_), _) => hashes.iter_mut().zip(rows).for_each(|(hash, row)| *hash = self.hash(row)),
        }
    }

    /// The bucket of a unit, by which it lies in its piece.
    #[inline]
    pub(super) fn bucket(&self, row: usize) -> u16 {
        match self.units {
            Units::Integers(units) => bucket_of_integer(units.value(row)),
            Units::Texts(units) => bucket_of_text(units.value(row)),
        }
    }

    #[inline]
    pub(super) fn hash(&self, row: usize) -> u64 {
        let seed = self.days.map_or(NO_DAY, |days| u64::from(days.value(row).cast_unsigned()));
        match self.units {
            Units::Integers(units) => mixed(units.value(row).cast_unsigned(), seed),
            Units::Texts(units) => xxh3_64_with_seed(units.value(row).as_bytes(), seed),
        }
    }
}

/// A hash of an integer: both halves of two products, as in wyhash. Filters live as long as a run, so it may change.
#[inline]
pub(crate) fn mixed(unit: u64, seed: u64) -> u64 {
    let folded = |one: u64, other: u64| {
        let product = u128::from(one) * u128::from(other);
        product as u64 ^ (product >> 64) as u64
    };
    folded(folded(unit ^ 0xa076_1d64_78bd_642f, seed ^ 0xe703_7ed1_a0b4_28db), 0x8ebc_6af0_9c88_c6e3)
}
