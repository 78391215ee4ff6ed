use proptest::prelude::*;
use whom_stats::ArmTable;
use whom_stats::moments::Moments;
use whom_stats::pass::ColumnShape;
use whom_stats::routing::{CodeSet, Routing};

use super::*;
use crate::target::Target;
use crate::tree::{Node, NodeEstimate};
use crate::weighting::Weighting;

/// A tree without targets: node `parents[k]` (taken among the leaves) is split with gain `gains[k]`.
fn tree(splits: &[(usize, u32)]) -> Tree {
    let node =
        |parent, score| Node { depth: 0, parent, units: 100, estimates: Vec::new(), score, gain: None, stop: None };
    let mut routing = Routing::root();
    let mut nodes = vec![node(None, 10.0)];
    for (pick, gain) in splits {
        let leaves: Vec<NodeIndex> = routing.leaves().collect();
        let parent = leaves[pick % leaves.len()];
        routing.split(parent, 0, CodeSet::new()).unwrap();
        let (gain, half) = (f64::from(*gain), nodes[parent].score / 2.0);
        nodes[parent].gain = Some(gain);
        nodes.extend([node(Some(parent), half), node(Some(parent), half + gain)]);
    }
    let columns = vec![ColumnShape { name: "tag".to_owned(), codes: 2, ordered: true, missing: None }];
    Tree {
        targets: Vec::new(),
        silent: Vec::new(),
        root_deviations: Vec::new(),
        columns,
        routing,
        nodes,
        weightings: Vec::new(),
        within: None,
    }
}

/// Leaves and score of every subtree below a node.
fn all_subtrees(tree: &Tree, node: NodeIndex) -> Vec<(usize, f64)> {
    let mut all = vec![(1, tree.nodes[node].score)];
    if let Some(split) = &tree.routing.nodes()[node] {
        for left in all_subtrees(tree, split.left_child) {
            let rights = all_subtrees(tree, split.right_child);
            all.extend(rights.into_iter().map(|right| (left.0 + right.0, left.1 + right.1)));
        }
    }
    all
}

proptest! {
    #[test]
    fn every_subtree_of_the_path_is_the_best_of_all_at_its_complexity(
        splits in prop::collection::vec((0_usize..8, 1_u32..20), 1..8),
    ) {
        let tree = tree(&splits);
        let path = path(&tree);
        let uppers = path.iter().skip(1).map(|subtree| subtree.complexity).chain([1e6]);
        for (subtree, upper) in path.iter().zip(uppers) {
            let between = f64::midpoint(subtree.complexity, upper);
            let worth = |(leaves, score): (usize, f64)| score - between * leaves as f64;
            let own = leaves(&tree, &subtree.kept).map(|leaf| worth((1, tree.nodes[leaf].score))).sum::<f64>();
            let best = all_subtrees(&tree, 0).into_iter().map(worth).fold(f64::MIN, f64::max);
            prop_assert!((own - best).abs() < 1e-6, "{own} where {best} is possible");
            prop_assert_eq!(&pruned(&tree, path[0].kept.clone(), between), &subtree.kept);
        }
        prop_assert_eq!(leaves(&tree, &path[path.len() - 1].kept).count(), 1);
    }
}

/// Units of control and of one treatment, with the sum of their values.
fn table(control: (u64, i128), treated: (u64, i128)) -> NodeHistogram {
    let moments = |(n, sum)| Moments { n, events: 0, sum, sum_squares: 0 };
    let totals = ArmTable { units: vec![control.0, treated.0], moments: vec![moments(control), moments(treated)] };
    NodeHistogram { totals, columns: Vec::new() }
}

fn with_effects(mut tree: Tree, effects: &[f64]) -> Tree {
    let target = Target { treatment: 1, metric: 0 };
    tree.targets = vec![target];
    tree.weightings = vec![Weighting::new(target, &ArmTable::new(2, 1), &[0])];
    tree.root_deviations = vec![Some(2.0)];
    for (node, effect) in tree.nodes.iter_mut().zip(effects) {
        let estimate = Some(*effect);
        let sizes = NodeEstimate { n_treatment: 5, n_control: 5, events_treatment: 5, events_control: 5, estimate };
        node.estimates = vec![sizes];
    }
    tree
}

#[test]
fn the_loss_is_the_squared_error_of_predicted_effects_up_to_a_constant() {
    let tree = with_effects(tree(&[(0, 3)]), &[1.0, 0.0, 2.0]);
    // Effects among the left-out units: 1 at the root, 0.5 on the left, 1.5 on the right.
    let left_out = [table((10, 0), (10, 10)), table((4, 0), (4, 2)), table((6, 0), (6, 9))];
    let fold = Fold { tree: &tree, left_out: &left_out };
    let left = 8.0 * (1.0 - 2.0 * 0.5);
    let right = 12.0 * (1.0 - 2.0 * 0.5);
    assert_eq!(fold.loss(0.0), (left + right) / 4.0);
    assert_eq!(fold.loss(f64::INFINITY), 0.0);
}

#[test]
fn an_ancestor_speaks_for_a_leaf_without_one_arm() {
    let tree = with_effects(tree(&[(0, 3)]), &[1.0, 0.0, 2.0]);
    let left_out = [table((10, 0), (4, 4)), table((4, 0), (0, 0)), table((6, 0), (4, 4))];
    let fold = Fold { tree: &tree, left_out: &left_out };
    assert_eq!(fold.error(1, 0), Some(4.0), "the root's effect, from which it differs by nothing");
    let nobody = [table((0, 0), (0, 0)), table((0, 0), (0, 0)), table((0, 0), (0, 0))];
    assert_eq!(Fold { tree: &tree, left_out: &nobody }.loss(0.0), 0.0);
}
