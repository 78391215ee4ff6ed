//! Nodes of too few units, and those that would tell theirs.

use std::collections::BTreeSet;

use super::SmallestCell;
use super::cohorts::HiddenCohorts;
use super::effects::HiddenMetrics;
use super::summary::Counted;
use crate::tree::{NodeEffect, NodeView, TreeView};

/// The tree without the figures of nodes that are withheld.
pub(super) fn withheld(
    cell: SmallestCell,
    mut tree: TreeView,
    cohorts: &HiddenCohorts,
    metrics: &HiddenMetrics,
    counted: &mut Counted,
) -> TreeView {
    let hidden = hidden_nodes(cell, &tree, |cohort| cohorts.hides(cohort));
    counted.nodes += hidden.len();
    for (place, node) in tree.nodes.iter_mut().enumerate() {
        let is_hidden = hidden.contains(&place);
        for effect in node.discovery.iter_mut().chain(&mut node.measuring) {
            if is_hidden || metrics.hides_numbers(&effect.metric) {
                (effect.n_control, effect.n_variant) = (None, None);
            }
            if is_hidden {
                (effect.estimate, effect.std_err) = (None, None);
            }
        }
    }
    tree
}

/// The cohorts of the leaves that are withheld, given those that are too small by themselves.
pub(super) fn hidden_cohorts(cell: SmallestCell, tree: &TreeView, small: &BTreeSet<String>) -> Vec<String> {
    let hidden = hidden_nodes(cell, tree, |cohort| small.contains(cohort));
    let leaves = hidden.into_iter().filter_map(|node| tree.nodes.get(node)?.cohort.clone());
    leaves.collect()
}

/// What is below a node one of whose children is too small; everything, if the root is.
fn hidden_nodes(cell: SmallestCell, tree: &TreeView, small_cohort: impl Fn(&str) -> bool) -> BTreeSet<usize> {
    let small = |place: usize| {
        tree.nodes
            .get(place)
            .is_some_and(|node| is_small(cell, node) || node.cohort.as_deref().is_some_and(&small_cohort))
    };
    let mut hidden = BTreeSet::new();
    if small(0) {
        hidden.insert(0);
    }
    // A child comes after its parent.
    for (place, node) in tree.nodes.iter().enumerate() {
        let Some(split) = &node.split else { continue };
        if hidden.contains(&place) || small(split.left) || small(split.right) {
            hidden.extend([split.left, split.right]);
        }
    }
    hidden
}

fn is_small(cell: SmallestCell, node: &NodeView) -> bool {
    let small = |effect: &NodeEffect| [effect.n_control, effect.n_variant].into_iter().flatten().any(|n| cell.hides(n));
    node.discovery.iter().chain(&node.measuring).any(small)
}
