//! Intervals and p-values that hold at every look: asymptotic confidence sequences.
//!
//! A fixed-horizon interval covers at one look that was planned. Read every night, it misses sooner or later almost surely. A
//! confidence sequence covers at all looks at once: the chance that it ever misses is at most 1 - level.
//!
//! **The sequence** (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory and asymptotic confidence
//! sequences", 2021, Annals of Statistics 2024, Theorem 2.2), Robbins' normal mixture for a studentised mean. With n units and
//! s = n rho², alpha = 1 - level,
//!
//! ```text
//! estimate ± std_err sqrt( (1 + 1 / s) (2 ln(1 / alpha) + ln(1 + s)) )
//! ```
//!
//! It needs an estimate that behaves like a mean, with a consistent standard error: differences in means, ratios by the delta
//! method, CUPED. The p-value is the smallest alpha whose interval excludes zero,
//! min(1, sqrt(1 + s) exp(-z² s / (2 (1 + s)))), z = estimate / std_err.
//!
//! **Tuning.** rho is chosen so that the interval is tightest at a number of units that is declared beforehand: s solves
//! s = 2 ln(1 / alpha) + ln(1 + s) there, which minimises the width. It is never chosen from the data. At that look the sequence is
//! about 1.55 times as wide as a fixed-horizon interval (level .95), and less than 1.8 times from a fifth to six times its units.
//!
//! **When it is right.** Asymptotic: the first look has to find the estimate near normal. It holds from the range in which Welch's
//! interval holds ([`Unreliable`](crate::Unreliable) says where), and the arms' shares must not change over the looks. A unit
//! counts once, when its window is complete, so that what arrives each night is new units. It measures the mean of the units so far: if the
//! effect drifts, that is a moving target, and the running intersection may become empty.

mod one_sided;

use serde::{Deserialize, Serialize};

pub use one_sided::OneSidedSequence;

use crate::estimate::{Estimate, Interval, NotEstimable};
use crate::multiplicity::simultaneous_level;

/// Steps of the fixed point; each shrinks the error by a factor of 1 + s, which is above 1.
const STEPS: u32 = 200;

/// A confidence sequence, fixed before its first look.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfidenceSequence {
    alpha: f64,
    /// s at one unit: rho².
    per_unit: f64,
}

/// What a sequence says at a look.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// The always-valid interval.
    pub interval: Interval,
    /// The always-valid p-value against zero; of a one-sided sequence, against zero and below.
    pub p_value: f64,
    /// The number of standard errors on each side.
    pub critical_value: f64,
}

impl ConfidenceSequence {
    /// A sequence that covers at all looks with probability `level`, tightest at `planned` units.
    ///
    /// # Errors
    /// [`NotEstimable::NoUnits`] if no unit is planned, [`NotEstimable::NoScale`] if the level is not strictly between 0 and 1.
    ///
    /// ```
    /// use whom_stats::{ConfidenceSequence, Estimate};
    ///
    /// let sequence = ConfidenceSequence::new(0.95, 10_000)?;
    /// let look = sequence.look(&Estimate { value: 0.3, std_err: 0.1, degrees_of_freedom: 9_998.0 }, 10_000)?;
    /// assert_eq!(format!("{:.4}", look.critical_value), "3.0351");
    /// assert!(look.interval.contains(0.0) && look.p_value > 0.05, "three standard errors do not suffice at every look");
    /// # Ok::<(), whom_stats::NotEstimable>(())
    /// ```
    pub fn new(level: f64, planned: u64) -> Result<Self, NotEstimable> {
        let alpha = checked(level, planned)?;
        let constant = -2.0 * libm::log(alpha);
        let best = (0..STEPS).fold(constant, |s, _| constant + libm::log1p(s));
        Ok(Self { alpha, per_unit: best / planned as f64 })
    }

    /// A sequence for each of `sequences` that are to cover all together, at all looks, with probability `level` (Bonferroni).
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn of_family(level: f64, sequences: usize, planned: u64) -> Result<Self, NotEstimable> {
        Self::new(simultaneous_level(level, sequences), planned)
    }

    /// The interval and p-value at a look with this many units in both arms.
    ///
    /// # Errors
    /// No unit; a standard error that is zero or not finite.
    pub fn look(&self, estimate: &Estimate, units: u64) -> Result<Look, NotEstimable> {
        check_look(estimate, units)?;
        let s = self.per_unit * units as f64;
        let critical_value = ((1.0 + 1.0 / s) * (libm::log1p(s) - 2.0 * libm::log(self.alpha))).sqrt();
        let square = estimate.statistic() * estimate.statistic();
        let p_value = libm::exp(libm::log1p(s) / 2.0 - square * s / (2.0 * (1.0 + s))).min(1.0);
        Ok(Look { interval: estimate.interval_at(critical_value), p_value, critical_value })
    }
}

/// The error rate of a level, if a sequence at it can be planned for these units.
fn checked(level: f64, planned: u64) -> Result<f64, NotEstimable> {
    if !(level > 0.0 && level < 1.0) {
        return Err(NotEstimable::NoScale);
    }
    if planned == 0 {
        return Err(NotEstimable::NoUnits);
    }
    Ok(1.0 - level)
}

/// Refuses a look that tells nothing: at no unit, or with a standard error that is zero or not finite.
fn check_look(estimate: &Estimate, units: u64) -> Result<(), NotEstimable> {
    if units == 0 {
        return Err(NotEstimable::NoUnits);
    }
    if estimate.std_err > 0.0 && estimate.std_err.is_finite() { Ok(()) } else { Err(NotEstimable::NoVariance) }
}

/// What all looks so far say together. It starts with nothing known, p = 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Running {
    /// The smallest p-value of all looks.
    pub p_value: f64,
    /// The intersection of all intervals.
    pub interval: RunningInterval,
}

/// The intersection of the intervals of all looks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunningInterval {
    /// There was no look.
    Unbounded,
    /// What they have in common; it covers with the sequence's level if there is one effect all along.
    Common(Interval),
    /// They have nothing in common: the effect drifts, or the sequence missed.
    Empty,
}

impl Default for Running {
    fn default() -> Self {
        Self { p_value: 1.0, interval: RunningInterval::Unbounded }
    }
}

impl Running {
    /// With one more look. The order of the looks does not matter.
    #[must_use]
    pub fn with(self, look: &Look) -> Self {
        let interval = match self.interval {
            RunningInterval::Unbounded => RunningInterval::Common(look.interval),
            RunningInterval::Common(so_far) => common(so_far, look.interval),
            RunningInterval::Empty => RunningInterval::Empty,
        };
        Self { p_value: self.p_value.min(look.p_value), interval }
    }
}

fn common(left: Interval, right: Interval) -> RunningInterval {
    let both = Interval { lower: left.lower.max(right.lower), upper: left.upper.min(right.upper) };
    if both.lower <= both.upper { RunningInterval::Common(both) } else { RunningInterval::Empty }
}

#[cfg(test)]
mod tests;
