//! Confidence sequences of primary averages and pre-registered cohorts.

use whom_report::{Estimand, Family};
use whom_spec::plan::{Plan, Role};
use whom_stats::{ConfidenceSequence, Look};

use crate::rows::Draft;

/// Gives every confirmatory effect its confidence sequence, if the plan asks for them.
///
/// The level is split (Bonferroni) over all that the plan could ask, estimable or not: every treatment on every primary metric,
/// for everybody and for each pre-registered cohort. So it is the same at all looks. Lifts and contrasts have none.
pub(crate) fn add_sequences(plan: &Plan, drafts: &mut [Draft]) {
    let Some(units) = plan.validate.sequence_units else { return };
    let Ok(sequence) = ConfidenceSequence::of_family(plan.validate.level, sequences(plan), units) else { return };
    for draft in drafts {
        draft.row.sequence = look(&sequence, draft);
    }
}

/// How many sequences share the level.
fn sequences(plan: &Plan) -> usize {
    let primaries = plan.metrics.iter().filter(|metric| metric.role == Role::Primary).count();
    primaries * plan.split.variants.len().saturating_sub(1) * (1 + plan.cohorts.len())
}

/// What the sequence says of a row: nothing before the estimate is near normal, and of what is not in the family.
fn look(sequence: &ConfidenceSequence, draft: &Draft) -> Option<Look> {
    let row = &draft.row;
    if row.family != Family::Confirmatory || row.estimand != Estimand::Effect || !row.is_reliable() {
        return None;
    }
    sequence.look(draft.estimate.as_ref()?, row.n_control? + row.n_variant?).ok()
}

#[cfg(test)]
mod tests;
