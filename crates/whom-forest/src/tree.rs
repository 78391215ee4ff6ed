//! A grown tree: its routing, and what the discovery units said in each node.

use serde::{Deserialize, Serialize};
use whom_stats::pass::{ColumnShape, TreePass};
use whom_stats::routing::{NodeIndex, Routing};
use whom_stats::{ArmTable, BucketSet};

use crate::cohort::Cohort;
use crate::rule::Rule;
use crate::score::{Criterion, SilentTarget};
use crate::search::Stop;
use crate::target::Target;
use crate::weighting::Weighting;

/// A causal tree, with statistics of the discovery units only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tree {
    /// What the tree looked for.
    pub targets: Vec<Target>,
    /// Targets that took no part in the score, with the reason.
    pub silent: Vec<SilentTarget>,
    /// Root standard deviation of each target's metric, in grid units; `None` for a silent target.
    pub root_deviations: Vec<Option<f64>>,
    /// All tag columns of the run; splits and rules refer to them.
    pub columns: Vec<ColumnShape>,
    /// The way of a unit through the tree.
    pub routing: Routing,
    /// Statistics of each node of the routing.
    pub nodes: Vec<Node>,
    /// How the units of strata count, by target.
    pub weightings: Vec<Weighting>,
    /// The column that tells strata apart; `None` where all units are comparable.
    #[serde(default)]
    pub within: Option<usize>,
}

/// What the discovery units said in one node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Splits on the way from the root.
    pub depth: usize,
    /// The parent, if this is not the root.
    pub parent: Option<NodeIndex>,
    /// Units of the involved arms, whether or not a metric has a value for them.
    pub units: u64,
    /// Estimates by target, in the order of [`Tree::targets`].
    pub estimates: Vec<NodeEstimate>,
    /// The score: the mean over targets of Q over the root variance.
    pub score: f64,
    /// The gain of the node's split, or `None` in a leaf.
    pub gain: Option<f64>,
    /// Why the node is a leaf, or `None` if it is split.
    pub stop: Option<Stop>,
}

/// One target in one node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeEstimate {
    /// Treated units with a value.
    pub n_treatment: u64,
    /// Control units with a value.
    pub n_control: u64,
    /// Treated units with a non-zero value.
    pub events_treatment: u64,
    /// Control units with a non-zero value.
    pub events_control: u64,
    /// Mean of the treated less mean of control, within strata by a [`Weighting`], in grid units; `None` if an arm has no value.
    pub estimate: Option<f64>,
}

/// A tag's part in a tree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Importance {
    /// The tag's name.
    pub name: String,
    /// The share of the total gain that splits on the tag make, in 0 to 1.
    pub share: f64,
}

/// A node as growth leaves it: exact totals.
pub(crate) struct GrownNode<'a> {
    pub(crate) depth: usize,
    pub(crate) totals: &'a ArmTable,
    pub(crate) stop: Option<Stop>,
}

