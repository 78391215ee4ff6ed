//! What a test of no difference is against, and the level of the interval that belongs to it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::distribution::Reference;
use crate::estimate::Estimate;

/// Which differences count against the hypothesis of none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alternative {
    /// Differences of either sign.
    #[default]
    TwoSided,
    /// Only positive ones; the hypothesis is that there is none, or a negative one.
    Greater,
    /// Only negative ones.
    Less,
}

impl Alternative {
    /// The word of the result files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TwoSided => "two_sided",
            Self::Greater => "greater",
            Self::Less => "less",
        }
    }

    /// Whether differences of one sign count.
    pub fn is_one_sided(self) -> bool {
        self != Self::TwoSided
    }

    /// The level of the two-sided interval that excludes zero on the side looked for exactly where the test at this level rejects: of
    /// a one-sided test at 95 % it is 90 %, each end of which holds at 95 % by itself.
    ///
    /// Rounded to 12 decimals, so that 0.95 gives 0.9 and no neighbour of it.
    pub fn interval_level(self, level: f64) -> f64 {
        match self {
            Self::TwoSided => level,
            Self::Greater | Self::Less => ((2.0 * level - 1.0) * 1e12).round() / 1e12,
        }
    }

    /// The error rate of a test whose interval has this level: the inverse of [`interval_level`](Self::interval_level).
    pub fn error_rate(self, interval_level: f64) -> f64 {
        if self.is_one_sided() { (1.0 - interval_level) / 2.0 } else { 1.0 - interval_level }
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
}

impl fmt::Display for Alternative {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_ends_of_one_sided_intervals_meet_student_s_table() {
        // Student's 95 % point with 10 degrees of freedom, 1.8125 (Fisher and Yates), and the two-sided one, 2.2281.
        let estimate = Estimate { value: 0.0, std_err: 1.0, degrees_of_freedom: 10.0 };
        let end = |alternative: Alternative| estimate.interval(alternative.interval_level(0.95), Reference::T).upper;
        assert!((end(Alternative::Greater) - 1.8125).abs() < 5e-5);
        assert!((end(Alternative::TwoSided) - 2.2281).abs() < 5e-5);
    }

    #[test]
    fn levels_are_round_numbers() {
        assert_eq!(Alternative::Greater.interval_level(0.95), 0.9);
        assert_eq!(Alternative::Less.interval_level(0.99), 0.98);
        assert_eq!(Alternative::TwoSided.interval_level(0.95), 0.95);
    }

    proptest! {
        #[test]
        fn swapping_the_arms_swaps_greater_and_less(value in -9.0..9.0_f64, degrees in 1.0..1e6_f64) {
            let estimate = |value| Estimate { value, std_err: 1.0, degrees_of_freedom: degrees };
            let p = |alternative: Alternative, value| estimate(value).p_value_of(alternative, Reference::T);
            prop_assert_eq!(p(Alternative::Greater, value), p(Alternative::Less, -value));
            prop_assert_eq!(p(Alternative::TwoSided, value), p(Alternative::TwoSided, -value));
        }

        #[test]
        fn one_sided_p_values_of_both_sides_add_up_to_one(value in -5.0..5.0_f64, degrees_of_freedom in 2.0..200.0_f64) {
            let estimate = Estimate { value, std_err: 1.0, degrees_of_freedom };
            let p_value = |alternative| estimate.p_value_of(alternative, Reference::T);
            prop_assert!((p_value(Alternative::Greater) + p_value(Alternative::Less) - 1.0).abs() < 1e-12);
        }

        #[test]
        fn an_interval_excludes_zero_on_its_side_where_its_test_rejects(
            value in -6.0..6.0_f64, degrees in 2.0..1e5_f64, level in 0.8..0.99_f64,
        ) {
            let estimate = Estimate { value, std_err: 1.0, degrees_of_freedom: degrees };
            for alternative in [Alternative::TwoSided, Alternative::Greater, Alternative::Less] {
                let interval_level = alternative.interval_level(level);
                let p_value = estimate.p_value_of(alternative, Reference::T);
                let error_rate = alternative.error_rate(interval_level);
                prop_assume!((p_value - error_rate).abs() > 1e-9);
                let interval = estimate.interval(interval_level, Reference::T);
                let excludes = match alternative {
                    Alternative::TwoSided => interval.excludes_zero(),
                    Alternative::Greater => interval.lower > 0.0,
                    Alternative::Less => interval.upper < 0.0,
                };
                prop_assert_eq!(excludes, p_value < error_rate, "{} {}", alternative, p_value);
            }
        }
    }
}
