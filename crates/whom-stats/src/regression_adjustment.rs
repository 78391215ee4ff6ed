//! CUPED as arm-wise regression: what was known of a unit before its exposure takes variance off its metric.
//!
//! With y the metric, x the covariates and x̄ their mean over all arms of the cohort, each arm's value is that of its own
//! regression at the common x̄ (Lin 2013), m_a = ȳ_a - b_a'(x̄_a - x̄), b_a = S_xx,a^-1 S_xy,a. Arm-wise coefficients never lose
//! precision asymptotically, whatever the shares and slopes; a pooled one can (at 10 % treated and unequal slopes).
//!
//! **Variance.** Every m_a is linear in the arms' independent mean vectors: arm c enters with the weight
//! δ_ac (1, -b_a) + π_c (0, b_a), π_c its share of the units. So arm c gives Cov(m_a, m_a') the term w_ac' S_c w_a'c / n_c. The
//! π_c part is what estimating x̄ costs: without it the interval would be about the sample's units, not the population's. In
//! the arm's own regression the residual variance has the divisor n - 1 - k, and estimating b_a adds σ² d' S_xx^-1 d / (n - 1),
//! d = x̄_a - x̄. The residuals' variance need not be constant: to first order this is Lin's robust variance.
//!
//! **Coefficients.** More than 50 units per covariate in both arms, else the parent's coefficients if there are any, else no
//! adjustment; what was done is said. Adjusted effects of cohorts need not add up to the adjusted average, as each cohort has
//! its own x̄ and b.
//!
//! **Missing covariates.** A unit without a pre-period has covariate zero and an indicator column of its own, which is just
//! another covariate. A covariate that is constant in an arm, or a combination of earlier ones, is dropped from a regression and
//! named; the parent's coefficients apply to all.
//!
//! **Ratio metrics** are adjusted alike: their column in [`Sample::ratios`] is the linearised (N - R D) / D̄.

use serde::{Deserialize, Serialize};

use crate::comparison::{Comparison, Source};
use crate::estimate::NotEstimable;
use crate::measured::CONTROL;
use crate::sample::{ROUNDING, Sample};

mod least_squares;

use least_squares::LeastSquares;

/// Units per covariate and arm that coefficients need.
const UNITS_PER_COVARIATE: f64 = 50.0;

/// Which columns a metric is adjusted by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RegressionAdjustment<'a> {
    /// The metric's column.
    pub outcome: usize,
    /// The covariates' columns. Earlier ones stay where later ones repeat them.
    pub covariates: &'a [usize],
    /// The treatment arm; control is 0.
    pub treatment: usize,
    /// The coefficients of the units that this cohort is a part of.
    pub parent: Option<&'a Coefficients>,
}

/// Coefficients by arm, in the order of the covariates; 0 for those dropped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Coefficients {
    /// Of the treatment.
    pub treatment: Vec<f64>,
    /// Of the control.
    pub control: Vec<f64>,
}

/// Where coefficients come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CoefficientSource {
    /// The cohort's own units.
    Own,
    /// The parent, as an arm has at most 50 units per covariate.
    Parent,
    /// Nowhere: too few units and no parent, or no covariate that varies. The effect is not adjusted.
    None,
}

/// Why a covariate takes no part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dropped {
    /// It does not vary in an arm.
    Constant,
    /// It is a linear combination of earlier ones in an arm.
    Collinear,
}

/// An adjusted effect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Adjusted {
    /// The adjusted values.
    pub comparison: Comparison,
    /// The values as they were.
    pub unadjusted: Comparison,
    /// The coefficients; empty where the effect is not adjusted.
    pub coefficients: Coefficients,
    /// Where they come from.
    pub source: CoefficientSource,
    /// By covariate, why the cohort's own regression drops it, if it does.
    pub dropped: Vec<Option<Dropped>>,
    /// The part of the difference's variance that the adjustment took off; negative if it added.
    pub variance_reduction: f64,
}

impl Adjusted {
    /// The same adjustment with these adjusted values, and what they took off the variance of the unadjusted ones.
    #[must_use]
    pub fn measured(self, comparison: Comparison) -> Self {
        let before = self.unadjusted.variance([1.0, -1.0]);
        let variance_reduction = if before > 0.0 { 1.0 - comparison.variance([1.0, -1.0]) / before } else { 0.0 };
        Self { comparison, variance_reduction, ..self }
    }
}

