//! Metrics: a number per unit in a window after its first exposure.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Hours, Precision};
use crate::spanned::Spanned;

/// A number per unit, made from the events of one fact table in `[first exposure + delay, + delay + window)`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Metric {
    /// Its name, unique among metrics and tags.
    pub name: Spanned<String>,
    /// What it is for.
    pub role: Role,
    /// The fact table's name; it exists.
    pub from: Spanned<String>,
    /// What is aggregated, as SQL text over the fact table; never there for `count` and `any`, always for the others.
    pub value: Option<Spanned<String>>,
    /// The declared fixed-point grid; `None` takes the grid of the value's type.
    pub precision: Option<Precision>,
    /// How the events of a unit become one number.
    pub aggregate: Aggregate,
    /// `where`: the events that count, as SQL text.
    pub filter: Option<Spanned<String>>,
    /// How long after first exposure the window opens.
    pub delay: Hours,
    /// How long the window is open; never zero.
    pub window: Hours,
    /// What happens to a unit whose window is still open at the end of `through`.
    pub incomplete_window: IncompleteWindow,
    /// What a unit without events (or, where values are aggregated, without values) gets.
    pub missing: MissingMetric,
    /// What happens to NaN and infinite values.
    pub non_finite: NonFinite,
    /// Which way is good.
    pub desired: Direction,
    /// What its confirmatory tests look for.
    #[serde(skip_serializing_if = "Test::is_default")]
    pub test: Test,
    /// The smallest effect that anyone would act on; positive.
    pub matters: Option<Spanned<Matters>>,
    /// A guardrail's limit: the worst tolerated effect, negative where an increase is desired.
    pub limit: Option<Spanned<Matters>>,
    /// The unit that the number is printed with.
    pub unit_of_measure: Option<String>,
    /// What the sum of the values is divided by, if the metric is a ratio of two sums; the fields above are its numerator then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub denominator: Option<RatioPart>,
    /// Up to where large values count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cap: Option<Cap>,
    /// What the metric is adjusted by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cuped: Option<Cuped>,
    /// The quantile over units, or over events, that arms are compared by, in place of their means; only of a metric that is not primary, and is no
    /// ratio, neither capped nor adjusted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantile: Option<Quantile>,
}

/// One side of a ratio: a number per unit that can be added up, in the metric's window.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RatioPart {
    /// The fact table's name; it exists.
    pub from: Spanned<String>,
    /// What is aggregated, as SQL text over the fact table.
    pub value: Option<Spanned<String>>,
    /// The declared fixed-point grid.
    pub precision: Option<Precision>,
    /// How the events of a unit become one number.
    pub aggregate: Aggregate,
    /// `where`: the events that count, as SQL text.
    pub filter: Option<Spanned<String>>,
}

/// A cap: larger values of a unit count as the threshold, which is the same for all arms and cohorts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cap {
    /// The threshold itself, in the metric's unit; positive.
    Value(f64),
    /// The value that this share of the units, all arms together, does not exceed.
    Percentile {
        /// The share, between 0 and 1.
        percentile: f64,
        /// Of which values.
        of: CapOf,
    },
}

/// Which values a percentile is taken of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CapOf {
    /// Those of all units (the default).
    All,
    /// Those that are not zero.
    NonZero,
}

/// A quantile that arms are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Quantile {
    /// The share that does not exceed it, between 0.000001 and 0.999999.
    pub percentile: f64,
    /// What it is of.
    pub of: QuantileOf,
}

/// What a quantile is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum QuantileOf {
    /// The units that have a value, each with one.
    Units,
    /// The events, of which a unit may have several; errors are clustered by unit.
    Events,
}

/// What was known before the exposure and explains part of a metric's variance (Deng et al. 2013); at least one covariate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cuped {
    /// How long before first exposure the metric itself is measured.
    pub pre_period: Option<Hours>,
    /// Numeric tags.
    pub tags: Vec<Spanned<String>>,
}

/// What a metric is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// An objective; it decides, and it grows trees.
    Primary,
    /// A constraint: it must not get worse than its limit.
    Guardrail,
    /// Context; its breakdowns are exploratory.
    Secondary,
}

/// How the events of a unit become one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Aggregate {
    /// The sum of `value`.
    Sum,
    /// The number of events.
    Count,
    /// 1 if there is an event, else 0.
    Any,
    /// The mean of `value` over the unit's events.
    Mean,
    /// The smallest `value` among the unit's events.
    Min,
    /// The largest `value` among the unit's events.
    Max,
    /// The `value` of the unit's last event; of several at the same instant the largest.
    Last,
    /// The number of different values of `value`, which is anything but a floating-point number.
    Distinct,
    /// Nothing: every event stands for itself. Only where a quantile is of events, which needs no word for it.
    #[schemars(skip)]
    Events,
}

impl Aggregate {
    /// Whether it looks at a `value`.
    pub fn takes_value(self) -> bool {
        !matches!(self, Self::Count | Self::Any)
    }

    /// Whether the unit's number is made of numbers of its events, which lie on a grid and may be NaN or infinite.
    pub fn is_graded(self) -> bool {
        self.takes_value() && self != Self::Distinct
    }

    /// Whether the unit's number is one of those of its events, or their mean: without events there is none.
    pub fn needs_event(self) -> bool {
        matches!(self, Self::Mean | Self::Min | Self::Max | Self::Last)
    }
}

/// What happens to a unit whose window is not complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IncompleteWindow {
    /// The unit does not count yet (the default).
    Exclude,
    /// The unit counts with what is known.
    Include,
}

/// What a unit without a value gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MissingMetric {
    /// Zero (the default of `sum`, `count`, `any` and `distinct`).
    Zero,
    /// Nothing: the unit is dropped from this metric only, and counted (the default of `mean`, `min`, `max` and `last`).
    DropUnit,
    /// The run stops.
    Refuse,
}

/// What happens to NaN and infinite values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NonFinite {
    /// The run stops (the default).
    Refuse,
    /// The unit is dropped from this metric only, and counted by arm.
    DropUnit,
    /// The value counts as zero, and is counted by arm.
    Zero,
}

/// Which way is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// More is better.
    Increase,
    /// Less is better.
    Decrease,
    /// Neither: the metric is watched.
    None,
}

/// What the confirmatory tests of a primary metric look for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Test {
    /// An effect in either direction (the default).
    #[default]
    TwoSided,
    /// An effect in the desired direction.
    OneSided,
}

impl Test {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "`skip_serializing_if` passes a reference to the field")]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// The size of an effect, on one of the two scales that effects are reported on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Matters {
    /// A fraction of the control's mean: `1%` is 0.01.
    Relative(f64),
    /// In the metric's own unit.
    Absolute(f64),
}

impl Matters {
    /// The number, on whichever scale it is.
    pub fn signed(self) -> f64 {
        match self {
            Self::Relative(size) | Self::Absolute(size) => size,
        }
    }
}
