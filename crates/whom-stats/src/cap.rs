//! Caps: one threshold for all arms, so that a few large values do not carry the result.
//!
//! The threshold is a value that occurs, found by exact rank among the values of all arms together. It is fixed before any
//! arm, cohort or look is compared, and is part of the identity of the statistics made with it. Capping changes what is
//! estimated: the effect on min(value, threshold), to be shown as capped, with the uncapped effect beside it.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::grid::Grid;
use crate::moments::Moments;
use crate::value_counts::{Percentile, ValueCounts};

/// Which values the percentile is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CapOf {
    /// Those of all units.
    #[default]
    All,
    /// Those that are not zero.
    NonZero,
}

/// How values lie to a threshold. Those of parts add up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ranked {
    /// Values above it.
    pub above: u64,
    /// The smallest of all values; `None` without one.
    pub smallest: Option<i64>,
}

impl Ranked {
    /// Counts a value.
    #[inline]
    pub fn push(&mut self, value: i64, threshold: i64) {
        self.above += u64::from(value > threshold);
        self.smallest = Some(self.smallest.map_or(value, |smallest| smallest.min(value)));
    }

    /// Adds other values.
    pub fn add(&mut self, other: &Self) {
        self.above += other.above;
        self.smallest = self.smallest.into_iter().chain(other.smallest).min();
    }

    /// Whether every value would count as the threshold.
    fn leaves_nothing(&self, threshold: i64) -> bool {
        self.smallest.is_some_and(|smallest| smallest >= threshold)
    }
}

/// A threshold on the grid: larger values count as the threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cap {
    /// The threshold, as a grid value.
    pub threshold: i64,
    /// Units whose value is above it, over all arms.
    pub capped: u64,
}

/// Why a metric cannot be capped as asked.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum CapError {
    /// There is no value to rank.
    #[error("there is no {}value to find the cap's percentile among", if *of == CapOf::NonZero { "non-zero " } else { "" })]
    NoValues {
        /// Which values were asked for.
        of: CapOf,
    },
    /// Every value would count as the threshold.
    #[error(
        "the cap at the {percent} % quantile is {threshold}, which leaves no two values apart; raise `percentile`, or take it `of: non_zero`"
    )]
    CapsAll {
        /// The percentile.
        percent: f64,
        /// The threshold found.
        threshold: f64,
    },
    /// No value is below a declared threshold.
    #[error("the cap {threshold} lies below all values, which leaves no two of them apart; raise it or drop `cap`")]
    LeavesNothing {
        /// The threshold.
        threshold: f64,
    },
    /// No value is above the threshold.
    #[error(
        "the cap at the {percent} % quantile is {threshold}, the largest value: it changes nothing; lower `percentile` or drop `cap`"
    )]
    CapsNothing {
        /// The percentile.
        percent: f64,
        /// The threshold found.
        threshold: f64,
    },
}

impl Cap {
    /// The cap at a percentile of the values of all arms together.
    ///
    /// ```
    /// use whom_stats::{Cap, CapOf, Grid, Percentile, ValueCounts};
    ///
    /// let spend: ValueCounts = [0, 0, 0, 0, 10, 20, 30, 900].into_iter().collect();
    /// let half = Percentile::new(0.5)?;
    /// assert!(Cap::at_percentile(&spend, half, CapOf::All, Grid::INTEGER).is_err(), "the median is zero");
    /// let cap = Cap::at_percentile(&spend, half, CapOf::NonZero, Grid::INTEGER)?;
    /// assert_eq!((cap.threshold, cap.capped, cap.apply(900)), (20, 2, 20));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// No value to rank; a threshold that caps all or nothing.
    pub fn at_percentile(counts: &ValueCounts, share: Percentile, of: CapOf, grid: Grid) -> Result<Self, CapError> {
        let found = match of {
            CapOf::All => counts.quantile(share),
            CapOf::NonZero => counts.non_zero().quantile(share),
        };
        let threshold = found.ok_or(CapError::NoValues { of })?;
        let smallest = counts.iter().next().map(|(value, _)| value);
        let ranked = Ranked { above: counts.total() - counts.at_most(threshold), smallest };
        Self::at_rank(threshold, &ranked, 100.0 * share.get(), grid)
    }

    /// The cap at a threshold that was found by its rank, given how the values lie to it and the percentile, for messages.
    ///
    /// # Errors
    /// A threshold that caps all or nothing.
    pub fn at_rank(threshold: i64, ranked: &Ranked, percent: f64, grid: Grid) -> Result<Self, CapError> {
        let shown = grid.from_grid(threshold);
        if ranked.above == 0 {
            return Err(CapError::CapsNothing { percent, threshold: shown });
        }
        if ranked.leaves_nothing(threshold) {
            return Err(CapError::CapsAll { percent, threshold: shown });
        }
        Ok(Self { threshold, capped: ranked.above })
    }

