//! Effects whose errors go together, as those of groups that share clusters do.
//!
//! With V their covariance, t the variance between groups, and C the differences from the first group, z = C tau:
//!
//! * Q at t is z' (C V C' + t C C')^-1 z. Of independent effects this is Cochran's sum of squares about the weighted mean.
//! * **That all effects are the same** is tested by Hotelling's T², which is Q at zero. With q differences and d degrees of freedom,
//!   (d - q + 1) T² / (d q) is held against F with q and d - q + 1 degrees of freedom. For d stands the smallest among the effects' own (Bell and
//!   McCaffrey's for means): fewer than the approximation of Tipton and Pustejovsky (2015) finds where groups have clusters of their own, so
//!   that the test rejects seldom rather than often.
//! * The mean of least variance is tau_1 - v' (C V C' + t C C')^-1 z, where v holds the covariances of tau_1 with the differences.

use crate::clusters::ClusterEffect;
use crate::distribution::f_upper;
use crate::estimate::{Estimate, NotEstimable};
use crate::heterogeneity::{Cochran, EqualEffects, Scattered};
use crate::linear::{Cholesky, Symmetric, dot};

/// Effects of groups that may share clusters.
pub(crate) struct Correlated<'a> {
    effects: Vec<&'a ClusterEffect>,
    /// z.
    differences: Vec<f64>,
    /// C V C'.
    covariance: Symmetric,
    /// v.
    with_first: Vec<f64>,
}

impl<'a> Correlated<'a> {
    /// Of those that have a standard error.
    ///
    /// # Errors
    /// [`NotEstimable::OneGroup`] of fewer than two; [`NotEstimable::NoDegreesOfFreedom`] if there are no more of them than
    /// differences; [`NotEstimable::NoVariance`] if a difference, or a combination of some, does not vary.
    pub(crate) fn new(effects: Vec<&'a ClusterEffect>) -> Result<Self, NotEstimable> {
        let [first, others @ ..] = effects.as_slice() else { return Err(NotEstimable::OneGroup) };
        if others.is_empty() {
            return Err(NotEstimable::OneGroup);
        }
        let layout = layout(&effects);
        let less_first = |other: &&'a ClusterEffect| combined(&[(first, -1.0), (other, 1.0)], &layout);
        let scores: Vec<Vec<f64>> = others.iter().map(less_first).collect();
        let of_first = combined(&[(first, 1.0)], &layout);
        let found = Self {
            differences: others.iter().map(|other| other.estimate.value - first.estimate.value).collect(),
            covariance: Symmetric::from_lower(scores.len(), |row, column| dot(&scores[row], &scores[column])),
            with_first: scores.iter().map(|scores| dot(scores, &of_first)).collect(),
            effects,
        };
        if found.degrees_of_freedom() <= found.differences.len() as f64 {
            return Err(NotEstimable::NoDegreesOfFreedom);
        }
        let varies = |place: usize| found.covariance.get(place, place) > 0.0;
        let is_whole = (0..scores.len()).all(varies) && found.factored(0.0).0.rank() == scores.len();
        if is_whole { Ok(found) } else { Err(NotEstimable::NoVariance) }
    }

    /// The smallest degrees of freedom of an effect.
    fn degrees_of_freedom(&self) -> f64 {
        self.effects.iter().map(|effect| effect.estimate.degrees_of_freedom).fold(f64::INFINITY, f64::min)
    }

    /// The sum of the effects, each by its weight.
    pub(crate) fn combination(&self, weights: &[f64]) -> Estimate {
        let weighted: Vec<_> = self.effects.iter().copied().zip(weights.iter().copied()).collect();
        let value = weighted.iter().map(|(effect, weight)| weight * effect.estimate.value).sum();
        Estimate { value, std_err: variance_of(&weighted).sqrt(), degrees_of_freedom: self.degrees_of_freedom() }
    }

