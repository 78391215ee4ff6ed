//! How often the splits of a tree return in others.

use whom_stats::routing::{Code, NodeIndex, Split};

use crate::tree::Tree;

/// The share of the units that two splits on a tag must send the same way to count as nearly the same.
pub const NEAR: f64 = 0.9;

/// In how many other trees a split returns, anywhere in the tree, by the depth at which it does so first (the root has depth 0).
///
/// The lists have as many entries as the deepest of the other trees has levels of splits. `cut` is at most `near`, and `near` at
/// most `tag`, in sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitReturns {
    /// The node of the split.
    pub node: NodeIndex,
    /// Trees that split on the same tag.
    pub tag: Vec<u64>,
    /// Trees that split on the same tag and send at least [`NEAR`] of the units the same way.
    pub near: Vec<u64>,
    /// Trees that split on the same tag and send all units the same way.
    pub cut: Vec<u64>,
}

/// How often each split of `tree` returns in `others`, which were grown on the same columns.
///
/// `units` holds, for each column, the units by code: codes that no unit has are nobody's matter. Which side is called left is
/// none either. A tag without a unit is split alike by all that split on it.
pub fn split_returns(tree: &Tree, others: &[&Tree], units: &[Vec<u64>]) -> Vec<SplitReturns> {
    let levels = others.iter().map(|other| levels(other)).max().unwrap_or(0);
    let returns = |(node, split): (NodeIndex, &Split)| {
        let mut found = SplitReturns { node, tag: vec![0; levels], near: vec![0; levels], cut: vec![0; levels] };
        let units = units.get(split.column).map_or(&[][..], Vec::as_slice);
        for other in others {
            let alike = |least: f64| {
                let same_tag = splits(other).filter(|(_, rival)| rival.column == split.column);
                let alike = same_tag.filter(|(_, rival)| agreement(split, rival, units) >= least);
                alike.map(|(node, _)| other.nodes[node].depth).min()
            };
            for (counts, least) in [(&mut found.tag, 0.0), (&mut found.near, NEAR), (&mut found.cut, 1.0)] {
                if let Some(count) = alike(least).and_then(|depth| counts.get_mut(depth)) {
                    *count += 1;
                }
            }
        }
        found
    };
    splits(tree).map(returns).collect()
}

fn splits(tree: &Tree) -> impl Iterator<Item = (NodeIndex, &Split)> {
    tree.routing.nodes().iter().enumerate().filter_map(|(node, split)| Some((node, split.as_ref()?)))
}

/// One more than the depth of the deepest split.
fn levels(tree: &Tree) -> usize {
    splits(tree).map(|(node, _)| tree.nodes[node].depth + 1).max().unwrap_or(0)
}

/// The share of the units that two splits of a column send the same way, whichever side is called left; 1 exactly if all are.
fn agreement(one: &Split, other: &Split, units: &[u64]) -> f64 {
    let all: u64 = units.iter().sum();
    let alike = units.iter().enumerate().filter(|(code, _)| {
        let code = *code as Code;
        one.left.contains(code) == other.left.contains(code)
    });
    let alike: u64 = alike.map(|(_, units)| units).sum();
    if all == 0 { 1.0 } else { alike.max(all - alike) as f64 / all as f64 }
}

#[cfg(test)]
mod tests;
