//! Metrics whose arms are compared by a quantile.

use super::cursor::{Field, Fields, Report};
use crate::diagnostic::Diagnostic;
use crate::format;
use crate::plan::{Aggregate, Metric, Output, Quantile, QuantileOf, Role, Split};
use crate::tree::Value;

/// `quantile: { percentile: 0.9, of: units }`, or `of: events`.
pub(super) fn quantile(metric: &Fields<'_>, (role, aggregate): (Option<Role>, Option<Aggregate>)) -> Option<Quantile> {
    let field = metric.optional("quantile")?;
    let fields = field.mapping::<format::Quantile>()?;
    check_company(metric, &field);
    if aggregate == Some(Aggregate::Events) {
        check_events(metric, &field);
    }
    let path = &field.path;
    if role == Some(Role::Primary) {
        let message = format!("`{path}`: a primary metric is searched, and trees compare means, not quantiles");
        let hint = "make it a guardrail or `secondary`, and a mean the primary metric";
        field.report.push(Diagnostic::error(message).at(field.key).hint(hint));
    }
    if aggregate == Some(Aggregate::Any) {
        let message = format!("`{path}`: `aggregate: any` is 0 or 1, of which a quantile tells nothing");
        field.report.push(Diagnostic::error(message).at(field.key).hint("leave `quantile` out; the mean is a share"));
    }
    let percentile = fields.required("percentile").and_then(|percentile| {
        percentile.number_in("a share between 0.000001 and 0.999999, such as 0.9", |share| {
            (0.000_001..=0.999_999).contains(&share)
        })
    });
    let of = fields.required("of").and_then(|of| self::of(&of));
    Some(Quantile { percentile: percentile?.value, of: of? })
}

fn of(field: &Field<'_>) -> Option<QuantileOf> {
    field.choice(&[("units", QuantileOf::Units), ("events", QuantileOf::Events)])
}

/// Whether a metric is a quantile of events, whatever else is wrong with it.
pub(super) fn is_of_events(metric: &Fields<'_>) -> bool {
    let of = metric.entry("quantile").and_then(|quantile| quantile.entries()?.iter().find(|entry| *entry.key == "of"));
    of.is_some_and(|of| matches!(&of.value.value, Value::Scalar(scalar) if scalar.text == "events"))
}

/// Every event stands for itself, and a unit without one for nothing.
fn check_events(metric: &Fields<'_>, quantile: &Field<'_>) {
    let others = [
        ("aggregate", "every event stands for itself", "leave it out, or say `of: units`"),
        ("missing", "a unit without events has no part in a quantile of events", "leave it out"),
    ];
    for (key, why, hint) in others {
        let Some(other) = metric.optional(key) else { continue };
        let message = format!("`{}` has no meaning here: {why}", other.path);
        let diagnostic = Diagnostic::error(message).at(other.key).related(quantile.key, "the quantile");
        quantile.report.push(diagnostic.hint(hint));
    }
}

/// How many units have an event beyond a quantile of events is not known, so nothing tells whether it may be shown.
pub(super) fn check_smallest_cell(metrics: &[Metric], output: Option<&Output>, report: &Report) {
    let of_events = |metric: &&Metric| metric.quantile.is_some_and(|quantile| quantile.of == QuantileOf::Events);
    if output.is_none_or(|output| output.smallest_cell < 2) {
        return;
    }
    for metric in metrics.iter().filter(of_events) {
        let message = format!(
            "`{}` is a quantile of events, which does not go with `output.smallest_cell`: it may be one unit's",
            metric.name
        );
        report.push(Diagnostic::error(message).at(metric.name.span).hint("use `of: units`, or leave the metric out"));
    }
}

/// A quantile is no sum: what is done to sums cannot be done to it.
fn check_company(metric: &Fields<'_>, quantile: &Field<'_>) {
    let others = [
        ("numerator", "a ratio of two sums has no quantile", "make a metric of one number per unit"),
        ("denominator", "a ratio of two sums has no quantile", "make a metric of one number per unit"),
        ("cap", "a quantile needs no cap: how large the largest values are does not move it", "leave `cap` out"),
        ("cuped", "covariates adjust means, not quantiles", "leave `cuped` out"),
    ];
    for (key, why, hint) in others {
        let Some(other) = metric.optional(key) else { continue };
        let message = format!("`{}` does not go with `quantile`: {why}", other.path);
        let diagnostic = Diagnostic::error(message).at(other.key).related(quantile.key, "the quantile");
        quantile.report.push(diagnostic.hint(hint));
    }
}

/// Strata, such as periods of other weights, are compared each by itself and averaged, and an average of quantiles is no quantile of all units.
pub(super) fn check_strata(split: &Split, metrics: &[Metric], report: &Report) {
    let (cause, within, instead) = match split.strata {
        None => ("split.allocation", "periods", "set `start` and `end` to one period"),
        Some(_) => ("split.strata", "strata", "choose one stratum by `where`"),
    };
    for metric in metrics.iter().filter(|metric| metric.quantile.is_some()) {
        let message = format!(
            "`{}` is a quantile, which does not go with `{cause}`: quantiles of {within} do not average",
            metric.name
        );
        let hint = format!("leave the metric out, or {instead}");
        report.push(Diagnostic::error(message).at(metric.name.span).hint(hint));
    }
}
