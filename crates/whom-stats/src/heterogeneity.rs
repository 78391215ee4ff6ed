//! How much the effects of a partition's cohorts differ: Cochran's Q, I², and the variance between cohorts.
//!
//! With tau_l the effect in cohort l, v_l its estimated variance, w_l = 1 / v_l and W their sum:
//!
//! * **Cochran's Q** = sum of w_l (tau_l - mean tau)², the mean weighted by w_l, against chi-square with k - 1 degrees of
//!   freedom (Cochran 1954). It takes the v_l for known, and rejects too often where cohorts are small.
//! * **Welch's test** (Welch 1951, James 1951) is Q for variances that are estimated: with nu_l the degrees of freedom of v_l and
//!   A = sum of (1 - w_l / W)² / nu_l, F = [Q / (k - 1)] / [1 + 2 (k - 2) A / (k² - 1)] against F with k - 1 and (k² - 1) / (3 A)
//!   degrees of freedom. It goes over into Cochran's as the cohorts grow, holds its level from about ten units per arm, and is the
//!   p-value to read.
//! * **I²** = (Q - (k - 1)) / Q, at least 0: the share of the effects' scatter that is no noise (Higgins and Thompson 2002). It
//!   is relative to the noise at hand, so that it grows with the experiment; how large effects differ is said by the next.
//! * **The variance between cohorts** tau²: DerSimonian and Laird's (1986) (Q - (k - 1)) / (W - sum of w² / W), and Paule and
//!   Mandel's (1982), at which the Q of weights 1 / (v_l + tau²) is k - 1; both at least 0. Its interval is Q-profile's
//!   (Viechtbauer 2007): all tau² whose Q lies between the quantiles of chi-square; it holds its level for normal effects,
//!   whatever their number. I² has the interval that follows from it by I² = tau² / (tau² + s²),
//!   s² = (k - 1) W / (W² - sum of w²).
//!
//! **Cohorts that share clusters** have errors that go together. With their covariance all of these figures are the same but Welch's
//! test, in whose place Hotelling's stands ([`Heterogeneity::by_cluster`]).
//!
//! **Both scales.** A constant lift is absolute heterogeneity along everything that predicts the control's mean. Heterogeneity is
//! therefore tested on differences and on logarithms of ratios; if only the differences differ, effects follow the baseline.

mod correlated;

use serde::{Deserialize, Serialize};

use crate::clusters::ClusterEffect;
use crate::distribution::{chi_square_upper, f_upper, inverse_of_decreasing};
use crate::estimate::{Estimate, Interval, NotEstimable};

pub(crate) use correlated::{Correlated, variance_of};

/// Cochran's Q = sum over cohorts of (tau - mean tau)² / v, the mean weighted by 1 / v.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cochran {
    /// Q.
    pub statistic: f64,
    /// Cohorts less one.
    pub degrees_of_freedom: f64,
    /// The upper tail of chi-square.
    pub p_value: f64,
}

/// Welch's test that all cohorts share an effect; Hotelling's where they share clusters.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EqualEffects {
    /// F.
    pub statistic: f64,
    /// Cohorts less one.
    pub numerator: f64,
    /// Degrees of freedom of the denominator; infinite if those of all estimates are.
    pub denominator: f64,
    /// The upper tail of F.
    pub p_value: f64,
}

/// A share or variance that is not negative, with its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Between {
    /// The estimate.
    pub value: f64,
    /// The interval; from zero to zero if the effects scatter less than noise alone would make them.
    pub interval: Interval,
}

/// The heterogeneity of the effects in the cohorts of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Heterogeneity {
    /// Cohorts with an effect.
    pub groups: usize,
    /// Cohorts without one, which take no part.
    pub left_out: usize,
    /// Cochran's test.
    pub cochran: Cochran,
    /// Welch's test: the one to read.
    pub equal_effects: EqualEffects,
    /// I², a share.
    pub i_squared: Between,
    /// Paule and Mandel's variance between cohorts, in the squared unit of the effect.
    pub tau_squared: Between,
    /// DerSimonian and Laird's.
    pub tau_squared_moments: f64,
    /// The mean weighted by precision: the common effect, if there is one.
    pub common: Estimate,
    /// The mean over a population of such cohorts, with weights 1 / (v + Paule and Mandel's tau²).
    pub average: Estimate,
}

