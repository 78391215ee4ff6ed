//! What the data must be like before any effect is computed.
//!
//! Every check is a value with a verdict in words, so that a refusal can be read and a pass can be shown. A blocking
//! check that fails ends the run; each holds its p-value against .001 unless the plan declares another level, and a level
//! of 0 never blocks.

mod assignment;
mod metrics;
mod tags;
mod variants;

use whom_spec::plan::Plan;
use whom_stats::{Folds, NotEstimable};

use crate::analysed::AnalysedUnits;
use crate::compile::Compiled;
use crate::error::QueryError;
use crate::unit_table::UnitTable;

/// The outcome of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing to object to.
    Passed,
    /// Worth reading; does not stop the run.
    Warning,
    /// The data contradict what the analysis needs.
    Failed,
    /// There was nothing to check.
    NotApplicable,
}

/// A check and its outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// The check's name.
    pub name: String,
    /// The outcome.
    pub verdict: Verdict,
    /// Whether a failure ends the run.
    pub blocking: bool,
    /// The test statistic, where there is a test.
    pub statistic: Option<f64>,
    /// The p-value that decided.
    pub p_value: Option<f64>,
    /// What it was held against.
    pub threshold: Option<f64>,
    /// What was seen.
    pub detail: String,
    /// What to do about it.
    pub fix: Option<String>,
    /// The parts that the check is made of.
    pub parts: Vec<CheckPart>,
}

/// One part of a check: a tag, an arm, a fold.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckPart {
    /// What it is about.
    pub subject: String,
    /// Its outcome.
    pub verdict: Verdict,
    /// Its statistic.
    pub statistic: Option<f64>,
    /// Its p-value, corrected over the parts.
    pub p_value: Option<f64>,
    /// What was seen.
    pub detail: String,
}

impl Check {
    /// Whether this check ends the run.
    pub fn refuses(&self) -> bool {
        self.blocking && self.verdict == Verdict::Failed
    }

    fn blocking(name: &str, failed: bool, detail: String) -> Self {
        Self {
            name: name.to_owned(),
            verdict: if failed { Verdict::Failed } else { Verdict::Passed },
            blocking: true,
            statistic: None,
            p_value: None,
            threshold: None,
            detail,
            fix: None,
            parts: Vec::new(),
        }
    }

    fn not_applicable(name: &str, detail: String) -> Self {
        Self { verdict: Verdict::NotApplicable, ..Self::blocking(name, false, detail) }
    }

    /// A check by a p-value; what has none was not applicable.
    fn tested(name: &str, outcome: Result<(Option<f64>, f64), NotEstimable>, level: f64, detail: String) -> Self {
        match outcome {
            Ok((statistic, p_value)) => Self {
                statistic,
                p_value: Some(p_value),
                threshold: Some(level),
                ..Self::blocking(name, p_value < level, detail)
            },
            Err(reason) => Self::not_applicable(name, format!("{detail}; not tested: {reason}")),
        }
    }

    fn with_fix(mut self, fix: &str) -> Self {
        if self.verdict == Verdict::Failed || self.verdict == Verdict::Warning {
            self.fix = Some(fix.to_owned());
        }
        self
    }
}

/// What checks look at.
pub struct Subject<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The unit table.
    pub table: &'a UnitTable,
    /// What its columns are.
    pub compiled: &'a Compiled,
    /// The analysed units.
    pub units: &'a AnalysedUnits,
    /// The folds of the experiment.
    pub folds: &'a Folds,
}

impl Subject<'_> {
    /// Makes every check, in the order in which a reader asks.
    ///
    /// # Errors
    /// [`QueryError::Internal`] if the unit table contradicts the plan.
    pub fn judge(&self) -> Result<Vec<Check>, QueryError> {
        let mut checks = self.variant_checks()?;
        checks.extend(self.metric_checks()?);
        checks.extend(self.assignment_checks()?);
        checks.extend(self.tag_checks()?);
        Ok(checks)
    }

    /// The name of an arm.
    fn arm_name(&self, arm: usize) -> &str {
        self.plan.split.variants.get(arm).map_or("?", |variant| variant.name.as_str())
    }

    /// Counts by arm in words: `control 120, one_page 117`.
    fn by_arm(&self, counts: &[u64]) -> String {
        let parts: Vec<String> =
            counts.iter().enumerate().map(|(arm, count)| format!("{} {count}", self.arm_name(arm))).collect();
        parts.join(", ")
    }

    fn arm_count(&self) -> usize {
        self.plan.split.variants.len()
    }

    /// Units by arm among those that a condition holds for.
    fn count(&self, arms: &[u8], counts: impl Fn(usize) -> bool) -> Vec<u64> {
        let mut units = vec![0; self.arm_count()];
        for (_, arm) in arms.iter().enumerate().filter(|(row, _)| counts(*row)) {
            units[usize::from(*arm)] += 1;
        }
        units
    }
}
