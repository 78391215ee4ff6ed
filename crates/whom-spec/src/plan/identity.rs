//! The plan's part in the three identities.
//!
//! The *analysis* identity is what a registration seals and a result prints: metrics, windows, tags, cohorts and tests,
//! with no path, no partition and no date of the night. The *plan* identity adds resolved variables, SQL and version;
//! whoever knows those starts from [`Plan::resolved_json`]. The *inputs* identity is a matter of files.

use std::fmt::Write;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::output::shows_everything;
use super::{
    Codes, Cohort, DeclaredPartition, Discover, ExposureFilter, Fact, GivenFolds, Hours, Metric, Model, Period, Plan,
    SeveralVariants, Snapshot, Split, Strata, Tag, TagTable, TimeColumn, TreeControls, Validate, Variant,
    VariantSource,
};
use crate::spanned::{Spanned, text};

/// The fields of [`Plan::analysis_json`] whose numbers are [`Hours`], wherever they stand.
pub const FIELDS_IN_HOURS: [&str; 4] = ["delay", "lookback", "pre_period", "window"];

impl Plan {
    /// The whole plan as canonical JSON on one line: every default written out, every variable replaced.
    ///
    /// Keys stand in the order of the types' fields and lists in the order of the file, so equal plans give equal text.
    ///
    /// # Errors
    /// Never for a plan that [`load`](crate::load) made: its names are strings and its numbers are finite.
    pub fn resolved_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// What the analysis identity covers as JSON, in which keys stand in alphabetical order: for a registration to keep, and
    /// for a later plan to be compared with.
    ///
    /// # Errors
    /// Never for a plan that [`load`](crate::load) made: its names are strings and its numbers are finite.
    pub fn analysis_json(&self) -> Result<serde_json::Value, serde_json::Error> {
        serde_json::to_value(Analysis::of(self))
    }

    /// The analysis identity: SHA-256, in lower-case hexadecimal, of what decides which numbers are asked for.
    ///
    /// It holds the experiment, the unit, the zone of days, the variants, dates and rules of the split, the facts'
    /// meaning, metrics, tags, cohorts, the search, the tests, and what is too small to be shown. It does not hold paths,
    /// partitions, gaps or `through`, and not the order in which metrics, facts, tags and cohorts are listed.
    ///
    /// # Errors
    /// Never for a plan that [`load`](crate::load) made: its names are strings and its numbers are finite.
    pub fn analysis_identity(&self) -> Result<String, serde_json::Error> {
        let text = serde_json::to_string(&Analysis::of(self))?;
        Ok(Sha256::digest(text.as_bytes()).iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        }))
    }
}

/// What the analysis identity covers. Changing this type, or the meaning of a field, changes every identity.
#[derive(Serialize)]
struct Analysis<'a> {
    experiment: &'a str,
    unit: &'a str,
    /// Left out where units were assigned by themselves, as in identities from before clusters could be declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<&'a str>,
    #[serde(serialize_with = "text")]
    time_zone: &'a chrono_tz::Tz,
    split: AnalysisSplit<'a>,
    facts: Vec<AnalysisFact<'a>>,
    metrics: Vec<&'a Metric>,
    tags: Vec<AnalysisTag<'a>>,
    cohorts: Vec<&'a Cohort>,
    discover: AnalysisDiscover<'a>,
    /// Left out where none are named, as in identities from before they could be.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    slices: Vec<&'a str>,
    /// Left out where there are none, as in identities from before there could be.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    models: Vec<&'a Model>,
    validate: &'a Validate,
    /// The days of the searches; left out where every run searches, as in identities from before they could be declared.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    looks: Vec<String>,
    /// What results show; left out where they show everything, as in identities from before it could be declared.
    #[serde(skip_serializing_if = "shows_everything")]
    smallest_cell: u64,
}

/// The split without its files.
#[derive(Serialize)]
struct AnalysisSplit<'a> {
    filter: Option<&'a str>,
    time: &'a TimeColumn,
    variant: &'a VariantSource,
    variants: &'a [Variant],
    #[serde(serialize_with = "text")]
    start: chrono::NaiveDate,
    #[serde(serialize_with = "text")]
    end: chrono::NaiveDate,
    several_variants: SeveralVariants,
    lookback: Option<Hours>,
    /// Left out where the weights stay, as in identities from before they could change.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    allocation: &'a [Period],
    /// Left out where none are declared, as in identities from before they could be.
    #[serde(skip_serializing_if = "Option::is_none")]
    strata: Option<&'a Strata>,
    /// Left out where there is none, as in identities from before there could be one.
    #[serde(skip_serializing_if = "Option::is_none")]
    exposure_filter: Option<&'a ExposureFilter>,
}

