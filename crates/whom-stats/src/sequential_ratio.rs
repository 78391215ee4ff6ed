//! The sample-ratio test of an experiment that is looked at every night.
//!
//! Pearson's test at 0.1 % rejects a fair split sooner or later if it is repeated long enough. The sequential test (Lindon and
//! Malek, "Anytime-valid inference for multinomial count data", 2020) bets against the split: under a Dirichlet prior with
//! parameters k w_a about the promised shares w_a, the units n_a of n have the Bayes factor
//!
//! ```text
//! B = Gamma(k) / Gamma(k + n) product over arms of Gamma(k w_a + n_a) / Gamma(k w_a) w_a^-n_a
//! ```
//!
//! against the promised split. If the split is as promised, B is a martingale that starts at 1, and by Ville's inequality it ever
//! reaches 1 / alpha with probability at most alpha: 1 / B is a p-value at every look, exactly, whatever the number of units, and
//! so is the smallest of all looks. Units have to be assigned independently of each other; count clusters where those are assigned.

use crate::estimate::NotEstimable;
use crate::sample_ratio::shares;

/// How strongly the alternative is held to the promised shares w: it expects them to stray by sqrt(w (1 - w) / 10,000), half a
/// percentage point for equal arms; larger deviations are found as surely, only some units later.
pub const CONCENTRATION: f64 = 10_000.0;

/// The always-valid p-value of units by arm against the arms' weights, which need not add up to 1.
///
/// Of several looks the smallest p-value counts. Without units it is 1. Accurate to about 1e-15 times the number of units in its
/// logarithm, which matters to nobody below 10^12 units.
///
/// # Errors
/// [`NotEstimable::NoWeight`] if a weight is missing or not positive, [`NotEstimable::OneGroup`] with fewer than two arms, and
/// [`NotEstimable::NoScale`] if the concentration is not a positive number.
///
/// ```
/// use whom_stats::{CONCENTRATION, sequential_sample_ratio};
///
/// assert_eq!(sequential_sample_ratio(&[21_306, 21_387], &[1.0, 1.0], CONCENTRATION)?, 1.0);
/// assert!(sequential_sample_ratio(&[21_306, 20_307], &[0.5, 0.5], CONCENTRATION)? < 0.001);
/// # Ok::<(), whom_stats::NotEstimable>(())
/// ```
pub fn sequential_sample_ratio(units: &[u64], weights: &[f64], concentration: f64) -> Result<f64, NotEstimable> {
    let shares = shares(units.len(), weights)?;
    if !(concentration > 0.0 && concentration.is_finite()) {
        return Err(NotEstimable::NoScale);
    }
    let total: f64 = units.iter().map(|units| *units as f64).sum();
    let arm = |(units, share): (&u64, &f64)| {
        ln_rising(concentration * share, *units as f64) - *units as f64 * libm::log(*share)
    };
    let ln_factor = units.iter().zip(&shares).map(arm).sum::<f64>() - ln_rising(concentration, total);
    Ok(libm::exp(-ln_factor).min(1.0))
}

/// ln of Gamma(start + count) / Gamma(start).
fn ln_rising(start: f64, count: f64) -> f64 {
    libm::lgamma(start + count) - libm::lgamma(start)
}

#[cfg(test)]
mod tests;
