//! An estimate with its uncertainty, and the named reasons why there is none.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::distribution::Reference;

/// Why a quantity cannot be estimated from the data at hand. An outcome, not a failure: it is shown where the number would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Error)]
#[serde(rename_all = "snake_case")]
pub enum NotEstimable {
    /// An arm has no unit with a value.
    #[error("an arm has no unit with a value")]
    EmptyArm,
    /// An arm has a single unit with a value, hence no variance.
    #[error("an arm has only one unit with a value")]
    OneUnit,
    /// A coefficient of a column that is a linear combination of those before it, or does not vary.
    #[error("the column is a linear combination of those before it")]
    Collinear,
    /// A regression with no more units than coefficients.
    #[error("there are no more units than coefficients")]
    NoDegreesOfFreedom,
    /// A unit alone decides a coefficient: its leverage is 1, and errors of type HC2 and HC3 divide by 1 less that.
    #[error("one unit alone decides a coefficient, so that HC2 and HC3 are undefined")]
    LeverageOne,
    /// A standard error by cluster where there is only one.
    #[error("all units are in one cluster")]
    OneCluster,
    /// A coefficient that the units of one cluster alone decide, so that clusters say nothing about its error.
    #[error("one cluster alone decides the coefficient")]
    OneClusterDecides,
    /// No value differs from the others of its arm.
    #[error("the values do not vary")]
    NoVariance,
    /// A logarithm is asked of a mean that is not positive.
    #[error("a mean is not positive, and has no logarithm")]
    MeanNotPositive,
    /// A lift is relative to the control's mean, which is zero.
    #[error("the control's mean is zero")]
    ControlMeanZero,
    /// More than one replicate of the bootstrap in a hundred has no value.
    #[error("more than 1 % of the bootstrap's replicates have no value")]
    UndefinedReplicates,
    /// A comparison of groups found fewer than two that hold enough units.
    #[error("fewer than two groups hold enough units")]
    OneGroup,
    /// A prior without an end leaves no posterior distribution of two groups.
    #[error("a flat prior needs three groups")]
    FewGroups,
    /// The scale of a prior, or what a sequence is planned for, is not a positive number.
    #[error("a scale has to be a positive number")]
    NoScale,
    /// No unit in any arm.
    #[error("there are no units")]
    NoUnits,
    /// An arm's weight is not a positive number, or there are not as many weights as arms.
    #[error("every arm needs a positive weight")]
    NoWeight,
    /// The statistics hold no such cell, arm or metric.
    #[error("the statistics hold no such cell, arm or metric")]
    NotCounted,
    /// A ratio's denominator adds up to zero in an arm.
    #[error("the denominator adds up to zero in an arm")]
    DenominatorZero,
    /// A limit relative to the control's mean has no direction where that is zero or negative.
    #[error("the control's mean is not positive, so a relative limit says nothing; give an absolute one")]
    ControlMeanNotPositive,
    /// Too many units are in strata that lack an arm.
    #[error("more than 5 % of the units are in strata with fewer than two units in an arm")]
    StrataWithoutArm,
    /// A quantile lies so near the end of the values that its interval leaves them.
    #[error("too few values lie beyond the quantile")]
    TooFewBeyondQuantile,
    /// The values at the ends of a quantile's interval are those at the quantile, in both arms.
    #[error("all values around the quantile are the same, so nothing tells its error")]
    FlatQuantile,
}

/// A number with a standard error and the degrees of freedom behind it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The estimate.
    pub value: f64,
    /// Its standard error, positive.
    pub std_err: f64,
    /// Degrees of freedom of the standard error.
    pub degrees_of_freedom: f64,
}

/// The range in which degrees of freedom are sought; beyond it t is normal.
const FEWEST_DEGREES: f64 = 0.5;
const MOST_DEGREES: f64 = 1e9;

/// How far, relatively, a p-value may be off because its interval was rounded.
const ROUNDING: f64 = 1e-12;

/// A closed interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The lower end.
    pub lower: f64,
    /// The upper end.
    pub upper: f64,
}

impl Interval {
    /// Whether the value lies in the interval, ends included.
    pub fn contains(&self, value: f64) -> bool {
        (self.lower..=self.upper).contains(&value)
    }

    /// Half the width.
    pub fn half_width(&self) -> f64 {
        (self.upper - self.lower) / 2.0
    }

    /// Whether zero lies strictly outside.
    pub fn excludes_zero(&self) -> bool {
        self.lower > 0.0 || self.upper < 0.0
    }

    /// Whether the whole interval lies in plus-minus `bound`: the effect, if any, does not matter.
    pub fn lies_within(&self, bound: f64) -> bool {
        -bound <= self.lower && self.upper <= bound
    }
}