/// A fact table without its files.
#[derive(Serialize)]
struct AnalysisFact<'a> {
    name: &'a str,
    time: &'a TimeColumn,
    filter: Option<&'a str>,
    unique: Option<&'a str>,
}

/// A tag, the table that it comes from, and how old it may be.
#[derive(Serialize)]
struct AnalysisTag<'a> {
    tag: &'a Tag,
    table: &'a str,
    at_most_days: Option<u32>,
}

/// The search, its lists sorted.
#[derive(Serialize)]
struct AnalysisDiscover<'a> {
    tags: Vec<&'a str>,
    treatments: Vec<&'a str>,
    metrics: Vec<&'a str>,
    codes: Codes,
    partition: &'a DeclaredPartition,
    tree: &'a TreeControls,
    /// Left out where folds are drawn, as in identities from before they could be given.
    #[serde(skip_serializing_if = "Option::is_none")]
    folds: Option<&'a GivenFolds>,
}

impl<'a> Analysis<'a> {
    fn of(plan: &'a Plan) -> Self {
        Self {
            experiment: &plan.experiment,
            unit: &plan.unit,
            cluster: plan.cluster.as_ref().map(|cluster| cluster.as_str()),
            time_zone: &plan.time_zone,
            split: AnalysisSplit::of(&plan.split),
            facts: sorted(plan.facts.iter().map(AnalysisFact::of).collect(), |fact| fact.name),
            metrics: sorted(plan.metrics.iter().collect(), |metric| metric.name.as_str()),
            tags: sorted(plan.tags.iter().flat_map(AnalysisTag::of).collect(), |entry| entry.tag.name.as_str()),
            cohorts: sorted(plan.cohorts.iter().collect(), |cohort| cohort.name.as_str()),
            discover: AnalysisDiscover::of(&plan.discover),
            models: sorted(plan.models.iter().collect(), |model| model.name.as_str()),
            slices: sorted(plan.slices.iter().map(|name| name.as_str()).collect(), |name| name),
            looks: plan.looks.iter().map(ToString::to_string).collect(),
            validate: &plan.validate,
            smallest_cell: plan.output.smallest_cell,
        }
    }
}

impl<'a> AnalysisSplit<'a> {
    fn of(split: &'a Split) -> Self {
        Self {
            filter: split.filter.as_deref().map(String::as_str),
            time: &split.time,
            variant: &split.variant,
            variants: &split.variants,
            start: *split.start,
            end: *split.end,
            several_variants: split.several_variants,
            lookback: split.lookback,
            allocation: &split.allocation,
            strata: split.strata.as_ref(),
            exposure_filter: split.exposure_filter.as_ref(),
        }
    }
}

impl<'a> AnalysisFact<'a> {
    fn of(fact: &'a Fact) -> Self {
        Self {
            name: &fact.name,
            time: &fact.time,
            filter: fact.filter.as_deref().map(String::as_str),
            unique: fact.unique.as_deref().map(String::as_str),
        }
    }
}

impl<'a> AnalysisTag<'a> {
    fn of(table: &'a TagTable) -> impl Iterator<Item = Self> {
        let at_most_days = match table.snapshot {
            Snapshot::Dated { at_most_days, .. } => Some(at_most_days),
            Snapshot::Static => None,
        };
        table.columns.iter().map(move |tag| Self { tag, table: &table.name, at_most_days })
    }
}

impl<'a> AnalysisDiscover<'a> {
    fn of(discover: &'a Discover) -> Self {
        let names = |list: &'a [Spanned<String>]| sorted(list.iter().map(|name| name.as_str()).collect(), |n| n);
        Self {
            tags: names(&discover.tags),
            treatments: names(&discover.treatments),
            metrics: names(&discover.metrics),
            codes: discover.codes,
            partition: &discover.partition,
            tree: &discover.tree,
            folds: discover.folds.as_ref(),
        }
    }
}

/// The list in the order of its names, which are unique.
fn sorted<'a, T>(mut list: Vec<T>, name: impl Fn(&T) -> &'a str) -> Vec<T> {
    list.sort_by(|a, b| name(a).cmp(name(b)));
    list
}
