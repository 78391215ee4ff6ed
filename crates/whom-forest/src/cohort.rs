//! Cohorts: a tree's leaves, named by what the discovery units said.

use serde::{Deserialize, Serialize};
use whom_stats::routing::NodeIndex;

use crate::rule::Rule;
use crate::tree::Tree;

/// A leaf as a cohort.
///
/// Cohorts are ordered by the discovery units' estimate, highest first, and named `c1`, `c2`, ... in that order, so that
/// neither order nor name depends on the units that measure them. For several targets the estimate is the mean over
/// targets of the estimate in root standard deviations; equal ones are ordered by leaf.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cohort {
    /// `c1`, `c2`, ... by descending estimate.
    pub name: String,
    /// The leaf.
    pub leaf: NodeIndex,
    /// The leaf's place in the order of [`Tree::leaves`]: its cell in `CellStatistics`.
    pub cell: usize,
    /// What ranks it: the mean over targets of the discovery estimate in root standard deviations. 0 if no target can
    /// be scored.
    pub standardised_estimate: f64,
    /// What a unit's tags must be.
    pub rule: Rule,
}

impl Cohort {
    pub(crate) fn of(tree: &Tree) -> Vec<Self> {
        let mut cohorts: Vec<Self> =
            tree.leaves().into_iter().enumerate().map(|(cell, leaf)| Self::new(tree, cell, leaf)).collect();
        cohorts.sort_by(|one, other| other.standardised_estimate.total_cmp(&one.standardised_estimate));
        for (rank, cohort) in cohorts.iter_mut().enumerate() {
            cohort.name = format!("c{}", rank + 1);
        }
        cohorts
    }

    fn new(tree: &Tree, cell: usize, leaf: NodeIndex) -> Self {
        let estimates = tree.nodes[leaf].estimates.iter().zip(&tree.root_deviations);
        let standardised: Vec<f64> =
            estimates.filter_map(|(estimate, deviation)| Some(estimate.estimate? / (*deviation)?)).collect();
        let standardised_estimate = standardised.iter().sum::<f64>() / standardised.len().max(1) as f64;
        Self { name: String::new(), leaf, cell, standardised_estimate, rule: tree.rule(leaf) }
    }
}
