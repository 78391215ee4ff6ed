use whom_stats::CodeSet;

use super::*;
use crate::discovery::tests::population::Population;
use crate::discovery::tests::recovery::planted;
use crate::{Controls, Discovery};

fn grown(population: &Population) -> Tree {
    let mut discovery =
        Discovery::new(population.plan(Controls { depth: 2, pruning_folds: 0, ..Controls::default() })).unwrap();
    while let Some(pass) = discovery.next() {
        discovery.absorb(&population.answer(&pass)).unwrap();
    }
    discovery.finish().unwrap().joint.pruned
}

/// The tree with another set of codes on the left of its root.
fn with_left(tree: &Tree, column: usize, left: impl IntoIterator<Item = Code>) -> Tree {
    let mut routing = whom_stats::Routing::root();
    routing.split(0, column, left.into_iter().collect::<CodeSet>()).unwrap();
    Tree { routing, nodes: tree.nodes[..3].to_vec(), ..tree.clone() }
}

fn sums(returns: &SplitReturns) -> [u64; 3] {
    [&returns.tag, &returns.near, &returns.cut].map(|counts| counts.iter().sum())
}

#[test]
fn a_split_returns_as_a_tag_nearly_or_exactly() {
    let tree = grown(&planted(1, |codes| if codes[0] < 8 { 12 } else { 0 }));
    let declared = with_left(&tree, 0, 0..8);
    let units: Vec<Vec<u64>> = tree.columns.iter().map(|shape| vec![10; shape.codes]).collect();
    let others = [
        with_left(&tree, 0, 0..8),  // the same
        with_left(&tree, 0, 8..20), // the same with its sides exchanged
        with_left(&tree, 0, 0..9),  // one code of twenty differs
        with_left(&tree, 0, 0..11), // three do
        with_left(&tree, 1, 0..3),  // another tag
    ];
    let returns = split_returns(&declared, &others.each_ref(), &units);
    assert_eq!(returns.len(), 1);
    assert_eq!(sums(&returns[0]), [4, 3, 2]);
    assert_eq!(returns[0].tag, [4], "all at the root");

    // A code that no unit has is nobody's matter.
    let mut without = units.clone();
    without[0][8] = 0;
    assert_eq!(sums(&split_returns(&declared, &others.each_ref(), &without)[0]), [4, 3, 3]);
}

#[test]
fn the_depth_is_the_first_at_which_a_split_returns() {
    let tree = grown(&planted(1, |codes| if codes[0] < 8 { 12 } else { 0 } + if codes[1] < 3 { 5 } else { 0 }));
    let units: Vec<Vec<u64>> = tree.columns.iter().map(|shape| vec![10; shape.codes]).collect();
    let returns = split_returns(&tree, &[&tree, &tree], &units);
    for SplitReturns { node, tag, near, cut } in returns {
        let depth = tree.nodes[node].depth;
        assert!(cut[..=depth].iter().sum::<u64>() == 2, "each split finds itself, or its like further up");
        assert_eq!([tag, near, cut].map(|counts| counts.iter().sum::<u64>()), [2, 2, 2]);
    }
    assert!(split_returns(&tree, &[], &units).iter().all(|returns| returns.tag.is_empty()));
}
