//! Effects where the shares of the arms differ between strata: blocks, countries with weights of their own, periods of a ramp.
//!
//! Pooling such units compares a control that is mostly of one stratum with a treatment that is mostly of another (Simpson's
//! paradox). Instead the arms are compared within each stratum, where assignment was fair, and each value is the mean over
//! strata weighted by the stratum's share w_s of all units: m_a = sum w_s m_as. That is the effect in the population whose
//! units are in the strata as often as these.
//!
//! **Variance.** Within strata, sum w_s² V_s. The shares are estimated too: with n independent units the weights add
//! (1 / n) sum w_s (m_s - m)(m_s - m)', as the pooled covariate mean does in a regression on the strata. As the m_s are noisy,
//! that sum is too large by sum w_s (1 - w_s) V_s on average, which is taken off: V = sum [w_s² - w_s (1 - w_s) / n] V_s +
//! (1 / n) sum w_s (m_s - m)(m_s - m)'. The first weights are positive wherever a stratum holds a unit. Without clusters this is
//! post-stratification with a random number of units in each stratum; with blocks of fixed size it errs on the safe side.
//! Degrees of freedom are Satterthwaite's over strata and arms.

mod resampled;

use serde::{Deserialize, Serialize};

use crate::comparison::{Comparison, Source};
use crate::estimate::NotEstimable;
use crate::reliability::Unreliable;

pub use resampled::{MeasuredStrata, StratifiedQuestion, WithinStratum};

/// The part of the units that may be in strata without an arm.
const MOST_LEFT_OUT: f64 = 0.05;

/// The part of the variance that a stratum must add for what is said against it to be said of the whole.
const CARRIES: f64 = 0.1;

/// A stratum.
#[derive(Clone, Debug, PartialEq)]
pub struct Stratum {
    /// Units of all arms: its weight.
    pub units: u64,
    /// Independent units behind that: the units, or the clusters that were assigned as one.
    pub independent: u64,
    /// The comparison within the stratum.
    pub comparison: Result<Comparison, NotEstimable>,
}

/// The comparison over all strata.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stratified {
    /// The stratum-weighted values.
    pub comparison: Comparison,
    /// By stratum, its weight; 0 if it is left out. They add up to 1.
    pub weights: Vec<f64>,
    /// Units in strata that are left out, as an arm has fewer than two units there.
    pub left_out: u64,
}

impl Stratified {
    /// The effect weighted by the strata's shares of the units.
    ///
    /// A stratum where nothing varies counts with its values and no variance.
    ///
    /// # Errors
    /// [`NotEstimable::NoUnits`] without units; [`NotEstimable::StrataWithoutArm`] if more than 5 % of the units are in strata
    /// that cannot be compared; fewer mark the row unreliable, as the effect is then one of the other strata. It is unreliable
    /// as well if the stratum that adds most variance is, unless that is less than a tenth of it: a first per cent of a ramp holds
    /// few treated units, and weighs as much as its stratum does; of many small blocks none matters, and their sum is nearly
    /// normal.
    pub fn new(strata: &[Stratum]) -> Result<Self, NotEstimable> {
        let units = |compared: bool| -> u64 {
            strata.iter().filter(|stratum| stratum.comparison.is_ok() == compared).map(|stratum| stratum.units).sum()
        };
        let (total, left_out) = (units(true), units(false));
        if total + left_out == 0 {
            return Err(NotEstimable::NoUnits);
        }
        if left_out as f64 > MOST_LEFT_OUT * (total + left_out) as f64 {
            return Err(NotEstimable::StrataWithoutArm);
        }
        let weights = strata.iter().map(|stratum| match stratum.comparison {
            Ok(_) => stratum.units as f64 / total as f64,
            Err(_) => 0.0,
        });
        let weights: Vec<f64> = weights.collect();
        let unreliable = (left_out > 0).then_some(Unreliable::StrataLeftOut { units: left_out });
        let unreliable = unreliable.or_else(|| of_the_most_variable(strata, &weights));
        let comparison = Comparison { unreliable, ..weighted(strata, &weights) };
        Ok(Self { comparison, weights, left_out })
    }
}

/// What is said against the stratum that adds most to the variance.
fn of_the_most_variable(strata: &[Stratum], weights: &[f64]) -> Option<Unreliable> {
    let variances = strata.iter().zip(weights).filter_map(|(stratum, weight)| {
        let comparison = stratum.comparison.as_ref().ok()?;
        Some((weight * weight * comparison.variance([1.0, -1.0]), comparison.unreliable))
    });
    let variances: Vec<(f64, Option<Unreliable>)> = variances.collect();
    let all: f64 = variances.iter().map(|(variance, _)| variance).sum();
    let most = variances.into_iter().max_by(|(one, _), (other, _)| one.total_cmp(other));
    most.filter(|(variance, _)| *variance >= CARRIES * all).and_then(|(_, unreliable)| unreliable)
}

fn weighted(strata: &[Stratum], weights: &[f64]) -> Comparison {
    let compared = || {
        strata
            .iter()
            .zip(weights)
            .filter_map(|(stratum, weight)| Some((stratum.comparison.as_ref().ok()?, *weight, stratum)))
    };
    let mean = |value: fn(&Comparison) -> f64| {
        compared().map(|(comparison, weight, _)| weight * value(comparison)).sum::<f64>()
    };
    let (treatment, control) = (mean(|comparison| comparison.treatment), mean(|comparison| comparison.control));
    let independent: u64 = compared().map(|(.., stratum)| stratum.independent).sum();
    let independent = independent.max(1) as f64;
    let mut shares = Source { degrees_of_freedom: (independent - 1.0).max(1.0), ..Source::default() };
    let mut sources = Vec::new();
    for (comparison, weight, _) in compared() {
        let within = (weight * weight - weight * (1.0 - weight) / independent).max(0.0);
        sources.extend(comparison.sources.iter().map(|source| source.scaled(within)));
        let (treated, controls) = (comparison.treatment - treatment, comparison.control - control);
        shares.treatment += weight * treated * treated / independent;
        shares.control += weight * controls * controls / independent;
        shares.covariance += weight * treated * controls / independent;
    }
    sources.push(shares);
    Comparison { treatment, control, difference: mean(|comparison| comparison.difference), sources, unreliable: None }
}

#[cfg(test)]
mod tests;
