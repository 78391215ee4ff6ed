//! Binned tags to honest causal trees, as a state machine that asks for passes.
//!
//! # For whom does a treatment work?
//! A causal tree splits units by their tags so that the treatment's effect differs between leaves. Its score
//! (Athey and Imbens, *Recursive partitioning for heterogeneous causal effects*, 2016) weighs the squared effects of the
//! leaves against the sampling variance with which other units, the measuring ones, will estimate them:
//!
//! Q = (1 - penalty) n tau² - penalty (1 + r) n (v1/n1 + v0/n0), r = discovery units / measuring units.
//!
//! A [`SplitCriterion`] of the controls asks for the transformed outcome instead, the criterion of published trees.
//!
//! There is a tree per [`Target`] (treatment and metric), and one joint tree whose score is the mean of Q over targets,
//! each divided by its metric's root variance. The leaves of a pruned tree are the cohorts; their effects are measured
//! elsewhere, on units that no pass of this crate asks for.
//!
//! # Within strata
//! Where arms have other shares in some strata than in others, a tag that goes with the strata would look as if it changed the
//! effect. With [`DiscoveryPlan::within`] passes count the arms of each stratum apart, and the means of a node are those of units
//! weighted by the inverse of their realised shares ([`Weighting`]). One stratum is none.
//!
//! # No input, no output
//! A [`Discovery`] never sees a unit. It asks for a [`Pass`](whom_stats::pass::Pass), histograms of codes by arm and
//! metric in the nodes of many trees at once, and absorbs the answer; whether memory, a stream of files or a cluster
//! counted, it cannot tell. A pass grows every tree by one level: of two children the smaller one is counted, the other
//! subtracted. A last pass counts the units that each pruning fold left out. State and passes serialise, so every level
//! is a resume point.
//!
//! # What a tree depends on
//! On the discovery units and the plan only. Histograms are exact integers; they are centred exactly at the root's mean
//! and become floating point once, in a fixed order. So a tree depends neither on the order of rows nor on the position
//! of columns; shifting a metric, and exchanging treatment and control, changes no split. Ties go by a tag's name, then
//! by the codes of the left side.
//!
//! # Example
//! A treatment that helps on phones and harms on desktops. Here the pass is answered from memory:
//!
//! ```
//! use whom_forest::{Controls, Discovery, DiscoveryPlan, Target};
//! use whom_stats::{ArmTable, BucketSet, ColumnHistogram, ColumnShape, Histograms, NodeHistogram, Pass};
//!
//! // 400 units, one in each arm by turns; the metric is 1 or 3.
//! let units: Vec<(usize, bool, i64)> = (0..400)
//!     .map(|unit| {
//!         let (arm, phone, noise) = (unit % 2, unit / 2 % 2 == 0, unit / 4 % 2);
//!         (arm, phone, 1 + if (arm == 1) == phone { 2 } else { 0 } * noise as i64)
//!     })
//!     .collect();
//! let answer = |_: &Pass| {
//!     let (mut totals, mut device) = (ArmTable::new(2, 1), ColumnHistogram::new(2, 2, 1));
//!     for (arm, phone, value) in &units {
//!         device.add(usize::from(!*phone), *arm, 1, std::iter::once([*value].into_iter().collect()));
//!     }
//!     device.cells().for_each(|cell| totals.add(cell));
//!     Histograms { trees: vec![vec![NodeHistogram { totals, columns: vec![device] }]] }
//! };
//!
//! let mut discovery = Discovery::new(DiscoveryPlan {
//!     shapes: vec![ColumnShape { name: "device".into(), codes: 2, ordered: false, missing: None }],
//!     columns: vec![0],
//!     arms: 2,
//!     metrics: 1,
//!     targets: vec![Target { treatment: 1, metric: 0 }],
//!     controls: Controls { depth: 1, units_per_arm: 50, pruning_folds: 0, ..Controls::default() },
//!     buckets: BucketSet::all(),
//!     folds: Vec::new(),
//!     places: Vec::new(),
//!     within: None,
//! })?;
//! while let Some(pass) = discovery.next() {
//!     discovery.absorb(&answer(&pass))?;
//! }
//! let tree = discovery.finish()?.joint.pruned;
//! let cohorts = tree.cohorts();
//! assert_eq!((cohorts[0].name.as_str(), cohorts.len()), ("c1", 2));
//! assert_eq!(cohorts[0].rule.conditions[0].name, "device");
//! assert!(cohorts[0].rule.conditions[0].admitted.contains(0), "phones gain most");
//! assert_eq!(tree.predictions(0), Some(vec![1.0, -1.0]));
//! # Ok::<(), whom_forest::ForestError>(())
//! ```

mod answer;
mod candidates;
mod centre;
mod cohort;
mod controls;
mod discoveries;
mod discovery;
mod error;
mod family;
mod grower;
mod optimism;
mod plan;
mod prune;
mod returns;
mod rule;
mod score;
mod scored_target;
mod search;
mod target;
mod tree;
mod weighting;

pub use candidates::MOST_SUBSET_LEVELS;
pub use cohort::Cohort;
pub use controls::{Controls, SplitCriterion};
pub use discoveries::Discoveries;
pub use discovery::{Discovered, DiscoveredTree, Discovery};
pub use error::ForestError;
pub use optimism::{End, OutOfBag, RankOptimism, optimism};
pub use plan::DiscoveryPlan;
pub use prune::{Pruning, PruningStep};
pub use returns::{NEAR, SplitReturns, split_returns};
pub use rule::{Condition, Rule};
pub use score::{Silence, SilentTarget};
pub use search::Stop;
pub use target::Target;
pub use tree::{Importance, Node, NodeEstimate, Tree};
pub use weighting::Weighting;
