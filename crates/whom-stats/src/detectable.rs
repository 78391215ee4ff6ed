//! What a planned test could find: the smallest effect that it probably finds, and the units that it needs.
//!
//! Nothing here reads an effect. The power of a test at the observed effect is a function of its p-value and says nothing new
//! (Hoenig and Heisey 2001); what is asked is which effect a test of this size would find, or how large a test has to be for the
//! smallest effect that matters.
//!
//! A test rejects where T = estimate / std_err exceeds the critical value c of its level, corrected for the tests of its family
//! (Bonferroni, which is what Holm starts with). About a true difference d, T is noncentral t with noncentrality
//! delta = d / std_err, so the power is P(T > c), and for two sides also P(T < -c). The smallest detectable delta solves it for
//! the power that is asked for, and one delta serves every design that is summed up by its [`Noise`]. Met against statsmodels'
//! `TTestIndPower`. Valid where Welch's interval is; with infinite degrees of freedom it is the normal test.

use serde::{Deserialize, Serialize};

use crate::distribution::{Reference, inverse_of_decreasing};
use crate::effect::{ArmSummary, Effect};
use crate::estimate::{NotEstimable, Satterthwaite};
use crate::multiplicity::simultaneous_level;
use crate::noncentral_t::noncentral_t_upper;

/// The largest number of units that is given as an answer, 2^53.
const MOST_UNITS: u64 = 1 << 53;

/// Which effects count as a finding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sides {
    /// Effects in either direction.
    #[default]
    Two,
    /// Effects in the direction that was declared.
    One,
}

/// A test that is planned.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedTest {
    /// One less the error rate of the family.
    pub level: f64,
    /// The probability of finding the effect; more than the error rate of the test.
    pub power: f64,
    /// Which effects count.
    pub sides: Sides,
    /// The tests of its family, over which the error rate is split.
    pub tests: usize,
}

impl Default for PlannedTest {
    /// One test, 80 % power at 5 % on two sides.
    fn default() -> Self {
        Self { level: 0.95, power: 0.8, sides: Sides::Two, tests: 1 }
    }
}

/// The noise of an estimate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Noise {
    /// The standard error.
    pub std_err: f64,
    /// Its degrees of freedom.
    pub degrees_of_freedom: f64,
}

/// An arm as planned, or as a previous run had it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedArm {
    /// Units; only their proportion matters where units are asked for.
    pub units: f64,
    /// The variance of the metric between units.
    pub variance: f64,
}

/// A treatment and the control that it is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedArms {
    /// The treatment.
    pub treatment: PlannedArm,
    /// The control.
    pub control: PlannedArm,
}

impl PlannedArm {
    fn of(arm: &ArmSummary) -> Self {
        Self { units: arm.units as f64, variance: arm.variance }
    }
}

impl PlannedArms {
    /// The arms of a previous run: their units and variances, and nothing of the effect.
    pub fn of(effect: &Effect) -> Self {
        Self { treatment: PlannedArm::of(&effect.treatment), control: PlannedArm::of(&effect.control) }
    }

    /// The same with `factor` times the units: a cohort with that share of them, or a longer experiment.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        let times = |arm: PlannedArm| PlannedArm { units: arm.units * factor, ..arm };
        Self { treatment: times(self.treatment), control: times(self.control) }
    }

    /// Units in both arms.
    pub fn units(&self) -> f64 {
        self.treatment.units + self.control.units
    }

    /// The noise of a difference in means after Welch: sqrt(v1 / n1 + v0 / n0).
    ///
    /// # Errors
    /// An arm of one unit or fewer; no variance.
    pub fn noise(&self) -> Result<Noise, NotEstimable> {
        if !(self.treatment.units > 1.0 && self.control.units > 1.0) {
            return Err(NotEstimable::OneUnit);
        }
        let sum = [self.treatment, self.control]
            .iter()
            .fold(Satterthwaite::default(), |sum, arm| sum.plus(arm.variance / arm.units, arm.units - 1.0));
        if sum.is_zero() { Err(NotEstimable::NoVariance) } else { Ok(Noise::of(sum)) }
    }
}

impl Noise {
    fn of(sum: Satterthwaite) -> Self {
        let estimate = sum.estimate(0.0);
        Self { std_err: estimate.std_err, degrees_of_freedom: estimate.degrees_of_freedom }
    }

    /// The noise of the difference between the effects of two cohorts with these shares of the units, each in (0, 1), if this is
    /// that of everybody's effect and cohorts vary like everybody: V / s + V / s'. A cohort against the rest is `[s, 1 - s]`.
    #[must_use]
    pub fn between_cohorts(self, shares: [f64; 2]) -> Self {
        let variance = self.std_err * self.std_err;
        let plus = |sum: Satterthwaite, share: &f64| sum.plus(variance / share, self.degrees_of_freedom * share);
        Self::of(shares.iter().fold(Satterthwaite::default(), plus))
    }

