//! What a test does not reject: an interval, or a set without a bound.

use serde::{Deserialize, Serialize};

use crate::distribution::Reference;
use crate::estimate::{Estimate, Interval};

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

/// Which differences count against the hypothesis of none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alternative {
    /// Differences of either sign.
    #[default]
    TwoSided,
    /// Only positive ones.
    Greater,
    /// Only negative ones.
    Less,
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

impl Estimate {
    /// The p-value against zero, counting what the alternative counts.
    pub fn p_value_of(&self, alternative: Alternative, reference: Reference) -> f64 {
        match alternative {
            Alternative::TwoSided => self.p_value(reference),
            Alternative::Greater => reference.upper_p(self.statistic(), self.degrees_of_freedom),
            Alternative::Less => reference.upper_p(-self.statistic(), self.degrees_of_freedom),
        }
    }

    /// The values that the test does not reject at 1 - `level`: it excludes zero exactly if the p-value is below that. One-sided
    /// sets have the bound at which the whole error is spent on one side; `level` is then above one half.
    ///
    /// ```
    /// use whom_stats::{Alternative, ConfidenceSet, Estimate, Reference};
    ///
    /// let estimate = Estimate { value: 2.0, std_err: 1.0, degrees_of_freedom: 1e9 };
    /// let ConfidenceSet::AtLeast(bound) = estimate.confidence_set(0.95, Alternative::Greater, Reference::Normal) else { panic!() };
    /// assert!((bound - (2.0 - 1.6448536)).abs() < 1e-6);
    /// ```
    pub fn confidence_set(&self, level: f64, alternative: Alternative, reference: Reference) -> ConfidenceSet {
        let one_sided = self.std_err * reference.critical_value(2.0 * level - 1.0, self.degrees_of_freedom);
        match alternative {
            Alternative::TwoSided => ConfidenceSet::Bounded(self.interval(level, reference)),
            Alternative::Greater => ConfidenceSet::AtLeast(self.value - one_sided),
            Alternative::Less => ConfidenceSet::AtMost(self.value + one_sided),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_sided_sets_meet_student_s_table() {
        // Student's 95 % point with 10 degrees of freedom, 1.8125 (Fisher and Yates), and the two-sided one, 2.2281.
        let estimate = Estimate { value: 0.0, std_err: 1.0, degrees_of_freedom: 10.0 };
        let bound = |alternative| match estimate.confidence_set(0.95, alternative, Reference::T) {
            ConfidenceSet::AtLeast(bound) | ConfidenceSet::AtMost(bound) => bound,
            ConfidenceSet::Bounded(interval) => interval.upper,
            unbounded => panic!("{unbounded:?}"),
        };
        assert!((bound(Alternative::Greater) + 1.8125).abs() < 5e-5);
        assert!((bound(Alternative::Less) - 1.8125).abs() < 5e-5);
        assert!((bound(Alternative::TwoSided) - 2.2281).abs() < 5e-5);
    }

    #[test]
    fn everything_but_an_interval_may_exclude_zero() {
        let inside = Interval { lower: -1.0, upper: 1.0 };
        assert!(ConfidenceSet::Outside(inside).excludes_zero());
        assert!(!ConfidenceSet::Outside(inside).less(1.0).excludes_zero(), "ends belong to the set");
        assert!(!ConfidenceSet::Everything.less(1.0).excludes_zero());
    }

    proptest! {
        #[test]
        fn a_set_excludes_zero_exactly_if_its_test_rejects(value in -5.0..5.0_f64, degrees_of_freedom in 2.0..200.0_f64) {
            let estimate = Estimate { value, std_err: 1.0, degrees_of_freedom };
            for alternative in [Alternative::TwoSided, Alternative::Greater, Alternative::Less] {
                let p_value = estimate.p_value_of(alternative, Reference::T);
                prop_assume!((p_value - 0.05).abs() > 1e-9);
                let set = estimate.confidence_set(0.95, alternative, Reference::T);
                prop_assert_eq!(set.excludes_zero(), p_value < 0.05);
            }
        }

        #[test]
        fn one_sided_p_values_of_both_sides_add_up_to_one(value in -5.0..5.0_f64, degrees_of_freedom in 2.0..200.0_f64) {
            let estimate = Estimate { value, std_err: 1.0, degrees_of_freedom };
            let p_value = |alternative| estimate.p_value_of(alternative, Reference::T);
            prop_assert!((p_value(Alternative::Greater) + p_value(Alternative::Less) - 1.0).abs() < 1e-12);
        }
    }
}
