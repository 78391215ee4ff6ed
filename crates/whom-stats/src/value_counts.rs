//! How often each grid value occurs: exact and mergeable, from which ranks, quantiles and capped moments follow.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::moments::Moments;

/// Counts by grid value.
///
/// ```
/// use whom_stats::{Percentile, ValueCounts};
///
/// let mut counts: ValueCounts = [30, 10, 20, 20].into_iter().collect();
/// counts += &[40].into_iter().collect();
/// assert_eq!(counts.quantile(Percentile::new(0.5)?), Some(20));
/// assert_eq!(counts.at_most(20), 3);
/// # Ok::<(), whom_stats::PercentileError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueCounts {
    total: u64,
    counts: BTreeMap<i64, u64>,
}

/// A share of the values strictly between 0 and 1, in millionths: the rank that belongs to it is a whole number without
/// rounding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Percentile(u32);

/// Why a number is no percentile.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("{share} is no percentile; give a number between 0.000001 and 0.999999")]
pub struct PercentileError {
    /// The number as given.
    share: f64,
}

const MILLION: f64 = 1_000_000.0;

impl Percentile {
    /// The percentile next to a number.
    ///
    /// # Errors
    /// A number not in the range.
    pub fn new(share: f64) -> Result<Self, PercentileError> {
        let millionths = (share * MILLION).round();
        if (1.0..MILLION).contains(&millionths) { Ok(Self(millionths as u32)) } else { Err(PercentileError { share }) }
    }

    /// As a number.
    pub fn get(self) -> f64 {
        f64::from(self.0) / MILLION
    }

    /// The smallest rank, from 1, at which at least this share of `total` values is reached.
    pub fn rank(self, total: u64) -> u64 {
        (u128::from(self.0) * u128::from(total)).div_ceil(1_000_000) as u64
    }
}

impl TryFrom<f64> for Percentile {
    type Error = PercentileError;
    fn try_from(share: f64) -> Result<Self, PercentileError> {
        Self::new(share)
    }
}

impl From<Percentile> for f64 {
    fn from(share: Percentile) -> Self {
        share.get()
    }
}

impl ValueCounts {
    /// Counts one value.
    pub fn push(&mut self, value: i64) {
        self.add(value, 1);
    }

    /// Counts a value several times.
    pub fn add(&mut self, value: i64, times: u64) {
        if times > 0 {
            self.total += times;
            *self.counts.entry(value).or_default() += times;
        }
    }

    /// The number of values.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Values and how often they occur, in ascending order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (i64, u64)> + '_ {
        self.counts.iter().map(|(value, count)| (*value, *count))
    }

    /// The number of values that are at most `value`.
    pub fn at_most(&self, value: i64) -> u64 {
        self.counts.range(..=value).map(|(_, count)| count).sum()
    }

    /// How often a value occurs.
    pub fn count(&self, value: i64) -> u64 {
        self.counts.get(&value).copied().unwrap_or(0)
    }

    /// The value at a rank, the smallest having rank 1; `None` for rank 0 and beyond the values.
    pub fn at_rank(&self, rank: u64) -> Option<i64> {
        let mut reached = 0;
        let found = self.iter().find(|(_, count)| {
            reached += count;
            reached >= rank
        });
        found.filter(|_| rank > 0).map(|(value, _)| value)
    }

    /// The smallest value that at least this share of the values does not exceed: the inverse of the distribution function,
    /// always a value that occurs. `None` without values.
    pub fn quantile(&self, share: Percentile) -> Option<i64> {
        self.at_rank(share.rank(self.total))
    }

    /// The values that are not zero.
    #[must_use]
    pub fn non_zero(&self) -> Self {
        let mut counts = self.clone();
        counts.total -= counts.counts.remove(&0).unwrap_or(0);
        counts
    }

    /// The exact moments.
    pub fn moments(&self) -> Moments {
        self.iter().fold(Moments::default(), |sum, (value, count)| sum + Moments::repeated(value, count))
    }
}

impl AddAssign<&Self> for ValueCounts {
    fn add_assign(&mut self, other: &Self) {
        other.iter().for_each(|(value, count)| self.add(value, count));
    }
}

impl FromIterator<i64> for ValueCounts {
    fn from_iter<I: IntoIterator<Item = i64>>(values: I) -> Self {
        let mut counts = Self::default();
        values.into_iter().for_each(|value| counts.push(value));
        counts
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_values() -> impl Strategy<Value = Vec<i64>> {
        prop::collection::vec(-20_i64..20, 0..60)
    }

    proptest! {
        #[test]
        fn counts_of_parts_merge_to_the_counts_of_all_in_any_order(left in any_values(), right in any_values()) {
            let of = |values: &[i64]| values.iter().copied().collect::<ValueCounts>();
            let (mut there, mut back) = (of(&left), of(&right));
            there += &of(&right);
            back += &of(&left);
            let all: Vec<i64> = left.iter().chain(&right).copied().collect();
            prop_assert_eq!(&there, &back);
            prop_assert_eq!(there, of(&all));
        }

        #[test]
        fn ranks_and_quantiles_are_those_of_the_sorted_values(values in any_values(), share in 0.001..0.999_f64) {
            let counts: ValueCounts = values.iter().copied().collect();
            let mut sorted = values;
            sorted.sort_unstable();
            for (place, value) in sorted.iter().enumerate() {
                prop_assert_eq!(counts.at_rank(place as u64 + 1), Some(*value));
            }
            prop_assert_eq!(counts.at_rank(0), None);
            prop_assert_eq!(counts.at_rank(sorted.len() as u64 + 1), None);
            let share = Percentile::new(share).unwrap();
            let reaches = |value: i64| sorted.iter().filter(|other| **other <= value).count() as f64 >= share.get() * sorted.len() as f64 - 1e-9;
            prop_assert_eq!(counts.quantile(share), sorted.iter().copied().find(|value| reaches(*value)));
        }

        #[test]
        fn moments_of_counts_are_those_of_the_values(values in any_values()) {
            let counts: ValueCounts = values.iter().copied().collect();
            prop_assert_eq!(counts.moments(), values.iter().copied().collect::<Moments>());
            let non_zero: Moments = values.iter().copied().filter(|value| *value != 0).collect();
            prop_assert_eq!(counts.non_zero().moments(), non_zero);
        }
    }

    #[test]
    fn a_rank_is_exact_where_floating_point_is_not() {
        // 0.07 * 100 is 7.000000000000001 in floating point, and 0.57 * 100 is 56.99999999999999.
        assert_eq!([0.07, 0.57, 0.29].map(|share| Percentile::new(share).unwrap().rank(100)), [7, 57, 29]);
        assert_eq!(Percentile::new(0.999).unwrap().rank(u64::MAX / 2), 9_214_148_664_817_921_032);
    }

    #[test]
    fn a_share_of_none_or_all_is_refused() {
        for share in [0.0, 1.0, -0.5, 1e-7, 0.999_999_9, f64::NAN, f64::INFINITY] {
            assert!(Percentile::new(share).is_err(), "{share}");
        }
        insta::assert_snapshot!(Percentile::new(99.0).unwrap_err(), @"99 is no percentile; give a number between 0.000001 and 0.999999");
    }
}
