//! Effects of ranked groups: does a rule order units by their effects? It measures the procedure that made the rule, not a cohort.
//!
//! A rule that some units grew predicts an effect for each of the others, which are put into groups of equal size in the order of
//! their predictions; their effects by group are the sorted group average treatment effects (GATES) of Chernozhukov, Demirer,
//! Duflo and Fernández-Val (*Generic machine learning inference on heterogeneous treatment effects*, 2018). One way to part the
//! units into those that grow and those that are measured is as good as another, so many are tried and combined by medians.

use serde::{Deserialize, Serialize};

use crate::bucket::BucketSet;
use crate::distribution::Reference;
use crate::estimate::{Estimate, Interval, NotEstimable};
use crate::measured::Measured;

/// A group of units whose predicted effects follow each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RankedGroup {
    /// The buckets whose units of a cell it holds, by cell.
    pub buckets: Vec<BucketSet>,
}

/// Puts the units of the measured buckets into so many groups of about equal size, lowest prediction first.
///
/// `predictions` holds the predicted effect of each cell, from other units. Units of one cell, or of cells with equal predictions,
/// are told apart by their buckets, which know nothing of them: a cell may lie in two groups, and a rule without a split makes
/// groups at random. Units of a cell and bucket stay together, so groups are equal up to a bucket's units. Without predictions
/// for all cells, or without units, the groups are empty.
pub fn ranked_groups(measured: &Measured<'_>, predictions: &[f64], groups: usize) -> Vec<RankedGroup> {
    let Measured { cells, buckets, .. } = measured;
    let mut ranked = vec![RankedGroup { buckets: vec![BucketSet::none(); cells.cells] }; groups];
    if predictions.len() != cells.cells {
        return ranked;
    }
    let mut parts: Vec<(f64, u16, usize)> = predictions
        .iter()
        .enumerate()
        .flat_map(|(cell, effect)| buckets.iter().map(move |b| (*effect, b, cell)))
        .collect();
    parts.sort_by(|one, other| one.0.total_cmp(&other.0).then_with(|| (one.1, one.2).cmp(&(other.1, other.2))));
    let all: u128 = cells.pooled(buckets).total_units().into();
    let mut before: u128 = 0;
    for (_, bucket, cell) in parts {
        let Some(table) = cells.table(cell, bucket).filter(|table| table.total_units() > 0) else { continue };
        let units = table.total_units();
        // Twice the middle of the part among all units.
        let middle = 2 * before + u128::from(units);
        let place = (groups as u128 * middle / (2 * all)) as usize;
        if let Some(group) = ranked.get_mut(place) {
            group.buckets[cell].insert(bucket);
        }
        before += u128::from(units);
    }
    ranked
}

/// One quantity over several ways to part the units.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OverSplits {
    /// The median of the estimates.
    pub value: f64,
    /// The medians of the ends of the intervals at half the allowance: at 97.5 % for a level of 95 %.
    pub interval: Interval,
    /// Twice the median of the p-values, at most 1.
    pub p_value: f64,
    /// The splits with an estimate.
    pub splits: u64,
}

impl OverSplits {
    /// Combines the estimates of splits, each of which is valid by itself (Chernozhukov and others 2018, section 3).
    ///
    /// The price of the choice of a split is the factor 2: whatever the splits depend on each other, a true hypothesis is rejected
    /// with at most the allowed probability, and the effect that a split measures lies in the interval with at least `level`, on
    /// average over splits. Of an even number of splits the less favourable of the two middle ones counts. A split
    /// without an estimate counts as one that says nothing.
    ///
    /// # Errors
    /// The first reason if half of the splits or more have no estimate; [`NotEstimable::NoUnits`] without a split.
    pub fn of(
        estimates: &[Result<Estimate, NotEstimable>],
        level: f64,
        reference: Reference,
    ) -> Result<Self, NotEstimable> {
        let found: Vec<Estimate> = estimates.iter().filter_map(|estimate| estimate.ok()).collect();
        let lacking = estimates.len() - found.len();
        if 2 * lacking >= estimates.len() {
            let reason = estimates.iter().find_map(|estimate| estimate.err());
            return Err(reason.unwrap_or(NotEstimable::NoUnits));
        }
        let adjusted = 1.0 - (1.0 - level) / 2.0;
        let intervals: Vec<Interval> = found.iter().map(|estimate| estimate.interval(adjusted, reference)).collect();
        let upper_median = |least: f64, numbers: Vec<f64>| {
            let mut numbers = numbers;
            numbers.extend(std::iter::repeat_n(least, lacking));
            numbers.sort_by(f64::total_cmp);
            numbers[numbers.len() / 2]
        };
        let lower = -upper_median(f64::INFINITY, intervals.iter().map(|interval| -interval.lower).collect());
        let upper = upper_median(f64::INFINITY, intervals.iter().map(|interval| interval.upper).collect());
        let p = upper_median(1.0, found.iter().map(|estimate| estimate.p_value(reference)).collect());
        let value = middle(found.iter().map(|estimate| estimate.value).collect());
        let splits = found.len() as u64;
        Ok(Self { value, interval: Interval { lower, upper }, p_value: (2.0 * p).min(1.0), splits })
    }
}

/// The median of some numbers, the mean of the two middle ones of an even count.
fn middle(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let half = numbers.len() / 2;
    if numbers.len() % 2 == 1 { numbers[half] } else { f64::midpoint(numbers[half - 1], numbers[half]) }
}

#[cfg(test)]
mod tests;
