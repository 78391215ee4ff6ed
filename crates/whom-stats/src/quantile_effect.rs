//! Effects on a quantile, of units or of their events, from counts by value.
//!
//! **Standard error** by inverting the test of a share (Woodruff 1952): with q the p-quantile, the share F(q) has a standard error
//! s that needs no density, sqrt(p (1 - p) / n) for units. The quantiles at the shares p ± z s, z = 1.96, enclose q as well as
//! p ± z s encloses F(q), and the standard error is their distance over 2 z. Ties and gaps are in it as they are in the data.
//!
//! **Events** (page loads, orders) come in units, and those of a unit resemble each other. Then s is that of a ratio over
//! units: events at or below q, over events. This needs q first; the counts of each unit follow from one more look.
//!
//! **Clusters** that were assigned together (households, shops) are to units what units are to events: s is that of a ratio over clusters,
//! G / (G - 1) sum (b_g - F n_g)² / (sum n_g)² with n_g values in cluster g, b_g of them at or below q.
//!
//! **Degrees of freedom.** The distance spans k values. Spacings of a sample are nearly exponential, so it varies like a
//! gamma variable of shape k, its square by 4 / k in relative terms, and a variance with d degrees of freedom by 2 / d:
//! d = k / 2, divided by the design effect s² n / (p (1 - p)) where events cluster. With them the interval covers 95 to 98 %
//! (`tests/simulation/results/estimators.md`).
//!
//! **Range.** p ± z s must lie inside the values. Where one value holds a greater share of them than s, as of a count with
//! few levels, the quantile jumps or stands still, no standard error describes it, and the row is marked.

use serde::{Deserialize, Serialize};

use crate::comparison::{Comparison, Source};
use crate::estimate::NotEstimable;
use crate::grid::Grid;
use crate::reliability::Unreliable;
use crate::sample::Sample;
use crate::value_counts::{Percentile, ValueCounts};

/// The normal deviate whose interval is inverted.
const DEVIATE: f64 = 1.959_963_984_540_054;

/// A quantile of one arm.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuantileArm {
    /// The quantile.
    pub value: f64,
    /// Its variance.
    pub variance: f64,
    /// Degrees of freedom of that.
    pub degrees_of_freedom: f64,
    /// The values it is of: units, or events.
    pub values: u64,
    /// Why an interval may not hold its level, if it may not.
    pub unreliable: Option<Unreliable>,
}

/// Where a quantile of some values and the ends of its interval stand among them in ascending order, the smallest having rank 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuantileRanks {
    /// How many values there are.
    pub values: u64,
    /// The rank of the quantile.
    pub quantile: u64,
    /// The ranks at the shares p ± z s: within the values, the lower one first.
    pub interval: [u64; 2],
    /// s², the variance of the share F(q).
    variance: f64,
    /// What it were of values that are independent.
    independent: f64,
}

/// What stands at these ranks, as grid values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AtRanks {
    /// The quantile.
    pub quantile: i64,
    /// How many values equal it.
    pub ties: u64,
    /// The ends of the interval.
    pub interval: [i64; 2],
}

impl QuantileRanks {
    /// The ranks among so many values, one per unit.
    ///
    /// # Errors
    /// No value, or too few beyond the quantile.
    pub fn of_units(values: u64, percentile: Percentile) -> Result<Self, NotEstimable> {
        Self::new(values, percentile, None)
    }

    /// The ranks among so many events. Column 0 of `share` is, over units, events at or below the quantile over events.
    ///
    /// # Errors
    /// As [`Self::of_units`]; a share that does not vary over units has [`NotEstimable::NoVariance`].
    pub fn of_events(values: u64, percentile: Percentile, share: &Sample) -> Result<Self, NotEstimable> {
        Self::of_share(values, percentile, share.covariance(0, 0) / share.units())
    }

    /// The ranks among so many values whose share at or below the quantile has this variance.
    ///
    /// # Errors
    /// As [`Self::of_events`].
    pub(crate) fn of_share(values: u64, percentile: Percentile, variance: f64) -> Result<Self, NotEstimable> {
        if variance <= 0.0 {
            return Err(NotEstimable::NoVariance);
        }
        Self::new(values, percentile, Some(variance))
    }

