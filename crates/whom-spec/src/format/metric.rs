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
    /// The smallest effect that anyone would act on. Needed for a verdict.
    matters: Option<Size>,
    /// A guardrail's worst tolerated effect, such as `-1%`.
    limit: Option<Size>,
    /// The unit that the number is printed with.
    unit_of_measure: Option<String>,
    /// Not yet available: a cap on large values.
    cap: Option<Cap>,
    /// Not yet available: the pre-period of variance reduction.
    cuped: Option<Duration>,
    /// Not yet available: of a ratio metric.
    numerator: Option<RatioPart>,
    /// Not yet available: of a ratio metric.
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
        "matters",
        "limit",
        "unit_of_measure",
        "cap",
        "cuped",
        "numerator",
        "denominator",
    ];
}

/// Not yet available.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cap {
    /// The percentile, as a fraction.
    percentile: Option<Number>,
    /// Instead of a percentile: the cap itself.
    value: Option<Number>,
    /// What the percentile is of.
    of: Option<CapOf>,
}

impl Shape for Cap {
    const KEYS: &'static [&'static str] = &["percentile", "value", "of"];
}

/// What a percentile is of.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CapOf {
    All,
    NonZero,
}

/// Not yet available.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RatioPart {
    /// The fact table.
    from: String,
    /// How the events of a unit become one number.
    aggregate: plan::Aggregate,
    /// SQL: what is aggregated.
    value: Option<String>,
    /// SQL: the events that count.
    #[serde(rename = "where")]
    filter: Option<String>,
}

impl Shape for RatioPart {
    const KEYS: &'static [&'static str] = &["from", "aggregate", "value", "where"];
}
