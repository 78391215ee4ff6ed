//! How the share of values at or below a quantile varies: over units with several values each, or over clusters of units.

use serde::{Deserialize, Serialize};

use crate::clusters::{ClusterRatio, effective, few_clusters};
use crate::cross_products::CrossProducts;
use crate::estimate::NotEstimable;
use crate::grid::Grid;
use crate::moments::Moments;
use crate::reliability::Unreliable;
use crate::sample::{RatioColumn, Sample};

/// Values at or below the quantile, and values.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum ShareCounts {
    ByUnit(CrossProducts),
    /// By cell.
    ByCluster(Vec<[u64; 2]>),
}

/// The share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Share {
    /// The values it is of.
    pub(super) values: u64,
    pub(super) variance: f64,
    pub(super) degrees_of_freedom: f64,
    pub(super) unreliable: Option<Unreliable>,
    /// By cell, what its clusters add; the squares add up to the variance. Empty where units were assigned by themselves.
    pub(super) scores: Vec<f64>,
}

impl ShareCounts {
    /// None yet; `cells` where units were assigned with their cluster.
    pub(super) fn new(cells: Option<usize>) -> Self {
        match cells {
            Some(cells) => Self::ByCluster(vec![[0; 2]; cells]),
            None => Self::ByUnit(CrossProducts::new(2)),
        }
    }

    /// Counts so many values of a unit at or below the quantile among so many.
    pub(super) fn push(&mut self, at_most: u64, values: u64, cell: usize) {
        match self {
            Self::ByUnit(products) => products.push(&[at_most as i64, values as i64]),
            Self::ByCluster(cells) => {
                if let Some([below, all]) = cells.get_mut(cell) {
                    *below += at_most;
                    *all += values;
                }
            }
        }
    }

    /// Adds the same of other units.
    pub(super) fn add(&mut self, other: &Self) {
        match (self, other) {
            (Self::ByUnit(products), Self::ByUnit(others)) => *products += others,
            (Self::ByCluster(cells), Self::ByCluster(others)) => {
                for (cell, other) in cells.iter_mut().zip(others) {
                    cell.iter_mut().zip(other).for_each(|(count, other)| *count += other);
                }
            }
            _ => {}
        }
    }

    /// The clusters with a value; `None` where units were assigned by themselves.
    pub(super) fn clusters(&self) -> Option<u64> {
        match self {
            Self::ByUnit(_) => None,
            Self::ByCluster(cells) => Some(cells.iter().filter(|[_, values]| *values > 0).count() as u64),
        }
    }

    /// The share, a ratio of sums over units or over clusters.
    ///
    /// # Errors
    /// Fewer than two units, or clusters, with a value.
    pub(super) fn share(&self) -> Result<Share, NotEstimable> {
        match self {
            Self::ByUnit(products) => {
                let share = RatioColumn { numerator: 0, denominator: Some(1), centre: 0.0 };
                let sample = Sample::exact(products, &[0, 0], &[Grid::INTEGER; 2])?.ratios(&[share])?;
                Ok(Share::of_units(products.sum(1) as u64, &sample))
            }
            Self::ByCluster(cells) => Share::of_clusters(cells),
        }
    }
}

impl Share {
    /// Column 0 of the sample is the share.
    fn of_units(values: u64, sample: &Sample) -> Self {
        Self {
            values,
            variance: sample.covariance(0, 0) / sample.units(),
            degrees_of_freedom: sample.degrees_of_freedom(),
            unreliable: sample.unreliable(),
            scores: Vec::new(),
        }
    }

    fn of_clusters(cells: &[[u64; 2]]) -> Result<Self, NotEstimable> {
        let totals = |place: usize| -> Vec<Moments> {
            let total = |cell: &[u64; 2]| Moments { n: cell[1], sum: i128::from(cell[place]), ..Moments::default() };
            cells.iter().map(total).collect()
        };
        let (below, all) = (totals(0), totals(1));
        let scores = ClusterRatio { above: &below, below: &all, grids: [Grid::INTEGER; 2] }.scores()?;
        let effective = effective(all.iter().map(|total| (1.0, total.n as f64)));
        Ok(Self {
            values: all.iter().map(|total| total.n).sum(),
            variance: scores.iter().map(|score| score * score).sum(),
            degrees_of_freedom: (effective - 1.0).max(1.0),
            unreliable: few_clusters(effective),
            scores,
        })
    }
}
