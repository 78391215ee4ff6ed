//! Tests and checks.

use super::cursor::{Field, Fields};
use crate::diagnostic::Diagnostic;
use crate::format;
use crate::plan::{Cap, Correction, IncompleteWindow, Metric, Plan, Reference, Role, Test, Validate};

pub(super) fn validate(field: &Field<'_>) -> Option<Validate> {
    let fields = field.mapping::<format::Validate>()?;
    let default = Validate::default();
    Some(Validate {
        level: level(&fields).unwrap_or(default.level),
        correction: fields.optional("correction").and_then(|field| correction(&field)).unwrap_or(default.correction),
        bootstrap: fields.whole_or("bootstrap", 100..=1_000_000, default.bootstrap),
        reference: fields.optional("reference").and_then(|field| reference(&field)).unwrap_or(default.reference),
        sample_ratio_p: threshold(&fields, "sample_ratio_p").unwrap_or(default.sample_ratio_p),
        bucket_p: threshold(&fields, "bucket_p").unwrap_or(default.bucket_p),
        balance_p: threshold(&fields, "balance_p").unwrap_or(default.balance_p),
        missing_p: threshold(&fields, "missing_p").unwrap_or(default.missing_p),
        sequence_units: sequence_units(&fields),
    })
}

fn level(fields: &Fields<'_>) -> Option<f64> {
    let field = fields.optional("level")?;
    Some(*field.number_in("a level between 0 and 1, such as 0.95", |level| level > 0.0 && level < 1.0)?)
}

/// The p-value below which a check blocks; 0 never does.
fn threshold(fields: &Fields<'_>, name: &str) -> Option<f64> {
    let field = fields.optional(name)?;
    Some(*field.number_in("a p-value from 0 (never blocks) to below 1", |p| (0.0..1.0).contains(&p))?)
}

fn sequence_units(fields: &Fields<'_>) -> Option<u64> {
    Some(fields.optional("sequence_units")?.whole(1..=1_000_000_000_000)?.value)
}

/// Refuses one-sided tests at a level whose two-sided interval would be none.
pub(super) fn check_sides(plan: &Plan, pipeline: &Fields<'_>) {
    let one_sided = plan.metrics.iter().find(|metric| metric.test == Test::OneSided);
    let (Some(metric), true) = (one_sided, plan.validate.level <= 0.5) else { return };
    let message = format!(
        "`validate.level` is {}, and the one-sided test of `{}` needs more than 0.5: its intervals are at 2 level - 1",
        plan.validate.level, metric.name.value
    );
    pipeline.report().push(Diagnostic::error(message).at(metric.name.span).hint("raise `level`, such as to 0.95"));
}

/// Refuses sequences where a look changes what an earlier one has counted, or how it is weighted.
pub(super) fn check_sequences(plan: &Plan, pipeline: &Fields<'_>) {
    let Some(validate) = pipeline.optional("validate") else { return };
    let Some(fields) = validate.mapping::<format::Validate>() else { return };
    let Some(field) = fields.optional("sequence_units") else { return };
    let refuse = |why: String, hint: &str| {
        let message = format!("`validate.sequence_units` does not go with {why}");
        field.report.push(Diagnostic::error(message).at(field.key).hint(hint.to_owned()));
    };
    if plan.split.is_ramped() {
        let why = "`split.allocation`: sequences need the same weights at all looks".to_owned();
        refuse(why, "leave `sequence_units` out; or set `start` and `end` to one period");
    }
    if plan.split.strata.is_some() {
        let why = "`split.strata`: sequences of effects within strata are not known to hold".to_owned();
        refuse(why, "leave `sequence_units` out; or choose one stratum by `where`");
    }
    let has_sequence = |metric: &&Metric| match metric.role {
        Role::Primary => true,
        Role::Guardrail => metric.limit.is_some(),
        Role::Secondary => false,
    };
    for metric in plan.metrics.iter().filter(has_sequence) {
        let name = &metric.name;
        if metric.incomplete_window == IncompleteWindow::Include {
            let why = format!("incomplete windows in `{name}`: a unit has to count once, and stay as it is");
            refuse(why, "leave `incomplete_window` out, so that a unit counts once its window is complete");
        }
        if matches!(metric.cap, Some(Cap::Percentile { .. })) {
            let why = format!("the percentile that caps `{name}`, which every look computes anew");
            refuse(why, "cap at a value, known before the first look");
        }
    }
}

fn correction(field: &Field<'_>) -> Option<Correction> {
    if ["none", "benjamini_hochberg", "benjamini_yekutieli"].into_iter().any(|word| field.is_word(word)) {
        let message = format!("`{}`: {} would not keep the level of this family", field.path, field.node.describe());
        let hint = "discovered cohorts are shown as proven, so the chance of a single false one is bounded: use `max_t`, or \
                    `holm`, which assumes less and finds less";
        field.report.push(Diagnostic::error(message).at(field.node.span).hint(hint));
        return None;
    }
    field.choice(&[
        ("max_t", Correction::MaxT),
        ("romano_wolf", Correction::RomanoWolf),
        ("holm", Correction::Holm),
        ("bonferroni", Correction::Bonferroni),
    ])
}

fn reference(field: &Field<'_>) -> Option<Reference> {
    field.choice(&[("t", Reference::T), ("normal", Reference::Normal)])
}
