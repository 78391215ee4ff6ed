//! The growth of one tree, level by level.

use std::borrow::Cow;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use whom_stats::bucket::BucketSet;
use whom_stats::moments::Moments;
use whom_stats::pass::{ColumnShape, NodeHistogram, TreePass};
use whom_stats::routing::{Code, NodeIndex, Routing};
use whom_stats::{ArmTable, ColumnHistogram};

use crate::answer::check_part;
use crate::candidates::Side;
use crate::error::ForestError;
use crate::score::Criterion;
use crate::search::{Choice, Search, Stop};
use crate::target::Target;
use crate::tree::{GrownNode, Tree};

/// A tree while it grows. Its state holds exact integers only, so it can be written and read between passes.
///
/// Of two children the one with fewer units (of all arms; the left one of two equal ones) is counted by the next pass;
/// the other's histograms are those of the parent less the counted ones. The totals of both are known at once from the
/// parent, so the children at the last depth need no pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Grower {
    buckets: BucketSet,
    routing: Routing,
    nodes: Vec<Growing>,
    pending: Vec<Pending>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Growing {
    depth: usize,
    totals: ArmTable,
    stop: Option<Stop>,
}

/// What the next pass is for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Pending {
    Root,
    Children { counted: NodeIndex, derived: NodeIndex, parent: Vec<ColumnHistogram> },
}

impl Pending {
    fn counted(&self) -> NodeIndex {
        match self {
            Self::Root => 0,
            Self::Children { counted, .. } => *counted,
        }
    }
}

impl Grower {
    /// A tree on the units of some buckets, before its first pass.
    pub(crate) fn new(buckets: BucketSet) -> Self {
        Self { buckets, routing: Routing::root(), nodes: Vec::new(), pending: vec![Pending::Root] }
    }

    /// What the tree asks of the next pass, or `None` if it is grown.
    pub(crate) fn request(&self, columns: &[usize]) -> Option<TreePass> {
        self.is_growing().then(|| TreePass {
            routing: self.routing.clone(),
            buckets: self.buckets.clone(),
            weights: None,
            within: None,
            nodes: self.pending.iter().map(Pending::counted).collect(),
            columns: columns.to_vec(),
        })
    }

    /// What the grown tree asks to be evaluated on other buckets: the totals of all its nodes.
    pub(crate) fn evaluation(&self, buckets: BucketSet) -> TreePass {
        let nodes = (0..self.nodes.len()).collect();
        TreePass { routing: self.routing.clone(), buckets, weights: None, within: None, nodes, columns: Vec::new() }
    }

    /// The totals of the root, once the first pass has told.
    pub(crate) fn root(&self) -> Option<&ArmTable> {
        self.nodes.first().map(|root| &root.totals)
    }

    /// Whether the tree asks for another pass.
    pub(crate) fn is_growing(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Whether the tree has a split.
    pub(crate) fn has_split(&self) -> bool {
        self.nodes.len() > 1
    }

    /// Checks that an answer of the right shape continues what earlier answers said.
    pub(crate) fn check(&self, answer: &[NodeHistogram]) -> Result<(), ForestError> {
        self.pending.iter().zip(answer).try_for_each(|(pending, histogram)| match pending {
            Pending::Root => Ok(()),
            Pending::Children { counted, parent, .. } if self.nodes[*counted].totals == histogram.totals => {
                check_part(parent, &histogram.columns)
            }
            Pending::Children { counted, .. } => Err(ForestError::answer(format!(
                "the totals of node {counted} are not what its parent's codes add up to"
            ))),
        })
    }

    /// Takes a checked answer to [`Grower::request`] and grows one level.
    pub(crate) fn absorb(&mut self, answer: &[NodeHistogram], search: &Search<'_>) {
        for (pending, histogram) in std::mem::take(&mut self.pending).into_iter().zip(answer) {
            let columns = Cow::Borrowed(histogram.columns.as_slice());
            match pending {
                Pending::Root => {
                    self.nodes.push(Growing { depth: 0, totals: histogram.totals.clone(), stop: None });
                    self.expand(0, columns, search);
                }
                Pending::Children { counted, derived, parent } => {
                    let others = Cow::Owned(sibling(&parent, &histogram.columns));
                    drop(parent);
                    let mut children = [(counted, columns), (derived, others)];
                    children.sort_by_key(|(node, _)| *node);
                    for (node, columns) in children {
                        self.expand(node, columns, search);
                    }
                }
            }
        }
    }

    /// Splits a node, or notes why not.
    fn expand(&mut self, node: NodeIndex, columns: Cow<'_, [ColumnHistogram]>, search: &Search<'_>) {
        if self.nodes[node].stop.is_some() {
            return;
        }
        let whole = Side::of(search.criterion, self.nodes[node].totals.cell());
        match search.best(&whole, &columns) {
            Err(stop) => self.nodes[node].stop = Some(stop),
            Ok(choice) => self.split(node, choice, columns, search),
        }
    }

    fn split(&mut self, node: NodeIndex, choice: Choice, columns: Cow<'_, [ColumnHistogram]>, search: &Search<'_>) {
        let Some(asked) = search.plan.columns.iter().position(|column| *column == choice.column) else { return };
        let whole = &self.nodes[node];
        let depth = whole.depth + 1;
        let mut left_totals = ArmTable { units: vec![0; whole.totals.units.len()], ..whole.totals.clone() };
        left_totals.moments.fill(Moments::default());
        let left_cells = columns[asked].cells().enumerate().filter(|(code, _)| choice.left.contains(*code as Code));
        left_cells.for_each(|(_, cell)| left_totals.add(cell));
        let right_totals = whole.totals.without(&left_totals);
        let left_is_smaller = left_totals.total_units() <= right_totals.total_units();

        let Some((left, right)) = self.routing.split(node, choice.column, choice.left) else { return };
        for totals in [left_totals, right_totals] {
            let stop = search.stop_before(depth, &totals);
            self.nodes.push(Growing { depth, totals, stop });
        }
        if self.nodes[left..].iter().any(|child| child.stop.is_none()) {
            let (counted, derived) = if left_is_smaller { (left, right) } else { (right, left) };
            self.pending.push(Pending::Children { counted, derived, parent: columns.into_owned() });
        }
    }

    /// The tree as grown.
    pub(crate) fn tree(&self, targets: &[Target], criterion: &Criterion, columns: &[ColumnShape]) -> Tree {
        let nodes =
            self.nodes.iter().map(|node| GrownNode { depth: node.depth, totals: &node.totals, stop: node.stop });
        Tree::new(targets, criterion, columns, &self.routing, nodes)
    }
}

/// The histograms of a node less those of one of its children: those of the other child.
fn sibling(whole: &[ColumnHistogram], part: &[ColumnHistogram]) -> Vec<ColumnHistogram> {
    whole.par_iter().zip(part).map(|(whole, part)| whole.without(part)).collect()
}
