//! Metrics.

use super::cursor::{Field, Fields};
use super::known::{Known, words};
use super::later;
use super::split::longer_than_zero;
use crate::diagnostic::Diagnostic;
use crate::format;
use crate::plan::{Aggregate, Direction, Hours, IncompleteWindow, Matters, Metric, MissingMetric, NonFinite, Role};
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
    let value = value(&fields, aggregate);
    let precision = fields.optional("precision").and_then(|precision| precision.precision());
    let filter = fields.filter();
    let delay = fields.optional("delay").and_then(|delay| delay.hours()).map_or(Hours(0), |delay| delay.value);
    let window = fields.required("window").and_then(|window| longer_than_zero(&window));
    let incomplete_window = incomplete_window(&fields);
    let missing = missing(&fields, aggregate);
    let non_finite = non_finite(&fields, aggregate);
    let desired = desired(&fields, role);
    let matters = matters(&fields);
    let limit = limit(&fields, role, desired);
    let unit_of_measure = fields.optional_text("unit_of_measure").map(|unit| unit.value);
    Some(Metric {
        name,
        role: role?,
        from: from?,
        value,
        precision,
        aggregate: aggregate?,
        filter,
        delay,
        window: window?,
        incomplete_window,
        missing,
        non_finite,
        desired: desired?,
        matters,
        limit,
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

pub(super) fn aggregate(field: &Field<'_>) -> Option<Aggregate> {
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

fn incomplete_window(fields: &Fields<'_>) -> IncompleteWindow {
    let words = [("exclude", IncompleteWindow::Exclude), ("include", IncompleteWindow::Include)];
    fields.optional("incomplete_window").and_then(|field| field.choice(&words)).unwrap_or(IncompleteWindow::Exclude)
}

fn missing(fields: &Fields<'_>, aggregate: Option<Aggregate>) -> MissingMetric {
    let words =
        [("zero", MissingMetric::Zero), ("drop_unit", MissingMetric::DropUnit), ("refuse", MissingMetric::Refuse)];
    let needs_event = aggregate.is_some_and(Aggregate::needs_event);
    let default = if needs_event { MissingMetric::DropUnit } else { MissingMetric::Zero };
    fields.optional("missing").and_then(|field| field.choice(&words)).unwrap_or(default)
}

fn non_finite(fields: &Fields<'_>, aggregate: Option<Aggregate>) -> NonFinite {
    let words = [("refuse", NonFinite::Refuse), ("drop_unit", NonFinite::DropUnit), ("zero", NonFinite::Zero)];
    let Some(field) = fields.optional("non_finite") else { return NonFinite::Refuse };
    let rule = field.choice(&words).unwrap_or(NonFinite::Refuse);
    if rule == NonFinite::Zero && matches!(aggregate, Some(Aggregate::Min | Aggregate::Max | Aggregate::Last)) {
        let problem = "a single value decides here, and it may not be made up";
        field.refuse(format!("`{}`: {problem}; use `drop_unit`, or leave such events out by `where`", field.path));
    }
    rule
}

/// Which way is good: a verdict on a primary metric needs to know, and so does a guardrail.
fn desired(fields: &Fields<'_>, role: Option<Role>) -> Option<Direction> {
    let words = [("increase", Direction::Increase), ("decrease", Direction::Decrease), ("none", Direction::None)];
    let field = match role? {
        Role::Primary | Role::Guardrail => fields.required("desired")?,
        Role::Secondary => match fields.optional("desired") {
            Some(field) => field,
            None => return Some(Direction::None),
        },
    };
    let desired = field.choice(&words)?;
    if desired == Direction::None && role != Some(Role::Secondary) {
        let kind = if role == Some(Role::Guardrail) { "guardrail" } else { "primary metric" };
        field.refuse(format!("the {kind} `{}` must say which way is good: `increase` or `decrease`", fields.path()));
    }
    Some(desired)
}

fn matters(fields: &Fields<'_>) -> Option<Spanned<Matters>> {
    let field = fields.optional("matters")?;
    let matters = field.size()?;
    if matters.signed() <= 0.0 {
        field.refuse(format!("`{}` must be positive: it is the size of an effect, in either direction", field.path));
    }
    Some(matters)
}

/// A guardrail's limit is an effect in the bad direction.
fn limit(fields: &Fields<'_>, role: Option<Role>, desired: Option<Direction>) -> Option<Spanned<Matters>> {
    let field = fields.optional("limit")?;
    let limit = field.size()?;
    let problem = match (role?, desired?) {
        (Role::Primary | Role::Secondary, _) => "only a guardrail has a limit; did you mean `matters`?",
        (_, Direction::Increase) if limit.signed() >= 0.0 => {
            "an increase is desired, so the worst tolerated effect is negative, such as `-1%`"
        }
        (_, Direction::Decrease) if limit.signed() <= 0.0 => {
            "a decrease is desired, so the worst tolerated effect is positive, such as `1%`"
        }
        _ => return Some(limit),
    };
    field.refuse(format!("`{}`: {problem}", field.path));
    Some(limit)
}
