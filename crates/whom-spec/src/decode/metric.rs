//! Metrics.

use super::cursor::{Field, Fields};
use super::known::Known;
use super::measured::{self, Measured};
use super::split::longer_than_zero;
use super::{cap, cuped};
use crate::format;
use crate::plan::{
    Aggregate, Direction, Hours, IncompleteWindow, Matters, Metric, MissingMetric, NonFinite, Role, Test,
};
use crate::spanned::Spanned;

pub(super) fn metric(name: Spanned<String>, field: &Field<'_>, known: &Known<'_>) -> Option<Metric> {
    let fields = field.mapping::<format::Metric>()?;
    let role = fields.required("role").and_then(|role| self::role(&role));
    let (aggregate, measured) = measured::measured(&fields, known);
    let delay = fields.optional("delay").and_then(|delay| delay.hours()).map_or(Hours(0), |delay| delay.value);
    let window = fields.required("window").and_then(|window| longer_than_zero(&window));
    let incomplete_window = incomplete_window(&fields);
    let missing = missing(&fields, aggregate);
    let non_finite = non_finite(&fields, aggregate);
    let desired = desired(&fields, role);
    let test = test(&fields, role);
    let matters = matters(&fields);
    let limit = limit(&fields, role, desired);
    let unit_of_measure = fields.optional_text("unit_of_measure").map(|unit| unit.value);
    let cap = cap::cap(&fields);
    let cuped = cuped::cuped(&fields, known);
    let Measured { value: part, denominator } = measured?;
    Some(Metric {
        name,
        role: role?,
        from: part.from,
        value: part.value,
        precision: part.precision,
        aggregate: part.aggregate,
        filter: part.filter,
        delay,
        window: window?,
        incomplete_window,
        missing,
        non_finite,
        desired: desired?,
        test,
        matters,
        limit,
        unit_of_measure,
        denominator,
        cap,
        cuped,
    })
}

fn role(field: &Field<'_>) -> Option<Role> {
    field.choice(&[("primary", Role::Primary), ("guardrail", Role::Guardrail), ("secondary", Role::Secondary)])
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

/// One-sided tests are for what decides: a guardrail has one already, and what is exploratory looks both ways.
fn test(fields: &Fields<'_>, role: Option<Role>) -> Test {
    let Some(field) = fields.optional("test") else { return Test::default() };
    let test = field.choice(&[("two_sided", Test::TwoSided), ("one_sided", Test::OneSided)]).unwrap_or_default();
    let problem = match role {
        Some(Role::Guardrail) => {
            "a guardrail is held against its `limit` by a one-sided test already; leave `test` out"
        }
        Some(Role::Secondary) => "a secondary metric is exploratory, and looks both ways; leave `test` out",
        Some(Role::Primary) | None => return test,
    };
    if test == Test::OneSided {
        field.refuse(format!("`{}`: {problem}", field.path));
    }
    test
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
