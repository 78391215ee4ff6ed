//! The posterior distribution of the standard deviation between cohorts, on an even grid of its logarithm.

use crate::estimate::Estimate;
use crate::hierarchy::Prior;

/// How far the grid reaches beyond every scale in the data, in units of ln tau: what lies outside weighs e^-23, or 1e-10.
const REACH: f64 = 23.0;
/// The step of the mixtures' points; halved again and again as cohorts make the distribution narrower.
const STEP: f64 = 0.125;
/// Points of the fine grid, which quantiles are read from, for each point of a mixture.
const FINE: usize = 16;
/// Points with a smaller part of the largest weight are left out of mixtures.
const NEGLIGIBLE: f64 = 1e-14;
/// Slices of equal probability.
const SLICES: usize = 24;

/// The grid: ln tau with the posterior probability below it.
pub(super) struct Grid {
    ln_tau: Vec<f64>,
    weights: Vec<f64>,
    below: Vec<f64>,
}

/// What is known given tau.
#[derive(Clone, Copy, Debug)]
pub(super) struct Conditional {
    tau_squared: f64,
    /// The mean of mu.
    pub(super) mean: f64,
    /// Its variance.
    pub(super) mean_variance: f64,
}

impl Conditional {
    fn new(measured: &[Estimate], tau: f64) -> Self {
        let tau_squared = tau * tau;
        let precision: f64 = measured.iter().map(|effect| 1.0 / (variance(effect) + tau_squared)).sum();
        let sum: f64 = measured.iter().map(|effect| effect.value / (variance(effect) + tau_squared)).sum();
        Self { tau_squared, mean: sum / precision, mean_variance: 1.0 / precision }
    }

    /// The logarithm of the likelihood of tau, mu integrated out, up to a constant.
    fn ln_likelihood(&self, measured: &[Estimate]) -> f64 {
        let one = |effect: &Estimate| {
            let (total, deviation) = (variance(effect) + self.tau_squared, effect.value - self.mean);
            libm::log(total) + deviation * deviation / total
        };
        (libm::log(self.mean_variance) - measured.iter().map(one).sum::<f64>()) / 2.0
    }

    /// b = s² / (s² + tau²), the weight of the common mean.
    pub(super) fn pull(&self, effect: &Estimate) -> f64 {
        variance(effect) / (variance(effect) + self.tau_squared)
    }

    /// The mean and variance of the cohort's effect given tau and mu.
    pub(super) fn given_mean(&self, effect: &Estimate, mean: f64) -> (f64, f64) {
        let own = self.tau_squared / (variance(effect) + self.tau_squared);
        (self.pull(effect) * mean + own * effect.value, own * variance(effect))
    }

    /// The mean and variance of the cohort's effect given tau.
    pub(super) fn effect(&self, effect: &Estimate) -> (f64, f64) {
        let pull = self.pull(effect);
        let (mean, alone) = self.given_mean(effect, self.mean);
        (mean, alone + pull * pull * self.mean_variance)
    }
}

fn variance(effect: &Estimate) -> f64 {
    effect.std_err * effect.std_err
}

impl Grid {
    /// The grid for two estimates or more.
    pub(super) fn new(measured: &[Estimate], prior: Prior) -> Self {
        let (lowest, highest) = scales(measured, prior);
        let step = STEP.min(0.5 / (measured.len() as f64).sqrt()) / FINE as f64;
        let points = ((highest - lowest) / step).ceil() as usize;
        let ln_tau: Vec<f64> = (0..=points).map(|point| lowest + step * point as f64).collect();
        let ln_weights: Vec<f64> = ln_tau.iter().map(|ln_tau| ln_density(measured, prior, *ln_tau)).collect();
        let largest = ln_weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = ln_weights.iter().map(|ln_weight| libm::exp(ln_weight - largest)).collect();
        let total: f64 = weights.iter().sum();
        let mut so_far = 0.0;
        let below = |weight: &f64| {
            so_far += weight / total;
            so_far - weight / total / 2.0
        };
        Self { below: weights.iter().map(below).collect(), ln_tau, weights }
    }

    /// The points of the mixtures: weights that add up to one, with what is known at their tau.
    pub(super) fn given_tau(&self, measured: &[Estimate]) -> Vec<(f64, Conditional)> {
        let points = || self.weights.iter().zip(&self.ln_tau).step_by(FINE);
        let largest = points().map(|(weight, _)| *weight).fold(0.0, f64::max);
        let kept = || points().filter(|(weight, _)| **weight > NEGLIGIBLE * largest);
        let total: f64 = kept().map(|(weight, _)| weight).sum();
        kept().map(|(weight, ln_tau)| (weight / total, Conditional::new(measured, libm::exp(*ln_tau)))).collect()
    }

    /// The tau that the posterior probability below is `probability` of.
    pub(super) fn quantile(&self, probability: f64) -> f64 {
        let above = self.below.partition_point(|below| *below < probability);
        let (Some(right), Some(left)) = (self.at(above), above.checked_sub(1).and_then(|left| self.at(left))) else {
            return libm::exp(
                self.at(above.min(self.ln_tau.len().saturating_sub(1))).map_or(0.0, |(ln_tau, _)| ln_tau),
            );
        };
        let part = (probability - left.1) / (right.1 - left.1);
        libm::exp(left.0 + part * (right.0 - left.0))
    }

    fn at(&self, point: usize) -> Option<(f64, f64)> {
        Some((*self.ln_tau.get(point)?, *self.below.get(point)?))
    }

    /// What is known at the middles of slices of equal posterior probability.
    pub(super) fn slices(&self, measured: &[Estimate]) -> Vec<Conditional> {
        let middle = |slice| (f64::from(slice as u32) + 0.5) / SLICES as f64;
        (0..SLICES).map(|slice| Conditional::new(measured, self.quantile(middle(slice)))).collect()
    }
}

/// The density of ln tau: that of tau, times tau.
fn ln_density(measured: &[Estimate], prior: Prior, ln_tau: f64) -> f64 {
    let tau = libm::exp(ln_tau);
    prior.ln_density(tau) + ln_tau + Conditional::new(measured, tau).ln_likelihood(measured)
}

/// From far below the smallest to far above the largest scale: of the standard errors, the effects' range, and the prior.
fn scales(measured: &[Estimate], prior: Prior) -> (f64, f64) {
    let values = || measured.iter().map(|effect| effect.value);
    let range = values().fold(f64::NEG_INFINITY, f64::max) - values().fold(f64::INFINITY, f64::min);
    let scales = || measured.iter().map(|effect| effect.std_err).chain(prior.scale());
    let smallest = scales().fold(f64::INFINITY, f64::min);
    let largest = scales().chain([range]).fold(0.0, f64::max);
    (libm::log(smallest) - REACH, libm::log(largest) + REACH)
}
