//! The effect of one target in any node, where arms were assigned within strata.
//!
//! Each unit counts by the inverse of the share that its arm had in its stratum among all discovery units, w = N_s / n_sa (Horvitz
//! and Thompson 1952), and an arm's mean in a node is the weighted one, sum of w Y / sum of w (Hájek 1971): what the arm's mean
//! would be if the strata were as frequent in it as in the node. A plain mean would compare a treatment that is mostly of one
//! stratum with a control that is mostly of another. Values are centred at their stratum's mean first, which changes no expected
//! difference and takes the noise away with which the strata of the arms differ in a node by chance.
//!
//! Weights are fixed by the counts of the root, so that a node may lack an arm in a stratum. They serve finding; effects that are
//! reported are compared within strata on other units.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use whom_stats::moments::Moments;
use whom_stats::{ArmCell, ArmTable};

use crate::centre::nearest_mean;
use crate::target::Target;

/// The fewest units with a value in an arm by which a stratum counts, as where effects are measured.
const FEWEST: u64 = 2;

/// How the units of strata count for a target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weighting {
    target: Target,
    /// Empty where all units are comparable.
    strata: Vec<StratumWeights>,
}

/// How the units of one stratum count.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StratumWeights {
    /// What is subtracted from each value, in grid units.
    pub(crate) centre: i128,
    /// The weight of a treated unit and of one of control; 0 where one of the arms has fewer than two.
    pub(crate) arms: [f64; 2],
    /// The share of the treatment, and of control, among the units of both.
    pub(crate) shares: [f64; 2],
}

/// A mean and the variance with which other units would estimate it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct WeightedMean {
    pub(crate) n: f64,
    pub(crate) mean: f64,
    pub(crate) noise: f64,
}

impl Weighting {
    /// The weights of a target, given the totals of all discovery units by the arms of so many strata, and the centre of each
    /// stratum. One stratum has no weights.
    pub(crate) fn new(target: Target, root: &ArmTable, centres: &[i128]) -> Self {
        let arms = root.units.len().checked_div(centres.len()).unwrap_or(0);
        let of = |(stratum, centre): (usize, &i128)| {
            let n = |arm: usize| root.get(stratum * arms + arm, target.metric).n;
            let compared = [n(target.treatment), n(0)];
            let all = (0..arms).map(n).sum::<u64>() as f64;
            let both = compared.iter().sum::<u64>().max(1) as f64;
            let counts = compared.iter().all(|n| *n >= FEWEST);
            StratumWeights {
                centre: *centre,
                arms: compared.map(|n| if counts { all / n as f64 } else { 0.0 }),
                shares: compared.map(|n| n as f64 / both),
            }
        };
        let strata = if centres.len() > 1 { centres.iter().enumerate().map(of).collect() } else { Vec::new() };
        Self { target, strata }
    }

    /// By stratum; empty where all units are comparable.
    pub(crate) fn strata(&self) -> &[StratumWeights] {
        &self.strata
    }

    /// Whether no stratum has units of both arms.
    pub(crate) fn counts_nobody(&self) -> bool {
        !self.strata.is_empty() && self.strata.iter().all(|stratum| !stratum.counts())
    }

    /// The effect among some units, treatment less control, in grid units; `None` if an arm has no unit that counts.
    pub fn effect(&self, table: ArmCell<'_>) -> Option<f64> {
        let Target { treatment, metric } = self.target;
        if self.strata.is_empty() {
            return table.get(treatment, metric).mean_difference(table.get(0, metric));
        }
        let mean = |place: usize, arm: usize| {
            let cells: Vec<Moments> =
                self.cells(table, arm).zip(&self.strata).map(|(cell, stratum)| cell.about(stratum.centre)).collect();
            weighted_mean(&cells, &self.strata, place)
        };
        Some(mean(0, treatment)?.mean - mean(1, 0)?.mean)
    }

    /// The units that count among some units, of the treatment and of control: their moments over all strata.
    pub fn counted(&self, table: ArmCell<'_>) -> [Moments; 2] {
        let Target { treatment, metric } = self.target;
        [treatment, 0].map(|arm| {
            if self.strata.is_empty() {
                return *table.get(arm, metric);
            }
            let counted = self.cells(table, arm).zip(&self.strata).filter(|(_, stratum)| stratum.counts());
            counted.fold(Moments::default(), |sum, (cell, _)| sum + cell)
        })
    }

    /// The moments of an arm by stratum.
    fn cells<'a>(&'a self, table: ArmCell<'a>, arm: usize) -> impl Iterator<Item = Moments> + 'a {
        let arms = table.units.len() / self.strata.len().max(1);
        (0..self.strata.len()).map(move |stratum| *table.get(stratum * arms + arm, self.target.metric))
    }
}

impl StratumWeights {
    pub(crate) fn counts(&self) -> bool {
        self.arms[0] > 0.0
    }
}

/// The centre of each stratum: the integer nearest to the mean of some arms.
pub(crate) fn centres(root: &ArmTable, metric: usize, involved: &BTreeSet<usize>, strata: usize) -> Vec<i128> {
    let arms = root.units.len() / strata.max(1);
    let of = |stratum: usize| {
        let cells = involved.iter().map(|arm| root.get(stratum * arms + arm, metric));
        nearest_mean(&cells.fold(Moments::default(), |sum, cell| sum + *cell))
    };
    (0..strata).map(of).collect()
}

/// The mean of centred cells, one a stratum, weighted as units of the treatment (place 0) or of control (1); `None` if no unit
/// counts.
///
/// mean = sum w S1 / W, W = sum w n; noise = sum w² (S2 - 2 mean S1 + n mean²) / W².
#[inline]
pub(crate) fn weighted_mean(cells: &[Moments], strata: &[StratumWeights], place: usize) -> Option<WeightedMean> {
    let (mut n, mut weight, mut sum) = (0, 0.0, 0.0);
    for (cell, stratum) in counted(cells, strata) {
        let own = stratum.arms[place];
        n += cell.n;
        weight += own * cell.n as f64;
        sum += own * cell.sum as f64;
    }
    if n == 0 {
        return None;
    }
    let mean = sum / weight;
    let mut squares = 0.0;
    for (cell, stratum) in counted(cells, strata) {
        let own = stratum.arms[place];
        squares += own * own * (cell.sum_squares as f64 - mean * (2.0 * cell.sum as f64 - mean * cell.n as f64));
    }
    Some(WeightedMean { n: n as f64, mean, noise: (squares / (weight * weight)).max(0.0) })
}

/// The sum over strata of centred values, each over its arm's share: of one arm's part of a transformed outcome.
#[inline]
pub(crate) fn over_shares(cells: &[Moments], strata: &[StratumWeights], place: usize) -> f64 {
    counted(cells, strata).map(|(cell, stratum)| cell.sum as f64 / stratum.shares[place]).sum()
}

/// The cells that hold units, of strata that count.
#[inline]
pub(crate) fn counted<'a>(
    cells: &'a [Moments],
    strata: &'a [StratumWeights],
) -> impl Iterator<Item = (&'a Moments, &'a StratumWeights)> {
    cells.iter().zip(strata).filter(|(cell, stratum)| cell.n > 0 && stratum.counts())
}

#[cfg(test)]
mod tests;