impl Estimate {
    /// The estimate in units of its standard error.
    pub fn statistic(&self) -> f64 {
        self.value / self.std_err
    }

    /// The two-sided p-value against zero.
    pub fn p_value(&self, reference: Reference) -> f64 {
        reference.two_sided_p(self.statistic(), self.degrees_of_freedom)
    }

    /// The interval that covers the true value with probability `level`.
    pub fn interval(&self, level: f64, reference: Reference) -> Interval {
        self.interval_at(reference.critical_value(level, self.degrees_of_freedom))
    }

    /// The estimate plus-minus `critical_value` standard errors.
    pub fn interval_at(&self, critical_value: f64) -> Interval {
        let margin = critical_value * self.std_err;
        Interval { lower: self.value - margin, upper: self.value + margin }
    }

    /// The estimate behind an interval: its degrees of freedom are those with which `std_err` gives the interval at `level`, to about
    /// a millionth. They are infinite under the normal reference, and where the interval is no wider than a normal one.
    ///
    /// # Errors
    /// [`NotEstimable::NoVariance`] if the standard error is not positive and finite.
    pub fn of_interval(
        value: f64,
        std_err: f64,
        interval: Interval,
        (level, reference): (f64, Reference),
    ) -> Result<Self, NotEstimable> {
        if !(std_err > 0.0 && std_err.is_finite() && value.is_finite()) {
            return Err(NotEstimable::NoVariance);
        }
        let statistic = interval.half_width() / std_err;
        let tail = (1.0 - level) * (1.0 - ROUNDING);
        let are_too_many = |degrees: f64| reference.two_sided_p(statistic, degrees) < tail;
        let (mut few, mut many) = (FEWEST_DEGREES, MOST_DEGREES);
        if reference == Reference::Normal || !are_too_many(many) {
            return Ok(Self { value, std_err, degrees_of_freedom: f64::INFINITY });
        }
        while many / few > 1.0 + 1e-9 {
            let middle = (few * many).sqrt();
            if are_too_many(middle) { many = middle } else { few = middle }
        }
        Ok(Self { value, std_err, degrees_of_freedom: many })
    }

    /// The difference from an estimate made from other units: variances add, degrees of freedom by Satterthwaite.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        let variance = Satterthwaite::default()
            .plus(self.std_err * self.std_err, self.degrees_of_freedom)
            .plus(other.std_err * other.std_err, other.degrees_of_freedom);
        variance.estimate(self.value - other.value)
    }
}

/// A sum of independent variance estimates and its degrees of freedom (sum v)² / sum (v² / d), after Satterthwaite (1946).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Satterthwaite {
    variance: f64,
    squares_by_degrees: f64,
}

impl Satterthwaite {
    pub(crate) fn plus(self, variance: f64, degrees_of_freedom: f64) -> Self {
        Self {
            variance: self.variance + variance,
            squares_by_degrees: self.squares_by_degrees + variance * variance / degrees_of_freedom,
        }
    }

    /// Whether nothing varies, so that there are no degrees of freedom either.
    pub(crate) fn is_zero(self) -> bool {
        self.squares_by_degrees == 0.0
    }

    pub(crate) fn estimate(self, value: f64) -> Estimate {
        Estimate {
            value,
            std_err: self.variance.sqrt(),
            degrees_of_freedom: self.variance * self.variance / self.squares_by_degrees,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_interval_tells_the_degrees_of_freedom_that_made_it(degrees in 1.0..50_000.0_f64, s in 1e-4..10.0_f64, level in 0.8..0.99_f64) {
            let made = Estimate { value: 0.3, std_err: s, degrees_of_freedom: degrees };
            let interval = made.interval(level, Reference::T);
            let found = Estimate::of_interval(0.3, s, interval, (level, Reference::T)).unwrap();
            prop_assert!((found.degrees_of_freedom / degrees - 1.0).abs() < 1e-4, "{found:?}");
        }
    }

    #[test]
    fn a_normal_interval_has_infinite_degrees_of_freedom() {
        let made = Estimate { value: 1.0, std_err: 0.5, degrees_of_freedom: f64::INFINITY };
        for reference in [Reference::T, Reference::Normal] {
            let found = Estimate::of_interval(1.0, 0.5, made.interval(0.95, reference), (0.95, reference));
            assert_eq!(found, Ok(made));
        }
        let nothing = Estimate::of_interval(1.0, 0.0, Interval { lower: 1.0, upper: 1.0 }, (0.95, Reference::T));
        assert_eq!(nothing, Err(NotEstimable::NoVariance));
    }
}