impl Heterogeneity {
    /// The heterogeneity of effects of cohorts that share no unit; intervals hold with probability `level`.
    ///
    /// Cohorts without an estimate, and those whose standard error is zero or not finite, are left out. Their order changes
    /// results in the last bits at most.
    ///
    /// # Errors
    /// [`NotEstimable::OneGroup`] if fewer than two cohorts are left.
    ///
    /// ```
    /// use whom_stats::{Estimate, Heterogeneity};
    ///
    /// let cohort = |value| Ok(Estimate { value, std_err: 1.0, degrees_of_freedom: f64::INFINITY });
    /// let found = Heterogeneity::of(&[cohort(0.0), cohort(2.0), cohort(4.0)], 0.95)?;
    /// assert_eq!((found.cochran.statistic, found.i_squared.value, found.tau_squared_moments), (8.0, 0.75, 3.0));
    /// # Ok::<(), whom_stats::NotEstimable>(())
    /// ```
    pub fn of(effects: &[Result<Estimate, NotEstimable>], level: f64) -> Result<Self, NotEstimable> {
        let groups = Groups::new(effects.iter().flatten());
        if groups.0.len() < 2 {
            return Err(NotEstimable::OneGroup);
        }
        Ok(groups.heterogeneity(effects.len(), level))
    }

    /// The same of cohorts that may share clusters.
    ///
    /// # Errors
    /// [`NotEstimable::OneGroup`] if fewer than two cohorts are left; [`NotEstimable::NoDegreesOfFreedom`] if there are as many as
    /// degrees of freedom; [`NotEstimable::NoVariance`] if a combination of their differences does not vary.
    pub fn by_cluster(effects: &[Result<ClusterEffect, NotEstimable>], level: f64) -> Result<Self, NotEstimable> {
        let found = effects.iter().flatten().filter(|effect| is_usable(&effect.estimate));
        Ok(Correlated::new(found.collect())?.heterogeneity(effects.len(), level))
    }
}

/// Effects of groups, whatever their errors have to do with each other.
pub(crate) trait Scattered {
    /// The number of groups, two or more.
    fn count(&self) -> usize;

    /// The mean of least variance, if effects differ by this variance between groups.
    fn mean(&self, between: f64) -> Estimate;

    /// The sum of squares about it, each by its precision.
    fn q(&self, between: f64) -> f64;

    /// How much a variance between groups adds to Q on average, for each unit of it.
    fn rise(&self) -> f64;

    /// The test that all effects are the same.
    fn equal_effects(&self, cochran: &Cochran) -> EqualEffects;

    /// The Q that noise alone makes on average.
    fn less_one(&self) -> f64 {
        self.count() as f64 - 1.0
    }

    /// Cochran's test.
    fn cochran(&self) -> Cochran {
        let (statistic, degrees_of_freedom) = (self.q(0.0), self.less_one());
        Cochran { statistic, degrees_of_freedom, p_value: chi_square_upper(statistic, degrees_of_freedom) }
    }

    /// The variance between groups at which Q falls to `target`; zero if it is below from the start.
    fn variance_at(&self, target: f64) -> f64 {
        if self.q(0.0) <= target { 0.0 } else { inverse_of_decreasing(target, |between| self.q(between)) }
    }

    /// Q-profile's interval of the variance between groups.
    fn profile(&self, level: f64) -> Interval {
        let quantile = |tail| inverse_of_decreasing(tail, |statistic| chi_square_upper(statistic, self.less_one()));
        let half = (1.0 - level) / 2.0;
        Interval { lower: self.variance_at(quantile(half)), upper: self.variance_at(quantile(1.0 - half)) }
    }

    /// I², given the interval of the variance between groups.
    fn i_squared(&self, cochran: &Cochran, tau_squared: Interval) -> Between {
        let typical = self.less_one() / self.rise();
        let share = |between: f64| between / (between + typical);
        let value = ((cochran.statistic - cochran.degrees_of_freedom) / cochran.statistic).max(0.0);
        Between { value, interval: Interval { lower: share(tau_squared.lower), upper: share(tau_squared.upper) } }
    }

    /// The heterogeneity of these groups of so many that were asked.
    fn heterogeneity(&self, asked: usize, level: f64) -> Heterogeneity {
        let cochran = self.cochran();
        let tau_squared = Between { value: self.variance_at(self.less_one()), interval: self.profile(level) };
        Heterogeneity {
            groups: self.count(),
            left_out: asked - self.count(),
            cochran,
            equal_effects: self.equal_effects(&cochran),
            i_squared: self.i_squared(&cochran, tau_squared.interval),
            tau_squared,
            tau_squared_moments: ((cochran.statistic - cochran.degrees_of_freedom) / self.rise()).max(0.0),
            common: self.mean(0.0),
            average: self.mean(tau_squared.value),
        }
    }
}

/// On which scale effects differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DifferingScale {
    /// On neither, as far as can be proven.
    Neither,
    /// Differences differ, ratios are not shown to: effects follow the baseline.
    FollowsBaseline,
    /// Ratios differ, differences are not shown to.
    RelativeOnly,
    /// On both.
    Both,
}