    fn new(values: u64, percentile: Percentile, share_variance: Option<f64>) -> Result<Self, NotEstimable> {
        if values == 0 {
            return Err(NotEstimable::EmptyArm);
        }
        let (total, p) = (values as f64, percentile.get());
        let independent = p * (1.0 - p) / total;
        let variance = share_variance.unwrap_or(independent);
        let share_error = variance.sqrt();
        let lower = (total * (p - DEVIATE * share_error)).floor();
        let upper = (total * (p + DEVIATE * share_error)).ceil();
        if lower < 1.0 || upper > total {
            return Err(NotEstimable::TooFewBeyondQuantile);
        }
        let interval = [lower as u64, upper as u64];
        Ok(Self { values, quantile: percentile.rank(values), interval, variance, independent })
    }
}

impl QuantileArm {
    /// The quantile of one value per unit.
    ///
    /// # Errors
    /// No value, or too few beyond the quantile.
    pub fn of_units(counts: &ValueCounts, percentile: Percentile, grid: Grid) -> Result<Self, NotEstimable> {
        Self::new(counts, grid, QuantileRanks::of_units(counts.total(), percentile)?)
    }

    /// The quantile of events, several per unit. Column 0 of `share` is, over units, events at or below this quantile over
    /// events, as [`Sample::ratios`] makes it.
    ///
    /// # Errors
    /// As [`Self::of_units`]; a share that does not vary over units has [`NotEstimable::NoVariance`].
    pub fn of_events(
        counts: &ValueCounts,
        percentile: Percentile,
        grid: Grid,
        share: &Sample,
    ) -> Result<Self, NotEstimable> {
        let ranks = QuantileRanks::of_events(counts.total(), percentile, share)?;
        Ok(Self::new(counts, grid, ranks)?.sharing(share.degrees_of_freedom(), share.unreliable()))
    }

    /// With the degrees of freedom and the range of the share over units or clusters.
    #[must_use]
    pub(crate) fn sharing(self, degrees_of_freedom: f64, unreliable: Option<Unreliable>) -> Self {
        let degrees_of_freedom = self.degrees_of_freedom.min(degrees_of_freedom);
        Self { degrees_of_freedom, unreliable: self.unreliable.or(unreliable), ..self }
    }

    fn new(counts: &ValueCounts, grid: Grid, ranks: QuantileRanks) -> Result<Self, NotEstimable> {
        let quantile = counts.at_rank(ranks.quantile).ok_or(NotEstimable::EmptyArm)?;
        let at = |rank: u64| counts.at_rank(rank).unwrap_or(quantile);
        let found = AtRanks { quantile, ties: counts.count(quantile), interval: ranks.interval.map(at) };
        Ok(Self::at_ranks(&ranks, &found, grid))
    }

    /// The quantile, given what stands at its ranks.
    pub fn at_ranks(ranks: &QuantileRanks, found: &AtRanks, grid: Grid) -> Self {
        let [lower, upper] = found.interval;
        let std_err = (upper - lower) as f64 / grid.steps_per_one() / (2.0 * DEVIATE);
        let is_tied = found.ties as f64 > ranks.values as f64 * ranks.variance.sqrt() && found.ties > 1;
        let spanned = (ranks.interval[1] - ranks.interval[0]) as f64;
        Self {
            value: grid.from_grid(found.quantile),
            variance: std_err * std_err,
            degrees_of_freedom: (spanned / 2.0 * ranks.independent / ranks.variance).max(1.0),
            values: ranks.values,
            unreliable: is_tied.then_some(Unreliable::TiedQuantile),
        }
    }

    /// The comparison with the control's quantile: its difference, lift and limits are those of [`Comparison`].
    pub fn against(&self, control: &Self) -> Comparison {
        let of_treatment =
            Source { treatment: self.variance, degrees_of_freedom: self.degrees_of_freedom, ..Source::default() };
        let of_control =
            Source { control: control.variance, degrees_of_freedom: control.degrees_of_freedom, ..Source::default() };
        Comparison {
            treatment: self.value,
            control: control.value,
            difference: self.value - control.value,
            sources: vec![of_treatment, of_control],
            unreliable: self.unreliable.or(control.unreliable),
        }
    }
}

#[cfg(test)]
mod tests;
