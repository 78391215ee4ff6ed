//! A target that takes part in a score: what its criterion reads of the cells of both arms.

use whom_stats::moments::Moments;

use crate::target::Target;
use crate::weighting::{StratumWeights, WeightedMean, Weighting, counted, over_shares, weighted_mean};

/// A target, where its arms stand among the cells of a score, and what they are measured by.
#[derive(Clone, Debug)]
pub(crate) struct ScoredTarget {
    pub(crate) target: Target,
    /// The slots of the treatment and of control.
    pub(crate) treatment: usize,
    pub(crate) control: usize,
    pub(crate) root_variance: f64,
    /// The shares of the treatment's and the control's discovery units in their sum.
    pub(crate) shares: [f64; 2],
    pub(crate) weighting: Weighting,
}

impl ScoredTarget {
    /// Empty where all units are comparable.
    #[inline]
    pub(crate) fn strata(&self) -> &[StratumWeights] {
        self.weighting.strata()
    }

    /// Units with a value, and events, of the cells that count.
    #[inline]
    pub(crate) fn size(&self, cells: &[Moments]) -> (u64, u64) {
        if self.strata().is_empty() {
            return (cells[0].n, cells[0].events);
        }
        counted(cells, self.strata()).fold((0, 0), |(n, events), (cell, _)| (n + cell.n, events + cell.events))
    }

    /// The mean of an arm, the treatment at place 0 and control at 1, or `None` if it is empty.
    #[inline]
    pub(crate) fn mean(&self, cells: &[Moments], place: usize) -> Option<WeightedMean> {
        if self.strata().is_empty() { plain_mean(&cells[0]) } else { weighted_mean(cells, self.strata(), place) }
    }

    /// (sum of Y*)² / n, or `None` if an arm is empty.
    #[inline]
    pub(crate) fn transformed(&self, [treated, control]: [&[Moments]; 2]) -> Option<f64> {
        let (n_treated, n_control) = (self.size(treated).0, self.size(control).0);
        if n_treated == 0 || n_control == 0 {
            return None;
        }
        let sum = if self.strata().is_empty() {
            float(treated[0].sum) / self.shares[0] - float(control[0].sum) / self.shares[1]
        } else {
            over_shares(treated, self.strata(), 0) - over_shares(control, self.strata(), 1)
        };
        Some(sum * sum / (n_treated + n_control) as f64)
    }
}

/// The mean of centred values, or `None` without one.
#[inline]
fn plain_mean(cell: &Moments) -> Option<WeightedMean> {
    if cell.n == 0 {
        return None;
    }
    let n = cell.n as f64;
    let mean = float(cell.sum) / n;
    Some(WeightedMean { n, mean, noise: (float(cell.sum_squares) / n - mean * mean).max(0.0) / n })
}

/// The nearest floating-point number; one instruction where 64 bits suffice, which is nearly always.
#[inline]
fn float(wide: i128) -> f64 {
    i64::try_from(wide).map_or_else(|_| wide as f64, |narrow| narrow as f64)
}