/// Heterogeneity of differences and of ratios.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BothScales {
    /// Of treatment mean less control mean.
    pub absolute: Result<Heterogeneity, NotEstimable>,
    /// Of the logarithm of treatment mean over control mean.
    pub relative: Result<Heterogeneity, NotEstimable>,
}

impl BothScales {
    /// Both heterogeneities of the same cohorts, whichever method made their differences and the logarithms of their ratios. What is
    /// not estimable leaves its cohort out of the one it is missing in.
    pub fn of(
        absolute: &[Result<Estimate, NotEstimable>],
        relative: &[Result<Estimate, NotEstimable>],
        level: f64,
    ) -> Self {
        Self { absolute: Heterogeneity::of(absolute, level), relative: Heterogeneity::of(relative, level) }
    }

    /// The same of cohorts that may share clusters.
    pub fn by_cluster(
        absolute: &[Result<ClusterEffect, NotEstimable>],
        relative: &[Result<ClusterEffect, NotEstimable>],
        level: f64,
    ) -> Self {
        Self {
            absolute: Heterogeneity::by_cluster(absolute, level),
            relative: Heterogeneity::by_cluster(relative, level),
        }
    }

    /// On which scale the effects differ, given what counts as proof after any correction; what was not tested proves nothing.
    pub fn differing(absolute: Option<f64>, relative: Option<f64>, level: f64) -> DifferingScale {
        let proven = |p_value: Option<f64>| p_value.is_some_and(|p_value| p_value < 1.0 - level);
        match (proven(absolute), proven(relative)) {
            (false, false) => DifferingScale::Neither,
            (true, false) => DifferingScale::FollowsBaseline,
            (false, true) => DifferingScale::RelativeOnly,
            (true, true) => DifferingScale::Both,
        }
    }
}

/// Cohorts with a positive, finite standard error.
pub(crate) struct Groups(pub(crate) Vec<Estimate>);

impl Groups {
    pub(crate) fn new<'a>(estimates: impl Iterator<Item = &'a Estimate>) -> Self {
        Self(estimates.filter(|estimate| is_usable(estimate)).copied().collect())
    }

    fn weights(&self, between: f64) -> impl Iterator<Item = f64> {
        self.0.iter().map(move |group| 1.0 / (group.std_err * group.std_err + between))
    }

    fn total_weight(&self) -> f64 {
        self.weights(0.0).sum()
    }
}

impl Scattered for Groups {
    fn count(&self) -> usize {
        self.0.len()
    }

    /// The mean with weights 1 / (v + between), whose variance estimates are worth what Satterthwaite says.
    fn mean(&self, between: f64) -> Estimate {
        let total: f64 = self.weights(between).sum();
        let sum: f64 = self.0.iter().zip(self.weights(between)).map(|(group, weight)| group.value * weight).sum();
        let doubt = self.0.iter().zip(self.weights(between)).map(|(group, weight)| {
            let share = weight / total;
            share * share / group.degrees_of_freedom
        });
        Estimate { value: sum / total, std_err: (1.0 / total).sqrt(), degrees_of_freedom: 1.0 / doubt.sum::<f64>() }
    }

    fn q(&self, between: f64) -> f64 {
        let mean = self.mean(between).value;
        self.0
            .iter()
            .map(|group| (group.value - mean) * (group.value - mean))
            .zip(self.weights(between))
            .map(|(square, weight)| square * weight)
            .sum()
    }

    fn rise(&self) -> f64 {
        let (total, squares) = (self.total_weight(), self.weights(0.0).map(|weight| weight * weight).sum::<f64>());
        total - squares / total
    }

    fn equal_effects(&self, cochran: &Cochran) -> EqualEffects {
        let (groups, total) = (self.0.len() as f64, self.total_weight());
        let doubt: f64 = self
            .0
            .iter()
            .zip(self.weights(0.0))
            .map(|(group, weight)| (1.0 - weight / total) * (1.0 - weight / total) / group.degrees_of_freedom)
            .sum();
        let squares = groups * groups - 1.0;
        let numerator = cochran.degrees_of_freedom;
        let statistic = cochran.statistic / numerator / (1.0 + 2.0 * (groups - 2.0) * doubt / squares);
        let denominator = squares / (3.0 * doubt);
        EqualEffects { statistic, numerator, denominator, p_value: f_upper(statistic, numerator, denominator) }
    }
}

/// Whether an effect has a standard error that it can be weighted by.
fn is_usable(estimate: &Estimate) -> bool {
    estimate.value.is_finite() && estimate.std_err > 0.0 && estimate.std_err.is_finite()
}

#[cfg(test)]
mod tests;
