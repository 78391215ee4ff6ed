//! Weakest-link pruning, its strength chosen by cross-validation.
//!
//! Subtrees are pruned from the weakest inner node up (Breiman, Friedman, Olshen and Stone 1984). The complexity of an
//! inner node is the score that its subtree adds per further leaf. Raising a bound over all complexities gives a nested
//! path of subtrees; the geometric mean of the complexities between which a subtree is best stands for it. Trees grown
//! without one fold of buckets are pruned at each of these and evaluated on the fold that they did not see.
//!
//! The loss on left-out units is the squared error of the effects that the tree predicts, up to a constant: per leaf and
//! target n (g² - 2 g o) over the root variance, averaged over targets. n are the left-out units with a value; g and o
//! are the leaf's effect less the root's, among the units that grew the tree and among the left-out ones. Relative to
//! the root, a constant effect cancels and a tree without a split has loss 0.
//!
//! This is causalTree's CT-A loss, made indifferent to a constant effect. Its honest one (CT-H) reads the left-out units
//! alone, - n o² and their variance; it is so noisy that under a constant effect whole trees of twelve leaves survived
//! in simulations where this loss left the root alone.

use serde::{Deserialize, Serialize};
use whom_stats::pass::NodeHistogram;
use whom_stats::routing::NodeIndex;

use crate::tree::Tree;

/// The subtrees that pruning chose from, the unpruned tree first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pruning {
    /// The nested subtrees, by ascending complexity.
    pub path: Vec<PruningStep>,
    /// Index of the chosen one: the smallest loss, the smaller tree of two equal ones.
    pub chosen: usize,
}

/// One subtree of a pruning path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PruningStep {
    /// The subtree is best from this complexity (score per leaf) up to the next step's.
    pub complexity: f64,
    /// Its number of leaves.
    pub leaves: usize,
    /// The loss of the fold trees pruned alike, on their left-out units: the sum over folds, per discovery unit.
    pub loss: f64,
}

/// One fold of the cross-validation.
pub(crate) struct Fold<'a> {
    /// The tree grown without the fold.
    pub(crate) tree: &'a Tree,
    /// The left-out units in each node of that tree, the root first.
    pub(crate) left_out: &'a [NodeHistogram],
}

/// A subtree of a tree, by which of its inner nodes stay split.
#[derive(Clone, Debug, PartialEq)]
struct Subtree {
    complexity: f64,
    kept: Vec<bool>,
}