impl Tree {
    pub(crate) fn new<'a>(
        targets: &[Target],
        criterion: &Criterion,
        columns: &[ColumnShape],
        routing: &Routing,
        grown: impl Iterator<Item = GrownNode<'a>>,
    ) -> Self {
        let mut nodes: Vec<Node> = grown.map(|node| Node::new(&node, criterion)).collect();
        for (index, split) in routing.nodes().iter().enumerate() {
            let Some(split) = split else { continue };
            let children = nodes[split.left_child].score + nodes[split.right_child].score;
            nodes[index].gain = Some(children - nodes[index].score);
            nodes[split.left_child].parent = Some(index);
            nodes[split.right_child].parent = Some(index);
        }
        Self {
            targets: targets.to_vec(),
            silent: criterion.silent().to_vec(),
            root_deviations: targets.iter().map(|target| criterion.root_deviation(*target)).collect(),
            columns: columns.to_vec(),
            routing: routing.clone(),
            nodes,
            weightings: criterion.weightings().to_vec(),
            within: criterion.within(),
        }
    }

    /// The leaves in ascending order of index: the cells of `Grouping::Leaves`.
    pub fn leaves(&self) -> Vec<NodeIndex> {
        self.routing.leaves().collect()
    }

    /// Why the root is a leaf, or `None` if the tree has a split.
    pub fn no_split(&self) -> Option<Stop> {
        self.nodes.first().and_then(|root| root.stop)
    }

    /// A request for the totals of every leaf, in the order of [`Tree::leaves`], on other units than those that grew the tree.
    pub fn evaluation(&self, buckets: BucketSet) -> TreePass {
        let (routing, nodes) = (self.routing.clone(), self.leaves());
        TreePass { routing, buckets, weights: None, within: self.within, nodes, columns: Vec::new() }
    }

    /// The discovery estimate of each leaf, in the order of [`Tree::leaves`], of the target at this index of
    /// [`Tree::targets`], in grid units. A leaf with an empty arm predicts as its nearest ancestor with two; `None` if
    /// even the root has an empty arm, or if there is no such target.
    pub fn predictions(&self, target: usize) -> Option<Vec<f64>> {
        self.leaves().into_iter().map(|leaf| self.prediction(leaf, target)).collect()
    }

    fn prediction(&self, node: NodeIndex, target: usize) -> Option<f64> {
        let node = &self.nodes[node];
        node.estimates.get(target)?.estimate.or_else(|| self.prediction(node.parent?, target))
    }

    /// The rule of a node of this tree; the root's holds for everybody.
    pub fn rule(&self, node: NodeIndex) -> Rule {
        let Some(parent) = self.nodes.get(node).and_then(|node| node.parent) else { return Rule::default() };
        let mut rule = self.rule(parent);
        if let Some(split) = &self.routing.nodes()[parent] {
            let left = split.left_child == node;
            rule.narrow(split.column, &self.columns[split.column], |code| split.left.contains(code) == left);
        }
        rule
    }

    /// The leaves as cohorts, named and ordered by what the discovery units said; see [`Cohort`].
    pub fn cohorts(&self) -> Vec<Cohort> {
        Cohort::of(self)
    }

    /// The tags that the tree splits on, by descending share of the total gain, then by name. Empty without a split.
    pub fn importance(&self) -> Vec<Importance> {
        let mut tags: Vec<Importance> = Vec::new();
        let mut total = 0.0;
        for (split, node) in self.routing.nodes().iter().zip(&self.nodes) {
            let (Some(split), Some(gain)) = (split, node.gain) else { continue };
            total += gain;
            let name = &self.columns[split.column].name;
            match tags.iter_mut().find(|tag| tag.name == *name) {
                Some(tag) => tag.share += gain,
                None => tags.push(Importance { name: name.clone(), share: gain }),
            }
        }
        for tag in &mut tags {
            tag.share /= total;
        }
        tags.sort_by(|one, other| other.share.total_cmp(&one.share).then_with(|| one.name.cmp(&other.name)));
        tags
    }

    /// The tree in which only the inner nodes in `kept` are split, its nodes numbered anew.
    pub(crate) fn subtree(&self, kept: &[bool]) -> Self {
        let mut routing = Routing::root();
        let mut nodes = vec![self.nodes[0].clone()];
        let mut renumbered = vec![None; self.nodes.len()];
        renumbered[0] = Some(0);
        for (index, split) in self.routing.nodes().iter().enumerate() {
            let (Some(split), Some(at)) = (split, renumbered[index]) else { continue };
            if !kept[index] {
                nodes[at].gain = None;
                nodes[at].stop = Some(Stop::Pruned);
                continue;
            }
            let Some((left, right)) = routing.split(at, split.column, split.left.clone()) else { continue };
            for (old, new) in [(split.left_child, left), (split.right_child, right)] {
                renumbered[old] = Some(new);
                nodes.push(Node { parent: Some(at), ..self.nodes[old].clone() });
            }
        }
        Self { routing, nodes, ..self.clone() }
    }
}

impl Node {
    fn new(grown: &GrownNode<'_>, criterion: &Criterion) -> Self {
        let cells: Vec<_> = criterion.cells(grown.totals.cell()).collect();
        Self {
            depth: grown.depth,
            parent: None,
            units: criterion.units(grown.totals.cell()),
            estimates: criterion.weightings().iter().map(|of| NodeEstimate::new(of, grown.totals)).collect(),
            score: criterion.score(&cells),
            gain: None,
            stop: grown.stop,
        }
    }
}

impl NodeEstimate {
    fn new(weighting: &Weighting, totals: &ArmTable) -> Self {
        let [treated, control] = weighting.counted(totals.cell());
        Self {
            n_treatment: treated.n,
            n_control: control.n,
            events_treatment: treated.events,
            events_control: control.events,
            estimate: weighting.effect(totals.cell()),
        }
    }
}
