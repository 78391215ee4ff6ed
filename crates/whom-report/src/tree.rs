//! Trees as they are shown: splits in words and codes, statistics per node.

use serde::{Deserialize, Serialize};

use crate::rule::RuleCondition;
use crate::word::words;

words! {
    /// A side of a split.
    pub enum Side {
        /// The left child.
        Left = "left",
        /// The right child.
        Right = "right",
    }
}

/// A tree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TreeView {
    /// The tree's name: `joint`, or `Mens E-Mail on visit`.
    pub name: String,
    /// The treatments that its score looks at.
    pub variants: Vec<String>,
    /// The metrics that its score looks at.
    pub metrics: Vec<String>,
    /// The nodes; the root is the first, and a child comes after its parent.
    pub nodes: Vec<NodeView>,
}

/// A node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeView {
    /// Its split; `None` for a leaf.
    pub split: Option<SplitView>,
    /// The cohort that a leaf of the declared partition is.
    pub cohort: Option<String>,
    /// Effects on the fold that grew the tree: optimistic, by construction.
    pub discovery: Vec<NodeEffect>,
    /// Effects on the measuring fold.
    pub measuring: Vec<NodeEffect>,
}

/// A split: units that meet `left_condition` go left, all others right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitView {
    /// The tag.
    pub tag: String,
    /// What sends a unit left.
    pub left_condition: RuleCondition,
    /// What sends it right: the complement.
    pub right_condition: RuleCondition,
    /// The codes that go left.
    pub left_codes: Vec<u16>,
    /// The cut of a numeric split: values up to it are on one side, values above on the other.
    pub edge: Option<f64>,
    /// Where missing goes; `None` if the tag is never missing.
    pub missing: Option<Side>,
    /// The gain of the split on the discovery fold.
    pub gain: f64,
    /// Index of the left child.
    pub left: usize,
    /// Index of the right child.
    pub right: usize,
}

/// The effect of one treatment on one metric in a node, on one fold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeEffect {
    /// The treatment.
    pub variant: String,
    /// The metric.
    pub metric: String,
    /// Units of control; `None` if their number is withheld.
    pub n_control: Option<u64>,
    /// Units of the treatment; `None` if their number is withheld.
    pub n_variant: Option<u64>,
    /// The effect; `None` where it cannot be estimated.
    pub estimate: Option<f64>,
    /// Its standard error.
    pub std_err: Option<f64>,
}
