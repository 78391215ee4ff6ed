//! How effects and cohorts are tested.

use schemars::JsonSchema;
use serde::Serialize;

/// Levels, corrections and the thresholds of the checks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Validate {
    /// The level of intervals, in `(0, 1)` (0.95).
    pub level: f64,
    /// What the discovered cohorts (family F2) are corrected by.
    pub correction: Correction,
    /// The number of bootstrap replicates (1,000).
    pub bootstrap: u32,
    /// The distribution that individual tests and intervals refer to.
    pub reference: Reference,
    /// The p-value below which the sample ratio blocks (.001).
    pub sample_ratio_p: f64,
    /// The p-value below which dependence of arm and bucket blocks (.001).
    pub bucket_p: f64,
    /// The p-value, corrected over tags, below which imbalance of a tag blocks (.001).
    pub balance_p: f64,
    /// The p-value below which tags missing by variant block (.001).
    pub missing_p: f64,
    /// The units of a treatment and control together at which confidence sequences are tightest; `None` for no sequences.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence_units: Option<u64>,
}

/// What discovered cohorts are corrected by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Correction {
    /// Single-step max-t from the bucket bootstrap (the default).
    MaxT,
    /// The same, stepping down (Romano and Wolf 2005): finds more, with the intervals of the single step.
    RomanoWolf,
    /// Holm's step-down.
    Holm,
    /// Bonferroni.
    Bonferroni,
}

/// The distribution that a test statistic refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reference {
    /// Student's t (the default).
    T,
    /// The normal distribution.
    Normal,
}

impl Default for Validate {
    fn default() -> Self {
        Self {
            level: 0.95,
            correction: Correction::MaxT,
            bootstrap: 1_000,
            reference: Reference::T,
            sample_ratio_p: 0.001,
            bucket_p: 0.001,
            balance_p: 0.001,
            missing_p: 0.001,
            sequence_units: None,
        }
    }
}
