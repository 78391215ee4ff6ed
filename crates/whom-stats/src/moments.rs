//! Exact, mergeable moments of a metric on its integer grid.

use std::ops::{Add, AddAssign, Sub};

use arrow_buffer::i256;
use serde::{Deserialize, Serialize};

use crate::grid::Grid;

/// Count, non-zero count, sum and sum of squares of grid values: the partial state that merges.
///
/// All four are integers, so merging is associative and commutative to the bit. A value lies below 2^45 in absolute terms
/// ([`crate::grid::MAX_GRID_VALUE`]); over 2^34 units the sum stays below 2^79 and the sum of squares below 2^124, so
/// neither can overflow an `i128`.
///
/// ```
/// use whom_stats::{Grid, Moments};
///
/// let cents = Grid::decimal(2).unwrap();
/// let mut monday = Moments::default();
/// let mut tuesday = Moments::default();
/// monday.push(cents.to_grid(10.0).unwrap());
/// monday.push(cents.to_grid(0.0).unwrap());
/// tuesday.push(cents.to_grid(20.0).unwrap());
///
/// let week = monday + tuesday;
/// assert_eq!((week.n, week.events), (3, 2));
/// assert_eq!(week.mean(cents), Some(10.0));
/// assert_eq!(week.variance(cents), Some(100.0));
/// assert_eq!(week - tuesday, monday);
/// assert_eq!(tuesday.variance(cents), None, "one unit has no variance");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moments {
    /// Units with a value.
    pub n: u64,
    /// Units whose value is not zero: the events of a proportion, the buyers of a spend.
    pub events: u64,
    /// Sum of the grid values.
    pub sum: i128,
    /// Sum of the squared grid values.
    pub sum_squares: i128,
}

impl Moments {
    /// Adds one unit's grid value.
    #[inline]
    pub fn push(&mut self, value: i64) {
        let wide = i128::from(value);
        self.n += 1;
        self.events += u64::from(value != 0);
        self.sum += wide;
        self.sum_squares += wide * wide;
    }

    /// The moments of so many units with the same grid value.
    pub(crate) fn repeated(value: i64, units: u64) -> Self {
        let (wide, times) = (i128::from(value), i128::from(units));
        let events = if value == 0 { 0 } else { units };
        Self { n: units, events, sum: wide * times, sum_squares: wide * wide * times }
    }

    /// The moments of the values less `centre`, which lies below 2^45 in absolute terms. `events` still counts the values
    /// that were not zero before.
    ///
    /// sum (v - c)² = S2 - c (S1 + sum (v - c)): over 2^34 units every term is below 2^126.
    #[must_use]
    pub fn about(&self, centre: i128) -> Self {
        let sum = self.sum - centre * i128::from(self.n);
        Self { sum, sum_squares: self.sum_squares - centre * (self.sum + sum), ..*self }
    }

    /// The mean less that of `control`, in grid steps, or `None` if one of them has no unit.
    ///
    /// (S1 n0 - S0 n1) / (n1 n0) with a numerator below 2^114 over 2^34 units: exact until the one division, so a shift of
    /// the values changes no bit, and exchanging the two changes the sign only.
    pub fn mean_difference(&self, control: &Self) -> Option<f64> {
        let (n1, n0) = (i128::from(self.n), i128::from(control.n));
        let numerator = self.sum * n0 - control.sum * n1;
        (n1 > 0 && n0 > 0).then(|| numerator as f64 / (n1 * n0) as f64)
    }

    /// The centred second moment n * sum of squares - sum², which is n times the sum of squared deviations, in grid steps.
    ///
    /// Exact in 256 bits: below 2^34 * 2^124 = 2^158. Zero exactly if all values are equal.
    pub fn centred(&self) -> i256 {
        let sum = i256::from_i128(self.sum);
        i256::from_i128(i128::from(self.n)) * i256::from_i128(self.sum_squares) - sum * sum
    }

    /// The mean, or `None` without a unit.
    pub fn mean(&self, grid: Grid) -> Option<f64> {
        (self.n > 0).then(|| self.sum as f64 / self.n as f64 / grid.steps_per_one())
    }

    /// The sample variance with divisor n - 1, or `None` with fewer than two units.
    pub fn variance(&self, grid: Grid) -> Option<f64> {
        let pairs = u128::from(self.n) * u128::from(self.n.saturating_sub(1));
        let steps = grid.steps_per_one();
        (pairs > 0).then(|| non_negative_to_f64(self.centred()) / pairs as f64 / steps / steps)
    }

    /// Whether some values differ.
    pub fn varies(&self) -> bool {
        self.centred() != i256::ZERO
    }

    /// Whether every value is either zero or one and the same other value, as those of a proportion are.
    ///
    /// By Cauchy and Schwarz, sum² = events * sum of squares exactly if the non-zero values are equal.
    pub fn is_two_valued(&self) -> bool {
        let sum = i256::from_i128(self.sum);
        sum * sum == i256::from_i128(i128::from(self.events)) * i256::from_i128(self.sum_squares)
    }
}

/// The nearest `f64` or its neighbour, the same on every machine.
pub(crate) fn non_negative_to_f64(value: i256) -> f64 {
    const TWO_TO_128: f64 = 340_282_366_920_938_463_463_374_607_431_768_211_456.0;
    let (low, high) = value.to_parts();
    high as f64 * TWO_TO_128 + low as f64
}

