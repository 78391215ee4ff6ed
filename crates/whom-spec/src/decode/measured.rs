//! What a metric measures: the events of one fact table, or the ratio of two sums of such.

use super::cursor::{Field, Fields};
use super::known::{Known, words};
use crate::diagnostic::Diagnostic;
use crate::format;
use crate::plan::{Aggregate, RatioPart};
use crate::spanned::Spanned;
use crate::suggest::name_hint;

/// The keys of a metric that is no ratio.
const PLAIN: [&str; 5] = ["from", "value", "precision", "aggregate", "where"];

/// What a metric measures.
pub(super) struct Measured {
    /// Of a ratio, what is summed above.
    pub(super) value: RatioPart,
    /// Of a ratio, what is summed below.
    pub(super) denominator: Option<RatioPart>,
}

/// How the events of a metric become a number, of a ratio those above: known even where the rest cannot be read, for keys whose
/// meaning depends on it. And what the metric measures.
pub(super) fn measured(fields: &Fields<'_>, known: &Known<'_>) -> (Option<Aggregate>, Option<Measured>) {
    if !fields.has("numerator") && !fields.has("denominator") {
        let aggregate = fields.required("aggregate").and_then(|field| self::aggregate(&field));
        let value = part(fields, aggregate, known);
        return (aggregate, value.map(|value| Measured { value, denominator: None }));
    }
    for field in PLAIN.into_iter().filter_map(|key| fields.optional(key)) {
        let message = format!("`{}` has no meaning here: this metric is a ratio", field.path);
        let hint = "say it in `numerator` or `denominator`, or leave those out";
        field.report.push(Diagnostic::error(message).at(field.key).hint(hint));
    }
    let value = fields.required("numerator").and_then(|field| summed(&field, known));
    let denominator = fields.required("denominator").and_then(|field| summed(&field, known));
    let aggregate = value.as_ref().map(|part| part.aggregate);
    let both = value.zip(denominator);
    (aggregate, both.map(|(value, denominator)| Measured { value, denominator: Some(denominator) }))
}

/// One side of a ratio: a number per unit that can be added up.
fn summed(field: &Field<'_>, known: &Known<'_>) -> Option<RatioPart> {
    let fields = field.mapping::<format::RatioPart>()?;
    let aggregate = fields.required("aggregate").and_then(|field| self::aggregate(&field));
    let part = part(&fields, aggregate, known);
    if let Some(field) = fields.optional("aggregate").filter(|_| aggregate.is_some_and(Aggregate::needs_event)) {
        let message = format!("`{}`: a ratio is one of two sums, and these numbers do not add up", field.path);
        let hint = "use `sum`, `count`, `any` or `distinct`; the mean of events is their `sum` over their `count`";
        field.report.push(Diagnostic::error(message).at(field.node.span).hint(hint));
        return None;
    }
    part
}

fn part(fields: &Fields<'_>, aggregate: Option<Aggregate>, known: &Known<'_>) -> Option<RatioPart> {
    let from = from(fields, known);
    let value = value(fields, aggregate);
    let precision = fields.optional("precision").and_then(|precision| precision.precision());
    let filter = fields.filter();
    Some(RatioPart { from: from?, value, precision, aggregate: aggregate?, filter })
}

/// The name of a fact table, which exists.
pub(super) fn from(fields: &Fields<'_>, known: &Known<'_>) -> Option<Spanned<String>> {
    let from = fields.required_text("from")?;
    if known.facts.contains(&&from) {
        return Some(from);
    }
    let unknown = Diagnostic::error(format!("unknown fact table `{from}`"));
    fields.report().push(unknown.at(from.span).hint_if(name_hint(&from, words(&known.facts))));
    None
}

fn aggregate(field: &Field<'_>) -> Option<Aggregate> {
    field.choice(&[
        ("sum", Aggregate::Sum),
        ("count", Aggregate::Count),
        ("any", Aggregate::Any),
        ("mean", Aggregate::Mean),
        ("min", Aggregate::Min),
        ("max", Aggregate::Max),
        ("last", Aggregate::Last),
        ("distinct", Aggregate::Distinct),
    ])
}

/// `value`, which aggregates of values need and others may not have, and likewise `precision`.
fn value(fields: &Fields<'_>, aggregate: Option<Aggregate>) -> Option<Spanned<String>> {
    let Some(aggregate) = aggregate else {
        return fields.optional("value")?.expression();
    };
    let value = if aggregate.takes_value() { fields.required("value") } else { None };
    for key in ["value", "precision"] {
        let belongs = if key == "value" { aggregate.takes_value() } else { aggregate.is_graded() };
        let Some(field) = fields.optional(key).filter(|_| !belongs) else { continue };
        let (why, hint) = match aggregate {
            Aggregate::Distinct => ("`distinct` counts in whole numbers", "leave it out"),
            _ => (
                "`count` and `any` look at no value",
                "leave it out, or use `aggregate: sum`; `where` says which events count",
            ),
        };
        let message = format!("`{}` has no meaning here: {why}", field.path);
        field.report.push(Diagnostic::error(message).at(field.key).hint(hint));
    }
    value?.expression()
}
