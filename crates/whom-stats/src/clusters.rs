//! Effects where clusters were assigned (households, schools, shops): the independent units are the clusters.
//!
//! With n_g units and the sum S_g of the metric in cluster g, an arm's mean over its units is the ratio sum S_g / sum n_g of two
//! sums over independent clusters, so its variance is the delta method's over clusters,
//! G / (G - 1) sum (S_g - m n_g)² / (sum n_g)²: arm by arm the CR1 sandwich of a regression on the arm. Where cluster sizes
//! vary this is the effect on the average unit, not on the average cluster.
//!
//! Everything else follows from [`Sample::ratios`]: ratio metrics on clusters are sums over sums, covariates enter as means of
//! their own, and the contrast of a cohort with the rest takes both from the same clusters, so that a household that straddles
//! them counts with its covariance.
//!
//! **Few clusters.** A few large clusters carry little information. The effective number is (sum n_g)² / sum n_g² (Kish 1965), the
//! degrees of freedom are one less, and below 50 in an arm the result is marked. For means over units, [`unbiased`] has the
//! sandwich of type CR2 with the degrees of freedom of Bell and McCaffrey (2002), which needs no such number of clusters. Shown beside
//! it: the error of type CR1, and the effective number of clusters of a whole comparison.
//!
//! **Groups that share clusters**, as weeks and slices do, are tested together with their covariance ([`ClusterEffect`]).

mod adjusted;
mod shared;
mod shown;
mod unbiased;

pub use adjusted::{AdjustedClusters, ClusterDenominator};
pub use shared::{ClusterEffect, ClusterRatio, ValueScores};
pub use shown::{ClusterWeights, cr1_factor};
pub use unbiased::{ClusterMeans, UnbiasedMean};

use crate::estimate::NotEstimable;
use crate::grid::Grid;
use crate::measured::Measured;
use crate::moments::Moments;
use crate::reliability::Unreliable;
use crate::sample::{RatioColumn, Sample};

/// Effective clusters per arm below which the sandwich is not trusted.
const CLUSTERS: f64 = 50.0;

/// The totals of the clusters of one arm.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Clusters {
    /// By cluster, the moments of each total; count and sum are read. A cluster without a unit is none.
    totals: Vec<Vec<Moments>>,
}

/// A column to be made of the totals of clusters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ClusterColumn {
    /// The mean over units of a total.
    Mean {
        /// Which total.
        total: usize,
        /// Its grid.
        grid: Grid,
        /// A grid value near its mean, the same for all arms, such as [`Clusters::centre`].
        centre: i64,
    },
    /// The sum of one total over that of another.
    Ratio {
        /// The totals above and below.
        totals: [usize; 2],
        /// Their grids.
        grids: [Grid; 2],
    },
}

/// Which units a total is of: a metric in some cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TotalOf<'a> {
    /// Index of the metric.
    pub metric: usize,
    /// The cells.
    pub cells: &'a [usize],
}

impl Clusters {
    /// The clusters of one arm from their totals.
    pub fn new(totals: impl IntoIterator<Item = Vec<Moments>>) -> Self {
        Self { totals: totals.into_iter().collect() }
    }

