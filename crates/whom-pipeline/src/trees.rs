//! Trees as they are shown: splits in the tags' own values, effects of every node on both folds.

use whom_engine::EngineError;
use whom_forest::Tree;
use whom_report::{Fold, ImportanceRow, NodeEffect, NodeView, Side, SplitView, TreeView};
use whom_stats::{ArmTable, CodeSet, NodeHistogram, Pass, Split, TreePass};

use crate::comparison::Comparison;
use crate::rules::condition;
use crate::study::{Question, Study};

/// A tree to be shown.
pub(crate) struct Shown<'a> {
    pub(crate) name: String,
    pub(crate) tree: &'a Tree,
    pub(crate) questions: Vec<Question>,
    /// Whether its leaves are the cohorts of the declared partition.
    pub(crate) declared: bool,
}

/// Views of trees, measured in one pass.
pub(crate) async fn views(study: &Study<'_>, shown: &[Shown<'_>]) -> Result<Vec<TreeView>, EngineError> {
    let requests = shown.iter().flat_map(|shown| {
        [Fold::Discover, Fold::Measure].map(|fold| TreePass {
            routing: shown.tree.routing.clone(),
            buckets: study.buckets(fold).clone(),
            weights: None,
            nodes: (0..shown.tree.nodes.len()).collect(),
            columns: Vec::new(),
        })
    });
    let answer = study.units.source.answer(Pass { trees: requests.collect() }).await?;
    let folds = answer.trees.chunks_exact(2);
    Ok(shown.iter().zip(folds).map(|(shown, folds)| view(study, shown, &folds[0], &folds[1])).collect())
}

fn view(study: &Study<'_>, shown: &Shown<'_>, discovery: &[NodeHistogram], measuring: &[NodeHistogram]) -> TreeView {
    let cohorts = if shown.declared { shown.tree.cohorts() } else { Vec::new() };
    let effects = |nodes: &[NodeHistogram], node: usize| {
        nodes.get(node).map_or_else(Vec::new, |found| node_effects(study, &shown.questions, &found.totals))
    };
    let nodes = shown.tree.routing.nodes().iter().enumerate().map(|(node, split)| NodeView {
        split: split.as_ref().and_then(|split| split_view(study, shown.tree, node, split)),
        cohort: cohorts.iter().find(|cohort| cohort.leaf == node).map(|cohort| cohort.name.clone()),
        discovery: effects(discovery, node),
        measuring: effects(measuring, node),
    });
    let mut variants: Vec<usize> = shown.questions.iter().map(|question| question.treatment).collect();
    let mut metrics: Vec<usize> = shown.questions.iter().map(|question| question.metric).collect();
    for places in [&mut variants, &mut metrics] {
        places.sort_unstable();
        places.dedup();
    }
    TreeView {
        name: shown.name.clone(),
        variants: variants.into_iter().map(|arm| study.variant(arm).to_owned()).collect(),
        metrics: metrics.into_iter().map(|metric| study.metric(metric).name.value.clone()).collect(),
        nodes: nodes.collect(),
    }
}

fn split_view(study: &Study<'_>, tree: &Tree, node: usize, split: &Split) -> Option<SplitView> {
    let bins = study.units.bins.get(split.column)?;
    let codes = 0..bins.shape().codes;
    let right: CodeSet = codes.map(|code| code as u16).filter(|code| !split.left.contains(*code)).collect();
    let ordered = bins.shape().ordered;
    Some(SplitView {
        tag: bins.name.clone(),
        left_condition: condition(bins, &split.left),
        right_condition: condition(bins, &right),
        left_codes: split.left.iter().collect(),
        edge: if ordered { edge(bins, &split.left) } else { None },
        missing: bins.missing().map(|code| if split.left.contains(code) { Side::Left } else { Side::Right }),
        gain: tree.nodes.get(node).and_then(|node| node.gain).unwrap_or(0.0),
        left: split.left_child,
        right: split.right_child,
    })
}

/// The value of the last known code on the side of the first; `None` if known values all go to one side.
fn edge(bins: &whom_query::TagBins, left: &CodeSet) -> Option<f64> {
    let whom_query::BinKind::Numeric { edges, .. } = &bins.kind else { return None };
    let side = left.contains(0);
    let last = (0..edges.len()).take_while(|code| left.contains(*code as u16) == side).last()?;
    (last + 1 < edges.len()).then(|| edges[last])
}

fn node_effects(study: &Study<'_>, questions: &[Question], totals: &ArmTable) -> Vec<NodeEffect> {
    questions
        .iter()
        .map(|question| {
            let found = Comparison::of(totals, *question, study.grids[question.metric]);
            NodeEffect {
                variant: study.variant(question.treatment).to_owned(),
                metric: study.metric(question.metric).name.value.clone(),
                n_control: found.control.units,
                n_variant: found.treatment.units,
                estimate: found.effect.ok().map(|effect| effect.difference.value),
                std_err: found.effect.ok().map(|effect| effect.difference.std_err),
            }
        })
        .collect()
}

/// Each tag's share of a tree's gain, tree by tree.
pub(crate) fn importance(shown: &[Shown<'_>]) -> Vec<ImportanceRow> {
    shown
        .iter()
        .flat_map(|shown| {
            shown.tree.importance().into_iter().map(|importance| ImportanceRow {
                tree: shown.name.clone(),
                tag: importance.name,
                share: importance.share,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests;
