//! Two arms' values with their covariance: from here every difference, lift and limit is the same arithmetic, whatever the
//! values are: means, ratios, adjusted means, means of clusters or strata, quantiles.
//!
//! The variance comes from independent sources (arms, strata), each with its own degrees of freedom. Any combination
//! a1 m1 + a0 m0 has the variance sum over sources of (a1² v11 + 2 a1 a0 v10 + a0² v00) and the degrees of freedom of
//! Satterthwaite (1946). A control mean appears in both values where both are adjusted to the same pooled covariate mean;
//! that is what v10 is for.

use serde::{Deserialize, Serialize};

use crate::confidence_set::ConfidenceSet;
use crate::distribution::Reference;
use crate::effect::{ArmSummary, Effect, Lift};
use crate::estimate::{Estimate, Interval, NotEstimable, Satterthwaite};
use crate::grid::Grid;
use crate::moments::Moments;
use crate::reliability::{Unreliable, is_near_zero, judge};
use crate::sample::{ROUNDING, Sample};

/// The values of a treatment and the control.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The treatment's value.
    pub treatment: f64,
    /// The control's value.
    pub control: f64,
    /// Treatment less control, formed before the values were rounded.
    pub difference: f64,
    /// What the variances come from.
    pub sources: Vec<Source>,
    /// Why an interval may not hold its level, if it may not.
    pub unreliable: Option<Unreliable>,
}

/// An independent source of variance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// The variance that it gives to the treatment's value.
    pub treatment: f64,
    /// The variance that it gives to the control's value.
    pub control: f64,
    /// The covariance of the two.
    pub covariance: f64,
    /// Degrees of freedom of these estimates.
    pub degrees_of_freedom: f64,
}

impl Source {
    /// The variance that it gives to a1 m1 + a0 m0. What is left of terms that cancel is none.
    fn of(&self, [a1, a0]: [f64; 2]) -> f64 {
        let (apart, shared) = (a1 * a1 * self.treatment + a0 * a0 * self.control, 2.0 * a1 * a0 * self.covariance);
        if apart + shared > ROUNDING * apart { apart + shared } else { 0.0 }
    }

    /// Its part in values that are `weight` times these.
    #[must_use]
    pub(crate) fn scaled(&self, weight: f64) -> Self {
        let Self { treatment, control, covariance, degrees_of_freedom } = *self;
        Self {
            treatment: weight * treatment,
            control: weight * control,
            covariance: weight * covariance,
            degrees_of_freedom,
        }
    }
}

impl Comparison {
    /// The means of one column in two arms.
    ///
    /// Where nothing varies the values are known and their difference is not estimable; strata have use for the values.
    ///
    /// # Errors
    /// The samples have no such column.
    pub fn of_means(treatment: &Sample, control: &Sample, column: usize) -> Result<Self, NotEstimable> {
        if column >= treatment.columns().min(control.columns()) {
            return Err(NotEstimable::NotCounted);
        }
        let variance = |sample: &Sample| sample.covariance(column, column) / sample.units();
        Ok(Self {
            treatment: treatment.mean(column),
            control: control.mean(column),
            difference: treatment.offset(column) - control.offset(column),
            sources: vec![
                Source {
                    treatment: variance(treatment),
                    degrees_of_freedom: treatment.degrees_of_freedom(),
                    ..Source::default()
                },
                Source {
                    control: variance(control),
                    degrees_of_freedom: control.degrees_of_freedom(),
                    ..Source::default()
                },
            ],
            unreliable: treatment.unreliable().or(control.unreliable()),
        })
    }

    /// The means of two arms, judged by their units and events.
    ///
    /// Where nothing varies the values are known and their difference is not estimable; strata have use for the values.
    ///
    /// # Errors
    /// An arm with fewer than two units.
    pub fn of_moments(treatment: &Moments, control: &Moments, grid: Grid) -> Result<Self, NotEstimable> {
        let steps = treatment.mean_difference(control).ok_or(NotEstimable::EmptyArm)?;
        let arms = (ArmSummary::new(treatment, grid)?, ArmSummary::new(control, grid)?);
        Ok(Self::of_summaries((&arms.0, &arms.1), steps / grid.steps_per_one(), judge(treatment, control)))
    }

    fn of_summaries(
        (treatment, control): (&ArmSummary, &ArmSummary),
        difference: f64,
        unreliable: Option<Unreliable>,
    ) -> Self {
        let of_treatment = Source {
            treatment: treatment.variance_of_mean(),
            degrees_of_freedom: treatment.degrees_of_freedom(),
            ..Source::default()
        };
        let of_control = Source {
            control: control.variance_of_mean(),
            degrees_of_freedom: control.degrees_of_freedom(),
            ..Source::default()
        };
        let sources = vec![of_treatment, of_control];
        Self { treatment: treatment.mean, control: control.mean, difference, sources, unreliable }
    }

    /// Judged, unless it is found unreliable already, by the units and events behind it.
    #[must_use]
    pub fn judged(self, treatment: &Moments, control: &Moments) -> Self {
        Self { unreliable: self.unreliable.or_else(|| judge(treatment, control)), ..self }
    }

    /// Treatment less control.
    ///
    /// # Errors
    /// [`NotEstimable::NoVariance`].
    pub fn difference(&self) -> Result<Estimate, NotEstimable> {
        self.combined(self.difference, [1.0, -1.0])
    }

    /// Control's value with its error.
    ///
    /// # Errors
    /// [`NotEstimable::NoVariance`].
    pub fn control(&self) -> Result<Estimate, NotEstimable> {
        self.combined(self.control, [0.0, 1.0])
    }

