//! The checks of the data, which let a run go on or end it.

use whom_query::checks::Subject;
use whom_report::{Colour, refusal_text};
use whom_stats::Check;

use crate::error::RunError;
use crate::study::Study;
use crate::withheld;

/// Makes every check.
pub(crate) fn checks(study: &Study<'_>) -> Vec<Check> {
    Subject { plan: study.plan, compiled: study.compiled, units: study.units, folds: &study.folds }.judge()
}

/// The checks, if they let the run go on.
///
/// # Errors
/// [`Cause::Data`](crate::Cause::Data) with all checks in words.
pub(crate) fn let_through(study: &Study<'_>, checks: Vec<Check>) -> Result<Vec<Check>, RunError> {
    if !checks.iter().any(Check::refuses) {
        return Ok(checks);
    }
    let (checks, steps) = withheld::refused(study, checks);
    let refusing: Vec<&Check> = checks.iter().filter(|check| check.refuses()).collect();
    Err(RunError::checks(&refusing, &refusal_text(&checks, &steps, Colour::Never)))
}
