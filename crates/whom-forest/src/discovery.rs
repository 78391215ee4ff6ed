//! A discovery: every tree of a run, grown and pruned by shared passes.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use whom_stats::BucketWeights;
use whom_stats::pass::{Histograms, Pass, TreePass};

use crate::answer::AnswerShape;
use crate::error::ForestError;
use crate::family::Family;
use crate::plan::DiscoveryPlan;
use crate::prune::Pruning;
use crate::tree::Tree;

/// All trees of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Discovered {
    /// One tree per target, in the order of the plan; of a replicate with several targets none.
    pub single: Vec<DiscoveredTree>,
    /// The tree for all targets at once: the declared partition by default. With one target, that target's tree.
    pub joint: DiscoveredTree,
}

/// A tree before and after pruning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DiscoveredTree {
    /// The tree limited by the controls only; the global test predicts with its leaves.
    pub unpruned: Tree,
    /// The tree after pruning: its leaves are the cohorts. The unpruned one if there are no pruning folds.
    pub pruned: Tree,
    /// What pruning chose from; `None` without pruning folds or without a split.
    pub pruning: Option<Pruning>,
}

/// A discovery in progress: a state machine that asks for passes and never learns who answers.
///
/// ```text
/// let mut discovery = Discovery::new(plan)?;
/// while let Some(pass) = discovery.next() {
///     discovery.absorb(&answer(&units, &pass))?;
/// }
/// let trees = discovery.finish()?;
/// ```
///
/// Between two passes the state can be serialised and read again, by any format that keeps every bit of the controls'
/// floating-point numbers; the rest of the state is integers. The trees depend on nothing but the discovery units: not
/// on their order, not on the position of columns, not on units of other buckets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Discovery {
    plan: DiscoveryPlan,
    families: Vec<Family>,
}

impl Discovery {
    /// Plans a discovery.
    ///
    /// # Errors
    /// A [`ForestError`] that names the control, target, tag or fold that is impossible.
    pub fn new(plan: DiscoveryPlan) -> Result<Self, ForestError> {
        plan.validate()?;
        let singles = plan.targets.iter().map(|target| vec![*target]);
        let joint = (plan.targets.len() > 1).then(|| plan.targets.clone());
        let families = singles.chain(joint).map(|targets| Family::new(targets, &plan, None)).collect();
        Ok(Self { plan, families })
    }

    /// Plans a replicate of the tree for all targets at once, grown and pruned on units that count as often as their bucket
    /// weighs: exactly the tree of rows repeated so often. The trees of single targets are left out.
    ///
    /// # Errors
    /// As [`Discovery::new`].
    pub fn replicate(plan: DiscoveryPlan, weights: BucketWeights) -> Result<Self, ForestError> {
        plan.validate()?;
        let families = vec![Family::new(plan.targets.clone(), &plan, Some(weights))];
        Ok(Self { plan, families })
    }

    /// The next pass, or `None` when all trees are grown and evaluated. Asking again gives the same pass.
    pub fn next(&self) -> Option<Pass> {
        let mut trees: Vec<TreePass> = Vec::new();
        for request in self.requests().into_iter().flatten() {
            if !trees.contains(&request) {
                trees.push(request);
            }
        }
        (!trees.is_empty()).then_some(Pass { trees })
    }

    /// Takes the answer to [`Discovery::next`] and grows every tree by a level.
    ///
    /// # Errors
    /// [`ForestError::Answer`] if the answer has another shape than asked or contradicts earlier ones, and
    /// [`ForestError::NothingAsked`] at the end. The state is then as before, and the pass can be answered again.
    pub fn absorb(&mut self, answer: &Histograms) -> Result<(), ForestError> {
        let pass = self.next().ok_or(ForestError::NothingAsked)?;
        let arms = self.plan.arms * self.plan.strata();
        let shape = AnswerShape { columns: &self.plan.shapes, arms, metrics: self.plan.metrics };
        shape.check(&pass, answer)?;
        let answers: Vec<Vec<_>> = self
            .requests()
            .into_iter()
            .map(|requests| {
                let place = |request: TreePass| pass.trees.iter().position(|asked| *asked == request);
                requests.into_iter().filter_map(place).map(|tree| answer.trees[tree].as_slice()).collect()
            })
            .collect();
        self.families.iter().zip(&answers).try_for_each(|(family, answers)| family.check(answers))?;
        let families = self.families.par_iter_mut().zip(&answers);
        families.for_each(|(family, answers)| family.absorb(answers, &self.plan));
        Ok(())
    }

    /// The trees.
    ///
    /// # Errors
    /// [`ForestError::Unfinished`] while a pass is to be answered.
    pub fn finish(self) -> Result<Discovered, ForestError> {
        let plan = &self.plan;
        let trees: Option<Vec<DiscoveredTree>> = self.families.iter().map(|family| family.finish(plan)).collect();
        let mut single = trees.ok_or(ForestError::Unfinished)?;
        let joint = if plan.targets.len() > 1 { single.pop() } else { single.first().cloned() };
        joint.map(|joint| Discovered { single, joint }).ok_or(ForestError::Unfinished)
    }

    /// What each family asks for, in its own order.
    fn requests(&self) -> Vec<Vec<TreePass>> {
        self.families.iter().map(|family| family.requests(&self.plan)).collect()
    }
}

#[cfg(test)]
pub(crate) mod tests;
