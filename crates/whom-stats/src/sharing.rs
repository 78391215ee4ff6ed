//! Trees of a pass that ask for the same node count its units once.
//!
//! A tree and the trees that prune it, each grown without one fold of buckets, mostly agree on their first splits: they ask for
//! the same node, on sets of buckets that overlap. The buckets are cut into sets that lie wholly inside or outside of each
//! tree's; each set is counted once, and a tree gets the sum of its own. What counts is a smaller pass, so whoever answers
//! passes can share.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::arm_table::ColumnHistogram;
use crate::bucket::BucketSet;
use crate::pass::{Histograms, NodeHistogram, Pass, TreePass};
use crate::routing::{CodeSet, NodeIndex};
use crate::weights::BucketWeights;

/// A pass that counts nothing twice, and how its answer makes up that of the original one.
pub(crate) struct Shared {
    pass: Pass,
    /// For each tree and node asked for, the parts to add up.
    parts: Vec<Vec<Vec<Part>>>,
}

/// A node of the smaller pass: places of its tree, and of the node among those asked of it.
#[derive(Clone, Copy)]
struct Part {
    tree: usize,
    node: usize,
    /// Whether several take it.
    shared: bool,
}

/// Which units reach a node, the columns to count, the strata to count them by, and how often units count: splits on the way, by
/// column, and whether the way goes left.
type Request = (Vec<(usize, CodeSet, bool)>, Vec<usize>, Option<usize>, Option<BucketWeights>);

/// Who asks: a tree, and the place of the node among those asked of it.
struct Asker {
    tree: usize,
    place: usize,
}

impl Shared {
    pub(crate) fn of(pass: &Pass) -> Self {
        let nobody = |tree: &TreePass| vec![Vec::new(); tree.nodes.len()];
        let parts = pass.trees.iter().map(nobody).collect();
        let mut shared = Self { pass: Pass { trees: Vec::new() }, parts };
        let mut sources = Vec::new();
        for askers in askers(pass).into_values() {
            for (buckets, takers) in cut(pass, &askers) {
                let Some(first) = takers.first().map(|taker| &askers[*taker]) else { continue };
                let place = shared.place(pass, &mut sources, first, buckets);
                let part = Part { shared: takers.len() > 1, ..place };
                for taker in takers {
                    let Asker { tree, place } = askers[taker];
                    shared.parts[tree][place].push(part);
                }
            }
        }
        shared
    }

    /// What has to be counted.
    pub(crate) fn pass(&self) -> &Pass {
        &self.pass
    }

    /// The answer to the original pass, from that to the smaller one.
    pub(crate) fn merged(&self, counted: Histograms) -> Histograms {
        let sums: Vec<Vec<Option<NodeHistogram>>> =
            self.parts.par_iter().map(|nodes| nodes.par_iter().map(|parts| sum(parts, &counted)).collect()).collect();
        let mut counted: Vec<Vec<Option<NodeHistogram>>> =
            counted.trees.into_iter().map(|nodes| nodes.into_iter().map(Some).collect()).collect();
        let mut own = |parts: &[Part]| parts.first().and_then(|part| counted[part.tree][part.node].take());
        let nodes = |(sums, parts): (Vec<Option<NodeHistogram>>, &Vec<Vec<Part>>)| {
            sums.into_iter().zip(parts).filter_map(|(sum, parts)| sum.or_else(|| own(parts))).collect()
        };
        Histograms { trees: sums.into_iter().zip(&self.parts).map(nodes).collect() }
    }

    /// The place of a node in the smaller pass, for some buckets. `sources` are the trees that its trees come from.
    fn place(&mut self, pass: &Pass, sources: &mut Vec<usize>, asker: &Asker, buckets: BucketSet) -> Part {
        let source = &pass.trees[asker.tree];
        let trees = &mut self.pass.trees;
        let known = (0..trees.len()).find(|tree| sources[*tree] == asker.tree && trees[*tree].buckets == buckets);
        let tree = known.unwrap_or_else(|| {
            sources.push(asker.tree);
            trees.push(TreePass { buckets, nodes: Vec::new(), ..source.clone() });
            trees.len() - 1
        });
        trees[tree].nodes.push(source.nodes[asker.place]);
        Part { tree, node: trees[tree].nodes.len() - 1, shared: false }
    }
}

/// Who asks for the same, on whatever buckets.
fn askers(pass: &Pass) -> BTreeMap<Request, Vec<Asker>> {
    let mut askers: BTreeMap<Request, Vec<Asker>> = BTreeMap::new();
    for (tree, asked) in pass.trees.iter().enumerate() {
        let ways = ways(asked);
        for (place, node) in asked.nodes.iter().enumerate() {
            let request = (ways[*node].clone(), asked.columns.clone(), asked.within, asked.weights.clone());
            askers.entry(request).or_default().push(Asker { tree, place });
        }
    }
    askers
}

