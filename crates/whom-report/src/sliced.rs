//! Whether effects hold over weeks of first exposure and over slices that a pipeline declares.

use serde::{Deserialize, Serialize};
use whom_stats::Interval;

use crate::effect::{Correction, EVERYBODY, Evidence, Family, Role};
use crate::word::words;

/// What the units are sliced by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlicedBy {
    /// The week of first exposure, counted from the first day of the split.
    Week,
    /// A tag: its levels, or quarters of its numbers.
    Tag(String),
}

words! {
    /// What the test of stability found.
    pub enum Steadiness {
        /// Neither a trend nor differences are shown, which is no proof that there are none.
        NoChangeFound = "no_change_found",
        /// The effect rises or falls from week to week.
        Trend = "trend",
        /// The effect differs between slices.
        Varies = "varies",
        /// There was nothing to compare.
        NotTested = "not_tested",
    }
}

/// The effect of one treatment on one metric in one cohort, slice by slice, and the test that it is the same in all.
///
/// Two p-values, corrected for each other by Holm: that all slices share an effect (Welch's test; by cluster Hotelling's), and over weeks that of the
/// slope of the effect over the weeks' numbers. The smaller one stands in the exploratory family.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlicedEffect {
    /// What the units are sliced by.
    pub sliced_by: SlicedBy,
    /// The metric.
    pub metric: String,
    /// The metric's role: primary or guardrail.
    pub role: Role,
    /// The treatment.
    pub variant: String,
    /// The cohort, or [`EVERYBODY`].
    pub cohort: String,
    /// Exploratory: it never feeds the verdict.
    pub evidence: Evidence,
    /// The family that the p-value is corrected in.
    pub family: Family,
    /// The level of intervals and of the test.
    pub level: f64,
    /// What was found, by the corrected p-value.
    pub found: Steadiness,
    /// Why there is no test; `None` where there is one.
    pub not_tested: Option<String>,
    /// That all slices share an effect.
    pub p_differences: Option<f64>,
    /// The change of the effect from one week to the next, in the metric's unit; `None` of slices without an order.
    pub trend: Option<f64>,
    /// Its standard error.
    pub trend_std_err: Option<f64>,
    /// That there is no such change.
    pub p_trend: Option<f64>,
    /// The smaller of the two p-values.
    pub p_value: Option<f64>,
    /// The same, corrected over the family.
    pub p_value_adjusted: Option<f64>,
    /// By what the family is corrected.
    pub correction: Correction,
    /// The slices in their order.
    pub slices: Vec<SliceRow>,
}

/// The effect in one slice. What is missing, or outside the range of its method, takes no part in the test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SliceRow {
    /// The slice's name: the first and the last day of a week, or a condition on a tag.
    pub slice: String,
    /// Treatment minus control, in the metric's unit.
    pub estimate: Option<f64>,
    /// Its standard error.
    pub std_err: Option<f64>,
    /// The interval of this slice by itself.
    pub interval: Option<Interval>,
    /// Why the method is outside its range of validity here; `None` for a reliable slice.
    pub unreliable: Option<String>,
    /// Why there is no estimate; `None` where there is one.
    pub not_estimable: Option<String>,
    /// Units of control with a value; `None` if their number is withheld.
    pub n_control: Option<u64>,
    /// Units of the treatment with a value; `None` if their number is withheld.
    pub n_variant: Option<u64>,
    /// Control's mean or ratio; `None` without a unit.
    pub mean_control: Option<f64>,
    /// That of the treatment; `None` without a unit.
    pub mean_variant: Option<f64>,
}

impl SlicedEffect {
    /// Whether the effect is shown to differ between slices.
    pub fn is_unstable(&self) -> bool {
        matches!(self.found, Steadiness::Trend | Steadiness::Varies)
    }

    /// Whether it is about everybody and a primary metric: what a verdict on the average rests on.
    pub(crate) fn is_of_average(&self) -> bool {
        self.cohort == EVERYBODY && self.role == Role::Primary
    }
}
