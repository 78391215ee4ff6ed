//! How stable the search for cohorts is. All of it describes the procedure on these data; nothing is selected on it, and no
//! verdict reads it.

use serde::{Deserialize, Serialize};
use whom_stats::Interval;

use crate::effect::{Correction, Evidence, Family};
use crate::word::words;

/// What was looked at; parts that were not asked for are `None`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stability {
    /// The declared tree against trees that the same search grows on bootstrap replicates of the discovery units.
    pub search: Option<SearchStability>,
    /// The declared cohorts against what the whole analysis finds with other halves to discover and measure.
    pub resplits: Option<ResplitStability>,
}

/// The declared tree against those of bootstrap replicates. Only discovery units are read, and the consensus tree is fixed before
/// any unit is measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchStability {
    /// The name of the declared tree.
    pub tree: String,
    /// Replicates: each counts the units of a discovery bucket a Poisson(1) number of times and searches and prunes anew.
    pub replicates: u64,
    /// Units that replicates are drawn from.
    pub units: u64,
    /// All discovery units: more than `units` if there are so many that a sample stands for them.
    pub discovery_units: u64,
    /// Units that trees are compared on: a sample of `units` if there are many.
    pub compared_units: u64,
    /// The share of replicates that find no split at all.
    pub without_split: f64,
    /// The share of units that two splits of a tag send the same way to count as nearly the same.
    pub near: f64,
    /// The splits of the declared tree, the root first; none if it has no split.
    pub splits: Vec<SplitStability>,
    /// The Jaccard index from which a cohort counts as returned.
    pub returned_from: f64,
    /// The cohorts of the declared partition in their order.
    pub cohorts: Vec<CohortStability>,
    /// By treatment, metric and rank.
    pub optimism: Vec<OptimismRow>,
    /// The tree that is most like the others; `None` with fewer than two replicates.
    pub consensus: Option<ConsensusTree>,
}

/// How often a split of the declared tree returns, anywhere in a replicate's tree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitStability {
    /// The split's node in the declared tree.
    pub node: usize,
    /// The tag it asks for.
    pub tag: String,
    /// Its depth; the root has depth 0.
    pub depth: usize,
    /// Replicates that split on the tag at all, as a share by the depth at which they do so first.
    pub tag_by_depth: Vec<f64>,
    /// Replicates that also send nearly the same units the same way.
    pub near_by_depth: Vec<f64>,
    /// Replicates that send exactly the same units the same way.
    pub cut_by_depth: Vec<f64>,
}

impl SplitStability {
    /// The share of replicates that split on the tag.
    pub fn tag_share(&self) -> f64 {
        self.tag_by_depth.iter().sum()
    }

    /// The share of replicates that split nearly alike.
    pub fn near_share(&self) -> f64 {
        self.near_by_depth.iter().sum()
    }

    /// The share of replicates that split exactly alike.
    pub fn cut_share(&self) -> f64 {
        self.cut_by_depth.iter().sum()
    }
}

/// How often a cohort returns: how like it the most similar leaf of each replicate is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CohortStability {
    /// The cohort.
    pub cohort: String,
    /// The share of replicates in which it returns.
    pub returned: f64,
    /// The mean over replicates of the best Jaccard index; `None` if no compared unit is in the cohort.
    pub mean_jaccard: Option<f64>,
}

words! {
    /// From which end leaves are counted, in the order of the estimates of the units that grew them.
    pub enum RankEnd {
        /// From the highest estimate.
        Highest = "highest",
        /// From the lowest.
        Lowest = "lowest",
    }
}

/// How much the search flatters a leaf that it ranks so: its effect on units of the replicate, and on discovery units that the
/// replicate did not see. Means over replicates, of the values that trees see: in the metric's unit, and of a ratio in that of its
/// numerator, less what its denominator explains.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OptimismRow {
    /// The treatment.
    pub variant: String,
    /// The metric.
    pub metric: String,
    /// The end that the rank counts from.
    pub end: RankEnd,
    /// The rank, from 1.
    pub rank: usize,
    /// Replicates with such a leaf that is estimable in both ways.
    pub replicates: u64,
    /// The effect on the units that grew the leaf; `None` without a replicate.
    pub in_bag: Option<f64>,
    /// The effect on units that did not.
    pub out_of_bag: Option<f64>,
    /// In-bag less out-of-bag.
    pub optimism: Option<f64>,
}

