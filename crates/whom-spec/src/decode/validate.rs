//! Tests and checks.

use super::cursor::{Field, Fields};
use crate::diagnostic::Diagnostic;
use crate::format;
use crate::plan::{Correction, Reference, Validate};

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
