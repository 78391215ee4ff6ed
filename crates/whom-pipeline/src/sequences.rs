//! Confidence sequences of primary averages and pre-registered cohorts, and of guardrails.

use std::collections::BTreeMap;

use whom_report::{EVERYBODY, EffectRow, Estimand, Family, Holds};
use whom_spec::plan::{Plan, Role};
use whom_stats::{ConfidenceSequence, Look, OneSidedSequence};

use crate::rows::Draft;

/// Gives every confirmatory effect and contrast, and every margin of a guardrail, its confidence sequence, if the plan asks for them, and says
/// of each row which of its intervals holds.
///
/// **Level.** That of the confirmatory family is split (Bonferroni) over all that the plan could ask, estimable or not: every treatment
/// on every primary metric, for everybody, and for each pre-registered cohort its effect and its contrast with the rest. So it is the
/// same at all looks. Margins have one-sided sequences, each at the whole level, as their tests of one look.
///
/// **Clock.** Each counts the units of everybody, treated and control, that have a value of the metric: an effect in a cohort, and its contrast,
/// are means over all of them of what each unit has to do with it, so that all are tightest when as many have counted as were planned, whatever
/// the cohort's share. Lifts, which are no means, have none.
///
/// **Clusters.** Errors by cluster make sequences by cluster. Where units of a cluster come on different nights, what comes later resembles
/// what came before, while the theory has it independent: looks go together more, so the chance that any of them misses is less (Slepian 1962).
pub(crate) fn add_sequences(plan: &Plan, drafts: &mut [Draft]) {
    let Some(sequences) = plan.validate.sequence_units.and_then(|planned| Sequences::of(plan, planned)) else { return };
    let counted = counted(drafts);
    for draft in drafts {
        let units = counted.get(&question(&draft.row)).copied().unwrap_or(0);
        draft.row.sequence = sequences.look(draft, units);
        draft.row.holds = sequences.holds(&draft.row, units);
    }
}

/// The metric and the treatment of a row.
fn question(row: &EffectRow) -> (String, String) {
    (row.metric.clone(), row.variant.clone())
}

/// The units with a value so far, of a treatment and control together.
fn counted(drafts: &[Draft]) -> BTreeMap<(String, String), u64> {
    let averages =
        drafts.iter().map(|draft| &draft.row).filter(|row| row.cohort == EVERYBODY && row.estimand == Estimand::Effect);
    averages.filter_map(|row| Some((question(row), row.n_control? + row.n_variant?))).collect()
}

/// How many sequences share the level of the confirmatory family.
fn sharing(plan: &Plan) -> usize {
    let primaries = plan.metrics.iter().filter(|metric| metric.role == Role::Primary).count();
    primaries * plan.split.variants.len().saturating_sub(1) * (1 + 2 * plan.cohorts.len())
}

/// The sequences of a plan.
struct Sequences {
    confirmatory: ConfidenceSequence,
    guardrail: OneSidedSequence,
    planned: u64,
}

impl Sequences {
    fn of(plan: &Plan, planned: u64) -> Option<Self> {
        let level = plan.validate.level;
        let confirmatory = ConfidenceSequence::of_family(level, sharing(plan), planned).ok()?;
        Some(Self { confirmatory, guardrail: OneSidedSequence::new(level, planned).ok()?, planned })
    }

    /// What the sequence says of a row after so many units: nothing before the estimate is near normal, and of what has none.
    fn look(&self, draft: &Draft, units: u64) -> Option<Look> {
        let estimate = draft.estimate.as_ref().filter(|_| draft.row.is_reliable())?;
        match (draft.row.family, draft.row.estimand) {
            (Family::Confirmatory, Estimand::Effect | Estimand::Contrast) => {
                self.confirmatory.look(estimate, units).ok()
            }
            (Family::Guardrail, Estimand::Margin) => self.guardrail.look(estimate, units).ok(),
            _ => None,
        }
    }

    fn holds(&self, row: &EffectRow, units: u64) -> Holds {
        let is_claimed = matches!(row.family, Family::Confirmatory | Family::Guardrail);
        match row.sequence {
            _ if !is_claimed || units >= self.planned => Holds::FixedHorizon,
            Some(_) => Holds::Sequence,
            None => Holds::Neither,
        }
    }
}

#[cfg(test)]
mod tests;