    /// C V C' + t C C' as a factor of correlations, with the standard deviations.
    fn factored(&self, between: f64) -> (Cholesky, Vec<f64>) {
        let size = self.differences.len();
        let entry = |row: usize, column: usize| {
            self.covariance.get(row, column) + if row == column { 2.0 * between } else { between }
        };
        let deviations: Vec<f64> = (0..size).map(|place| entry(place, place).sqrt()).collect();
        let correlation = |row: usize, column: usize| {
            if row == column { 1.0 } else { entry(row, column) / (deviations[row] * deviations[column]) }
        };
        (Cholesky::new(&Symmetric::from_lower(size, correlation)), deviations)
    }

    /// A vector times the inverse root of that matrix.
    fn solved((factor, deviations): &(Cholesky, Vec<f64>), vector: &[f64]) -> Vec<f64> {
        factor
            .solve_lower(&vector.iter().zip(deviations).map(|(entry, deviation)| entry / deviation).collect::<Vec<_>>())
    }
}

impl Scattered for Correlated<'_> {
    fn count(&self) -> usize {
        self.effects.len()
    }

    fn mean(&self, between: f64) -> Estimate {
        let root = self.factored(between);
        let with_first: Vec<f64> = self.with_first.iter().map(|covariance| covariance - between).collect();
        let (with_first, differences) = (Self::solved(&root, &with_first), Self::solved(&root, &self.differences));
        let first = self.effects[0].estimate;
        let variance = first.std_err * first.std_err + between - dot(&with_first, &with_first);
        Estimate {
            value: first.value - dot(&with_first, &differences),
            std_err: variance.max(0.0).sqrt(),
            degrees_of_freedom: self.degrees_of_freedom(),
        }
    }

    fn q(&self, between: f64) -> f64 {
        let solved = Self::solved(&self.factored(between), &self.differences);
        dot(&solved, &solved)
    }

    fn rise(&self) -> f64 {
        let (root, size) = (self.factored(0.0), self.differences.len());
        // C C' is the identity and a matrix of ones.
        let unit = |place: usize| (0..size).map(|other| f64::from(u8::from(other == place))).collect::<Vec<f64>>();
        let of_units = (0..size).map(|place| Self::solved(&root, &unit(place)));
        let of_ones = Self::solved(&root, &vec![1.0; size]);
        of_units.map(|solved| dot(&solved, &solved)).sum::<f64>() + dot(&of_ones, &of_ones)
    }

    fn equal_effects(&self, cochran: &Cochran) -> EqualEffects {
        let (numerator, degrees) = (cochran.degrees_of_freedom, self.degrees_of_freedom());
        let denominator = degrees - numerator + 1.0;
        let share = if degrees.is_finite() { denominator / degrees } else { 1.0 };
        let statistic = cochran.statistic / numerator * share;
        EqualEffects { statistic, numerator, denominator, p_value: f_upper(statistic, numerator, denominator) }
    }
}

/// The variance of a combination of effects.
pub(crate) fn variance_of(effects: &[(&ClusterEffect, f64)]) -> f64 {
    let combining: Vec<&ClusterEffect> = effects.iter().map(|(effect, _)| *effect).collect();
    let scores = combined(effects, &layout(&combining));
    dot(&scores, &scores)
}

/// The number of clusters of each arm: an arm that has no part in one effect may have one in another.
fn layout(effects: &[&ClusterEffect]) -> Vec<usize> {
    let arms = effects.iter().map(|effect| effect.scores.len()).max().unwrap_or(0);
    let clusters = |arm: usize| effects.iter().filter_map(|effect| effect.scores.get(arm)).map(Vec::len).max();
    (0..arms).map(|arm| clusters(arm).unwrap_or(0)).collect()
}

/// What each cluster of each arm adds to a combination of effects.
fn combined(effects: &[(&ClusterEffect, f64)], layout: &[usize]) -> Vec<f64> {
    let of_arm = |(arm, clusters): (usize, &usize)| {
        let of = move |(effect, weight): &(&ClusterEffect, f64), cluster: usize| {
            effect.scores.get(arm).and_then(|scores| scores.get(cluster)).map_or(0.0, |score| weight * score)
        };
        (0..*clusters).map(move |cluster| effects.iter().map(|effect| of(effect, cluster)).sum::<f64>())
    };
    layout.iter().enumerate().flat_map(of_arm).collect()
}

#[cfg(test)]
mod tests;