    /// Each bucket of the fold as a cluster, for totals of several metrics and cohorts. Buckets hold whole clusters, so this is
    /// right for any number of clusters, and as precise as there are buckets.
    pub fn of_buckets(measured: &Measured<'_>, arm: usize, totals: &[TotalOf<'_>]) -> Self {
        let total = |of: &TotalOf<'_>, bucket| {
            let tables = of.cells.iter().filter_map(|cell| measured.cells.table(*cell, bucket));
            tables.fold(Moments::default(), |sum, table| sum + *table.get(arm, of.metric))
        };
        Self::new(measured.buckets.iter().map(|bucket| totals.iter().map(|of| total(of, bucket)).collect()))
    }

    /// The clusters that hold a unit.
    pub fn count(&self) -> usize {
        self.totals.iter().filter(|totals| holds_a_unit(totals)).count()
    }

    /// The grid value below the mean of a total over several arms; 0 without units.
    pub fn centre(arms: &[Self], total: usize) -> i64 {
        let all = arms.iter().flat_map(|arm| &arm.totals).filter_map(|totals| totals.get(total));
        let sum = all.fold(Moments::default(), |sum, moments| sum + *moments);
        sum.sum.checked_div_euclid(i128::from(sum.n)).and_then(|centre| i64::try_from(centre).ok()).unwrap_or(0)
    }

    /// The sample whose columns are means over units, and ratios; each cluster as often as its weight says.
    ///
    /// # Errors
    /// Fewer than two clusters with units; a denominator of zero; a total that is not there.
    pub fn sample(&self, columns: &[ClusterColumn], weights: Option<&[f64]>) -> Result<Sample, NotEstimable> {
        if columns.iter().flat_map(ClusterColumn::totals).any(|total| self.totals.iter().any(|of| of.len() <= total)) {
            return Err(NotEstimable::NotCounted);
        }
        let present = || (0..self.totals.len()).filter(|cluster| holds_a_unit(&self.totals[*cluster]));
        let rows: Vec<Vec<f64>> = present()
            .map(|cluster| columns.iter().flat_map(|column| column.of(&self.totals[cluster])).collect())
            .collect();
        let weights: Option<Vec<f64>> =
            weights.map(|weights| present().map(|cluster| weights.get(cluster).copied().unwrap_or(0.0)).collect());
        let ratios: Vec<RatioColumn> = columns.iter().enumerate().map(|(place, column)| column.ratio(place)).collect();
        let sample = Sample::from_rows(&rows, weights.as_deref())?.ratios(&ratios)?;
        let size = |row: &Vec<f64>| row.get(1).copied().unwrap_or(0.0);
        let weight = |place: usize| weights.as_ref().map_or(1.0, |weights| weights[place]);
        let effective = effective(rows.iter().enumerate().map(|(place, row)| (weight(place), size(row))));
        // Sizes are counts: their mean is never near zero, however few the clusters.
        let near_zero = sample.unreliable().filter(|_| columns.iter().any(|column| !column.is_mean()));
        Ok(sample.judged((effective - 1.0).max(1.0), few_clusters(effective).or(near_zero)))
    }

    /// (sum n)² / sum n² over the clusters, with n the units that the column's denominator counts: equal clusters that would
    /// tell as much. At least 1; 0 without units.
    pub fn effective(&self, column: ClusterColumn) -> f64 {
        effective(self.totals.iter().map(|totals| (1.0, column.of(totals)[1])))
    }
}

/// (sum w n)² / sum w n² over clusters of sizes n with weights w (Kish 1965): equal clusters that would tell as much. 0 without units.
pub(crate) fn effective(clusters: impl Iterator<Item = (f64, f64)>) -> f64 {
    let (mut sum, mut squares) = (0.0, 0.0);
    for (weight, size) in clusters {
        sum += weight * size;
        squares += weight * size * size;
    }
    if squares > 0.0 { sum * sum / squares } else { 0.0 }
}

/// That these are fewer effective clusters than the sandwich is trusted with, if they are.
pub(crate) fn few_clusters(effective: f64) -> Option<Unreliable> {
    let few = Unreliable::FewClusters { found: effective as u64, needed: CLUSTERS as u64 };
    (effective < CLUSTERS).then_some(few)
}

fn holds_a_unit(totals: &[Moments]) -> bool {
    totals.iter().any(|total| total.n > 0)
}

impl ClusterColumn {
    fn totals(&self) -> impl Iterator<Item = usize> + use<> {
        match self {
            Self::Mean { total, .. } => [*total, *total],
            Self::Ratio { totals, .. } => *totals,
        }
        .into_iter()
    }

    fn is_mean(self) -> bool {
        matches!(self, Self::Mean { .. })
    }

    /// What a cluster adds above and below.
    fn of(&self, totals: &[Moments]) -> [f64; 2] {
        match self {
            Self::Mean { total, grid, centre } => {
                let Moments { n, sum, .. } = totals[*total].about(i128::from(*centre));
                [sum as f64 / grid.steps_per_one(), n as f64]
            }
            Self::Ratio { totals: places, grids } => {
                std::array::from_fn(|place| totals[places[place]].sum as f64 / grids[place].steps_per_one())
            }
        }
    }

    fn ratio(&self, place: usize) -> RatioColumn {
        let centre = match self {
            Self::Mean { grid, centre, .. } => grid.from_grid(*centre),
            Self::Ratio { .. } => 0.0,
        };
        RatioColumn { numerator: 2 * place, denominator: Some(2 * place + 1), centre }
    }
}

#[cfg(test)]
mod coverage;
#[cfg(test)]
mod tests;
