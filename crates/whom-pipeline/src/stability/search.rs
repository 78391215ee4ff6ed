//! The bootstrap of the whole search: trees grown and pruned again on weighted buckets of the discovery fold.

use whom_forest::{DiscoveryPlan, End, NEAR, OutOfBag, RankOptimism, SplitReturns, Tree, optimism, split_returns};
use whom_report::{CohortStability, ConsensusTree, OptimismRow, RankEnd, SearchStability, SplitStability, rule_words};
use whom_stats::{BucketWeights, Fold, LeafLabels, NodeHistogram, Pass, Routing, TreePass};

use super::{Declaration, RETURNED_FROM, mean};
use crate::analysis::questions_of;
use crate::discovery::plan_of;
use crate::error::RunError;
use crate::event::Stage;
use crate::rules::cohort_rule;
use crate::searches::{Repetition, Searches};

/// What the weights of replicates are for, beside the experiment.
const PURPOSE: &str = "search";

/// Ranks from the top whose optimism is told; the lowest leaf's is, too.
const MOST_RANKS: usize = 8;

/// A replicate's tree, and the units that it did not see in each of its leaves.
struct Replicate {
    tree: Tree,
    unseen: Vec<NodeHistogram>,
}

/// How stable the declared tree is; `None` if no replicate is asked for.
///
/// # Errors
/// If the run is cancelled or the units cannot be read back.
pub(crate) async fn search_stability(declared: &Declaration<'_>) -> Result<Option<SearchStability>, RunError> {
    let replicates = declared.study.plan.discover.search_replicates as usize;
    if replicates == 0 {
        return Ok(None);
    }
    let buckets = declared.study.folds.buckets(Fold::Discover);
    let plan = plan_of(declared.study, &questions_of(declared.study, &declared.study.targets(), declared.tree));
    let grown = grown(declared, &plan, replicates).await?;
    let codes = units_by_code(declared, &plan).await?;
    let routings = declared.routings(grown.iter().map(|replicate| &replicate.tree));
    let labels = declared.study.units.source.leaf_labels(routings, declared.sample(buckets)).await;
    let labels = labels.map_err(|error| RunError::engine(Stage::Stability, &error))?;
    let found = Found { declared, grown: &grown, labels: &labels };
    Ok(Some(SearchStability {
        tree: declared.name.to_owned(),
        replicates: replicates as u64,
        units: declared.units(buckets),
        discovery_units: declared.all_units(buckets),
        compared_units: labels.units() as u64,
        without_split: found.share(|replicate| replicate.tree.leaves().len() < 2),
        near: NEAR,
        splits: found.splits(&codes),
        returned_from: RETURNED_FROM,
        cohorts: found.cohorts(),
        optimism: found.optimism(),
        consensus: found.consensus(),
    }))
}

/// Grows the replicates.
async fn grown(
    declared: &Declaration<'_>,
    plan: &DiscoveryPlan,
    replicates: usize,
) -> Result<Vec<Replicate>, RunError> {
    let experiment = declared.study.plan.experiment.as_str();
    let repetition = |number| Repetition {
        weights: Some(BucketWeights::poisson(experiment, PURPOSE, number)),
        ..Repetition::of(plan.clone())
    };
    let repetitions: Vec<Repetition> = (0..replicates as u64).map(repetition).collect();
    let searches = Searches { plan: plan.clone(), together: declared.together(1) };
    let told = ("replicates", "replicates of the search");
    let grown = declared.repeated(Stage::Stability, told, &searches, &repetitions).await?;
    Ok(grown.into_iter().map(|found| Replicate { tree: found.discovered.joint.pruned, unseen: found.unseen }).collect())
}

/// The units that replicates are drawn from, by code of each searched column.
async fn units_by_code(declared: &Declaration<'_>, plan: &DiscoveryPlan) -> Result<Vec<Vec<u64>>, RunError> {
    let root = TreePass {
        routing: Routing::root(),
        buckets: plan.buckets.clone(),
        weights: None,
        within: None,
        nodes: vec![0],
        columns: plan.columns.clone(),
    };
    let answer = declared.study.units.source.answer(Pass { trees: vec![root] }).await;
    let answer = answer.map_err(|error| RunError::engine(Stage::Stability, &error))?;
    let mut units = vec![Vec::new(); plan.shapes.len()];
    let counted = answer.trees.iter().flatten().flat_map(|node| &node.columns);
    for (column, histogram) in plan.columns.iter().zip(counted) {
        units[*column] = histogram.cells().map(|cell| cell.units.iter().sum()).collect();
    }
    Ok(units)
}

