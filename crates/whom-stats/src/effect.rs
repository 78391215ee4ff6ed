//! The effect of a treatment: difference in means with Welch's standard error, and the lift.

use serde::{Deserialize, Serialize};

use crate::estimate::{Estimate, NotEstimable, Satterthwaite};
use crate::grid::Grid;
use crate::moments::Moments;
use crate::reliability::{Unreliable, judge, judge_lift};

/// One arm's share in an effect.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArmSummary {
    /// Units with a value.
    pub units: u64,
    /// Units whose value is not zero.
    pub events: u64,
    /// The mean.
    pub mean: f64,
    /// The sample variance, divisor n - 1.
    pub variance: f64,
}

impl ArmSummary {
    /// The summary of an arm's moments.
    ///
    /// # Errors
    /// No unit, or only one.
    pub fn new(moments: &Moments, grid: Grid) -> Result<Self, NotEstimable> {
        let mean = moments.mean(grid).ok_or(NotEstimable::EmptyArm)?;
        let variance = moments.variance(grid).ok_or(NotEstimable::OneUnit)?;
        Ok(Self { units: moments.n, events: moments.events, mean, variance })
    }

    /// The estimated variance of the mean.
    pub fn variance_of_mean(&self) -> f64 {
        self.variance / self.units as f64
    }

    pub(crate) fn degrees_of_freedom(&self) -> f64 {
        self.units.saturating_sub(1) as f64
    }
}

/// The effect of a treatment on a metric among some units.
///
/// ```
/// use whom_stats::{Effect, Grid, Moments, Reference};
///
/// // Hillstrom's visits, women's e-mail against none: 3,238 of 21,387 and 2,262 of 21,306.
/// let visits = |n: u64, events: u64| Moments { n, events, sum: events.into(), sum_squares: events.into() };
/// let effect = Effect::welch(&visits(21_387, 3_238), &visits(21_306, 2_262), Grid::INTEGER)?;
/// assert_eq!(format!("{:.6} ({:.6})", effect.difference.value, effect.difference.std_err), "0.045233 (0.003234)");
///
/// let interval = effect.difference.interval(0.95, Reference::T);
/// assert_eq!(format!("{:.4} to {:.4}", interval.lower, interval.upper), "0.0389 to 0.0516");
/// assert_eq!(format!("{:+.1} %", 100.0 * effect.lift()?.relative.value), "+42.6 %");
/// # Ok::<(), whom_stats::NotEstimable>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// Treatment mean less control mean.
    pub difference: Estimate,
    /// The treatment arm.
    pub treatment: ArmSummary,
    /// The control arm.
    pub control: ArmSummary,
    /// Why the interval may not hold its level, if it may not.
    pub unreliable: Option<Unreliable>,
}

/// The relative effect: treatment mean over control mean, less one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lift {
    /// The lift as a fraction, with the delta method's standard error.
    pub relative: Estimate,
    /// Why the interval may not hold its level, if it may not.
    pub unreliable: Option<Unreliable>,
}

impl Effect {
    /// The difference in means with the standard error sqrt(v1 / n1 + v0 / n0) and the degrees of freedom of Welch (1947).
    ///
    /// The difference is formed in integers and divided once, so a shift of the metric by a constant of the grid changes
    /// no bit of it, and neither of its standard error.
    ///
    /// # Errors
    /// An arm with fewer than two units; no variance in either arm.
    pub fn welch(treatment: &Moments, control: &Moments, grid: Grid) -> Result<Self, NotEstimable> {
        let unreliable = judge(treatment, control);
        let steps = treatment.mean_difference(control).ok_or(NotEstimable::EmptyArm)?;
        let difference = steps / grid.steps_per_one();
        let (treatment, control) = (ArmSummary::new(treatment, grid)?, ArmSummary::new(control, grid)?);
        let variance = Satterthwaite::default()
            .plus(treatment.variance_of_mean(), treatment.degrees_of_freedom())
            .plus(control.variance_of_mean(), control.degrees_of_freedom());
        if variance.is_zero() {
            return Err(NotEstimable::NoVariance);
        }
        Ok(Self { difference: variance.estimate(difference), treatment, control, unreliable })
    }

    /// The lift l = m1 / m0 - 1 with the delta method's variance (v1 / n1 + (m1 / m0)² v0 / n0) / m0².
    ///
    /// # Errors
    /// The control's mean is zero; nothing varies that the lift depends on, as where all treated values are zero.
    pub fn lift(&self) -> Result<Lift, NotEstimable> {
        let base = self.control.mean;
        if base == 0.0 {
            return Err(NotEstimable::ControlMeanZero);
        }
        let ratio = self.treatment.mean / base;
        let variance = Satterthwaite::default()
            .plus(self.treatment.variance_of_mean() / (base * base), self.treatment.degrees_of_freedom())
            .plus(ratio * ratio * self.control.variance_of_mean() / (base * base), self.control.degrees_of_freedom());
        if variance.is_zero() {
            return Err(NotEstimable::NoVariance);
        }
        let unreliable = self.unreliable.or_else(|| judge_lift(&self.control));
        Ok(Lift { relative: variance.estimate(self.difference.value / base), unreliable })
    }

    /// The contrast of a cohort with the rest of the units: tau_cohort - tau_rest, whose variances add as no unit is in both.
    pub fn contrast(&self, rest: &Self) -> Estimate {
        self.difference.minus(&rest.difference)
    }
}

#[cfg(test)]
mod tests;
