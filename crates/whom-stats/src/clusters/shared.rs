//! Effects of several groups of units that may share clusters: of weeks, slices, cohorts, the levels of a tag.
//!
//! A household may have somebody in each of two weeks, so the effects of the weeks are not independent. To first order an effect moves
//! by the sum of what its clusters add to it, the scores s_gk of cluster g and group k whose squares add up to its variance. So the
//! covariance of two effects is sum s_gk s_gl over the clusters of both arms, which is zero for groups that share none. How much they differ
//! is asked by [`Heterogeneity::by_cluster`](crate::Heterogeneity::by_cluster), whether they do over time by
//! [`StabilityTest`](crate::StabilityTest).

use crate::comparison::Comparison;
use crate::estimate::{Estimate, NotEstimable};
use crate::grid::Grid;
use crate::heterogeneity::variance_of;
use crate::moments::Moments;

/// The effect of a group of units, with what each cluster adds to it.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterEffect {
    /// The effect with its error by cluster.
    pub estimate: Estimate,
    /// By arm and cluster, at the same places for all groups; nothing for an arm that has no part in the effect. The squares add
    /// up to that of the standard error.
    pub scores: Vec<Vec<f64>>,
}

impl ClusterEffect {
    /// Whether a cluster adds to this effect and to that of another group.
    pub fn shares_clusters(&self, other: &Self) -> bool {
        let mut arms = self.scores.iter().zip(&other.scores);
        arms.any(|(one, other)| one.iter().zip(other).any(|(one, other)| *one != 0.0 && *other != 0.0))
    }

    /// The difference from the effect of another group, which may share clusters; with the fewer degrees of freedom.
    ///
    /// # Errors
    /// [`NotEstimable::NoVariance`].
    pub fn minus(&self, other: &Self) -> Result<Estimate, NotEstimable> {
        let variance = variance_of(&[(self, 1.0), (other, -1.0)]);
        if variance == 0.0 {
            return Err(NotEstimable::NoVariance);
        }
        let (one, other) = (self.estimate, other.estimate);
        Ok(Estimate {
            value: one.value - other.value,
            std_err: variance.sqrt(),
            degrees_of_freedom: one.degrees_of_freedom.min(other.degrees_of_freedom),
        })
    }
}

/// What each cluster adds to the values of both compared arms: by arm and cluster, at the same places for all groups. An arm that has no part
/// in a value may be empty.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueScores {
    /// To the treatment's value.
    pub treatment: Vec<Vec<f64>>,
    /// To control's.
    pub control: Vec<Vec<f64>>,
}

impl ValueScores {
    /// The difference of the values, whose errors these are.
    ///
    /// # Errors
    /// As [`Comparison::difference`].
    pub fn difference(&self, values: &Comparison) -> Result<ClusterEffect, NotEstimable> {
        Ok(ClusterEffect { estimate: values.difference()?, scores: self.combined([1.0, -1.0]) })
    }

    /// The logarithm of the ratio of the values.
    ///
    /// # Errors
    /// As [`Comparison::log_ratio`].
    pub fn log_ratio(&self, values: &Comparison) -> Result<ClusterEffect, NotEstimable> {
        let scores = |values: &Comparison| self.combined([1.0 / values.treatment, -1.0 / values.control]);
        Ok(ClusterEffect { estimate: values.log_ratio()?, scores: scores(values) })
    }

    /// Control's value.
    ///
    /// # Errors
    /// As [`Comparison::control`].
    pub fn control(&self, values: &Comparison) -> Result<ClusterEffect, NotEstimable> {
        Ok(ClusterEffect { estimate: values.control()?, scores: self.combined([0.0, 1.0]) })
    }

    fn combined(&self, [of_treatment, of_control]: [f64; 2]) -> Vec<Vec<f64>> {
        let of_arm = |arm: usize| {
            let of = |scores: &[Vec<f64>], cluster: usize| scores.get(arm).and_then(|arm| arm.get(cluster)).copied();
            let clusters =
                [&self.treatment, &self.control].into_iter().filter_map(|scores| scores.get(arm)).map(Vec::len);
            let score = |cluster: usize| {
                let [treatment, control] =
                    [&self.treatment, &self.control].map(|scores| of(scores, cluster).unwrap_or(0.0));
                of_treatment * treatment + of_control * control
            };
            (0..clusters.max().unwrap_or(0)).map(score).collect()
        };
        (0..self.treatment.len().max(self.control.len())).map(of_arm).collect()
    }
}

/// The sums of the clusters of one arm above and below a ratio.
#[derive(Clone, Copy, Debug)]
pub struct ClusterRatio<'a> {
    /// By cluster, the sum above.
    pub above: &'a [Moments],
    /// The sum below.
    pub below: &'a [Moments],
    /// Their grids.
    pub grids: [Grid; 2],
}

/// A ratio, read.
pub(super) struct Ratio {
    pub(super) value: f64,
    /// By cluster, what lies below.
    pub(super) below: Vec<f64>,
    /// The sum of that.
    pub(super) all: f64,
    /// A_g - R B_g by cluster.
    pub(super) residuals: Vec<f64>,
}

impl ClusterRatio<'_> {
    /// What each cluster adds to the error of the ratio R: (G / (G - 1))^1/2 (A_g - R B_g) / sum B, by the delta method over G clusters that
    /// hold a unit.
    ///
    /// # Errors
    /// [`NotEstimable::EmptyArm`] and [`NotEstimable::OneCluster`]; [`NotEstimable::DenominatorZero`].
    pub fn scores(self) -> Result<Vec<f64>, NotEstimable> {
        let clusters = match self.above.iter().filter(|total| total.n > 0).count() {
            0 => return Err(NotEstimable::EmptyArm),
            1 => return Err(NotEstimable::OneCluster),
            clusters => clusters as f64,
        };
        let (Ratio { all, residuals, .. }, factor) = (self.read()?, (clusters / (clusters - 1.0)).sqrt());
        Ok(residuals.iter().map(|residual| factor * residual / all).collect())
    }

    /// The ratio of the sums, and what clusters have beside it.
    ///
    /// # Errors
    /// [`NotEstimable::DenominatorZero`].
    pub(super) fn read(self) -> Result<Ratio, NotEstimable> {
        let read = |totals: &[Moments], grid: Grid| -> Vec<f64> {
            totals.iter().map(|total| total.sum as f64 / grid.steps_per_one()).collect()
        };
        let (above, below) = (read(self.above, self.grids[0]), read(self.below, self.grids[1]));
        let all: f64 = below.iter().sum();
        if all == 0.0 {
            return Err(NotEstimable::DenominatorZero);
        }
        let value = above.iter().sum::<f64>() / all;
        let residuals = above.iter().zip(&below).map(|(above, below)| above - value * below).collect();
        Ok(Ratio { value, below, all, residuals })
    }
}

#[cfg(test)]
mod tests;
