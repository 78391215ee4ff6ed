//! Weakest-link pruning, its strength chosen by cross-validation.
//!
//! Subtrees are pruned from the weakest inner node up (Breiman, Friedman, Olshen and Stone 1984). The complexity of an
//! inner node is the score that its subtree adds per further leaf. Raising a bound over all complexities gives a nested
//! path of subtrees; the geometric mean of the complexities between which a subtree is best stands for it. Trees grown
//! without one fold of buckets are pruned at each of these and evaluated on the fold that they did not see.
//!
//! The loss of a leaf on left-out units is the honest one of Athey and Imbens (CT-H): - (1 - penalty) n tau² + penalty
//! (1 + r_out) n (v1/n1 + v0/n0), r_out = left-out units / measuring units, all from the left-out units in that leaf:
//! the score's negative. It is divided by the root variance and averaged over targets, as the score is.

use serde::{Deserialize, Serialize};
use whom_stats::moments::Moments;
use whom_stats::pass::{ArmTable, NodeHistogram};
use whom_stats::routing::NodeIndex;

use crate::score::Criterion;
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

/// Prunes a tree by cross-validation; `root` are the totals of all discovery units.
pub(crate) fn prune(tree: &Tree, criterion: &Criterion, root: &ArmTable, folds: &[Fold<'_>]) -> (Tree, Pruning) {
    let subtrees = path(tree);
    let bounds: Vec<f64> = subtrees.iter().map(|subtree| subtree.complexity).chain([f64::INFINITY]).collect();
    let losses = bounds.windows(2).map(|bounds| {
        let between = (bounds[0] * bounds[1]).sqrt();
        let losses = folds.iter().map(|fold| fold.loss(between, criterion, root));
        losses.sum::<f64>() / criterion.units(root).max(1) as f64
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

/// The nested subtrees of a tree, from all of it down to its root.
fn path(tree: &Tree) -> Vec<Subtree> {
    let mut subtree = Subtree { complexity: 0.0, kept: tree.nodes.iter().map(|node| node.gain.is_some()).collect() };
    let mut path = Vec::new();
    while let Some(weakest) = weakest(tree, &subtree.kept) {
        path.push(subtree.clone());
        let complexity = weakest.max(subtree.complexity);
        subtree = Subtree { complexity, kept: pruned(tree, subtree.kept, complexity) };
    }
    path.push(subtree);
    path
}

/// The smallest complexity of a reachable inner node, or `None` if only the root is left.
fn weakest(tree: &Tree, kept: &[bool]) -> Option<f64> {
    complexities(tree, kept).into_iter().flatten().min_by(f64::total_cmp)
}

/// Collapses inner nodes until every one left is worth more than `complexity` per leaf.
fn pruned(tree: &Tree, mut kept: Vec<bool>, complexity: f64) -> Vec<bool> {
    loop {
        let complexities = complexities(tree, &kept);
        let weakest = complexities.iter().flatten().copied().min_by(f64::total_cmp);
        let Some(weakest) = weakest.filter(|weakest| *weakest <= complexity) else { return kept };
        for (kept, own) in kept.iter_mut().zip(complexities) {
            *kept = *kept && own.is_none_or(|own| own > weakest);
        }
    }
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
    /// The loss on the left-out units of the fold's tree, pruned at a complexity of the whole tree. Complexities grow
    /// with the number of units, so the bound is scaled to the units that grew the fold's tree.
    fn loss(&self, complexity: f64, criterion: &Criterion, root: &ArmTable) -> f64 {
        let Some(left_out) = self.left_out.first().map(|node| &node.totals) else { return 0.0 };
        let grown_share = 1.0 - criterion.share(left_out, root);
        let inner = self.tree.nodes.iter().map(|node| node.gain.is_some()).collect();
        let kept = pruned(self.tree, inner, complexity * grown_share);
        let criterion = criterion.for_part(left_out, root);
        leaves(self.tree, &kept).map(|leaf| -self.leaf_score(leaf, &criterion)).sum()
    }

    fn leaf_score(&self, leaf: NodeIndex, criterion: &Criterion) -> f64 {
        let scores = (0..criterion.targets()).map(|target| self.target_score(leaf, target, criterion));
        scores.sum::<f64>() / criterion.targets().max(1) as f64
    }

    /// The score of a target's left-out units in a leaf. Where an arm is empty, their number times the score per unit
    /// of the nearest ancestor with two arms; 0 if even the root has an empty one.
    fn target_score(&self, leaf: NodeIndex, target: usize, criterion: &Criterion) -> f64 {
        let units = criterion.units_of(target, &self.cells(leaf, criterion)) as f64;
        let mut at = Some(leaf);
        while let Some(node) = at {
            let cells = self.cells(node, criterion);
            if let Some(score) = criterion.score_of(target, &cells) {
                return if node == leaf { score } else { units * score / criterion.units_of(target, &cells) as f64 };
            }
            at = self.tree.nodes[node].parent;
        }
        0.0
    }

    fn cells(&self, node: NodeIndex, criterion: &Criterion) -> Vec<Moments> {
        let totals = &self.left_out[node].totals;
        criterion.cells(totals).collect()
    }
}
