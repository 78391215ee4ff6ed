//! The search for cohorts.

use schemars::JsonSchema;

use super::Shape;
use super::leaf::{Number, WholeNumber};
use crate::plan;

/// How cohorts are searched.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Discover {
    /// The tags that trees may split on. Default: all that are not protected.
    tags: Option<Vec<String>>,
    /// The treatments that trees are grown for. Default: all.
    treatments: Option<Vec<String>>,
    /// The primary metrics that trees are grown for. Default: all.
    metrics: Option<Vec<String>>,
    /// The width of tags' codes in bits: 8 (at most 256 codes, the default) or 16.
    codes: Option<WholeNumber>,
    /// The partition whose cohorts are tested: `joint` (the default), or the tree of one treatment and one metric.
    partition: Option<Partition>,
    /// How trees grow.
    tree: Option<Tree>,
    /// The bootstrap replicates of the search that tell how stable its tree is; 0 makes none. Default: 200.
    search_replicates: Option<WholeNumber>,
    /// The other halves of the units on which the analysis is tried again, to tell how much depends on the halves; 0 tries none.
    /// Default: 25.
    resplits: Option<WholeNumber>,
    /// The units on which these searches are repeated at most; of more, about so many, chosen by a hash of their ids, stand for
    /// all. Default: 2000000.
    repeated_units: Option<WholeNumber>,
    /// Folds that the data give, for published tables. Default: folds follow from the experiment's name and the unit.
    folds: Option<Folds>,
}

impl Shape for Discover {
    const KEYS: &'static [&'static str] = &[
        "tags",
        "treatments",
        "metrics",
        "codes",
        "partition",
        "tree",
        "search_replicates",
        "resplits",
        "repeated_units",
        "folds",
    ];
}

/// The partition of record.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(crate) enum Partition {
    Joint(JointPartition),
    Tree(PartitionTree),
}

/// The joint tree over all treatments and primary metrics.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum JointPartition {
    Joint,
}

/// The tree of one treatment and one metric.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PartitionTree {
    /// The treatment.
    treatment: String,
    /// The primary metric.
    metric: String,
}

impl Shape for PartitionTree {
    const KEYS: &'static [&'static str] = &["treatment", "metric"];
}

/// When a node may be split, and how trees are pruned.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tree {
    /// What a split is chosen by. Default: `causal_mse`.
    criterion: Option<plan::Criterion>,
    /// The largest number of splits from root to leaf. Default: 3.
    depth: Option<WholeNumber>,
    /// The smallest number of discovery units in a leaf, treatment and control together. Default: 0.
    units: Option<WholeNumber>,
    /// The smallest number of discovery units per arm in a leaf. Default: 500.
    units_per_arm: Option<WholeNumber>,
    /// The smallest number of discovery units per arm with a non-zero metric in a leaf. Default: 50.
    events_per_arm: Option<WholeNumber>,
    /// The weight of variance against heterogeneity, from 0 to 1. Default: 0.5.
    penalty: Option<Number>,
    /// The smallest gain of a split. Default: 0.
    smallest_gain: Option<Number>,
    /// The folds of the cross-validation that prunes; 0 does not prune. Default: 5.
    pruning_folds: Option<WholeNumber>,
}

impl Shape for Tree {
    const KEYS: &'static [&'static str] = &[
        "criterion",
        "depth",
        "units",
        "units_per_arm",
        "events_per_arm",
        "penalty",
        "smallest_gain",
        "pruning_folds",
    ];
}

/// Which units discover cohorts and which measure them, by a tag. Every unit must have one of the two levels.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Folds {
    /// The categorical tag that holds the fold. Trees never split on it.
    column: String,
    /// Its level on units that discover.
    discover: String,
    /// Its level on units that measure.
    measure: String,
}

impl Shape for Folds {
    const KEYS: &'static [&'static str] = &["column", "discover", "measure"];
}
