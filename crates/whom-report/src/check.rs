//! Checks made before any effect is computed, and the waterfall of rows.

use serde::{Deserialize, Serialize};

use crate::word::words;

words! {
    /// The outcome of a check.
    pub enum CheckVerdict {
        /// Nothing to object to.
        Passed = "passed",
        /// Worth reading; does not stop the run.
        Warning = "warning",
        /// The data contradict what the analysis needs.
        Failed = "failed",
        /// There was nothing to check.
        NotApplicable = "not_applicable",
    }
}

/// One check and its outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// The check's name: `sample ratio as exposed`.
    pub name: String,
    /// The outcome.
    pub verdict: CheckVerdict,
    /// Whether a failure ends the run.
    pub blocking: bool,
    /// The test statistic, where there is a test.
    pub statistic: Option<f64>,
    /// The p-value that decided, corrected where there are several.
    pub p_value: Option<f64>,
    /// What the p-value or share was held against.
    pub threshold: Option<f64>,
    /// What was seen, in one sentence without a final period.
    pub detail: String,
    /// What to do about it, in one sentence without a final period.
    pub fix: Option<String>,
    /// The parts that the check is made of: tags, arms, folds, steps.
    pub rows: Vec<CheckRow>,
}

impl Check {
    /// Whether this check ends the run.
    pub fn refuses(&self) -> bool {
        self.blocking && self.verdict == CheckVerdict::Failed
    }
}

/// One part of a check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckRow {
    /// The tag, arm, fold or step.
    pub subject: String,
    /// The outcome of this part.
    pub verdict: CheckVerdict,
    /// Its statistic.
    pub statistic: Option<f64>,
    /// Its p-value, corrected over the parts.
    pub p_value: Option<f64>,
    /// What was seen.
    pub detail: String,
}

/// One step of the way from rows read to units analysed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaterfallStep {
    /// What was done: `exposures read`, `first exposure per unit`.
    pub step: String,
    /// The table, where the step is about one.
    pub table: Option<String>,
    /// Rows or units that remain.
    pub kept: u64,
    /// Rows or units that this step took away.
    pub dropped: u64,
    /// Why they were taken away; empty if none were.
    pub reason: String,
}
