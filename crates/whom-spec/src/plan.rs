//! The plan: what a pipeline file says, typed, with every default written out.
//!
//! A `Plan` only comes out of [`load`](crate::load), so whoever holds one knows that names are unique, references
//! exist, weights sum to one, and dates are in order. It knows nothing of the data: columns and expressions are text
//! with a place, to be resolved against the tables by whoever reads them.

mod allocation;
mod cohort;
mod discover;
mod fact;
mod folds;
mod identity;
mod measure;
mod metric;
mod model;
mod output;
mod quantity;
mod split;
mod strata;
mod tag;
mod validate;

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::Serialize;

pub use self::allocation::Period;
pub use self::cohort::Cohort;
pub use self::discover::{Codes, Criterion, DeclaredPartition, Discover, TreeControls};
pub use self::fact::{Fact, Gaps, Partition, TimeColumn};
pub use self::folds::GivenFolds;
pub use self::identity::FIELDS_IN_HOURS;
pub use self::measure::{Measure, MeasurePart};
pub use self::metric::{
    Aggregate, Cap, CapOf, Cuped, Direction, IncompleteWindow, Matters, Metric, MissingMetric, NonFinite, Quantile,
    QuantileOf, RatioPart, Role, Test,
};
pub use self::model::{
    BaseLevel, Model, ModelCorrection, Profile, ProfileTag, ProfileValue, StandardErrors, TagLevels,
};
pub use self::output::Output;
pub use self::quantity::{GridBase, Hours, Precision};
pub use self::split::{ExposureFilter, SeveralVariants, SeveralVariantsRule, Split, Variant, VariantSource};
pub use self::strata::{Strata, StrataShares, StratumWeights};
pub use self::tag::{Snapshot, Tag, TagKind, TagTable};
pub use self::validate::{Correction, Reference, Validate};

use crate::spanned::{Spanned, optional_text, text, texts};

/// One analysis of one experiment. Lists keep the order of the file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// The experiment's name; folds and bootstrap weights are functions of it.
    pub experiment: Spanned<String>,
    /// The column that names the unit, the same in every table.
    pub unit: Spanned<String>,
    /// The column of the split that names whom a unit was assigned with; `None` where units were assigned by themselves. Left out
    /// of the text of such a plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<Spanned<String>>,
    /// The last day, in each source's own partition days, that is read; always given when a source is partitioned.
    #[serde(serialize_with = "optional_text")]
    pub through: Option<Spanned<NaiveDate>>,
    /// The zone of days and windows (`UTC` unless declared); instants are UTC.
    #[serde(serialize_with = "text")]
    pub time_zone: Tz,
    /// Who saw which variant, and when.
    pub split: Split,
    /// The tables of events that metrics are made from.
    pub facts: Vec<Fact>,
    /// The metrics; at least one is primary.
    pub metrics: Vec<Metric>,
    /// The tables of tags.
    pub tags: Vec<TagTable>,
    /// The pre-registered cohorts.
    pub cohorts: Vec<Cohort>,
    /// How cohorts are searched.
    pub discover: Discover,
    /// The days through which a run searches for cohorts, in their order; other runs do not. Empty if every run does, and left out of
    /// the text of such a plan.
    #[serde(serialize_with = "texts", skip_serializing_if = "Vec::is_empty")]
    pub looks: Vec<NaiveDate>,
    /// The tags by whose levels effects are shown and tested for stability, besides weeks of first exposure; protected ones
    /// may be among them. Left out of the text of a plan that names none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub slices: Vec<Spanned<String>>,
    /// Linear models of metrics. Left out of the text of a plan that has none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<Model>,
    /// How effects and cohorts are tested.
    pub validate: Validate,
    /// Where results go.
    pub output: Output,
}

impl Plan {
    /// The fact table of that name.
    pub fn fact(&self, name: &str) -> Option<&Fact> {
        self.facts.iter().find(|fact| *fact.name == name)
    }

    /// The metric of that name.
    pub fn metric(&self, name: &str) -> Option<&Metric> {
        self.metrics.iter().find(|metric| *metric.name == name)
    }

    /// The tag of that name and the table that holds it.
    pub fn tag(&self, name: &str) -> Option<(&TagTable, &Tag)> {
        self.tags.iter().find_map(|table| table.columns.iter().find(|tag| *tag.name == name).map(|tag| (table, tag)))
    }

    /// All tags, table by table.
    pub fn tag_columns(&self) -> impl Iterator<Item = &Tag> {
        self.tags.iter().flat_map(|table| &table.columns)
    }

    /// Whether a run of it searches for cohorts, and looks at effects by tag: on the days of its looks, if it has some.
    pub fn searches(&self) -> bool {
        let is_look = |through: &Spanned<NaiveDate>| self.looks.contains(through);
        self.looks.is_empty() || self.through.as_ref().is_some_and(is_look)
    }

    /// Whether trees are grown on a metric.
    pub fn searches_on(&self, metric: &str) -> bool {
        self.searches() && self.discover.metrics.iter().any(|name| **name == *metric)
    }

    /// The primary metrics, in the order of the file.
    pub fn primaries(&self) -> impl Iterator<Item = &Metric> {
        self.metrics.iter().filter(|metric| metric.role == Role::Primary)
    }
}
