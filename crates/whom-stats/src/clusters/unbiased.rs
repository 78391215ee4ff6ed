//! Means over units of clusters with errors of type CR2 and the degrees of freedom of Bell and McCaffrey (2002).
//!
//! An arm's mean is the regression of its units on a constant, in which the units of cluster g have the leverage h = n_g / N
//! together. With E_g the sum of the cluster's residuals, CR2 is sum E_g² / (1 - h_g) / N²: each cluster's matrix
//! (I - H_gg)^(-1/2) multiplies a constant by (1 - h_g)^(-1/2). It is unbiased where units are independent with one variance, and then
//! the quadratic form has the matrix P with P_gg = n_g / N² and P_gk = -a_g a_k n_g n_k / N³, a_g = (1 - h_g)^(-1/2), whence
//! the degrees of freedom tr(P)² / tr(P²) of Satterthwaite. Clusters of one unit give n - 1, and the variance of Welch.
//!
//! A cohort and the rest of the units are two such regressions, whose residuals share clusters: with d_g the difference of their
//! a_g E_g / N, the variance of the difference of means is sum d_g². For the degrees of freedom the two matrices add, as units
//! of one are none of the other's.

use crate::clusters::{effective, few_clusters};
use crate::estimate::NotEstimable;
use crate::grid::Grid;
use crate::moments::Moments;
use crate::reliability::Unreliable;

/// The totals of the clusters of one arm, and how their values are read.
#[derive(Clone, Copy, Debug)]
pub struct ClusterMeans<'a> {
    /// By cluster, count and sum of its units' values; an empty one is none.
    pub totals: &'a [Moments],
    /// The grid of the values.
    pub grid: Grid,
    /// A grid value near the mean, the same for all arms.
    pub centre: i64,
}

/// A mean, or the difference of two, with its error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UnbiasedMean {
    /// The mean less the centre; of two, their difference.
    pub offset: f64,
    /// The variance of type CR2; zero where no cluster's residuals add up to anything.
    pub variance: f64,
    /// The variance of type CR0, without the factors (1 - h_g)^(-1/2): what [`cr1_factor`](super::cr1_factor) makes that of type CR1 of.
    pub plain_variance: f64,
    /// Bell and McCaffrey's degrees of freedom.
    pub degrees_of_freedom: f64,
    /// Why an interval may not hold its level: fewer than 50 effective clusters.
    pub unreliable: Option<Unreliable>,
}

/// What a cluster adds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Part {
    /// E_g / N.
    plain: f64,
    /// a_g E_g / N.
    score: f64,
    /// n_g / N².
    diagonal: f64,
    /// a_g n_g / N^(3/2).
    root: f64,
}

impl Part {
    /// Of a cluster with so many of an arm's units, given the sum of their deviations from the arm's mean.
    pub(super) fn of(size: f64, deviation: f64, units: f64) -> Self {
        let adjusted = 1.0 / ((units - size) / units).sqrt();
        let plain = deviation / units;
        Self {
            plain,
            score: adjusted * plain,
            diagonal: size / (units * units),
            root: adjusted * size / (units * units.sqrt()),
        }
    }

    /// What it adds to a value.
    pub(super) fn score(self) -> f64 {
        self.score
    }

    /// The product of what it adds to two values.
    pub(super) fn times(self, other: Self) -> f64 {
        self.score * other.score
    }
}

