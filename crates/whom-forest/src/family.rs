//! A family: a tree and the trees that prune it.

use serde::{Deserialize, Serialize};
use whom_stats::pass::{NodeHistogram, TreePass};
use whom_stats::{ArmTable, BucketWeights};

use crate::discovery::DiscoveredTree;
use crate::error::ForestError;
use crate::grower::Grower;
use crate::plan::DiscoveryPlan;
use crate::prune::{Fold, prune};
use crate::score::Criterion;
use crate::search::Search;
use crate::target::Target;
use crate::tree::Tree;

/// A tree on all discovery buckets, and one on all but each pruning fold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Family {
    targets: Vec<Target>,
    /// How often units count; `None` counts each once.
    weights: Option<BucketWeights>,
    whole: Grower,
    folds: Vec<Grower>,
    /// For each fold, the left-out units in each node of its tree: the last pass, once all trees are grown.
    left_out: Option<Vec<Vec<NodeHistogram>>>,
}

impl Family {
    pub(crate) fn new(targets: Vec<Target>, plan: &DiscoveryPlan, weights: Option<BucketWeights>) -> Self {
        let folds = plan.folds.iter().map(|fold| Grower::new(plan.buckets.without(fold))).collect();
        Self { targets, weights, whole: Grower::new(plan.buckets.clone()), folds, left_out: None }
    }

    /// What the next pass must answer; nothing when the family is finished.
    pub(crate) fn requests(&self, plan: &DiscoveryPlan) -> Vec<TreePass> {
        let weighted = |request: TreePass| TreePass { weights: self.weights.clone(), within: plan.within, ..request };
        self.unweighted(plan).into_iter().map(weighted).collect()
    }

    fn unweighted(&self, plan: &DiscoveryPlan) -> Vec<TreePass> {
        let growing: Vec<TreePass> = self.growing().filter_map(|grower| grower.request(&plan.columns)).collect();
        if !growing.is_empty() || self.is_finished() {
            return growing;
        }
        self.folds.iter().zip(&plan.folds).map(|(grower, fold)| grower.evaluation(fold.clone())).collect()
    }

    /// Checks the answers to [`Family::requests`] against what earlier ones said.
    pub(crate) fn check(&self, answers: &[&[NodeHistogram]]) -> Result<(), ForestError> {
        self.growing().zip(answers).try_for_each(|(grower, answer)| grower.check(answer))
    }

    /// Takes the checked answers to [`Family::requests`].
    pub(crate) fn absorb(&mut self, answers: &[&[NodeHistogram]], plan: &DiscoveryPlan) {
        if self.growing().next().is_none() {
            if !self.is_finished() {
                self.left_out = Some(answers.iter().map(|nodes| nodes.to_vec()).collect());
            }
            return;
        }
        let Some(root) = self.whole.root().or_else(|| told(answers.first()?)).cloned() else { return };
        let folds = if self.folds_matter() { self.folds.as_mut_slice() } else { &mut [] };
        let growers = std::iter::once(&mut self.whole).chain(folds).filter(|grower| grower.is_growing());
        for (grower, answer) in growers.zip(answers) {
            let Some(own) = grower.root().or_else(|| told(answer)) else { return };
            let criterion = criterion(&self.targets, &root, plan).for_part(own, &root);
            grower.absorb(answer, &Search { criterion: &criterion, plan });
        }
    }

    /// The finished trees, or `None` while there is something to ask.
    pub(crate) fn finish(&self, plan: &DiscoveryPlan) -> Option<DiscoveredTree> {
        let root = self.whole.root()?;
        if self.growing().next().is_some() || !self.is_finished() {
            return None;
        }
        let criterion = criterion(&self.targets, root, plan);
        let unpruned = self.whole.tree(&self.targets, &criterion, &plan.shapes);
        let Some(left_out) = &self.left_out else {
            return Some(DiscoveredTree { pruned: unpruned.clone(), unpruned, pruning: None });
        };
        let trees: Option<Vec<Tree>> = self
            .folds
            .iter()
            .map(|fold| Some(fold.tree(&self.targets, &criterion.for_part(fold.root()?, root), &plan.shapes)))
            .collect();
        let trees = trees?;
        let folds: Vec<Fold<'_>> = trees.iter().zip(left_out).map(|(tree, left_out)| Fold { tree, left_out }).collect();
        let (pruned, pruning) = prune(&unpruned, &folds);
        Some(DiscoveredTree { unpruned, pruned, pruning: Some(pruning) })
    }

    /// The trees that still grow, the whole one first.
    fn growing(&self) -> impl Iterator<Item = &Grower> {
        let folds = if self.folds_matter() { self.folds.as_slice() } else { &[] };
        std::iter::once(&self.whole).chain(folds).filter(|grower| grower.is_growing())
    }

    /// A whole tree without a split has nothing to prune.
    fn folds_matter(&self) -> bool {
        self.whole.root().is_none() || self.whole.has_split()
    }

    /// Whether nothing remains to be asked once all trees are grown.
    fn is_finished(&self) -> bool {
        self.left_out.is_some() || self.folds.is_empty() || !self.folds_matter()
    }
}

fn told(answer: &[NodeHistogram]) -> Option<&ArmTable> {
    answer.first().map(|root| &root.totals)
}

fn criterion(targets: &[Target], root: &ArmTable, plan: &DiscoveryPlan) -> Criterion {
    Criterion::new(targets, root, plan)
}