/// The tree that is most like the others, by the mean adjusted Rand index.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConsensusTree {
    /// Whether it puts the compared units into the same cohorts as the declared tree.
    pub is_declared: bool,
    /// Its mean similarity to the replicates' trees.
    pub similarity: f64,
    /// The same of the declared tree.
    pub declared_similarity: f64,
    /// The rules of its leaves in words, by descending discovery estimate.
    pub rules: Vec<String>,
}

/// What the whole analysis finds when other halves of the buckets discover and measure.
///
/// The halves overlap, and half of the units that measure there have discovered the declared cohorts: shares describe, and are
/// no probabilities.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResplitStability {
    /// Alternative halvings.
    pub splits: u64,
    /// Units that are halved.
    pub units: u64,
    /// All units: more than `units` if there are so many that a sample stands for them.
    pub all_units: u64,
    /// Halvings in which the search finds no split.
    pub without_split: u64,
    /// The Jaccard index from which a cohort counts as returned.
    pub returned_from: f64,
    /// By treatment and metric: halvings in which the global test detects heterogeneity.
    pub detected: Vec<DetectedAgain>,
    /// By cohort, treatment and metric.
    pub cohorts: Vec<ResplitCohort>,
    /// By treatment, metric and group: whether the procedure orders units rightly.
    pub groups: Vec<RankedGroupRow>,
}

/// How often heterogeneity is detected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DetectedAgain {
    /// The treatment.
    pub variant: String,
    /// The metric.
    pub metric: String,
    /// Halvings in which the global test's gate is open.
    pub halvings: u64,
}

/// How often a declared cohort is found and judged the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResplitCohort {
    /// The cohort.
    pub cohort: String,
    /// The treatment.
    pub variant: String,
    /// The metric.
    pub metric: String,
    /// Halvings in which it returns.
    pub returned: u64,
    /// The mean over halvings of the best Jaccard index; `None` if no compared unit is in the cohort.
    pub mean_jaccard: Option<f64>,
    /// Of those in which it returns: with a measured effect of the same sign as the declared one's.
    pub same_sign: u64,
    /// Of those in which it returns: called different from the rest, the gate being open.
    pub different: u64,
}

/// The effect in a group of units, ranked by what a tree of the other half predicts for them: sorted group average treatment effects
/// (GATES).
///
/// A row measures the procedure on units that did not grow the tree, by medians over halvings; no tree and no cohort stands behind it.
/// The effect of a halving's group lies in the interval with at least the level, on average over halvings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RankedGroupRow {
    /// The treatment.
    pub variant: String,
    /// The metric.
    pub metric: String,
    /// Exploratory: it never feeds the verdict. Also in files from before it was told.
    #[serde(default = "exploratory_evidence")]
    pub evidence: Evidence,
    /// The family that the p-value is corrected in, with everything else that is exploratory.
    #[serde(default = "exploratory_family")]
    pub family: Family,
    /// The group from 1, the lowest predictions; `None` for the highest group less the lowest.
    pub group: Option<usize>,
    /// The number of groups, of equal size.
    pub groups: usize,
    /// The median over halvings of the effect; `None` if half of them or more have none.
    pub estimate: Option<f64>,
    /// The interval over halvings.
    pub interval: Option<Interval>,
    /// The level of the interval.
    pub level: f64,
    /// The two-sided p-value over halvings: twice the median of those of the halvings.
    pub p_value: Option<f64>,
    /// The same, corrected over the family; `None` without a p-value, and in files from before it was.
    #[serde(default)]
    pub p_value_adjusted: Option<f64>,
    /// By what the family is corrected.
    #[serde(default = "not_corrected")]
    pub correction: Correction,
    /// Halvings with an estimate.
    pub halvings: u64,
    /// Why there is no estimate; `None` where there is one.
    pub not_estimable: Option<String>,
}

fn exploratory_evidence() -> Evidence {
    Evidence::Exploratory
}

fn exploratory_family() -> Family {
    Family::Exploratory
}

fn not_corrected() -> Correction {
    Correction::None
}
