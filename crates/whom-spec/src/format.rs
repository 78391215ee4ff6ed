//! The format of a pipeline file, as documentation: one type for each mapping, of which only the JSON Schema is used.
//!
//! The types are never filled: the [decoder](crate::decode) reads the tree itself, because it can say what it expected
//! and where. What the two share is [`Shape::KEYS`]; a test holds them to the schema's properties. The doc comments are
//! what an editor shows beside a key.
#![expect(dead_code, reason = "the fields are read by the derive of `JsonSchema` alone")]

mod discover;
mod leaf;
mod metric;
mod model;
mod table;
mod validate;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use schemars::JsonSchema;

pub(crate) use self::discover::{Discover, Folds, PartitionTree, Tree};
use self::leaf::{Date, PathText, WholeNumber};
pub(crate) use self::metric::{Cap, Cuped, Metric, Quantile, RatioPart};
pub(crate) use self::model::Model;
pub(crate) use self::table::{
    AllocationPeriod, Categorical, CategoricalLevels, ExposureFilter, Fact, PartitionColumn, SeveralVariants, Split,
    Strata, TagTable, Time, Variant,
};
pub(crate) use self::validate::{Allocate, Budget, Looks, Validate};

/// A mapping of the format.
pub(crate) trait Shape: JsonSchema {
    /// The keys that it may have, in the order in which a file should set them.
    const KEYS: &'static [&'static str];
}

/// What the documentation says about a key, to go on after a colon.
pub(crate) fn explain<S: Shape>(key: &str) -> Option<String> {
    static WHOLE: LazyLock<serde_json::Value> = LazyLock::new(json_schema);
    let shape = match WHOLE.get("$defs").and_then(|shapes| shapes.get(S::schema_name().as_ref())) {
        Some(shape) => shape,
        None => &*WHOLE,
    };
    let text = shape.get("properties")?.get(key)?.get("description")?.as_str()?;
    let text = text.lines().take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    let text = text.strip_suffix('.').unwrap_or(&text);
    let mut letters = text.chars();
    let first = letters.next()?;
    let is_word = letters.clone().next().is_some_and(char::is_lowercase);
    Some(if is_word { first.to_lowercase().chain(letters).collect() } else { text.to_owned() })
}

/// The JSON Schema of a pipeline file, for editors. It is looser than [`load`](crate::load): it knows keys and types,
/// not references and sums, and it takes any `"${...}"` where a number may stand.
pub fn json_schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Pipeline);
    schema.insert("title".to_owned(), "Whom pipeline".into());
    schema.to_value()
}

/// One analysis of one experiment.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pipeline {
    /// The version of this format: 1.
    version: WholeNumber,
    /// Files whose keys this one takes over, relative to this file. This file wins key by key; of several, the later.
    include: Option<Include>,
    /// The experiment's name. Folds and bootstrap weights follow from it.
    experiment: Option<String>,
    /// The column that names the unit (a user, a customer), the same in every table.
    unit: Option<String>,
    /// The column of the split that names the cluster (a household, a school) which a unit was assigned with. Errors are then by
    /// cluster, and folds hold whole clusters.
    cluster: Option<String>,
    /// The last day that is read. Needed when a table is partitioned by day.
    through: Option<Date>,
    /// The time zone of days and windows, such as `Europe/Berlin`. Default: `UTC`.
    time_zone: Option<String>,
    /// Who saw which variant, and when. A unit's first exposure counts.
    split: Option<Split>,
    /// The tables of events that metrics are made from, by name.
    facts: Option<BTreeMap<String, Fact>>,
    /// Numbers per unit in a window after its first exposure, by name.
    metrics: Option<BTreeMap<String, Metric>>,
    /// The tables of what was known about units before their first exposure, by name.
    tags: Option<BTreeMap<String, TagTable>>,
    /// Pre-registered cohorts: a name, and a condition on tags.
    cohorts: Option<BTreeMap<String, String>>,
    /// How cohorts are searched.
    discover: Option<Discover>,
    /// Tags by whose levels every effect is shown and tested for stability, as it is by week of first exposure. Protected ones
    /// may be named. Numeric tags are cut into quarters.
    slices: Option<Vec<String>>,
    /// Linear models of metrics on the variants and tags, by name.
    models: Option<BTreeMap<String, Model>>,
    /// How effects and cohorts are tested.
    validate: Option<Validate>,
    /// The days on which cohorts are searched for, where runs are nightly. Default: in every run.
    looks: Option<Looks>,
    /// Not yet available: which variant each cohort should get.
    allocate: Option<Allocate>,
    /// Where results go.
    output: Option<Output>,
}

impl Shape for Pipeline {
    const KEYS: &'static [&'static str] = &[
        "version",
        "include",
        "experiment",
        "unit",
        "cluster",
        "through",
        "time_zone",
        "split",
        "facts",
        "metrics",
        "tags",
        "cohorts",
        "discover",
        "slices",
        "models",
        "validate",
        "looks",
        "allocate",
        "output",
    ];
}

/// One path or several.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(crate) enum Include {
    One(PathText),
    Several(Vec<PathText>),
}

/// Where results go.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Output {
    /// A folder, local or in object storage, relative to this file.
    path: PathText,
    /// The fewest units that a published number may be about: what counts fewer is withheld, and what would tell it.
    /// Default: 0, everything is shown.
    smallest_cell: Option<WholeNumber>,
}

impl Shape for Output {
    const KEYS: &'static [&'static str] = &["path", "smallest_cell"];
}

#[cfg(test)]
mod tests;
