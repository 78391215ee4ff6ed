//! Does an effect hold over time? A cohort's effect by week of first exposure, or by any slice that was declared.
//!
//! Two tests on slices that share no unit: [Welch's test](crate::heterogeneity) that all slices share an effect, and, if the slices
//! have an order, the trend: the slope b = sum of w_i (x_i - mean x) tau_i / sum of w_i (x_i - mean x)² of the effect over the
//! slice's number x_i, with weights w_i = 1 / v_i and the variance 1 / sum of w_i (x_i - mean x)² (generalised least squares with
//! known variances), against t with Satterthwaite's degrees of freedom. A novelty effect that fades is found by the trend long
//! before it is found by the test over all slices. The two p-values are corrected by Holm.
//!
//! **Slices that share clusters** are not independent. Both tests then know their covariance: Hotelling's in place of Welch's, and
//! the same slope with the error of such a combination ([`ClusterEffect`]).
//!
//! That nothing is found is no proof of stability; the slope's interval says what could still be there. Weeks of first exposure
//! also differ in who comes, so a trend may be that of the users.

use serde::{Deserialize, Serialize};

use crate::clusters::ClusterEffect;
use crate::distribution::Reference;
use crate::estimate::{Estimate, NotEstimable, Satterthwaite};
use crate::heterogeneity::{Correlated, EqualEffects, Groups, Scattered};
use crate::multiplicity::Correction;

/// What is asked of slices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StabilityTest {
    /// Whether the slices have an order, such as weeks.
    pub ordered: bool,
    /// One less the error rate of both tests together.
    pub level: f64,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Steadiness {
    /// Neither a trend nor differences are shown.
    NoChangeFound,
    /// The effect rises or falls with the slice.
    Trend,
    /// The effect differs between slices, without a trend.
    Varies,
}

/// The outcome over slices.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stability {
    /// The test that all slices share an effect.
    pub equal_effects: EqualEffects,
    /// Its p-value, corrected for the two tests.
    pub p_differences: f64,
    /// The change of the effect from one slice to the next; `None` if slices have no order.
    pub trend: Option<Estimate>,
    /// Its p-value, corrected for the two tests.
    pub p_trend: Option<f64>,
    /// What was found.
    pub found: Steadiness,
}

impl StabilityTest {
    /// Tests the effects of slices, in the slices' order if they have one. Slices without an effect are left out and keep their
    /// place in the order.
    ///
    /// # Errors
    /// [`NotEstimable::OneGroup`] if fewer than two slices have an effect.
    ///
    /// ```
    /// use whom_stats::{Estimate, StabilityTest, Steadiness};
    ///
    /// let week = |value| Ok(Estimate { value, std_err: 1.0, degrees_of_freedom: 1e4 });
    /// let fading = StabilityTest { ordered: true, level: 0.95 }.run(&[5.0, 4.0, 3.0, 2.0, 1.0].map(week))?;
    /// assert_eq!(fading.found, Steadiness::Trend);
    /// assert!(fading.p_trend < Some(0.01) && fading.p_differences > 0.03);
    /// # Ok::<(), whom_stats::NotEstimable>(())
    /// ```
    pub fn run(&self, slices: &[Result<Estimate, NotEstimable>]) -> Result<Stability, NotEstimable> {
        let groups = Groups::new(slices.iter().flatten());
        if groups.0.len() < 2 {
            return Err(NotEstimable::OneGroup);
        }
        let trend = self.ordered.then(|| trend(slices)).flatten();
        Ok(self.concluded(groups.equal_effects(&groups.cochran()), trend))
    }

    /// The same for slices that may share clusters.
    ///
    /// # Errors
    /// [`NotEstimable::OneGroup`] if fewer than two slices have an effect; [`NotEstimable::NoDegreesOfFreedom`] if there are as many as
    /// degrees of freedom; [`NotEstimable::NoVariance`] if a combination of their differences does not vary.
    pub fn run_by_cluster(&self, slices: &[Result<&ClusterEffect, NotEstimable>]) -> Result<Stability, NotEstimable> {
        let usable = |effect: &&ClusterEffect| effect.estimate.value.is_finite() && effect.estimate.std_err > 0.0;
        let found = || slices.iter().enumerate().filter_map(|(place, slice)| Some((place, *slice.as_ref().ok()?)));
        let (places, effects): (Vec<f64>, Vec<&ClusterEffect>) =
            found().filter(|(_, effect)| usable(effect)).map(|(place, effect)| (place as f64, effect)).unzip();
        let points: Vec<(f64, &Estimate)> =
            places.into_iter().zip(effects.iter().map(|effect| &effect.estimate)).collect();
        let weights = self.ordered.then(|| slope(&points));
        let groups = Correlated::new(effects)?;
        let trend = weights.map(|weights| groups.combination(&weights));
        Ok(self.concluded(groups.equal_effects(&groups.cochran()), trend))
    }

    fn concluded(&self, equal_effects: EqualEffects, trend: Option<Estimate>) -> Stability {
        let raw: Vec<f64> =
            std::iter::once(equal_effects.p_value).chain(trend.map(|trend| trend.p_value(Reference::T))).collect();
        let adjusted = Correction::Holm.adjust(&raw);
        let p_differences = adjusted.first().copied().unwrap_or(1.0);
        let p_trend = adjusted.get(1).copied();
        let proven = |p_value: f64| p_value < 1.0 - self.level;
        let found = if p_trend.is_some_and(proven) {
            Steadiness::Trend
        } else if proven(p_differences) {
            Steadiness::Varies
        } else {
            Steadiness::NoChangeFound
        };
        Stability { equal_effects, p_differences, trend, p_trend, found }
    }
}

/// The weighted slope; `None` if fewer than two slices can be used.
fn trend(slices: &[Result<Estimate, NotEstimable>]) -> Option<Estimate> {
    let points: Vec<(f64, &Estimate)> = slices
        .iter()
        .enumerate()
        .filter_map(|(place, slice)| Some((place as f64, slice.as_ref().ok()?)))
        .filter(|(_, slice)| slice.value.is_finite() && slice.std_err > 0.0 && slice.std_err.is_finite())
        .collect();
    let parts = slope(&points).into_iter().zip(points.iter().map(|(_, slice)| *slice));
    let (value, variance) = parts.fold((0.0, Satterthwaite::default()), |(value, variance), (factor, slice)| {
        let own = factor * slice.std_err;
        (value + factor * slice.value, variance.plus(own * own, slice.degrees_of_freedom))
    });
    (points.len() > 1).then(|| variance.estimate(value))
}

/// By how much each slice's effect counts in the weighted slope.
fn slope(points: &[(f64, &Estimate)]) -> Vec<f64> {
    let weight = |slice: &Estimate| 1.0 / (slice.std_err * slice.std_err);
    let total: f64 = points.iter().map(|(_, slice)| weight(slice)).sum();
    let centre = points.iter().map(|(place, slice)| place * weight(slice)).sum::<f64>() / total;
    let squares: f64 = points.iter().map(|(place, slice)| (place - centre) * (place - centre) * weight(slice)).sum();
    points.iter().map(|(place, slice)| weight(slice) * (place - centre) / squares).collect()
}

#[cfg(test)]
mod tests;
