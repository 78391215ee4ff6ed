//! The probability that a cohort's effect is the largest of all.
//!
//! Given tau and mu the effects are independent, so that P(theta_j is largest) is the integral of its density times the product
//! of the others' distribution functions. The trapezoid rule over a normal density is accurate to e^-(2 pi² / step²).

use crate::distribution::normal_lower;
use crate::estimate::Estimate;
use crate::hierarchy::grid::Conditional;

/// Points over mu: from -4 to 4 standard deviations.
const OVER_MEAN: Even = Even { points: 9, step: 1.0 };
/// Points over the effect: from -5.2 to 5.2.
const OVER_EFFECT: Even = Even { points: 27, step: 0.4 };
/// A product of distribution functions that counts as zero.
const NOTHING: f64 = 1e-9;

/// Points about zero at even distances.
struct Even {
    points: u32,
    step: f64,
}

impl Even {
    /// Standard deviates, each with its density.
    fn deviates(&self) -> impl Iterator<Item = (f64, f64)> {
        let first = -f64::from(self.points - 1) / 2.0;
        (0..self.points).map(move |point| {
            let deviate = (first + f64::from(point)) * self.step;
            (deviate, libm::exp(-deviate * deviate / 2.0))
        })
    }
}

/// One probability per cohort, over `slices` of equal probability; they add up to one.
pub(super) fn probabilities(slices: &[Conditional], measured: &[Estimate]) -> Vec<f64> {
    let mut largest = vec![0.0; measured.len()];
    for slice in slices {
        for (deviate, density) in OVER_MEAN.deviates() {
            let mean = slice.mean + deviate * slice.mean_variance.sqrt();
            let effects: Vec<(f64, f64)> = measured
                .iter()
                .map(|effect| slice.given_mean(effect, mean))
                .map(|(mean, variance)| (mean, variance.sqrt()))
                .collect();
            largest.iter_mut().enumerate().for_each(|(cohort, sum)| *sum += density * is_largest(&effects, cohort));
        }
    }
    let total: f64 = largest.iter().sum();
    largest.into_iter().map(|probability| probability / total).collect()
}

/// Up to a factor, the probability that a cohort's effect is the largest of independent ones with these means and deviations.
fn is_largest(effects: &[(f64, f64)], cohort: usize) -> f64 {
    let Some((mean, std_dev)) = effects.get(cohort) else { return 0.0 };
    let others_below = |value: f64| {
        let mut product = 1.0;
        for (_, (mean, std_dev)) in effects.iter().enumerate().filter(|(other, _)| *other != cohort) {
            product *= normal_lower((value - mean) / std_dev);
            if product < NOTHING {
                return 0.0;
            }
        }
        product
    };
    OVER_EFFECT.deviates().map(|(deviate, density)| density * others_below(mean + deviate * std_dev)).sum()
}
