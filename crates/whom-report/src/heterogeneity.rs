//! Heterogeneity as a whole: the global tests, what could have been detected, and the test that would confirm.

use serde::{Deserialize, Serialize};

use crate::effect::Evidence;

/// The global test of one treatment on one primary metric, on the measuring fold: the gate of its cohorts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GlobalTestRow {
    /// The treatment.
    pub variant: String,
    /// The metric.
    pub metric: String,
    /// What the test is evidence of.
    pub evidence: Evidence,
    /// Leaves of the unpruned tree that gave the predictions; one leaf means that no split was admissible.
    pub leaves: usize,
    /// The slope of measured leaf effects on predicted ones; `None` without a candidate.
    pub slope: Option<f64>,
    /// Its standard error over the measuring buckets.
    pub std_err: Option<f64>,
    /// Degrees of freedom of its t distribution.
    pub degrees_of_freedom: Option<f64>,
    /// The one-sided p-value; 1 without a candidate.
    pub p_value: f64,
    /// Corrected by Holm over treatments and primary metrics.
    pub p_value_adjusted: f64,
    /// Whether the contrasts of this treatment and metric count.
    pub open: bool,
    /// Cochran's Q over the leaves, shown and not deciding.
    pub cochran_q: Option<f64>,
    /// The p-value of Cochran's Q.
    pub cochran_p_value: Option<f64>,
}

impl GlobalTestRow {
    /// Whether any split was admissible.
    pub fn has_candidate(&self) -> bool {
        self.leaves > 1
    }
}

/// The difference between a cohort and the rest that the measuring fold could have detected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DetectableDifference {
    /// The treatment.
    pub variant: String,
    /// The metric.
    pub metric: String,
    /// The cohort's share of the units.
    pub share: f64,
    /// The power at which the difference is stated, such as 0.8.
    pub power: f64,
    /// The difference in the metric's unit; `None` where the variance is unknown.
    pub difference: Option<f64>,
}

/// The experiment that would confirm what a held-out cohort suggests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfirmingTest {
    /// The cohort.
    pub cohort: String,
    /// The treatment.
    pub variant: String,
    /// The metric.
    pub metric: String,
    /// The effect that the test is sized for, in the metric's unit.
    pub detects: f64,
    /// The power at that effect.
    pub power: f64,
    /// Units of the cohort that each arm needs.
    pub units_per_arm: u64,
}

/// How much of a tree's gain a tag is responsible for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImportanceRow {
    /// The tree's name.
    pub tree: String,
    /// The tag's name.
    pub tag: String,
    /// Its share of the total gain, between 0 and 1.
    pub share: f64,
}
