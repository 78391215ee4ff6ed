//! Split, fact and tag tables.

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::Shape;
use super::leaf::{Date, Duration, Number, PathText, Share, Truth, WholeNumber};
use crate::plan;

/// The log of exposures: unit, variant, time. A unit has many rows; its first one counts.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Split {
    /// A file, folder or glob.
    path: PathText,
    /// SQL: the rows that belong to this experiment.
    #[serde(rename = "where")]
    filter: Option<String>,
    /// When the unit was exposed.
    time: TimeForm,
    /// The Hive partition by day: folders `column=YYYY-MM-DD`.
    partition: Option<PartitionForm>,
    /// Whether a day without a folder is tolerated. Default: `refused`.
    gaps: Option<plan::Gaps>,
    /// The column that holds the variant.
    variant: String,
    /// The variants, by their value in that column.
    variants: BTreeMap<String, Variant>,
    /// Which of the variants is the control.
    control: String,
    /// The first day of the experiment.
    start: Date,
    /// The last day whose first exposures count.
    end: Date,
    /// What happens to units that saw several variants. Default: `exclude`, at most 0.5 % of the units.
    several_variants: Option<SeveralVariantsForm>,
    /// How far before `start` an earlier exposure excludes a unit. Default: no looking back.
    lookback: Option<Duration>,
    /// Later periods with other weights, in their order, as a ramp has them: arms are then compared within periods.
    allocation: Option<Vec<AllocationPeriod>>,
    /// Columns of this table within whose values the variants were assigned: arms are then compared within them. The row of
    /// the first exposure counts.
    strata: Option<StrataForm>,
    /// An event that a unit must have reached to count: the analysis of those who were triggered. Everybody stands beside.
    exposure_filter: Option<ExposureFilter>,
}

impl Shape for Split {
    const KEYS: &'static [&'static str] = &[
        "path",
        "where",
        "time",
        "partition",
        "gaps",
        "variant",
        "variants",
        "control",
        "start",
        "end",
        "several_variants",
        "lookback",
        "allocation",
        "strata",
        "exposure_filter",
    ];
}

/// A column, or a column and its time zone.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(crate) enum TimeForm {
    Column(String),
    Zoned(Time),
}

/// A column of time stamps.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Time {
    /// The column.
    column: String,
    /// The zone of time stamps that have none of their own; needed for those, `UTC` or another.
    time_zone: Option<String>,
}

impl Shape for Time {
    const KEYS: &'static [&'static str] = &["column", "time_zone"];
}

/// A column, or a column and its time zone.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(crate) enum PartitionForm {
    Column(String),
    Zoned(PartitionColumn),
}

/// A Hive partition by day.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PartitionColumn {
    /// The column.
    column: String,
    /// The zone whose days the folders are. Default: `UTC`.
    time_zone: Option<String>,
}

impl Shape for PartitionColumn {
    const KEYS: &'static [&'static str] = &["column", "time_zone"];
}

/// One arm.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Variant {
    /// The planned share of units. All weights sum to 1.
    weight: Number,
    /// What one unit in this arm costs.
    cost: Option<Number>,
}

impl Shape for Variant {
    const KEYS: &'static [&'static str] = &["weight", "cost"];
}

/// A rule, or a rule and the tolerated share.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(crate) enum SeveralVariantsForm {
    Rule(plan::SeveralVariantsRule),
    Tolerated(SeveralVariants),
}

/// What happens to units that saw several variants.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeveralVariants {
    /// `first` exposure decides, `exclude` the unit, or `refuse` to run.
    rule: plan::SeveralVariantsRule,
    /// The largest tolerated share of such units. Default: `0.5%`.
    at_most: Option<Share>,
}

impl Shape for SeveralVariants {
    const KEYS: &'static [&'static str] = &["rule", "at_most"];
}

/// Columns, or columns and the shares of the arms within their values.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(crate) enum StrataForm {
    Columns(Vec<String>),
    Declared(Strata),
}