impl RegressionAdjustment<'_> {
    /// The adjusted comparison of the treatment with the control, given a sample for every arm. Arms that are not compared
    /// take part in the common mean of the covariates; those without a variance are passed as `None` and do not.
    ///
    /// # Errors
    /// [`NotEstimable::EmptyArm`] if an arm that is compared is `None`; [`NotEstimable::NotCounted`] for a column that is not
    /// there. The difference of a metric that does not vary, or that its covariates explain without a residual, has
    /// [`NotEstimable::NoVariance`].
    pub fn compare(&self, arms: &[Option<Sample>]) -> Result<Adjusted, NotEstimable> {
        let arm = |arm: usize| arms.get(arm).and_then(Option::as_ref).ok_or(NotEstimable::EmptyArm);
        let (treatment, control) = (arm(self.treatment)?, arm(CONTROL)?);
        if self.covariates.iter().chain([&self.outcome]).any(|column| *column >= treatment.columns()) {
            return Err(NotEstimable::NotCounted);
        }
        let unadjusted = Comparison::of_means(treatment, control, self.outcome)?;
        let dropped = self.dropped(treatment, control);
        let mut kept: Vec<usize> = (0..self.covariates.len()).filter(|place| dropped[*place].is_none()).collect();
        let is_own = suffice(treatment, control, kept.len());
        if !is_own && self.parent.is_some() {
            // Coefficients that are given need no covariate to be told from the others here.
            kept = (0..self.covariates.len()).collect();
        }
        let columns: Vec<usize> = kept.iter().map(|place| self.covariates[*place]).collect();
        let (slopes, source) = match self.parent {
            _ if is_own => {
                let fit = |sample| LeastSquares::new(sample, &columns).coefficients(sample, self.outcome);
                ([fit(treatment), fit(control)], CoefficientSource::Own)
            }
            Some(parent) if !kept.is_empty() => {
                let of = |all: &[f64]| kept.iter().map(|place| all.get(*place).copied().unwrap_or(0.0)).collect();
                ([of(&parent.treatment), of(&parent.control)], CoefficientSource::Parent)
            }
            _ => {
                let coefficients = Coefficients { treatment: Vec::new(), control: Vec::new() };
                let (comparison, source) = (unadjusted.clone(), CoefficientSource::None);
                return Ok(Adjusted { comparison, unadjusted, coefficients, source, dropped, variance_reduction: 0.0 });
            }
        };
        let fit = Fit { outcome: self.outcome, columns: &columns, slopes: &slopes, is_own };
        let comparison = fit.comparison(arms, self.treatment);
        let [treated, controls] = slopes.map(|slopes| spread(&slopes, &kept, self.covariates.len()));
        let coefficients = Coefficients { treatment: treated, control: controls };
        let adjusted = Adjusted {
            unadjusted: unadjusted.clone(),
            comparison: unadjusted,
            coefficients,
            source,
            dropped,
            variance_reduction: 0.0,
        };
        Ok(adjusted.measured(comparison))
    }

    fn dropped(&self, treatment: &Sample, control: &Sample) -> Vec<Option<Dropped>> {
        let of = |sample| LeastSquares::new(sample, self.covariates).dropped();
        of(treatment).into_iter().zip(of(control)).map(|(treatment, control)| treatment.or(control)).collect()
    }
}

/// Whether there are coefficients to be had from so many units.
fn suffice(treatment: &Sample, control: &Sample, covariates: usize) -> bool {
    covariates > 0 && treatment.units().min(control.units()) > UNITS_PER_COVARIATE * covariates as f64
}

/// Coefficients of the kept covariates among all of them.
fn spread(slopes: &[f64], kept: &[usize], covariates: usize) -> Vec<f64> {
    let mut all = vec![0.0; covariates];
    kept.iter().zip(slopes).for_each(|(place, slope)| all[*place] = *slope);
    all
}

/// Slopes of the treatment and the control, and what they belong to.
struct Fit<'a> {
    outcome: usize,
    columns: &'a [usize],
    slopes: &'a [Vec<f64>; 2],
    is_own: bool,
}