    /// The noise in a cohort with this share of the units.
    #[must_use]
    pub fn in_cohort(self, share: f64) -> Self {
        Self { std_err: self.std_err / share.sqrt(), degrees_of_freedom: self.degrees_of_freedom * share }
    }
}

impl PlannedTest {
    /// The value that the statistic has to exceed.
    pub fn critical_value(&self, degrees_of_freedom: f64) -> f64 {
        let level = simultaneous_level(self.level, self.tests);
        let two_sided = match self.sides {
            Sides::Two => level,
            Sides::One => 2.0 * level - 1.0,
        };
        Reference::T.critical_value(two_sided, degrees_of_freedom)
    }

    /// The probability of finding a true difference.
    ///
    /// ```
    /// use whom_stats::{Noise, PlannedTest};
    ///
    /// // statsmodels: TTestIndPower().power(effect_size=.5, nobs1=64, alpha=.05) = 0.8014596
    /// let noise = Noise { std_err: (2.0_f64 / 64.0).sqrt(), degrees_of_freedom: 126.0 };
    /// assert_eq!(format!("{:.7}", PlannedTest::default().power_at(0.5, noise)), "0.8014596");
    /// ```
    pub fn power_at(&self, difference: f64, noise: Noise) -> f64 {
        let noncentrality = difference / noise.std_err;
        let critical_value = self.critical_value(noise.degrees_of_freedom);
        let beyond = |noncentrality| noncentral_t_upper(critical_value, noise.degrees_of_freedom, noncentrality);
        match self.sides {
            Sides::Two => beyond(noncentrality) + beyond(-noncentrality),
            Sides::One => beyond(noncentrality),
        }
    }

    /// The smallest difference that is found with the power asked for, in the metric's unit.
    pub fn detectable(&self, noise: Noise) -> f64 {
        let one = Noise { std_err: 1.0, ..noise };
        noise.std_err * inverse_of_decreasing(1.0 - self.power, |delta| 1.0 - self.power_at(delta, one))
    }

    /// The same as a lift: over the control's mean. The noise of a lift at which nothing happens is that of the difference over
    /// the control's mean.
    ///
    /// # Errors
    /// The control's mean is zero.
    pub fn detectable_lift(&self, noise: Noise, control_mean: f64) -> Result<f64, NotEstimable> {
        if control_mean == 0.0 {
            return Err(NotEstimable::ControlMeanZero);
        }
        Ok(self.detectable(noise) / control_mean.abs())
    }

    /// The smallest standard deviation of effects between leaves that the [global test](crate::global_test()) would find.
    ///
    /// If leaves of share s vary like everybody, whose effect has variance V, then b = sum of s (p - mean p) tau has variance
    /// sum of s² (p - mean p)² V / s = sd(p)² V, and expects r sd(p) sd(tau), r the correlation between predictions and true
    /// effects. The noncentrality is r sd(tau) / sqrt(V), whatever the number and sizes of leaves. One-sided, with `buckets` - 1
    /// degrees of freedom. r = 1 is the best that any discovery could do; `None` if r is not positive: nothing would be found.
    pub fn detectable_spread(&self, average: Noise, buckets: usize, correlation: f64) -> Option<f64> {
        let one_sided = Self { sides: Sides::One, ..*self };
        let noise = Noise { degrees_of_freedom: buckets.saturating_sub(1).max(1) as f64, ..average };
        (correlation > 0.0).then(|| one_sided.detectable(noise) / correlation)
    }

    /// The units of both arms together, in the proportion of these arms, that find a difference of `matters`; `None` if it is
    /// not positive, if more than 2^53 would be needed, or if nothing varies.
    pub fn needed_units(&self, matters: f64, arms: &PlannedArms) -> Option<u64> {
        let enough = |units: u64| {
            let noise = arms.times(units as f64 / arms.units()).noise();
            noise.is_ok_and(|noise| self.power_at(matters, noise) >= self.power)
        };
        if !(matters > 0.0 && matters.is_finite()) {
            return None;
        }
        let mut high = 4_u64;
        while !enough(high) {
            high = high.checked_mul(2).filter(|units| *units <= MOST_UNITS)?;
        }
        let mut low = high / 2;
        while high - low > 1 {
            let middle = u64::midpoint(low, high);
            if enough(middle) { high = middle } else { low = middle }
        }
        Some(high)
    }
}

#[cfg(test)]
mod tests;