    /// The lift m1 / m0 - 1 with the delta method's variance.
    ///
    /// # Errors
    /// The control's value is zero; nothing varies that the lift depends on.
    pub fn lift(&self) -> Result<Lift, NotEstimable> {
        if self.control == 0.0 {
            return Err(NotEstimable::ControlMeanZero);
        }
        let ratio = self.treatment / self.control;
        let relative = self.combined(self.difference / self.control, [1.0 / self.control, -ratio / self.control])?;
        let unreliable =
            is_near_zero(self.control, self.variance([0.0, 1.0])).then_some(Unreliable::ControlMeanNearZero);
        Ok(Lift { relative, unreliable: self.unreliable.or(unreliable) })
    }

    /// ln(m1 / m0) with the delta method's variance, the covariance of the values included: the scale on which
    /// [heterogeneity](crate::heterogeneity) compares lifts.
    ///
    /// # Errors
    /// A value is not positive; nothing varies.
    pub fn log_ratio(&self) -> Result<Estimate, NotEstimable> {
        if !(self.treatment > 0.0 && self.control > 0.0) {
            return Err(NotEstimable::MeanNotPositive);
        }
        self.combined(libm::log(self.treatment / self.control), [1.0 / self.treatment, -1.0 / self.control])
    }

    /// The lifts that the data do not reject (Fieller 1954), exact for normal values however near zero the control's is.
    ///
    /// The lift l is kept if m1 - (1 + l) m0 is within c standard errors of zero. With r = 1 + l that is
    /// A r² - 2 B r + C <= 0, A = m0² - c² v00, B = m1 m0 - c² v10, C = m1² - c² v11: an interval if A > 0 (the control's
    /// value is different from zero), else everything outside an interval, or everything. c has the degrees of freedom of
    /// the combination at the estimated ratio (of the control alone where its value is zero).
    ///
    /// ```
    /// use whom_stats::{Comparison, ConfidenceSet, Effect, Grid, Moments, Reference};
    ///
    /// let control: Moments = [-2, -1, 0, 1, 3].into_iter().collect();
    /// let treatment: Moments = [8, 9, 10, 11, 12].into_iter().collect();
    /// let comparison = Comparison::from(&Effect::welch(&treatment, &control, Grid::INTEGER)?);
    /// let set = comparison.fieller(0.95, Reference::T)?;
    /// assert!(matches!(set, ConfidenceSet::Outside(_)), "a large change of a base that may be zero: {set:?}");
    /// # Ok::<(), whom_stats::NotEstimable>(())
    /// ```
    ///
    /// # Errors
    /// Nothing varies that the lift depends on.
    pub fn fieller(&self, level: f64, reference: Reference) -> Result<ConfidenceSet, NotEstimable> {
        let weights = if self.control == 0.0 { [0.0, 1.0] } else { [1.0, -self.treatment / self.control] };
        let degrees_of_freedom = self.combined(0.0, weights)?.degrees_of_freedom;
        let critical = reference.critical_value(level, degrees_of_freedom);
        let square = critical * critical;
        let total = |part: fn(&Source) -> f64| self.sources.iter().map(part).sum::<f64>();
        let quadratic = Quadratic {
            a: self.control * self.control - square * total(|source| source.control),
            b: self.treatment * self.control - square * total(|source| source.covariance),
            c: self.treatment * self.treatment - square * total(|source| source.treatment),
        };
        Ok(quadratic.not_positive().less(1.0))
    }

    /// a1 m1 + a0 m0 with its standard error, given the value.
    ///
    /// # Errors
    /// [`NotEstimable::NoVariance`].
    pub(crate) fn combined(&self, value: f64, weights: [f64; 2]) -> Result<Estimate, NotEstimable> {
        let varying = self.sources.iter().map(|source| (source.of(weights), source.degrees_of_freedom));
        let variance = varying
            .filter(|(variance, _)| *variance > 0.0)
            .fold(Satterthwaite::default(), |sum, (variance, degrees_of_freedom)| {
                sum.plus(variance, degrees_of_freedom)
            });
        if variance.is_zero() { Err(NotEstimable::NoVariance) } else { Ok(variance.estimate(value)) }
    }

    /// The variance of a1 m1 + a0 m0.
    pub(crate) fn variance(&self, weights: [f64; 2]) -> f64 {
        self.sources.iter().map(|source| source.of(weights)).sum()
    }
}

impl From<&Effect> for Comparison {
    fn from(effect: &Effect) -> Self {
        Self::of_summaries((&effect.treatment, &effect.control), effect.difference.value, effect.unreliable)
    }
}

/// a r² - 2 b r + c.
#[derive(Clone, Copy)]
struct Quadratic {
    a: f64,
    b: f64,
    c: f64,
}

impl Quadratic {
    /// Where it is not positive. The roots are q / a and c / q with q = b + sign(b) sqrt(b² - a c), which do not cancel.
    fn not_positive(self) -> ConfidenceSet {
        let Self { a, b, c } = self;
        let discriminant = b * b - a * c;
        if a == 0.0 {
            return match b.total_cmp(&0.0) {
                _ if b == 0.0 => ConfidenceSet::Everything,
                std::cmp::Ordering::Greater => ConfidenceSet::AtLeast(c / b / 2.0),
                _ => ConfidenceSet::AtMost(c / b / 2.0),
            };
        }
        if a < 0.0 && discriminant <= 0.0 {
            return ConfidenceSet::Everything;
        }
        let root = discriminant.max(0.0).sqrt();
        let q = if b < 0.0 { b - root } else { b + root };
        let (one, other) = if q == 0.0 { (0.0, 0.0) } else { (q / a, c / q) };
        let interval = Interval { lower: one.min(other), upper: one.max(other) };
        if a > 0.0 { ConfidenceSet::Bounded(interval) } else { ConfidenceSet::Outside(interval) }
    }
}

#[cfg(test)]
mod tests;
