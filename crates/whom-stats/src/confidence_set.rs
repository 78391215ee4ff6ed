//! What a test does not reject: an interval, or a set without a bound.

use serde::{Deserialize, Serialize};

use crate::estimate::Interval;

/// The values that a test does not reject. Where there is no bound the set says so; no end is ever infinite.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfidenceSet {
    /// From the lower to the upper end.
    Bounded(Interval),
    /// This value and all above.
    AtLeast(f64),
    /// This value and all below.
    AtMost(f64),
    /// All values but those strictly inside: the data tell that the ratio is large, not its sign.
    Outside(Interval),
    /// Every value: the data tell nothing.
    Everything,
}

impl ConfidenceSet {
    /// Whether the set holds the value, ends included.
    pub fn contains(&self, value: f64) -> bool {
        match self {
            Self::Bounded(interval) => interval.contains(value),
            Self::AtLeast(bound) => value >= *bound,
            Self::AtMost(bound) => value <= *bound,
            Self::Outside(interval) => value <= interval.lower || value >= interval.upper,
            Self::Everything => true,
        }
    }

    /// Whether zero is rejected.
    pub fn excludes_zero(&self) -> bool {
        !self.contains(0.0)
    }

    /// The set of the values less `shift`.
    #[must_use]
    pub fn less(self, shift: f64) -> Self {
        let both = |Interval { lower, upper }| Interval { lower: lower - shift, upper: upper - shift };
        match self {
            Self::Bounded(interval) => Self::Bounded(both(interval)),
            Self::AtLeast(bound) => Self::AtLeast(bound - shift),
            Self::AtMost(bound) => Self::AtMost(bound - shift),
            Self::Outside(interval) => Self::Outside(both(interval)),
            Self::Everything => Self::Everything,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_but_an_interval_may_exclude_zero() {
        let inside = Interval { lower: -1.0, upper: 1.0 };
        assert!(ConfidenceSet::Outside(inside).excludes_zero());
        assert!(!ConfidenceSet::Outside(inside).less(1.0).excludes_zero(), "ends belong to the set");
        assert!(!ConfidenceSet::Everything.less(1.0).excludes_zero());
    }
}
