//! Trees as they are shown: splits in the tags' own values, effects of every node on both folds.

use whom_engine::EngineError;
use whom_forest::Tree;
use whom_report::{Fold, ImportanceRow, NodeEffect, NodeView, Side, SplitView, TreeView};
use whom_stats::{CodeSet, Routing, Split};

use crate::clustered::Clustered;
use crate::comparison::Comparison;
use crate::leaf_sums::LeafSums;
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

/// The folds that nodes have effects on.
const FOLDS: [Fold; 2] = [Fold::Discover, Fold::Measure];

/// Views of trees, measured in one look; within strata in one look each, as their statistics are large, and by cluster in one more each.
pub(crate) async fn views(study: &Study<'_>, shown: &[Shown<'_>]) -> Result<Vec<TreeView>, EngineError> {
    let together = if study.strata() > 1 { 1 } else { shown.len().max(1) };
    let mut views = Vec::with_capacity(shown.len());
    for shown in shown.chunks(together) {
        let counted = LeafSums::of_each(study, shown.iter().map(|shown| &shown.tree.routing)).await?;
        for (shown, leaves) in shown.iter().zip(&counted) {
            let clusters = Clustered::of_leaves(study, &shown.tree.routing, &FOLDS).await?;
            views.push(view(study, shown, (leaves, &clusters)));
        }
    }
    Ok(views)
}

fn view(study: &Study<'_>, shown: &Shown<'_>, (leaves, clusters): (&LeafSums, &[Clustered])) -> TreeView {
    let cohorts = if shown.declared { shown.tree.cohorts() } else { Vec::new() };
    let below = cells_below(&shown.tree.routing);
    let effects = |fold: usize, node: usize| {
        let cells = below.get(node).map_or(&[] as &[usize], Vec::as_slice);
        let sums = leaves.over(cells, study.buckets(FOLDS[fold]));
        let compare = |question: Question| {
            let units = study.compare_units(&sums, question);
            match clusters.get(fold) {
                Some(clusters) => clusters.compare_leaves(units, cells, &study.estimation(question)),
                None => units,
            }
        };
        shown.questions.iter().map(|question| node_effect(study, *question, &compare(*question))).collect()
    };
    let nodes = shown.tree.routing.nodes().iter().enumerate().map(|(node, split)| NodeView {
        split: split.as_ref().and_then(|split| split_view(study, shown.tree, node, split)),
        cohort: cohorts.iter().find(|cohort| cohort.leaf == node).map(|cohort| cohort.name.clone()),
        discovery: effects(0, node),
        measuring: effects(1, node),
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

/// By node, the cells of the leaves below it, which are numbered in the order of the leaves.
fn cells_below(routing: &Routing) -> Vec<Vec<usize>> {
    let nodes = routing.nodes();
    let mut below: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    for (cell, leaf) in routing.leaves().enumerate() {
        below[leaf].push(cell);
    }
    // Children come after their parents, so the last ones are complete first.
    for (node, split) in nodes.iter().enumerate().rev() {
        if let Some(split) = split {
            let cells = [split.left_child, split.right_child].map(|child| below[child].clone()).concat();
            below[node] = cells;
        }
    }
    below
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

fn node_effect(study: &Study<'_>, question: Question, found: &Comparison) -> NodeEffect {
    let difference = found.effect.as_ref().ok().map(|effect| effect.difference);
    NodeEffect {
        variant: study.variant(question.treatment).to_owned(),
        metric: study.metric(question.metric).name.value.clone(),
        n_control: Some(found.control.units),
        n_variant: Some(found.treatment.units),
        estimate: difference.map(|difference| difference.value),
        std_err: difference.map(|difference| difference.std_err),
    }
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