/// Prunes a tree by cross-validation.
pub(crate) fn prune(tree: &Tree, folds: &[Fold<'_>]) -> (Tree, Pruning) {
    let subtrees = path(tree);
    let units = tree.nodes[0].units.max(1) as f64;
    let uppers = subtrees.iter().skip(1).map(|subtree| subtree.complexity).chain([f64::INFINITY]);
    let losses = subtrees.iter().zip(uppers).map(|(subtree, upper)| {
        // Complexities grow with the number of units, so a bound is scaled to the units that grew a fold's tree.
        let bound = geometric_mean(subtree.complexity, upper) / units;
        folds.iter().map(|fold| fold.loss(bound * fold.tree.nodes[0].units as f64)).sum::<f64>() / units
    });
    let steps: Vec<PruningStep> = subtrees
        .iter()
        .zip(losses)
        .map(|(subtree, loss)| PruningStep {
            complexity: subtree.complexity,
            leaves: leaves(tree, &subtree.kept).count(),
            loss,
        })
        .collect();
    let mut chosen = 0;
    for (index, step) in steps.iter().enumerate() {
        if step.loss <= steps[chosen].loss {
            chosen = index;
        }
    }
    (tree.subtree(&subtrees[chosen].kept), Pruning { path: steps, chosen })
}

/// What stands for the complexities from `lower` to `upper`.
fn geometric_mean(lower: f64, upper: f64) -> f64 {
    if upper.is_infinite() { upper } else { (lower * upper).sqrt() }
}

/// The nested subtrees of a tree, from all of it down to its root.
fn path(tree: &Tree) -> Vec<Subtree> {
    let mut subtree = Subtree { complexity: 0.0, kept: tree.nodes.iter().map(|node| node.gain.is_some()).collect() };
    let mut path = Vec::new();
    while let Some(weakest) = smallest(&complexities(tree, &subtree.kept)) {
        let complexity = weakest.max(subtree.complexity);
        let kept = pruned(tree, subtree.kept.clone(), complexity);
        path.push(std::mem::replace(&mut subtree, Subtree { complexity, kept }));
    }
    path.push(subtree);
    path
}

/// Collapses inner nodes, the weakest first, until every one left is worth more than `complexity` per leaf.
fn pruned(tree: &Tree, mut kept: Vec<bool>, complexity: f64) -> Vec<bool> {
    loop {
        let complexities = complexities(tree, &kept);
        let Some(weakest) = smallest(&complexities).filter(|weakest| *weakest <= complexity) else { return kept };
        for (kept, own) in kept.iter_mut().zip(complexities) {
            *kept = *kept && own.is_some_and(|own| own > weakest);
        }
    }
}

fn smallest(complexities: &[Option<f64>]) -> Option<f64> {
    complexities.iter().flatten().copied().min_by(f64::total_cmp)
}

/// The score per further leaf of the subtree below each inner node; `None` for the leaves of the subtree and for what
/// lies below them.
fn complexities(tree: &Tree, kept: &[bool]) -> Vec<Option<f64>> {
    let reached = reached(tree, kept);
    let mut below: Vec<(usize, f64)> = tree.nodes.iter().map(|node| (1, node.score)).collect();
    let mut complexities = vec![None; tree.nodes.len()];
    for (index, split) in tree.routing.nodes().iter().enumerate().rev() {
        let (true, true, Some(split)) = (kept[index], reached[index], split) else { continue };
        let (left, right) = (below[split.left_child], below[split.right_child]);
        below[index] = (left.0 + right.0, left.1 + right.1);
        complexities[index] = Some((below[index].1 - tree.nodes[index].score) / (below[index].0 - 1) as f64);
    }
    complexities
}

fn reached(tree: &Tree, kept: &[bool]) -> Vec<bool> {
    let mut reached = vec![false; tree.nodes.len()];
    reached[0] = true;
    for (index, split) in tree.routing.nodes().iter().enumerate() {
        if let (true, true, Some(split)) = (kept[index], reached[index], split) {
            reached[split.left_child] = true;
            reached[split.right_child] = true;
        }
    }
    reached
}

fn leaves(tree: &Tree, kept: &[bool]) -> impl Iterator<Item = NodeIndex> {
    let reached = reached(tree, kept);
    (0..tree.nodes.len()).filter(move |node| reached[*node]).filter(|node| !kept[*node])
}

impl Fold<'_> {
    /// The loss on the left-out units of the fold's tree, pruned at a complexity.
    fn loss(&self, complexity: f64) -> f64 {
        let inner = self.tree.nodes.iter().map(|node| node.gain.is_some()).collect();
        let kept = pruned(self.tree, inner, complexity);
        let scales = self.tree.root_deviations.iter().enumerate();
        let losses: Vec<f64> = scales
            .filter_map(|(target, deviation)| Some((target, (*deviation)?)))
            .map(|(target, deviation)| {
                let errors = leaves(self.tree, &kept).filter_map(|leaf| self.error(leaf, target));
                errors.sum::<f64>() / (deviation * deviation)
            })
            .collect();
        losses.iter().sum::<f64>() / losses.len().max(1) as f64
    }

    /// A leaf's part of a target's loss. If the leaf lacks left-out units of an arm, its nearest ancestor with both
    /// speaks for it; `None` if not even the root has both.
    fn error(&self, leaf: NodeIndex, target: usize) -> Option<f64> {
        let grown = self.grown_effect(leaf, target)? - self.grown_effect(0, target)?;
        let left_out = self.left_out_effect(leaf, target)? - self.left_out_effect(0, target)?;
        let counted = self.tree.weightings[target].counted(self.left_out[leaf].totals.cell());
        let n = counted.iter().map(|arm| arm.n).sum::<u64>() as f64;
        Some(n * grown * (grown - 2.0 * left_out))
    }

    fn grown_effect(&self, node: NodeIndex, target: usize) -> Option<f64> {
        self.tree.nodes[node].estimates[target].estimate
    }

    fn left_out_effect(&self, node: NodeIndex, target: usize) -> Option<f64> {
        let own = self.tree.weightings[target].effect(self.left_out[node].totals.cell());
        own.or_else(|| self.left_out_effect(self.tree.nodes[node].parent?, target))
    }
}

#[cfg(test)]
mod tests;
