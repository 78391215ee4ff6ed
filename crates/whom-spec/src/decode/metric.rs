//! Metrics.

use super::cursor::{Field, Fields};
use super::fact::all_or_none;
use super::known::{Known, words};
use super::later;
use super::split::longer_than_zero;
use crate::diagnostic::Diagnostic;
use crate::format;
use crate::plan::{
    Aggregate, Direction, Hours, IncompleteWindow, Matters, Metric, MissingMetric, NonFinite, Precision, Role,
};
use crate::spanned::Spanned;
use crate::suggest::name_hint;

pub(super) fn metric(name: Spanned<String>, field: &Field<'_>, known: &Known<'_>) -> Option<Metric> {
    let fields = field.mapping::<format::Metric>()?;
    if later::metric(&fields) {
        return None;
    }
    let role = fields.required("role").and_then(|role| self::role(&role));
    let from = from(&fields, known);
    let aggregate = fields.required("aggregate").and_then(|field| self::aggregate(&field));
    let measured = measured(&fields, aggregate);
    let filter = fields.filter();
    let delay = fields.optional("delay").map_or(Some(Hours(0)), |delay| Some(*delay.hours()?));
    let window = fields.required("window").and_then(|window| longer_than_zero(&window));
    let incomplete_window = incomplete_window(&fields);
    let missing = missing(&fields, aggregate);
    let non_finite = non_finite(&fields);
    let desired = desired(&fields, role);
    let matters = matters(&fields);
    let limit = limit(&fields, role, desired);
    let unit_of_measure = fields.optional_text("unit_of_measure").map(|unit| unit.value);
    let (value, precision) = measured?;
    Some(Metric {
        name,
        role: role?,
        from: from?,
        value,
        precision,
        aggregate: aggregate?,
        filter,
        delay: delay?,
        window: window?,
        incomplete_window: incomplete_window?,
        missing: missing?,
        non_finite: non_finite?,
        desired: desired?,
        matters: matters?,
        limit: limit?,
        unit_of_measure,
    })
}

fn role(field: &Field<'_>) -> Option<Role> {
    field.choice(&[("primary", Role::Primary), ("guardrail", Role::Guardrail), ("secondary", Role::Secondary)])
}

fn from(fields: &Fields<'_>, known: &Known<'_>) -> Option<Spanned<String>> {
    let from = fields.required_text("from")?;
    if known.facts.contains(&&from) {
        return Some(from);
    }
    let unknown = Diagnostic::error(format!("unknown fact table `{from}`"));
    fields.report().push(unknown.at(from.span).hint_if(name_hint(&from, words(&known.facts))));
    None
}

/// The aggregate; one that a later version will know is refused as such.
pub(super) fn aggregate(field: &Field<'_>) -> Option<Aggregate> {
    if ["distinct", "min", "max", "last"].into_iter().any(|word| field.is_word(word)) {
        let message = format!("`{}`: the aggregate {} is not yet available", field.path, field.node.describe());
        let hint = "available are `sum`, `count`, `any` and `mean`";
        field.report.push(Diagnostic::error(message).at(field.node.span).hint(hint));
        return None;
    }
    field.choice(&[
        ("sum", Aggregate::Sum),
        ("count", Aggregate::Count),
        ("any", Aggregate::Any),
        ("mean", Aggregate::Mean),
    ])
}

/// `value` and `precision`, which belong to sums and means and to nothing else.
fn measured(fields: &Fields<'_>, aggregate: Option<Aggregate>) -> Option<(Option<Spanned<String>>, Option<Precision>)> {
    let value = fields.optional("value").map(|value| value.expression());
    let precision = fields.optional("precision").map(|precision| precision.precision());
    match aggregate {
        Some(Aggregate::Sum | Aggregate::Mean) => {
            fields.required("value")?;
        }
        Some(Aggregate::Count | Aggregate::Any) => {
            for field in ["value", "precision"].into_iter().filter_map(|key| fields.optional(key)) {
                let message = format!("`{}` has no meaning here: `count` and `any` look at no value", field.path);
                let hint = "leave it out, or use `aggregate: sum`; `where` says which events count";
                field.report.push(Diagnostic::error(message).at(field.key).hint(hint));
            }
        }
        None => {}
    }
    Some((all_or_none(value)?, all_or_none(precision)?))
}

fn incomplete_window(fields: &Fields<'_>) -> Option<IncompleteWindow> {
    let Some(field) = fields.optional("incomplete_window") else { return Some(IncompleteWindow::Exclude) };
    field.choice(&[("exclude", IncompleteWindow::Exclude), ("include", IncompleteWindow::Include)])
}

fn missing(fields: &Fields<'_>, aggregate: Option<Aggregate>) -> Option<MissingMetric> {
    match (fields.optional("missing"), aggregate?) {
        (Some(field), _) => field.choice(&[
            ("zero", MissingMetric::Zero),
            ("drop_unit", MissingMetric::DropUnit),
            ("refuse", MissingMetric::Refuse),
        ]),
        (None, Aggregate::Mean) => Some(MissingMetric::DropUnit),
        (None, Aggregate::Sum | Aggregate::Count | Aggregate::Any) => Some(MissingMetric::Zero),
    }
}

fn non_finite(fields: &Fields<'_>) -> Option<NonFinite> {
    let Some(field) = fields.optional("non_finite") else { return Some(NonFinite::Refuse) };
    field.choice(&[("refuse", NonFinite::Refuse), ("drop_unit", NonFinite::DropUnit), ("zero", NonFinite::Zero)])
}

/// Which way is good: a verdict on a primary metric needs to know, and so does a guardrail.
fn desired(fields: &Fields<'_>, role: Option<Role>) -> Option<Direction> {
    let words = [("increase", Direction::Increase), ("decrease", Direction::Decrease), ("none", Direction::None)];
    let field = match role {
        Some(Role::Primary | Role::Guardrail) => fields.required("desired")?,
        _ => match fields.optional("desired") {
            Some(field) => field,
            None => return Some(Direction::None),
        },
    };
    let desired = field.choice(&words)?;
    if role == Some(Role::Guardrail) && desired == Direction::None {
        field.refuse(format!("the guardrail `{}` must say which way is good: `increase` or `decrease`", fields.path()));
        return None;
    }
    Some(desired)
}

fn matters(fields: &Fields<'_>) -> Option<Option<Spanned<Matters>>> {
    let Some(field) = fields.optional("matters") else { return Some(None) };
    let matters = field.size()?;
    if matters.signed() <= 0.0 {
        field.refuse(format!("`{}` must be positive: it is the size of an effect, in either direction", field.path));
        return None;
    }
    Some(Some(matters))
}

/// A guardrail's limit is an effect in the bad direction.
fn limit(fields: &Fields<'_>, role: Option<Role>, desired: Option<Direction>) -> Option<Option<Spanned<Matters>>> {
    let Some(field) = fields.optional("limit") else { return Some(None) };
    let limit = field.size()?;
    let problem = match (role?, desired?) {
        (Role::Primary | Role::Secondary, _) => Some("only a guardrail has a limit; did you mean `matters`?"),
        (_, Direction::Increase) if limit.signed() >= 0.0 => {
            Some("an increase is desired, so the worst tolerated effect is negative, such as `-1%`")
        }
        (_, Direction::Decrease) if limit.signed() <= 0.0 => {
            Some("a decrease is desired, so the worst tolerated effect is positive, such as `1%`")
        }
        _ => None,
    };
    match problem {
        Some(problem) => {
            field.refuse(format!("`{}`: {problem}", field.path));
            None
        }
        None => Some(Some(limit)),
    }
}
