use whom_stats::{BucketSet, BucketWeights, NodeHistogram, Pass};

use super::*;
use crate::discovery::tests::population::{Population, discovery_buckets};
use crate::discovery::tests::recovery::planted;
use crate::{Controls, Discovery};

/// The trees of some replicates, each with its leaves on the discovery buckets that it has not seen.
fn replicates(population: &Population, count: u64) -> Vec<(Tree, Vec<NodeHistogram>)> {
    let controls = Controls { depth: 2, units_per_arm: 100, pruning_folds: 0, ..Controls::default() };
    let grown = |replicate| {
        let weights = BucketWeights::poisson("optimism", "search", replicate);
        let mut discovery = Discovery::replicate(population.plan(controls.clone()), weights.clone()).unwrap();
        while let Some(pass) = discovery.next() {
            discovery.absorb(&population.answer(&pass)).unwrap();
        }
        let tree = discovery.finish().unwrap().joint.pruned;
        let unseen: BucketSet = discovery_buckets().iter().filter(|bucket| weights.of(*bucket) == 0).collect();
        let leaves = population.answer(&Pass { trees: vec![tree.evaluation(unseen)] }).trees.remove(0);
        (tree, leaves)
    };
    (0..count).map(grown).collect()
}

fn found(replicates: &[(Tree, Vec<NodeHistogram>)], ranks: usize) -> Vec<RankOptimism> {
    let replicates: Vec<_> = replicates.iter().map(|(tree, leaves)| OutOfBag { tree, leaves }).collect();
    optimism(&replicates, ranks)
}

#[test]
fn the_best_leaf_of_noise_is_flattered_and_the_worst_one_slandered() {
    let replicates = replicates(&planted(3, |_| 2), 20);
    let ranks = found(&replicates, 2);
    let optimism: Vec<f64> = ranks.iter().map(|rank| rank.optimism().unwrap()).collect();
    assert_eq!(
        ranks.iter().map(|rank| (rank.end, rank.rank)).collect::<Vec<_>>(),
        [(End::Highest, 1), (End::Highest, 2), (End::Lowest, 1), (End::Lowest, 2),]
    );
    assert!(optimism[0] > 0.3 && optimism[2] < -0.3, "{optimism:?}");
    // Nothing is there: whatever rank, unseen units have the effect of everybody.
    assert!(ranks.iter().all(|rank| (rank.out_of_bag.unwrap() - 2.0).abs() < 0.4), "{ranks:?}");
}

#[test]
fn means_over_replicates_are_those_of_the_leaves_one_by_one() {
    let replicates = replicates(&planted(4, |codes| if codes[0] < 8 { 6 } else { 0 }), 6);
    let highest = &found(&replicates, 1)[0];
    let effects: Vec<(f64, f64)> = replicates
        .iter()
        .map(|(tree, leaves)| {
            let of = |leaf: &usize| tree.nodes[*leaf].estimates[0].estimate.unwrap();
            let ordered = tree.leaves();
            let best = ordered.iter().max_by(|one, other| of(one).total_cmp(&of(other))).unwrap();
            let totals = &leaves[ordered.iter().position(|leaf| leaf == best).unwrap()].totals;
            let mean = |arm| totals.get(arm, 0).sum as f64 / totals.get(arm, 0).n as f64;
            (of(best), mean(1) - mean(0))
        })
        .collect();
    let mean = |of: fn(&(f64, f64)) -> f64| effects.iter().map(of).sum::<f64>() / 6.0;
    assert_eq!(highest.replicates, 6);
    assert!((highest.in_bag.unwrap() - mean(|pair| pair.0)).abs() < 1e-12);
    assert!((highest.out_of_bag.unwrap() - mean(|pair| pair.1)).abs() < 1e-9);
}

#[test]
fn without_a_split_there_is_no_rank_to_be_optimistic_about() {
    let replicates = replicates(&planted(5, |_| 0), 1);
    let root = vec![(replicates[0].0.subtree(&[false; 16]), replicates[0].1.clone())];
    let none = &found(&root, 1)[0];
    assert_eq!((none.replicates, none.in_bag, none.optimism()), (0, None, None));
    assert!(optimism(&[], 3).is_empty());
}
