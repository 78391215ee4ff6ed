//! Is a guardrail kept: is the treatment no worse than the limit that its pipeline declares?
//!
//! Failing to find harm is no proof of safety. The test turns it round: the hypothesis is that the limit is broken, and only
//! data that reject it show that the guardrail is kept.

use serde::{Deserialize, Serialize};

use crate::comparison::Comparison;
use crate::distribution::Reference;
use crate::estimate::{Estimate, NotEstimable};
use crate::reliability::{Unreliable, is_near_zero};

/// The direction in which a metric is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Desired {
    /// More is better.
    Increase,
    /// Less is better.
    Decrease,
}

/// The worst effect that is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// A difference, in the metric's unit.
    Absolute(f64),
    /// A lift, as a fraction.
    Relative(f64),
}

/// A guardrail held against its limit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct NonInferiority {
    /// How far the treatment is on the good side of the limit, in the metric's unit.
    pub margin: Estimate,
    /// The one-sided p-value of the hypothesis that the limit is broken.
    pub p_value: f64,
    /// Why the test may not hold its level, if it may not.
    pub unreliable: Option<Unreliable>,
}

impl Comparison {
    /// Tests that the treatment is no worse than the limit.
    ///
    /// An absolute limit is held against m1 - m0 - limit, a relative one against m1 - (1 + limit) m0: a linear combination whose
    /// variance is exact, so that neither the delta method nor a quotient is needed (Laster and Johnson 2003). Where less is
    /// desired the sign is turned.
    ///
    /// ```
    /// use whom_stats::{Comparison, Desired, Effect, Grid, Limit, Moments, Reference};
    ///
    /// // Nothing lost, with 2,000 of 10,000 in both arms: a loss of 1 % cannot be excluded, one of 10 % can.
    /// let clicks = Moments { n: 10_000, events: 2_000, sum: 2_000, sum_squares: 2_000 };
    /// let comparison = Comparison::from(&Effect::welch(&clicks, &clicks, Grid::INTEGER)?);
    /// let p_value = |limit| comparison.non_inferiority(Limit::Relative(limit), Desired::Increase, Reference::T).unwrap().p_value;
    /// assert!(p_value(-0.01) > 0.3 && p_value(-0.10) < 0.001);
    /// # Ok::<(), whom_stats::NotEstimable>(())
    /// ```
    ///
    /// # Errors
    /// Nothing varies; a relative limit where the control's value is zero or negative. One within nine standard errors of zero
    /// is marked: its sign, and with it the limit's direction, is not certain.
    pub fn non_inferiority(
        &self,
        limit: Limit,
        desired: Desired,
        reference: Reference,
    ) -> Result<NonInferiority, NotEstimable> {
        let sign = if desired == Desired::Increase { 1.0 } else { -1.0 };
        let (distance, base) = match limit {
            Limit::Absolute(limit) => (self.difference - limit, 1.0),
            Limit::Relative(_) if self.control <= 0.0 => return Err(NotEstimable::ControlMeanNotPositive),
            Limit::Relative(limit) => (self.difference - limit * self.control, 1.0 + limit),
        };
        let margin = self.combined(sign * distance, [sign, -sign * base])?;
        let is_sign_uncertain =
            matches!(limit, Limit::Relative(_)) && is_near_zero(self.control, self.variance([0.0, 1.0]));
        Ok(NonInferiority {
            margin,
            p_value: reference.upper_p(margin.statistic(), margin.degrees_of_freedom),
            unreliable: self.unreliable.or(is_sign_uncertain.then_some(Unreliable::ControlMeanNearZero)),
        })
    }
}
