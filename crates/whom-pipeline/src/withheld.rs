//! What a plan keeps from being shown: numbers about fewer units than its `smallest_cell`.

use whom_report::{Results, SmallestCell, TooFewUnits, VariantView, WaterfallStep};
use whom_spec::Diagnostic;
use whom_spec::plan::Plan;
use whom_stats::Check;

use crate::error::{Cause, RunError};
use crate::event::Stage;
use crate::prepare::Prepared;
use crate::request::Request;
use crate::study::Study;
use crate::waterfall::waterfall;

/// Refuses to publish single units where small groups of them must not be shown.
pub(crate) fn refuse_units(request: &Request, prepared: &Prepared) -> Result<(), RunError> {
    let Some(_) = smallest_cell(&prepared.loaded.plan).filter(|_| request.keep_units) else { return Ok(()) };
    let output = &prepared.loaded.plan.output;
    let message = format!(
        "`--keep-units` publishes every single unit, and `output.smallest_cell` shows no number about fewer than {}",
        output.smallest_cell
    );
    let diagnostic = Diagnostic::error(message).at(output.path.span);
    let diagnostic = diagnostic.hint("run it without `--keep-units`, or take `smallest_cell` out");
    Err(RunError::diagnosed(Stage::Plan, Cause::Configuration, &[diagnostic], &prepared.loaded.sources))
}

/// The results as they may be shown.
pub(crate) fn results(plan: &Plan, results: Results) -> Result<Results, RunError> {
    let Some(cell) = smallest_cell(plan) else { return Ok(results) };
    cell.apply(results).map_err(|refused| too_few(&refused))
}

/// Checks and waterfall of a run that ends with them, as they may be shown.
pub(crate) fn refused(study: &Study<'_>, checks: Vec<Check>) -> (Vec<Check>, Vec<WaterfallStep>) {
    let steps = waterfall(study);
    let Some(cell) = smallest_cell(study.plan) else { return (checks, steps) };
    cell.of_refused(checks, steps, &variants(study))
}

/// The least that may be shown; `None` if everything may.
pub(crate) fn smallest_cell(plan: &Plan) -> Option<SmallestCell> {
    SmallestCell::new(plan.output.smallest_cell)
}

/// The variants with their analysed units.
pub(crate) fn variants(study: &Study<'_>) -> Vec<VariantView> {
    let units = study.units.tally.analysed.iter().enumerate();
    units.map(|(arm, units)| VariantView { name: study.variant(arm).to_owned(), units: *units }).collect()
}

fn too_few(refused: &TooFewUnits) -> RunError {
    let error = RunError::new(Stage::Validation, Cause::Data, refused.to_string());
    let fix = "wait for more units, leave the variant's rows out by `where`, or declare a smaller `smallest_cell`";
    RunError { fix: Some(fix.to_owned()), ..error }
}

#[cfg(test)]
mod tests;