/// The declared tree and its replicates; the labels are those of the declared tree, then of each replicate.
struct Found<'a> {
    declared: &'a Declaration<'a>,
    grown: &'a [Replicate],
    labels: &'a LeafLabels,
}

impl Found<'_> {
    fn share(&self, counts: impl Fn(&Replicate) -> bool) -> f64 {
        self.grown.iter().filter(|replicate| counts(replicate)).count() as f64 / self.grown.len() as f64
    }

    fn splits(&self, codes: &[Vec<u64>]) -> Vec<SplitStability> {
        let tree = self.declared.tree;
        let others: Vec<&Tree> = self.grown.iter().map(|replicate| &replicate.tree).collect();
        let shares = |counts: Vec<u64>| counts.iter().map(|count| *count as f64 / others.len() as f64).collect();
        let view = |SplitReturns { node, tag, near, cut }: SplitReturns| {
            let split = tree.routing.nodes().get(node)?.as_ref()?;
            Some(SplitStability {
                node,
                tag: tree.columns.get(split.column)?.name.clone(),
                depth: tree.nodes.get(node)?.depth,
                tag_by_depth: shares(tag),
                near_by_depth: shares(near),
                cut_by_depth: shares(cut),
            })
        };
        split_returns(tree, &others, codes).into_iter().filter_map(view).collect()
    }

    fn cohorts(&self) -> Vec<CohortStability> {
        let matches: Vec<_> = (1..self.labels.trees()).map(|tree| self.labels.best_matches(0, tree)).collect();
        let cohorts = self.declared.tree.cohorts();
        let view = |cohort: whom_forest::Cohort| {
            let best: Vec<f64> =
                matches.iter().filter_map(|leaves| Some(leaves.get(cohort.cell)?.as_ref()?.jaccard)).collect();
            let returned = best.iter().filter(|jaccard| **jaccard >= RETURNED_FROM).count();
            CohortStability {
                cohort: cohort.name,
                returned: returned as f64 / self.grown.len() as f64,
                mean_jaccard: mean(best.into_iter()),
            }
        };
        if cohorts.len() < 2 { Vec::new() } else { cohorts.into_iter().map(view).collect() }
    }

    fn optimism(&self) -> Vec<OptimismRow> {
        let replicates: Vec<OutOfBag<'_>> =
            self.grown.iter().map(|Replicate { tree, unseen }| OutOfBag { tree, leaves: unseen }).collect();
        let ranks = self.declared.tree.leaves().len().min(MOST_RANKS);
        let told = |found: &RankOptimism| found.end == End::Highest || found.rank == 1;
        optimism(&replicates, ranks).iter().filter(|found| told(found)).map(|found| self.optimism_row(found)).collect()
    }

    fn optimism_row(&self, found: &RankOptimism) -> OptimismRow {
        let study = self.declared.study;
        let step = study.grids[found.target.metric].step();
        let metric = study.targets().into_iter().find(|question| {
            let searched = study.searched(*question, 0);
            (searched.treatment, searched.metric) == (found.target.treatment, found.target.metric)
        });
        OptimismRow {
            variant: study.variant(found.target.treatment).to_owned(),
            metric: metric.map_or_else(String::new, |question| study.metric(question.metric).name.value.clone()),
            end: match found.end {
                End::Highest => RankEnd::Highest,
                End::Lowest => RankEnd::Lowest,
            },
            rank: found.rank,
            replicates: found.replicates,
            in_bag: found.in_bag.map(|effect| effect * step),
            out_of_bag: found.out_of_bag.map(|effect| effect * step),
            optimism: found.optimism().map(|effect| effect * step),
        }
    }

    fn consensus(&self) -> Option<ConsensusTree> {
        let medoid = self.labels.medoid()?;
        let tree = match medoid.tree.checked_sub(1) {
            None => self.declared.tree,
            Some(replicate) => &self.grown.get(replicate)?.tree,
        };
        let bins = &self.declared.study.units.bins;
        let words = |cohort: whom_forest::Cohort| rule_words(&cohort_rule(&cohort.name, &cohort.rule, bins).conditions);
        Some(ConsensusTree {
            is_declared: self.labels.adjusted_rand(0, medoid.tree) == 1.0,
            similarity: medoid.similarity,
            declared_similarity: medoid.first,
            rules: tree.cohorts().into_iter().map(words).collect(),
        })
    }
}