impl FromIterator<i64> for Moments {
    fn from_iter<I: IntoIterator<Item = i64>>(values: I) -> Self {
        let mut moments = Self::default();
        values.into_iter().for_each(|value| moments.push(value));
        moments
    }
}

impl AddAssign for Moments {
    #[inline]
    fn add_assign(&mut self, other: Self) {
        self.n += other.n;
        self.events += other.events;
        self.sum += other.sum;
        self.sum_squares += other.sum_squares;
    }
}

impl Add for Moments {
    type Output = Self;
    #[inline]
    fn add(mut self, other: Self) -> Self {
        self += other;
        self
    }
}

impl Sub for Moments {
    type Output = Self;
    /// The moments of the units in `self` that are not in `other`; `other` must be a part of `self`.
    #[inline]
    fn sub(self, other: Self) -> Self {
        Self {
            n: self.n - other.n,
            events: self.events - other.events,
            sum: self.sum - other.sum,
            sum_squares: self.sum_squares - other.sum_squares,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::grid::MAX_GRID_VALUE;

    fn moments_of(values: &[i64]) -> Moments {
        values.iter().copied().collect()
    }

    fn any_moments() -> impl Strategy<Value = Moments> {
        prop::collection::vec(-MAX_GRID_VALUE..=MAX_GRID_VALUE, 0..20).prop_map(|values| moments_of(&values))
    }

    proptest! {
        #[test]
        fn merging_is_commutative_and_associative(a in any_moments(), b in any_moments(), c in any_moments()) {
            prop_assert_eq!(a + b, b + a);
            prop_assert_eq!((a + b) + c, a + (b + c));
        }

        #[test]
        fn subtracting_undoes_merging(a in any_moments(), b in any_moments()) {
            prop_assert_eq!((a + b) - b, a);
        }

        #[test]
        fn the_variance_is_that_of_the_deviations(values in prop::collection::vec(-1_000_000_i64..1_000_000, 2..30)) {
            let mean = values.iter().sum::<i64>() as f64 / values.len() as f64;
            let squares: f64 = values.iter().map(|value| (*value as f64 - mean).powi(2)).sum();
            let variance = moments_of(&values).variance(Grid::INTEGER).unwrap();
            prop_assert!((variance - squares / (values.len() - 1) as f64).abs() <= 1e-10 * (1.0 + variance));
        }

        #[test]
        fn moments_about_a_centre_are_those_of_the_shifted_values(
            values in prop::collection::vec(-MAX_GRID_VALUE..=MAX_GRID_VALUE, 0..20), centre in -MAX_GRID_VALUE..=MAX_GRID_VALUE,
        ) {
            let moments = moments_of(&values);
            let shifted: Moments = values.iter().map(|value| value - centre).collect();
            prop_assert_eq!(moments.about(centre.into()), Moments { events: moments.events, ..shifted });
        }

        #[test]
        fn a_shift_leaves_the_variance_as_it_is(values in prop::collection::vec(-1000_i64..1000, 2..30), shift in -1_000_000_000_i64..1_000_000_000) {
            let shifted: Vec<i64> = values.iter().map(|value| value + shift).collect();
            prop_assert_eq!(moments_of(&values).variance(Grid::FLOAT), moments_of(&shifted).variance(Grid::FLOAT));
        }
    }

    #[test]
    fn a_large_offset_costs_no_digit_over_two_to_the_34_units() {
        // 1e9 plus noise on a grid of 1e-4, doubled by merging with itself up to 2^34 units. Expected: the integers of
        // tests/reference/stats_moments.py.
        let grid = Grid::decimal(4).unwrap();
        let noise = [3_i64, -1, 4, -1, 5, -9, 2, -6];
        let values: Vec<i64> = noise.iter().map(|noise| 10_000_000_000_000 + noise).collect();
        let mut moments = moments_of(&values);
        while moments.n < 1 << 34 {
            moments += moments;
        }
        let expected = 2.148_437_500_125_055_5e-7;
        assert!((moments.variance(grid).unwrap() / expected - 1.0).abs() < 1e-12);
        assert_eq!(moments.centred().to_string(), "6341068275337658368000");
    }

    #[test]
    fn equal_differences_are_equal_to_the_bit() {
        let thirds = moments_of(&[1, 0, 0]).mean_difference(&moments_of(&[1, 0, 0, 0, 0, 0]));
        let halves = moments_of(&[1, 0]).mean_difference(&moments_of(&[1, 0, 0]));
        assert_eq!(thirds, halves);
        assert_eq!(moments_of(&[]).mean_difference(&moments_of(&[1])), None);
    }

    #[test]
    fn values_at_the_end_of_the_range_are_centred_over_two_to_the_34_units() {
        let units = 1 << 34;
        let (low, high) = (Moments::repeated(-MAX_GRID_VALUE, units), Moments::repeated(MAX_GRID_VALUE, units));
        assert_eq!(high.about(MAX_GRID_VALUE.into()).sum_squares, 0);
        let far = 2 * i128::from(MAX_GRID_VALUE);
        assert_eq!(low.about(MAX_GRID_VALUE.into()).sum_squares, far * far * i128::from(units));
        assert_eq!(high.mean_difference(&low), Some(far as f64));
    }

    #[test]
    fn two_values_are_told_from_three() {
        assert!(moments_of(&[0, 7, 7, 0]).is_two_valued());
        assert!(!moments_of(&[0, 7, 7, 8]).is_two_valued());
        assert!(!moments_of(&[0, 7, -7]).is_two_valued());
        assert!(moments_of(&[]).is_two_valued());
    }
}
