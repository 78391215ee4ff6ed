//! Sums of floating-point values that do not depend on how units are cut into pieces.
//!
//! The units of a bucket lie in one piece, in order, so the sum over a bucket is always the same; and the sums of the
//! buckets are added in the order of the buckets.

use serde::{Deserialize, Serialize};
use whom_stats::BUCKETS;

/// Sums of a tag's known values by group of units: for means and variances.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BucketSums {
    /// What is subtracted from each value: something in their middle, so that little is lost when squares are subtracted.
    centre: f64,
    groups: usize,
    /// Index `bucket * groups + group`.
    sums: Vec<Sum>,
}

/// The deviations of some values from the centre.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Sum {
    values: u64,
    deviations: f64,
    squares: f64,
}

/// Values in summary.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// How many there are, at least one.
    pub values: u64,
    /// Their mean.
    pub mean: f64,
    /// The squares of their deviations from the mean, added up.
    pub squares: f64,
}

impl BucketSums {
    /// No value yet, in so many groups.
    pub fn new(centre: f64, groups: usize) -> Self {
        Self { centre, groups, sums: vec![Sum::default(); BUCKETS * groups] }
    }

    /// The number of groups.
    pub fn groups(&self) -> usize {
        self.groups
    }

    /// Adds a value of a unit in a bucket and group, both of which exist. Units of one bucket come in order.
    #[inline]
    pub fn add(&mut self, bucket: u16, group: usize, value: f64) {
        let sum = &mut self.sums[usize::from(bucket) * self.groups + group];
        let deviation = value - self.centre;
        sum.values += 1;
        sum.deviations += deviation;
        sum.squares += deviation * deviation;
    }

    /// Adds the sums of other buckets.
    pub fn merge(&mut self, other: &Self) {
        for (sum, other) in self.sums.iter_mut().zip(&other.sums) {
            // All units of a bucket are in one of the two, so nothing is rounded here.
            sum.values += other.values;
            sum.deviations += other.deviations;
            sum.squares += other.squares;
        }
    }

    /// The values of some groups in summary; `None` without a value.
    pub fn spread(&self, groups: std::ops::Range<usize>) -> Option<Spread> {
        let mut total = Sum::default();
        for sums in self.sums.chunks_exact(self.groups.max(1)) {
            for sum in &sums[groups.clone()] {
                total.values += sum.values;
                total.deviations += sum.deviations;
                total.squares += sum.squares;
            }
        }
        let Sum { values, deviations, squares } = total;
        let from_centre = deviations / values as f64;
        let squares = (squares - deviations * from_centre).max(0.0);
        (values > 0).then_some(Spread { values, mean: self.centre + from_centre, squares })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pieces_change_no_bit(
            values in prop::collection::vec((0..40_u16, 0..3_usize, -1e9..1e9_f64), 0..200),
            cuts in prop::collection::vec(0..40_u16, 0..4),
        ) {
            let sums = |holds: &dyn Fn(u16) -> bool| {
                let mut sums = BucketSums::new(17.25, 3);
                values.iter().filter(|(bucket, ..)| holds(*bucket)).for_each(|(bucket, group, value)| sums.add(*bucket, *group, *value));
                sums
            };
            let piece_of = |bucket: u16| cuts.iter().filter(|cut| bucket >= **cut).count();
            let mut merged = BucketSums::new(17.25, 3);
            (0..=cuts.len()).rev().for_each(|piece| merged.merge(&sums(&|bucket| piece_of(bucket) == piece)));
            prop_assert_eq!(merged, sums(&|_| true));
        }

        #[test]
        fn a_summary_is_that_of_the_values(values in prop::collection::vec(-1000..1000_i32, 1..100)) {
            let mut sums = BucketSums::new(3.0, 2);
            values.iter().zip(0..).for_each(|(value, row)| sums.add(row * 37 % 1024, usize::from(row % 2), f64::from(*value)));
            let count = values.len() as f64;
            let mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / count;
            let squares: f64 = values.iter().map(|value| (f64::from(*value) - mean).powi(2)).sum();
            let found = sums.spread(0..2).unwrap();
            prop_assert_eq!(found.values, values.len() as u64);
            prop_assert!((found.mean - mean).abs() < 1e-9 && (found.squares - squares).abs() < 1e-5, "{:?}", found);
        }
    }

    #[test]
    fn nothing_has_no_summary() {
        assert_eq!(BucketSums::new(0.0, 2).spread(0..2), None);
        assert_eq!(BucketSums::new(0.0, 0).spread(0..0), None);
        let mut one = BucketSums::new(0.1, 2);
        one.add(9, 1, 0.3);
        assert_eq!((one.spread(0..1), one.spread(1..2).map(|spread| spread.values)), (None, Some(1)));
    }
}
