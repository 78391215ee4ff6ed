//! One-sided confidence sequences: bounds that hold at every look, each by itself, for what has a good side.
//!
//! **The sequence** mixes Robbins' exponentials over one side alone, with a half-normal of scale rho (Robbins, "Statistical methods
//! related to the law of the iterated logarithm", 1970; Howard, Ramdas, McAuliffe and Sekhon, Annals of Statistics 2021, section 3.2), for a
//! studentised mean as [`ConfidenceSequence`](super::ConfidenceSequence) does. With n units, s = n rho², z = estimate / std_err and
//! u = z sqrt(s / (1 + s)),
//!
//! ```text
//! M = 2 Phi(u) exp(u² / 2) / sqrt(1 + s)
//! ```
//!
//! is a supermartingale that starts at 1 wherever the true value is at most zero, so that by Ville's inequality M ever reaches 1 / alpha
//! with probability alpha at most. The p-value is min(1, 1 / M), and the bound is estimate - u sqrt((1 + s) / s) std_err for the u at which
//! M = 1 / alpha: the exact boundary, not the closed form above it that is often used.
//!
//! A two-sided sequence at 2 alpha is no substitute: a path may cross both of its ends, so that it crosses one of them with a
//! probability above alpha.
//!
//! **Tuning.** The bound is tightest at the planned number of units where s = u² + u phi(u) / Phi(u), u that of s. There it lies about
//! 1.68 times as far from the estimate as the bound of one look (level .95).

use serde::{Deserialize, Serialize};

use super::{Look, STEPS, check_look, checked};
use crate::estimate::{Estimate, NotEstimable};

/// Newton's steps to the boundary. From the right of a convex function they never miss, and double the digits each time.
const NEWTON: u32 = 30;

/// A one-sided confidence sequence, fixed before its first look.
///
/// Either end of its intervals ever misses with a probability of at most 1 - level, so both of them together are at 2 level - 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OneSidedSequence {
    alpha: f64,
    /// s at one unit: rho².
    per_unit: f64,
}

impl OneSidedSequence {
    /// A sequence whose bounds each hold at all looks with probability `level`, tightest at `planned` units.
    ///
    /// # Errors
    /// [`NotEstimable::NoUnits`] if no unit is planned, [`NotEstimable::NoScale`] if the level is not strictly between 0 and 1.
    ///
    /// ```
    /// use whom_stats::{ConfidenceSequence, Estimate, OneSidedSequence};
    ///
    /// let estimate = Estimate { value: 0.29, std_err: 0.1, degrees_of_freedom: 9_998.0 };
    /// let look = OneSidedSequence::new(0.95, 10_000)?.look(&estimate, 10_000)?;
    /// assert!(look.interval.lower > 0.0 && look.p_value < 0.05);
    /// let both_ways = ConfidenceSequence::new(0.95, 10_000)?.look(&estimate, 10_000)?;
    /// assert!(both_ways.interval.contains(0.0), "who asks about one side alone knows sooner");
    /// # Ok::<(), whom_stats::NotEstimable>(())
    /// ```
    pub fn new(level: f64, planned: u64) -> Result<Self, NotEstimable> {
        let alpha = checked(level, planned)?;
        let best = (0..STEPS).fold(-2.0 * libm::log(alpha), |s, _| {
            let u = boundary(alpha, s);
            u * (u + inverse_mills(u))
        });
        Ok(Self { alpha, per_unit: best / planned as f64 })
    }

    /// Both bounds at a look with this many units, and the p-value of the hypothesis that the true value is at most zero.
    ///
    /// # Errors
    /// No unit; a standard error that is zero or not finite.
    pub fn look(&self, estimate: &Estimate, units: u64) -> Result<Look, NotEstimable> {
        check_look(estimate, units)?;
        let s = self.per_unit * units as f64;
        let shrunk = (s / (1.0 + s)).sqrt();
        let critical_value = boundary(self.alpha, s) / shrunk;
        let p_value = libm::exp(-ln_mixture(estimate.statistic() * shrunk, s)).min(1.0);
        Ok(Look { interval: estimate.interval_at(critical_value), p_value, critical_value })
    }
}

/// The logarithm of M; minus infinity far on the other side.
fn ln_mixture(u: f64, s: f64) -> f64 {
    std::f64::consts::LN_2 + ln_rising(u) - libm::log1p(s) / 2.0
}

/// u² / 2 + ln Phi(u), which rises and is convex.
fn ln_rising(u: f64) -> f64 {
    u * u / 2.0 + libm::log(below(u))
}

/// The normal probability of at most u.
fn below(u: f64) -> f64 {
    libm::erfc(-u * std::f64::consts::FRAC_1_SQRT_2) / 2.0
}

/// phi(u) / Phi(u), for u of at least zero.
fn inverse_mills(u: f64) -> f64 {
    libm::exp(-u * u / 2.0) / (std::f64::consts::TAU.sqrt() * below(u))
}

/// The u, above zero, at which M = 1 / alpha.
fn boundary(alpha: f64, s: f64) -> f64 {
    let least = libm::log1p(s) / 2.0 - libm::log(alpha);
    let wanted = least - std::f64::consts::LN_2;
    let right_of_it = (2.0 * least).sqrt();
    (0..NEWTON).fold(right_of_it, |u, _| u - (ln_rising(u) - wanted) / (u + inverse_mills(u)))
}

#[cfg(test)]
mod tests;