    /// The cap at a declared threshold, which may lie above all values: data grow.
    ///
    /// # Errors
    /// A threshold that no value is below.
    pub fn at_value(threshold: i64, ranked: &Ranked, grid: Grid) -> Result<Self, CapError> {
        if ranked.leaves_nothing(threshold) {
            return Err(CapError::LeavesNothing { threshold: grid.from_grid(threshold) });
        }
        Ok(Self { threshold, capped: ranked.above })
    }

    /// The capped value.
    #[inline]
    pub fn apply(self, value: i64) -> i64 {
        value.min(self.threshold)
    }

    /// The exact moments of the capped values.
    pub fn moments(self, counts: &ValueCounts) -> Moments {
        counts.iter().fold(Moments::default(), |sum, (value, count)| sum + Moments::repeated(self.apply(value), count))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::distribution::Reference;
    use crate::effect::Effect;
    use crate::reference_units::{assert_estimate, assert_meets, expected, units};

    fn counts(values: &[i64]) -> ValueCounts {
        values.iter().copied().collect()
    }

    fn cap(values: &[i64], percentile: f64, of: CapOf) -> Result<Cap, CapError> {
        Cap::at_percentile(&counts(values), Percentile::new(percentile).unwrap(), of, Grid::decimal(2).unwrap())
    }

    #[test]
    fn a_cap_that_caps_all_or_nothing_is_refused() {
        let mut spend = vec![0; 991];
        spend.extend(1..=9);
        insta::assert_snapshot!(cap(&spend, 0.99, CapOf::All).unwrap_err(), @"the cap at the 99 % quantile is 0, which leaves no two values apart; raise `percentile`, or take it `of: non_zero`");
        insta::assert_snapshot!(cap(&spend, 0.99, CapOf::NonZero).unwrap_err(), @"the cap at the 99 % quantile is 0.09, the largest value: it changes nothing; lower `percentile` or drop `cap`");
        insta::assert_snapshot!(cap(&[0; 5], 0.5, CapOf::NonZero).unwrap_err(), @"there is no non-zero value to find the cap's percentile among");
        insta::assert_snapshot!(cap(&[], 0.5, CapOf::All).unwrap_err(), @"there is no value to find the cap's percentile among");
        assert!(matches!(cap(&[7; 5], 0.5, CapOf::All), Err(CapError::CapsNothing { .. })), "a constant");
    }

    #[test]
    fn capped_means_meet_numpy_and_gbstats() {
        let units = units();
        let clicks = |keep: fn(usize) -> bool| -> ValueCounts {
            units.iter().filter(|unit| keep(unit.arm)).map(|unit| unit.clicks).collect()
        };
        let share = Percentile::new(0.9).unwrap();
        let cap = Cap::at_percentile(&clicks(|_| true), share, CapOf::NonZero, Grid::INTEGER).unwrap();
        assert_eq!((cap.threshold as f64, cap.capped as f64), (expected("cap threshold"), expected("cap units")));
        let (treatment, control) = (cap.moments(&clicks(|arm| arm == 1)), cap.moments(&clicks(|arm| arm == 0)));
        let effect = Effect::welch(&treatment, &control, Grid::INTEGER).unwrap();
        assert_estimate("capped", &effect.difference);
        assert_estimate("gbstats capped", &effect.difference);
        assert_meets("gbstats capped p", effect.difference.p_value(Reference::T), expected("gbstats capped p"));
        assert_estimate("gbstats capped lift", &effect.lift().unwrap().relative);
    }

    #[test]
    fn one_whale_is_capped_at_what_the_others_spend() {
        let mut spend = vec![0; 900];
        spend.extend([5; 99]);
        spend.push(1_000_000);
        let cap = cap(&spend, 0.99, CapOf::NonZero).unwrap();
        assert_eq!(cap, Cap { threshold: 5, capped: 1 });
        assert_eq!(cap.moments(&counts(&spend)).sum, 500);
        assert!(matches!(
            super::tests::cap(&[0, 0, 0, 1_000_000], 0.99, CapOf::NonZero),
            Err(CapError::CapsNothing { .. })
        ));
    }

    proptest! {
        #[test]
        fn capped_moments_are_those_of_the_capped_values(values in prop::collection::vec(-5_i64..50, 1..80), percentile in 0.01..0.99_f64) {
            if let Ok(cap) = cap(&values, percentile, CapOf::All) {
                let slow: Moments = values.iter().map(|value| cap.apply(*value)).collect();
                prop_assert_eq!(cap.moments(&counts(&values)), slow);
                prop_assert_eq!(cap.capped as usize, values.iter().filter(|value| **value > cap.threshold).count());
                prop_assert!(cap.capped as f64 <= (1.0 - percentile) * values.len() as f64 + 1e-3);
            }
        }
    }
}
