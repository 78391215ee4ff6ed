//! A pass: one request for statistics over the units, and its answer.
//!
//! Whoever grows trees asks for passes and never learns where the statistics come from; memory, a stream of files and a
//! cluster answer the same pass with the same integers. Both sides serialise, so that a pass is a resume point.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::arm_table::{ArmTable, ColumnHistogram};
use crate::bucket::BucketSet;
use crate::routing::{Code, NodeIndex, Routing};
use crate::weights::BucketWeights;

/// One request for statistics: for each tree, histograms of some of its nodes over the chosen columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    /// The trees that share the scan.
    pub trees: Vec<TreePass>,
}

/// What a pass asks of one tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreePass {
    /// The tree as grown so far. A unit is counted in every requested node on its path, inner ones included.
    pub routing: Routing,
    /// Only units of these buckets are counted.
    pub buckets: BucketSet,
    /// How often the units of each bucket count; `None` counts every unit once.
    #[serde(default)]
    pub weights: Option<BucketWeights>,
    /// The column that tells strata apart; `None` where all units are comparable. Every arm then counts once for each of its codes,
    /// in place of once: tables have the arms of the first stratum, then those of the second, and so on.
    #[serde(default)]
    pub within: Option<usize>,
    /// The nodes asked for.
    pub nodes: Vec<NodeIndex>,
    /// The tag columns to histogram; empty asks for the node totals alone.
    pub columns: Vec<usize>,
}

/// Why a pass has no answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum PassError {
    /// The caller's flag was raised.
    #[error("the pass was cancelled")]
    Cancelled,
    /// A column is asked for, or split on, that the units do not have.
    #[error("the pass names tag column {column}; the units have {columns}")]
    Column { column: usize, columns: usize },
    /// A metric is asked for that the units do not have.
    #[error("the pass names metric {metric}; the units have {metrics}")]
    Metric { metric: usize, metrics: usize },
    /// A node is asked for that the tree does not have.
    #[error("the pass names node {node} of a tree of {nodes} nodes")]
    Node { node: NodeIndex, nodes: usize },
    /// A node is asked for twice.
    #[error("the pass names node {node} twice; ask for each node once")]
    RepeatedNode { node: NodeIndex },
    /// A split whose children are not later nodes of the tree.
    #[error("node {node} has a child that is no later node of its tree; grow trees with `Routing::split`")]
    Routing { node: NodeIndex },
}

impl Pass {
    /// Checks that the pass fits units with so many tag columns: whoever answers a pass calls this before any work.
    ///
    /// # Errors
    /// A column or node that does not exist, a node asked for twice, and a tree whose paths do not all end.
    pub fn check(&self, columns: usize) -> Result<(), PassError> {
        self.trees.iter().try_for_each(|tree| tree.check(columns))
    }
}

impl TreePass {
    fn check(&self, columns: usize) -> Result<(), PassError> {
        self.routing.check(columns)?;
        let named = self.columns.iter().chain(&self.within);
        if let Some(&column) = named.into_iter().find(|column| **column >= columns) {
            return Err(PassError::Column { column, columns });
        }
        let nodes = self.routing.nodes().len();
        let mut asked = vec![false; nodes];
        for &node in &self.nodes {
            match asked.get_mut(node) {
                None => return Err(PassError::Node { node, nodes }),
                Some(true) => return Err(PassError::RepeatedNode { node }),
                Some(asked) => *asked = true,
            }
        }
        Ok(())
    }
}

/// The answer to a [`Pass`]: one entry per tree and requested node, in the order of the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histograms {
    /// By tree, then by requested node.
    pub trees: Vec<Vec<NodeHistogram>>,
}

/// The statistics of one node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeHistogram {
    /// The totals of the node.
    pub totals: ArmTable,
    /// A histogram for each requested column, in the order of the request.
    pub columns: Vec<ColumnHistogram>,
}

/// How units are put into cells for the statistics behind effects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Grouping {
    /// One cell that holds everybody.
    Everybody,
    /// A cell per leaf, in the order of [`Routing::leaves`].
    Leaves(Routing),
    /// A cell per code of a column; units beyond `codes` are in no cell. Pre-registered cohorts are columns of 0 and 1.
    Codes {
        /// Index of the column.
        column: usize,
        /// The number of cells.
        codes: Code,
    },
}

/// Statistics by (cell, arm, bucket): enough for every effect and every bootstrap of fixed cohorts, without a scan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellStatistics {
    /// The number of cells.
    pub cells: usize,
    /// One table per (cell, bucket): index `cell * BUCKETS + bucket`.
    pub tables: Vec<ArmTable>,
}

/// What a column of tag codes is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnShape {
    /// The tag's name; ties in a search are settled by it.
    pub name: String,
    /// The number of codes, the missing one included.
    pub codes: usize,
    /// Ordered codes (a numeric tag) are split by a cut, others by a subset.
    pub ordered: bool,
    /// The code that means missing, if units can miss the tag. It is no part of the order.
    pub missing: Option<Code>,
}