impl Fit<'_> {
    fn comparison(&self, arms: &[Option<Sample>], treatment_arm: usize) -> Comparison {
        let present = || arms.iter().enumerate().filter_map(|(arm, sample)| Some((arm, sample.as_ref()?)));
        let units: f64 = present().map(|(_, sample)| sample.units()).sum();
        let pooled: Vec<f64> = self
            .columns
            .iter()
            .map(|column| present().map(|(_, sample)| sample.units() / units * sample.offset(*column)).sum())
            .collect();
        let place_of = |arm| [treatment_arm, CONTROL].iter().position(|compared| *compared == arm);
        let mut offsets = [0.0; 2];
        let mut means = [0.0; 2];
        let mut sources = Vec::with_capacity(arms.len());
        let mut unreliable = None;
        for (arm, sample) in present() {
            let share = sample.units() / units;
            let place = place_of(arm);
            sources.push(self.source(sample, place, share, &pooled));
            if let Some(place) = place {
                let distance = self.distance(sample, &pooled);
                let correction: f64 =
                    self.slopes[place].iter().zip(&distance).map(|(slope, distance)| slope * distance).sum();
                offsets[place] = sample.offset(self.outcome) - correction;
                means[place] = sample.mean(self.outcome) - correction;
                unreliable = unreliable.or(sample.unreliable());
            }
        }
        let [treatment, control] = means;
        Comparison { treatment, control, difference: offsets[0] - offsets[1], sources, unreliable }
    }

    /// The covariate means of an arm less the pooled ones.
    fn distance(&self, sample: &Sample, pooled: &[f64]) -> Vec<f64> {
        self.columns.iter().zip(pooled).map(|(column, pooled)| sample.offset(*column) - pooled).collect()
    }

    /// What an arm adds to the variance of both values.
    fn source(&self, sample: &Sample, place: Option<usize>, share: f64, pooled: &[f64]) -> Source {
        let weights = |value: usize| -> Vec<f64> {
            let is_own_arm = place == Some(value);
            let slope_weight = share - if is_own_arm { 1.0 } else { 0.0 };
            let of_outcome = if is_own_arm { 1.0 } else { 0.0 };
            std::iter::once(of_outcome).chain(self.slopes[value].iter().map(|slope| slope_weight * slope)).collect()
        };
        let (treatment, control) = (weights(0), weights(1));
        let along = |left: &[f64], right: &[f64]| self.along(sample, left, right) / sample.units();
        let mut source = Source {
            treatment: along(&treatment, &treatment),
            control: along(&control, &control),
            covariance: along(&treatment, &control),
            degrees_of_freedom: sample.degrees_of_freedom(),
        };
        if let Some(place) = place.filter(|_| self.is_own) {
            let fitted = self.columns.len() as f64;
            let residual = self.residual_variance(sample, place);
            let left = source.degrees_of_freedom - fitted;
            let corrected = residual * source.degrees_of_freedom / left;
            let distance = self.distance(sample, pooled);
            let leverage = LeastSquares::new(sample, self.columns).quadratic(&distance) / (sample.units() - 1.0);
            let added = (corrected - residual) / sample.units() + corrected * leverage;
            source.degrees_of_freedom = left;
            *[&mut source.treatment, &mut source.control][place] += added;
        }
        source
    }

    /// S_yy - b' S_xy, which is not negative.
    fn residual_variance(&self, sample: &Sample, place: usize) -> f64 {
        let explained: f64 = self
            .columns
            .iter()
            .zip(&self.slopes[place])
            .map(|(column, slope)| slope * sample.covariance(*column, self.outcome))
            .sum();
        let variance = sample.covariance(self.outcome, self.outcome);
        if variance - explained > ROUNDING * variance { variance - explained } else { 0.0 }
    }

    /// left' S right over the outcome and the covariates.
    fn along(&self, sample: &Sample, left: &[f64], right: &[f64]) -> f64 {
        let column = |place: usize| if place == 0 { self.outcome } else { self.columns[place - 1] };
        let mut sum = 0.0;
        for (row, by) in left.iter().enumerate() {
            for (place, times) in right.iter().enumerate() {
                sum += by * times * sample.covariance(column(row), column(place));
            }
        }
        sum
    }
}

#[cfg(test)]
mod tests;
