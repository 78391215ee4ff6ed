//! How cohorts are searched.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::GivenFolds;
use crate::spanned::Spanned;

/// What the search may use, and how trees grow.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Discover {
    /// The tags that trees may split on; all that are not protected unless declared. Never a protected one.
    pub tags: Vec<Spanned<String>>,
    /// The treatments that trees are grown for; all unless declared.
    pub treatments: Vec<Spanned<String>>,
    /// The primary metrics that trees are grown for; all unless declared.
    pub metrics: Vec<Spanned<String>>,
    /// How wide the codes of tags are.
    pub codes: Codes,
    /// The partition whose cohorts are tested as discovered (family F2); all other trees are exploratory.
    pub partition: DeclaredPartition,
    /// How trees grow.
    pub tree: TreeControls,
    /// Bootstrap replicates of the search (200). They describe the search and change no cohort, effect or test.
    pub search_replicates: u32,
    /// Other halves on which the analysis is tried again (25). They change nothing either.
    pub resplits: u32,
    /// Units on which searches are repeated at most; of more, about so many stand for all (2,000,000). Left out of the text of
    /// a plan that says nothing else.
    #[serde(skip_serializing_if = "is_usual")]
    pub repeated_units: u64,
    /// Which units discover and which measure, if the data say so; left out of the text of a plan whose folds are drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folds: Option<GivenFolds>,
}

impl Discover {
    /// Replicates of the search unless declared.
    pub const SEARCH_REPLICATES: u32 = 200;
    /// Other halves unless declared.
    pub const RESPLITS: u32 = 25;
    /// Units that searches are repeated on at most unless declared.
    pub const REPEATED_UNITS: u64 = 2_000_000;

    /// Whether any search is repeated.
    pub fn repeats(&self) -> bool {
        self.search_replicates > 0 || self.resplits > 0
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_usual(units: &u64) -> bool {
    *units == Discover::REPEATED_UNITS
}

/// How wide the codes of tags are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Codes {
    /// At most 256 codes a tag (the default).
    Bits8,
    /// At most 65,536 codes a tag: small data, published cuts.
    Bits16,
}

/// The partition of record, declared before anything is seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeclaredPartition {
    /// The joint tree over all treatments and primary metrics (the default).
    Joint,
    /// The tree of one treatment and one primary metric.
    Tree {
        /// The treatment; one of [`Discover::treatments`].
        treatment: Spanned<String>,
        /// The metric; one of [`Discover::metrics`].
        metric: Spanned<String>,
    },
}

/// When a node may be split, and how a tree is pruned.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TreeControls {
    /// What a split is chosen by.
    pub criterion: Criterion,
    /// The largest number of splits from root to leaf (3).
    pub depth: u32,
    /// The smallest number of discovery units that a leaf has in the treatment and control together (0); left out of the text
    /// of a plan that asks for none.
    #[serde(skip_serializing_if = "is_zero")]
    pub units: u64,
    /// The smallest number of discovery units a leaf has in each arm (500).
    pub units_per_arm: u64,
    /// The smallest number of discovery units with a non-zero metric a leaf has in each arm (50).
    pub events_per_arm: u64,
    /// The weight of variance against heterogeneity in the score, in `[0, 1]` (0.5).
    pub penalty: f64,
    /// The smallest gain of a split (0.0).
    pub smallest_gain: f64,
    /// The number of bucket folds of the cross-validation that prunes (5); 0 does not prune.
    pub pruning_folds: u32,
}

/// What a split is chosen by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Criterion {
    /// Athey and Imbens' honest mean squared error of the effect.
    CausalMse,
    /// The variance between leaves of the transformed outcome, centred at the metric's mean.
    TransformedOutcome,
    /// The same as textbooks have it, not centred: a shift of the metric moves its splits. For published trees.
    RawTransformedOutcome,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_zero(units: &u64) -> bool {
    *units == 0
}

impl Default for TreeControls {
    fn default() -> Self {
        Self {
            criterion: Criterion::CausalMse,
            depth: 3,
            units: 0,
            units_per_arm: 500,
            events_per_arm: 50,
            penalty: 0.5,
            smallest_gain: 0.0,
            pruning_folds: 5,
        }
    }
}