/// Columns within whose values the variants were assigned.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Strata {
    /// The columns of the split.
    columns: Vec<String>,
    /// Whether the weights hold in every stratum, or each has shares of its own. Default: `declared`.
    shares: Option<plan::StrataShares>,
    /// The weights by variant of the strata in which they differ from those of `variants`, by the value of the column, of which there is
    /// one: `{ fr: { control: 0.9, one_page: 0.1 } }`.
    weights: Option<BTreeMap<String, BTreeMap<String, Number>>>,
}

impl Shape for Strata {
    const KEYS: &'static [&'static str] = &["columns", "shares", "weights"];
}

/// A period with other weights.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AllocationPeriod {
    /// The first day of the period.
    start: Date,
    /// The weights from that day on, by variant.
    weights: BTreeMap<String, Number>,
}

impl Shape for AllocationPeriod {
    const KEYS: &'static [&'static str] = &["start", "weights"];
}

/// An event that the treatment cannot bring about.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExposureFilter {
    /// The fact table that holds the event.
    from: String,
    /// SQL: the events that count.
    #[serde(rename = "where")]
    filter: Option<String>,
    /// How long after first exposure the event may come.
    window: Duration,
}

impl Shape for ExposureFilter {
    const KEYS: &'static [&'static str] = &["from", "where", "window"];
}

/// A table with one row an event.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fact {
    /// A file, folder or glob.
    path: PathText,
    /// When the event happened.
    time: TimeForm,
    /// The Hive partition by day: folders `column=YYYY-MM-DD`.
    partition: Option<PartitionForm>,
    /// Whether a day without a folder is tolerated. Default: `refused`.
    gaps: Option<plan::Gaps>,
    /// SQL: the rows that count.
    #[serde(rename = "where")]
    filter: Option<String>,
    /// The column that names an event: exact repeats are dropped and counted, different ones refused.
    unique: Option<String>,
}

impl Shape for Fact {
    const KEYS: &'static [&'static str] = &["path", "time", "partition", "gaps", "where", "unique"];
}

/// A table of tags, one row a unit (and day).
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TagTable {
    /// A file, folder or glob.
    path: PathText,
    /// The Hive partition by day of the snapshots: folders `column=YYYY-MM-DD`.
    date: Option<PartitionForm>,
    /// Instead of `date`: the table has no dates, and its tags cannot change.
    #[serde(rename = "static")]
    is_static: Option<Truth>,
    /// Which snapshot counts. Only: `day_before_first_exposure`.
    as_of: Option<AsOf>,
    /// The oldest snapshot that counts, in whole days.
    at_most: Option<Duration>,
    /// Whether a day without a snapshot is tolerated. Default: `refused`.
    gaps: Option<plan::Gaps>,
    /// The tags, by column.
    columns: BTreeMap<String, TagForm>,
    /// Columns that never steer discovery or an allocation; effects are reported by them.
    protected: Option<Vec<String>>,
}

impl Shape for TagTable {
    const KEYS: &'static [&'static str] =
        &["path", "date", "static", "as_of", "at_most", "gaps", "columns", "protected"];
}

/// Which snapshot counts.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AsOf {
    /// The last one on or before the day before first exposure.
    DayBeforeFirstExposure,
}

/// How a tag is binned.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(crate) enum TagForm {
    Kind(TagKind),
    Categorical(Categorical),
}

/// How a tag is binned.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TagKind {
    /// By quantile edges.
    Numeric,
    /// By frequency: 50 levels, and `other`.
    Categorical,
}

/// A categorical tag with options.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Categorical {
    /// Options.
    categorical: CategoricalLevels,
}

impl Shape for Categorical {
    const KEYS: &'static [&'static str] = &["categorical"];
}

/// Options of a categorical tag.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CategoricalLevels {
    /// How many levels, the most frequent ones, keep a code of their own. Default: 50.
    levels: Option<WholeNumber>,
}

impl Shape for CategoricalLevels {
    const KEYS: &'static [&'static str] = &["levels"];
}
