//! Metrics.

use schemars::JsonSchema;

use super::Shape;
use super::leaf::{Duration, Number, Size, Step};
use crate::plan;

/// A number per unit, made from the events in `[first exposure + delay, + window)`.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Metric {
    /// `primary` metrics decide and grow trees, a `guardrail` must not get worse than its limit, `secondary` is context.
    role: plan::Role,
    /// The fact table.
    from: Option<String>,
    /// SQL: what is aggregated. Needed for all aggregates but `count` and `any`.
    value: Option<String>,
    /// The step of the fixed-point grid that values are counted on. Default: by the column's type.
    precision: Option<Step>,
    /// How the events of a unit become one number.
    aggregate: Option<plan::Aggregate>,
    /// SQL: the events that count.
    #[serde(rename = "where")]
    filter: Option<String>,
    /// How long after first exposure the window opens. Default: `0h`.
    delay: Option<Duration>,
    /// How long the window is open.
    window: Duration,
    /// What happens to a unit whose window is not over at the end of `through`. Default: `exclude`.
    incomplete_window: Option<plan::IncompleteWindow>,
    /// What a unit without events gets. Default: `zero`, and `drop_unit` for `mean`, `min`, `max` and `last`.
    missing: Option<plan::MissingMetric>,
    /// What happens to NaN and infinite values. Default: `refuse`.
    non_finite: Option<plan::NonFinite>,
    /// Which way is good. Needed for `primary` and `guardrail`.
    desired: Option<plan::Direction>,
    /// Of a primary metric: whether tests of averages and declared cohorts look for effects in both directions (the default), or in the
    /// desired one.
    test: Option<plan::Test>,
    /// The smallest effect that anyone would act on. Needed for a verdict.
    matters: Option<Size>,
    /// A guardrail's worst tolerated effect, such as `-1%`.
    limit: Option<Size>,
    /// The unit that the number is printed with.
    unit_of_measure: Option<String>,
    /// Up to where large values count: a cap, the same for all arms and cohorts.
    cap: Option<Cap>,
    /// What the metric is adjusted by: a pre-period of itself, tags, or both.
    cuped: Option<CupedForm>,
    /// Of a ratio of two sums: what is summed above. Instead of `from`, `value`, `aggregate` and `where`.
    numerator: Option<RatioPart>,
    /// Of a ratio of two sums: what is summed below.
    denominator: Option<RatioPart>,
}

impl Shape for Metric {
    const KEYS: &'static [&'static str] = &[
        "role",
        "from",
        "value",
        "precision",
        "aggregate",
        "where",
        "delay",
        "window",
        "incomplete_window",
        "missing",
        "non_finite",
        "desired",
        "test",
        "matters",
        "limit",
        "unit_of_measure",
        "cap",
        "cuped",
        "numerator",
        "denominator",
    ];
}

/// Where large values are cut off: either at a percentile or at a value.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cap {
    /// The share of the units that the threshold does not cut, such as `0.999`.
    percentile: Option<Number>,
    /// Instead of a percentile: the threshold itself, in the metric's unit.
    value: Option<Number>,
    /// What the percentile is of. Default: `all` units; or the `non_zero` values.
    of: Option<plan::CapOf>,
}

impl Shape for Cap {
    const KEYS: &'static [&'static str] = &["percentile", "value", "of"];
}

/// A pre-period, or a pre-period and tags.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(crate) enum CupedForm {
    PrePeriod(Duration),
    Covariates(Cuped),
}

/// What was known before the exposure and explains part of the variance.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cuped {
    /// How long before first exposure the metric itself is measured.
    pre_period: Option<Duration>,
    /// Numeric tags.
    tags: Option<Vec<String>>,
}

impl Shape for Cuped {
    const KEYS: &'static [&'static str] = &["pre_period", "tags"];
}

/// What is summed above or below.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RatioPart {
    /// The fact table.
    from: String,
    /// How the events of a unit become one number that can be added up.
    aggregate: plan::Aggregate,
    /// SQL: what is aggregated.
    value: Option<String>,
    /// The step of the fixed-point grid that values are counted on. Default: by the column's type.
    precision: Option<Step>,
    /// SQL: the events that count.
    #[serde(rename = "where")]
    filter: Option<String>,
}

impl Shape for RatioPart {
    const KEYS: &'static [&'static str] = &["from", "aggregate", "value", "precision", "where"];
}
