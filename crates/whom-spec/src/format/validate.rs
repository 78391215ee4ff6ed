//! Tests, looks and allocations.

use schemars::JsonSchema;

use super::Shape;
use super::leaf::{Date, Number, WholeNumber};
use crate::plan;

/// Levels, corrections and thresholds. A check's threshold of 0 never blocks.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Validate {
    /// The level of intervals. Default: 0.95.
    level: Option<Number>,
    /// What discovered cohorts are corrected by. Default: `max_t`.
    correction: Option<plan::Correction>,
    /// The number of bootstrap replicates. Default: 1000.
    bootstrap: Option<WholeNumber>,
    /// The distribution that individual tests refer to. Default: `t`.
    reference: Option<plan::Reference>,
    /// The p-value below which the sample ratio blocks. Default: 0.001.
    sample_ratio_p: Option<Number>,
    /// The p-value below which dependence of arm and bucket blocks. Default: 0.001.
    bucket_p: Option<Number>,
    /// The p-value below which imbalance of a tag blocks. Default: 0.001.
    balance_p: Option<Number>,
    /// The p-value below which tags missing by variant block. Default: 0.001.
    missing_p: Option<Number>,
    /// Asks for confidence sequences, which hold at every look, of primary metrics and of guardrails with a limit: the units of a treatment
    /// and control together at which they are tightest. Default: none.
    sequence_units: Option<WholeNumber>,
}

impl Shape for Validate {
    const KEYS: &'static [&'static str] = &[
        "level",
        "correction",
        "bootstrap",
        "reference",
        "sample_ratio_p",
        "bucket_p",
        "balance_p",
        "missing_p",
        "sequence_units",
    ];
}

/// When cohorts are searched for.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Looks {
    /// The values of `through` at which a run searches, in their order; other runs measure averages and declared cohorts only.
    dates: Vec<Date>,
}

impl Shape for Looks {
    const KEYS: &'static [&'static str] = &["dates"];
}

/// Not yet available.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Allocate {
    /// The metric whose total is maximised.
    maximise: String,
    /// Guardrails that must hold.
    subject_to: Option<Vec<String>>,
    /// What it may cost.
    budget: Option<Budget>,
}

impl Shape for Allocate {
    const KEYS: &'static [&'static str] = &["maximise", "subject_to", "budget"];
}

/// Not yet available.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Budget {
    /// The largest total cost.
    cost: Number,
}

impl Shape for Budget {
    const KEYS: &'static [&'static str] = &["cost"];
}
