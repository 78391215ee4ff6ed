//! Linear models of a metric on variants and tags: their coefficients.

use serde::{Deserialize, Serialize};
use whom_stats::Interval;

use crate::effect::{Correction, Evidence, Family, Reference};
use crate::label;
use crate::prediction::ModelPrediction;
use crate::word::words;

words! {
    /// A kind of standard error of least squares.
    pub enum StandardErrors {
        /// One variance of all units.
        Classical = "classical",
        /// Squared residuals.
        Hc0 = "HC0",
        /// The same for the degrees of freedom that are left.
        Hc1 = "HC1",
        /// Unbiased if all variances are equal.
        Hc2 = "HC2",
        /// Nearly the jackknife.
        Hc3 = "HC3",
        /// By cluster, as they are.
        Cr0 = "CR0",
        /// By cluster, for their number.
        Cr1 = "CR1",
        /// By cluster, with Bell and McCaffrey's degrees of freedom.
        Cr2 = "CR2",
    }

    /// What a coefficient belongs to.
    pub enum ModelTerm {
        /// The mean of a control unit whose tags are all zero or at their base.
        Intercept = "intercept",
        /// The effect of a treatment on such a unit.
        Variant = "variant",
        /// What a tag does to control units.
        Tag = "tag",
        /// What a tag adds to the effect of a treatment.
        Interaction = "interaction",
    }
}

/// A linear model: y = a + Σ b w + Σ c x + Σ d w x for variants w and tags x, by least squares.
///
/// It is exploratory: nothing is concluded from it. What cannot be estimated is `None` and says why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelView {
    /// Its name.
    pub name: String,
    /// The metric.
    pub metric: String,
    /// What it is evidence of.
    pub evidence: Evidence,
    /// The family it belongs to, which never feeds the verdict.
    pub family: Family,
    /// The units that it is of: those with one of the levels of every tag here; everybody without a tag.
    pub of_units: Vec<ModelUnits>,
    /// The kind of standard error.
    pub errors: StandardErrors,
    /// The tag whose levels are the clusters.
    pub cluster: Option<String>,
    /// What statistics refer to.
    pub reference: Reference,
    /// What the p-values of the model's interactions are corrected by, as one family of their own.
    pub correction: Correction,
    /// The units that it was fitted to; `None` if withheld.
    pub units: Option<u64>,
    /// Units that lack the metric, a tag or the cluster, and take no part; `None` if withheld.
    pub left_out: Option<u64>,
    /// The fewest fitted units in an arm, or in an arm and a level of a tag; `None` without any, or if withheld.
    pub fewest_units: Option<u64>,
    /// The clusters.
    pub clusters: Option<u64>,
    /// The number of equal clusters that would say as much about a mean.
    pub effective_clusters: Option<f64>,
    /// The share of the metric's variance that the model explains.
    pub r_squared: Option<f64>,
    /// Why nothing of it could be estimated.
    pub not_estimable: Option<String>,
    /// Intercept, variants, tags, then the interactions of each variant.
    pub coefficients: Vec<ModelCoefficient>,
    /// The units on which predicted effects are held against measured ones; nobody without a tag.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calibrated_on: Vec<ModelUnits>,
    /// By treatment and tenth of the prediction what was predicted and what is measured; empty if none was asked for, if a
    /// coefficient could not be estimated, or if withheld.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calibration: Vec<CalibrationRow>,
    /// By profile and treatment the predicted effect; empty if none was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub predictions: Vec<ModelPrediction>,
}

/// The units whose predicted effect is in a tenth of all, the smallest first. Units with one prediction are in one tenth, so that
/// others may have none, and are left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CalibrationRow {
    /// The treatment.
    pub variant: String,
    /// The tenth, from 1.
    pub tenth: u64,
    /// Units of the control.
    pub n_control: u64,
    /// Units of the treatment.
    pub n_variant: u64,
    /// The mean of the effects that the model predicts for these units.
    pub predicted: f64,
    /// The measured effect: the difference in means.
    pub estimate: Option<f64>,
    /// Its standard error by Welch.
    pub std_err: Option<f64>,
    /// Its interval by itself, at the level of the results.
    pub interval: Option<Interval>,
    /// Why its interval may not hold its level.
    pub unreliable: Option<String>,
    /// Why there is no estimate.
    pub not_estimable: Option<String>,
}

/// Levels of a tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelUnits {
    /// The tag.
    pub tag: String,
    /// The levels.
    pub levels: Vec<String>,
}

/// A coefficient of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelCoefficient {
    /// What it belongs to.
    pub term: ModelTerm,
    /// The treatment, of variants and interactions.
    pub variant: Option<String>,
    /// The tag, of tags and interactions.
    pub tag: Option<String>,
    /// The level of a categorical tag.
    pub level: Option<String>,
    /// The level that it is compared with.
    pub base: Option<String>,
    /// The mean that a standardised tag is measured from, over the units of the model.
    pub mean: Option<f64>,
    /// The standard deviation that it is measured in (of the population: divisor n).
    pub deviation: Option<f64>,
    /// The estimate.
    pub estimate: Option<f64>,
    /// Its standard error.
    pub std_err: Option<f64>,
    /// The interval of this coefficient by itself, at the level of the results.
    pub interval: Option<Interval>,
    /// Degrees of freedom of the standard error.
    pub degrees_of_freedom: Option<f64>,
    /// The estimate in standard errors.
    pub statistic: Option<f64>,
    /// The two-sided p-value against zero.
    pub p_value: Option<f64>,
    /// The p-value corrected over the interactions of the model; of interactions only.
    pub p_value_adjusted: Option<f64>,
    /// Why its interval may not hold its level.
    pub unreliable: Option<String>,
    /// Why there is no estimate.
    pub not_estimable: Option<String>,
}

impl ModelCoefficient {
    /// A coefficient that is not estimated, and why.
    pub fn not_estimated(term: ModelTerm, reason: String) -> Self {
        Self {
            term,
            variant: None,
            tag: None,
            level: None,
            base: None,
            mean: None,
            deviation: None,
            estimate: None,
            std_err: None,
            interval: None,
            degrees_of_freedom: None,
            statistic: None,
            p_value: None,
            p_value_adjusted: None,
            unreliable: None,
            not_estimable: Some(reason),
        }
    }

    /// What it is, in words that are harmless wherever they stand: `offer × gender is female, not male`.
    pub(crate) fn in_words(&self) -> String {
        let tag = self.tag.as_deref().map(|tag| match (&self.level, &self.base) {
            (Some(level), Some(base)) => {
                format!("{} is {}, not {}", label::plain(tag), label::name(level), label::name(base))
            }
            _ if self.deviation.is_some() => format!("{}, standardised", label::plain(tag)),
            _ => label::plain(tag),
        });
        match (self.variant.as_deref().map(label::plain), tag) {
            (None, None) => self.term.as_str().to_owned(),
            (Some(variant), None) => variant,
            (None, Some(tag)) => tag,
            (Some(variant), Some(tag)) => format!("{variant} × {tag}"),
        }
    }
}

impl ModelView {
    /// The units that it is of in words, such as `state is blue or red`; empty for everybody.
    pub fn of_units_in_words(&self) -> String {
        in_words(&self.of_units)
    }

    /// The units that it is calibrated on in words.
    pub fn calibrated_on_in_words(&self) -> String {
        in_words(&self.calibrated_on)
    }
}

fn in_words(units: &[ModelUnits]) -> String {
    let one = |units: &ModelUnits| format!("{} is {}", units.tag, units.levels.join(" or "));
    units.iter().map(one).collect::<Vec<_>>().join(" and ")
}
