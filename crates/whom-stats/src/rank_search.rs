//! The value at a rank, found exactly in at most four looks at the values, in 32 KiB however many there are.
//!
//! [`crate::ValueCounts`] holds every distinct value, which are as many as there are units for a metric on a fine grid. Here a look
//! counts values in 4,096 bins, and the next one looks into the bin that holds the rank: 46 bits in steps of 12.

use serde::{Deserialize, Serialize};

use crate::grid::MAX_GRID_VALUE;

const BIN_BITS: u32 = 12;
const BINS: usize = 1 << BIN_BITS;
/// Bins of this width, as a power of two, cover every grid value.
const WIDEST: u32 = 46 - BIN_BITS;

/// One look: values counted in bins of a range. It merges with the same look at other values.
///
/// ```
/// use whom_stats::{Narrowed, RankSearch};
///
/// let values = [700, -3, 250_000, 40];
/// let mut search = RankSearch::new();
/// let third = loop {
///     values.iter().for_each(|value| search.push(*value));
///     match search.narrow(3) {
///         Narrowed::Again(next) => search = next,
///         found => break found,
///     }
/// };
/// assert_eq!(third, Narrowed::Found(700));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RankSearch {
    /// The first value of the first bin.
    low: i64,
    /// A bin holds 2^shift values.
    shift: u32,
    /// Values below the range.
    below: u64,
    counts: Vec<u64>,
    /// All values, those beyond the range included.
    total: u64,
}

/// What a look found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Narrowed {
    /// The value at the rank.
    Found(i64),
    /// The next look, which has counted nothing yet.
    Again(RankSearch),
    /// There is no such rank.
    Beyond,
}

impl Default for RankSearch {
    fn default() -> Self {
        Self::new()
    }
}

impl RankSearch {
    /// The first look.
    pub fn new() -> Self {
        Self::at(-MAX_GRID_VALUE, WIDEST)
    }

    fn at(low: i64, shift: u32) -> Self {
        Self { low, shift, below: 0, counts: vec![0; BINS], total: 0 }
    }

    /// Counts a value.
    #[inline]
    pub fn push(&mut self, value: i64) {
        self.total += 1;
        if value < self.low {
            self.below += 1;
        } else if let Some(count) = self.counts.get_mut((value.abs_diff(self.low) >> self.shift) as usize) {
            *count += 1;
        }
    }

    /// Adds the same look at other values.
    pub fn add(&mut self, other: &Self) {
        self.total += other.total;
        self.below += other.below;
        self.counts.iter_mut().zip(&other.counts).for_each(|(sum, count)| *sum += count);
    }

    /// The number of values: what a percentile's rank is taken of.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// How often a value was counted; `None` while a bin holds several values, and beyond the bins.
    pub fn count(&self, value: i64) -> Option<u64> {
        let bin = usize::try_from(value.checked_sub(self.low)?).ok()?;
        self.counts.get(bin).filter(|_| self.shift == 0).copied()
    }

    /// Whether it looks at the same range as another look.
    pub(crate) fn looks_where(&self, other: &Self) -> bool {
        (self.low, self.shift) == (other.low, other.shift)
    }

    /// The value at a rank, the smallest having rank 1, or the look that gets nearer to it. The rank has to be the same in
    /// every look.
    pub fn narrow(&self, rank: u64) -> Narrowed {
        if rank == 0 || rank > self.total {
            return Narrowed::Beyond;
        }
        let mut reached = self.below;
        let found = self.counts.iter().position(|count| {
            reached += count;
            reached >= rank
        });
        match found.map(|bin| self.low + ((bin as i64) << self.shift)) {
            Some(value) if self.shift == 0 => Narrowed::Found(value),
            Some(low) => Narrowed::Again(Self::at(low, self.shift.saturating_sub(BIN_BITS))),
            None => Narrowed::Beyond,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::value_counts::ValueCounts;

    /// The value at a rank, and the looks that it took; every look is merged from two parts.
    fn search(values: &[i64], rank: u64) -> (Option<i64>, usize) {
        let mut search = RankSearch::new();
        for looks in 1.. {
            let (mut other, middle) = (search.clone(), values.len() / 2);
            values[..middle].iter().for_each(|value| search.push(*value));
            values[middle..].iter().for_each(|value| other.push(*value));
            search.add(&other);
            match search.narrow(rank) {
                Narrowed::Again(next) => search = next,
                Narrowed::Found(value) => return (Some(value), looks),
                Narrowed::Beyond => return (None, looks),
            }
        }
        unreachable!("a search ends")
    }

    proptest! {
        #[test]
        fn every_rank_is_found_in_four_looks(
            wide in prop::collection::vec(-MAX_GRID_VALUE..=MAX_GRID_VALUE, 0..20), narrow in prop::collection::vec(-9_i64..9, 0..20),
        ) {
            let values: Vec<i64> = wide.into_iter().chain(narrow).collect();
            let counts: ValueCounts = values.iter().copied().collect();
            for rank in 0..values.len() as u64 + 2 {
                let (found, looks) = search(&values, rank);
                prop_assert_eq!(found, counts.at_rank(rank));
                prop_assert!(looks <= 4);
            }
        }
    }

    #[test]
    fn the_ends_of_the_grid_are_found() {
        let ends = [-MAX_GRID_VALUE, MAX_GRID_VALUE];
        assert_eq!(search(&ends, 1).0, Some(-MAX_GRID_VALUE));
        assert_eq!(search(&ends, 2).0, Some(MAX_GRID_VALUE));
        assert_eq!(RankSearch::default().narrow(1), Narrowed::Beyond);
    }
}
