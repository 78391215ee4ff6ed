//! Exact, mergeable moments of a metric on its integer grid.

use std::ops::{Add, AddAssign, Sub};

use serde::{Deserialize, Serialize};

/// Count, non-zero count, sum and sum of squares of grid values: the partial state that merges.
///
/// All four are integers, so merging is associative and commutative to the bit. A value holds at most 46 bits
/// ([`crate::grid::MAX_GRID_VALUE`]); over 2^34 units the sum stays below 2^80 and the sum of squares below 2^126,
/// so neither can overflow an `i128`.
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