/// The splits on the way to each node, in an order that does not depend on which came first.
fn ways(tree: &TreePass) -> Vec<Vec<(usize, CodeSet, bool)>> {
    let nodes = tree.routing.nodes();
    let mut ways = vec![Vec::new(); nodes.len()];
    for (node, split) in nodes.iter().enumerate() {
        let Some(split) = split else { continue };
        let with = |left: bool, child: NodeIndex| {
            let mut way: Vec<_> = ways[node].clone();
            way.push((split.column, split.left.clone(), left));
            way.sort();
            (child, way)
        };
        for (child, way) in [with(true, split.left_child), with(false, split.right_child)] {
            ways[child] = way;
        }
    }
    ways
}

/// Sets of buckets to count, each with the askers (by place) whose buckets hold it; one set for each asker where cutting
/// would spare no counting.
fn cut(pass: &Pass, askers: &[Asker]) -> Vec<(BucketSet, Vec<usize>)> {
    let buckets = |asker: &Asker| &pass.trees[asker.tree].buckets;
    let each = || askers.iter().enumerate().map(|(place, asker)| (buckets(asker).clone(), vec![place])).collect();
    if askers.len() == 1 || askers.iter().any(|asker| buckets(asker).is_empty()) {
        return each();
    }
    let mut sets: BTreeMap<Vec<usize>, BucketSet> = BTreeMap::new();
    for bucket in BucketSet::all().iter() {
        let holds = |place: &usize| buckets(&askers[*place]).contains(bucket);
        let holders: Vec<usize> = (0..askers.len()).filter(holds).collect();
        sets.entry(holders).or_insert_with(BucketSet::none).insert(bucket);
    }
    sets.remove(&Vec::new());
    // As many answers are made and added up as there are sets.
    let once: usize = sets.values().map(BucketSet::len).sum();
    let again: usize = askers.iter().map(|asker| buckets(asker).len()).sum();
    if once == again || sets.len() > askers.len() {
        return each();
    }
    sets.into_iter().map(|(holders, buckets)| (buckets, holders)).collect()
}

/// The parts added up; `None` if there is a single one that nobody else takes.
fn sum(parts: &[Part], counted: &Histograms) -> Option<NodeHistogram> {
    let part = |part: &Part| &counted.trees[part.tree][part.node];
    let (first, others) = parts.split_first().filter(|(first, others)| first.shared || !others.is_empty())?;
    let mut sum = part(first).clone();
    for other in others.iter().map(part) {
        sum.totals.add(other.totals.cell());
        sum.columns.iter_mut().zip(&other.columns).for_each(|(sum, other)| add(sum, other));
    }
    Some(sum)
}

fn add(sum: &mut ColumnHistogram, other: &ColumnHistogram) {
    sum.units.iter_mut().zip(&other.units).for_each(|(sum, units)| *sum += units);
    sum.moments.iter_mut().zip(&other.moments).for_each(|(sum, moments)| *sum += *moments);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bucket::BUCKETS;
    use crate::routing::Routing;

    fn buckets_counted(pass: &Pass) -> usize {
        pass.trees.iter().map(|tree| tree.buckets.len() * tree.nodes.len()).sum()
    }

    #[test]
    fn a_tree_and_those_that_prune_it_count_a_bucket_once() {
        let (mut one, mut other) = (Routing::root(), Routing::root());
        one.split(0, 3, [1].into_iter().collect());
        one.split(2, 4, [0, 7].into_iter().collect());
        other.split(0, 4, [0, 7].into_iter().collect());
        let nobodys = other.split(1, 5, [2].into_iter().collect()).map(|(_, right)| right);
        // Down to the right of both splits, whichever comes first; and a node that the other tree alone has.
        let right_of_both = other.split(2, 3, [1].into_iter().collect()).map(|(_, right)| right);
        let other_nodes: Vec<NodeIndex> = right_of_both.into_iter().chain(nobodys).collect();
        let tree = |routing: &Routing, nodes: Vec<NodeIndex>, buckets| TreePass {
            routing: routing.clone(),
            buckets,
            weights: None,
            within: None,
            nodes,
            columns: vec![0],
        };
        let fold = |fold: usize| (0..BUCKETS as u16).skip(fold).step_by(5).collect();
        let without = |fold: BucketSet| BucketSet::all().without(&fold);
        let mut trees = vec![tree(&one, vec![4], BucketSet::all())];
        trees.extend((0..4).map(|left_out| tree(&one, vec![4], without(fold(left_out)))));
        trees.push(tree(&other, other_nodes, without(fold(4))));

        let pass = Pass { trees };
        let alone = BUCKETS - 204;
        assert_eq!(buckets_counted(&pass), BUCKETS * 5 + alone);
        assert_eq!(buckets_counted(Shared::of(&pass).pass()), BUCKETS + alone);
    }

    #[test]
    fn nothing_is_cut_where_nothing_is_counted_twice() {
        let tree = |buckets| TreePass {
            routing: Routing::root(),
            buckets,
            weights: None,
            within: None,
            nodes: vec![0],
            columns: Vec::new(),
        };
        let even: BucketSet = (0..BUCKETS as u16).step_by(2).collect();
        let pass = Pass { trees: vec![tree(even.clone()), tree(even.complement()), tree(BucketSet::none())] };
        assert_eq!(Shared::of(&pass).pass(), &pass);
    }
}