impl ClusterMeans<'_> {
    /// The mean over the units.
    ///
    /// # Errors
    /// [`NotEstimable::EmptyArm`] without a unit; [`NotEstimable::OneCluster`] if one cluster holds all of them.
    pub fn mean(self) -> Result<UnbiasedMean, NotEstimable> {
        let (offset, parts) = self.parts()?;
        let none = vec![Part::default(); parts.len()];
        Ok(UnbiasedMean { unreliable: self.few(), ..with_error(offset, &parts, &none) })
    }

    /// The mean less that of other units of the same clusters, which stand at the same places.
    ///
    /// # Errors
    /// As [`Self::mean`], of either; [`NotEstimable::NotCounted`] if there are not as many.
    pub fn less(self, rest: Self) -> Result<UnbiasedMean, NotEstimable> {
        if self.totals.len() != rest.totals.len() {
            return Err(NotEstimable::NotCounted);
        }
        let ((offset, parts), (other, others)) = (self.parts()?, rest.parts()?);
        let unreliable = self.few().or_else(|| rest.few());
        Ok(UnbiasedMean { unreliable, ..with_error(offset - other, &parts, &others) })
    }

    /// What each cluster adds to the error of the mean; the squares add up to the variance of type CR2.
    ///
    /// # Errors
    /// As [`Self::mean`].
    pub fn scores(self) -> Result<Vec<f64>, NotEstimable> {
        Ok(self.parts()?.1.iter().map(|part| part.score()).collect())
    }

    /// The clusters that hold a unit.
    pub fn count(self) -> u64 {
        self.totals.iter().filter(|total| total.n > 0).count() as u64
    }

    /// (sum n)² / sum n² over the clusters (Kish 1965): equal clusters that would tell as much; 0 without units.
    pub fn effective(self) -> f64 {
        effective_of(self.totals)
    }

    fn few(self) -> Option<Unreliable> {
        few_clusters(effective_of(self.totals))
    }

    /// The mean less the centre, and what each cluster adds to its error.
    fn parts(self) -> Result<(f64, Vec<Part>), NotEstimable> {
        if self.count() < 2 {
            return Err(if self.count() == 0 { NotEstimable::EmptyArm } else { NotEstimable::OneCluster });
        }
        let all = self.totals.iter().fold(Moments::default(), |sum, total| sum + *total);
        let about = |total: &Moments| total.about(i128::from(self.centre)).sum as f64 / self.grid.steps_per_one();
        let units = all.n as f64;
        let offset = about(&all) / units;
        let part = |total: &Moments| Part::of(total.n as f64, about(total) - offset * total.n as f64, units);
        Ok((offset, self.totals.iter().map(part).collect()))
    }
}

/// (sum n)² / sum n² over the clusters.
pub(super) fn effective_of(totals: &[Moments]) -> f64 {
    effective(totals.iter().map(|total| (1.0, total.n as f64)))
}

/// The error of a difference from the parts of both sides, cluster by cluster.
pub(super) fn with_error(offset: f64, parts: &[Part], others: &[Part]) -> UnbiasedMean {
    let squared = |of: fn(&Part) -> f64| {
        let differences = parts.iter().zip(others).map(|(part, other)| of(part) - of(other));
        differences.map(|difference| difference * difference).sum()
    };
    UnbiasedMean {
        offset,
        variance: squared(|part| part.score),
        plain_variance: squared(|part| part.plain),
        degrees_of_freedom: satterthwaite(parts, others),
        unreliable: None,
    }
}

/// The degrees of freedom of such a difference.
///
/// With r and s the roots of the two sides, the entries of the matrix beside its diagonal are -(r_g r_k + s_g s_k), whose squares add up to
/// (sum r²)² + 2 (sum r s)² + (sum s²)² less those of g = k.
pub(super) fn satterthwaite(parts: &[Part], others: &[Part]) -> f64 {
    let (mut trace, mut squares) = (0.0, 0.0);
    let [mut first, mut mixed, mut second] = [0.0; 3];
    for (part, other) in parts.iter().zip(others) {
        let diagonal = part.diagonal + other.diagonal;
        trace += diagonal;
        let own = part.root * part.root + other.root * other.root;
        squares += diagonal * diagonal - own * own;
        first += part.root * part.root;
        mixed += part.root * other.root;
        second += other.root * other.root;
    }
    squares += first * first + 2.0 * mixed * mixed + second * second;
    trace * trace / squares
}

#[cfg(test)]
mod tests;
