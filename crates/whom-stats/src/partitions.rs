//! How alike two partitions of the same units are.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::leaf_labels::LeafLabels;

/// The leaf of another tree that is most like a leaf.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BestMatch {
    /// Its rank among the leaves of its tree.
    pub leaf: usize,
    /// Units in both over units in either (Jaccard 1901): 1 if they hold the same units, 0 if they share none.
    pub jaccard: f64,
}

/// The partition that is most like the others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Medoid {
    /// Its place.
    pub tree: usize,
    /// Its mean similarity to the others.
    pub similarity: f64,
    /// The same of the first partition.
    pub first: f64,
}

impl LeafLabels {
    /// For each leaf of a tree, the leaf of another tree that shares most with it; the first of several. `None` where no sampled
    /// unit lies in the leaf.
    pub fn best_matches(&self, tree: usize, other: usize) -> Vec<Option<BestMatch>> {
        let (own, others) = (self.leaves(tree), self.leaves(other));
        let mut counts = vec![vec![0_u64; others]; own];
        for (own, other) in self.of(tree).iter().zip(self.of(other)) {
            counts[*own as usize][*other as usize] += 1;
        }
        let all: Vec<u64> = (0..others).map(|leaf| counts.iter().map(|row| row[leaf]).sum()).collect();
        let best = |row: &Vec<u64>| {
            let units: u64 = row.iter().sum();
            let mut best: Option<BestMatch> = None;
            for (leaf, (both, other)) in row.iter().zip(&all).enumerate().filter(|_| units > 0) {
                let jaccard = *both as f64 / (units + other - both) as f64;
                if best.is_none_or(|best| jaccard > best.jaccard) {
                    best = Some(BestMatch { leaf, jaccard });
                }
            }
            best
        };
        counts.iter().map(best).collect()
    }

    /// The adjusted Rand index of two trees' leaves (Hubert and Arabie 1985): the share of the pairs of units that both keep
    /// together or both part, less what chance would give to partitions of these sizes, over what is then left to reach.
    ///
    /// 1 if they are the same partition, about 0 if they know nothing of each other, and 1 if neither could differ: two trees
    /// without a split. Exact integers up to 2^31 units, then one division.
    pub fn adjusted_rand(&self, one: usize, other: usize) -> f64 {
        Grouped::new(self, one).adjusted_rand(&Grouped::new(self, other))
    }

    /// Among all trees, the one with the largest mean similarity, by [`Self::adjusted_rand`], to the trees after the first.
    ///
    /// The first tree may win and does not vote; no tree votes for itself. Of equal ones the first wins. `None` with fewer than
    /// three trees. Work in proportion to units times the square of the trees, in parallel.
    pub fn medoid(&self) -> Option<Medoid> {
        if self.trees() < 3 {
            return None;
        }
        // Of trees with the same labels one is compared.
        let mut place_of: BTreeMap<&[u32], usize> = BTreeMap::new();
        let mut distinct = Vec::new();
        let place = |tree| {
            *place_of.entry(self.of(tree)).or_insert_with(|| {
                distinct.push(tree);
                distinct.len() - 1
            })
        };
        let places: Vec<usize> = (0..self.trees()).map(place).collect();
        let grouped: Vec<Grouped<'_>> = distinct.into_par_iter().map(|tree| Grouped::new(self, tree)).collect();
        // Row i holds the similarities of place i to the later ones.
        let later = |(place, tree): (usize, &Grouped<'_>)| -> Vec<f64> {
            grouped[place + 1..].iter().map(|other| tree.adjusted_rand(other)).collect()
        };
        let rows: Vec<Vec<f64>> = grouped.par_iter().enumerate().map(later).collect();
        let similarity = |one: usize, other: usize| {
            let (low, high) = (places[one].min(places[other]), places[one].max(places[other]));
            if low == high { 1.0 } else { rows[low][high - low - 1] }
        };
        let mean = |tree: usize| {
            let voters = (1..self.trees()).filter(|voter| *voter != tree);
            let (sum, count) = voters.fold((0.0, 0), |(sum, count), voter| (sum + similarity(tree, voter), count + 1));
            sum / f64::from(count)
        };
        let first = mean(0);
        let medoid = Medoid { tree: 0, similarity: first, first };
        Some((1..self.trees()).fold(medoid, |best, tree| {
            let similarity = mean(tree);
            if similarity > best.similarity { Medoid { tree, similarity, first } } else { best }
        }))
    }
}

/// A tree's units, leaf by leaf.
struct Grouped<'a> {
    labels: &'a [u32],
    leaves: usize,
    /// The units in the order of their leaves.
    order: Vec<u32>,
    /// Where each leaf ends in that order.
    ends: Vec<usize>,
    /// Pairs of units that share a leaf.
    together: i128,
}

impl<'a> Grouped<'a> {
    fn new(labels: &'a LeafLabels, tree: usize) -> Self {
        let (leaves, labels) = (labels.leaves(tree), labels.of(tree));
        let mut order: Vec<u32> = (0..labels.len() as u32).collect();
        order.sort_by_key(|unit| labels[*unit as usize]);
        let mut counts = vec![0; leaves];
        for leaf in labels {
            counts[*leaf as usize] += 1;
        }
        let together = counts.iter().map(|count| pairs(*count)).sum();
        let ends = counts.iter().scan(0, |end, count| {
            *end += count;
            Some(*end)
        });
        Self { labels, leaves, order, ends: ends.collect(), together }
    }

    fn adjusted_rand(&self, other: &Self) -> f64 {
        let (both, all) = (self.together_in_both(other), pairs(self.labels.len()));
        let by_chance = self.together * other.together;
        let reachable = (self.together + other.together) * all - 2 * by_chance;
        if reachable == 0 { 1.0 } else { (2 * (both * all - by_chance)) as f64 / reachable as f64 }
    }

    /// Pairs of units that share a leaf of both trees.
    fn together_in_both(&self, other: &Self) -> i128 {
        let mut counts = vec![0_usize; other.leaves];
        let mut together = 0;
        let mut start = 0;
        for end in &self.ends {
            let units = &self.order[start..*end];
            let leaf = |unit: &u32| other.labels[*unit as usize] as usize;
            for unit in units {
                counts[leaf(unit)] += 1;
            }
            if counts.len() <= units.len() {
                together += counts.iter_mut().map(|count| pairs(std::mem::take(count))).sum::<i128>();
            } else {
                together += units.iter().map(|unit| pairs(std::mem::take(&mut counts[leaf(unit)]))).sum::<i128>();
            }
            start = *end;
        }
        together
    }
}

fn pairs(units: usize) -> i128 {
    let units = units as i128;
    units * (units - 1) / 2
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Labels of three trees of four leaves each.
    fn any_labels() -> impl Strategy<Value = LeafLabels> {
        prop::collection::vec([0..4_u32, 0..4_u32, 0..4_u32], 2..60).prop_map(|units| labels(&units))
    }

    fn labels(units: &[[u32; 3]]) -> LeafLabels {
        let of = |tree: usize| units.iter().map(|unit| unit[tree]).collect::<Vec<u32>>();
        LeafLabels::from_parts(vec![4; 3], vec![of(0), of(1), of(2)])
    }

    /// By the four kinds of pairs, one by one (Steinley 2004).
    fn by_pairs(one: &[u32], other: &[u32]) -> f64 {
        let mut kinds = [[0_f64; 2]; 2];
        for place in 0..one.len() {
            for earlier in 0..place {
                kinds[usize::from(one[place] == one[earlier])][usize::from(other[place] == other[earlier])] += 1.0;
            }
        }
        let [[d, c], [b, a]] = kinds;
        let reachable = (a + b) * (b + d) + (a + c) * (c + d);
        if reachable == 0.0 { 1.0 } else { 2.0 * (a * d - b * c) / reachable }
    }

    proptest! {
        #[test]
        fn the_index_is_that_of_all_pairs_one_by_one(labels in any_labels()) {
            let expected = by_pairs(labels.of(0), labels.of(1));
            prop_assert!((labels.adjusted_rand(0, 1) - expected).abs() < 1e-12);
            prop_assert_eq!(labels.adjusted_rand(0, 1), labels.adjusted_rand(1, 0));
            prop_assert_eq!(labels.adjusted_rand(2, 2), 1.0);
        }

        #[test]
        fn the_best_match_shares_most_of_all(labels in any_labels()) {
            let units = |tree: usize, leaf: usize| -> Vec<usize> {
                (0..labels.units()).filter(|unit| labels.of(tree)[*unit] as usize == leaf).collect()
            };
            for (leaf, best) in labels.best_matches(0, 1).into_iter().enumerate() {
                let own = units(0, leaf);
                let jaccard = |other: usize| {
                    let others = units(1, other);
                    let both = own.iter().filter(|unit| others.contains(unit)).count();
                    both as f64 / (own.len() + others.len() - both) as f64
                };
                prop_assert_eq!(best.is_none(), own.is_empty());
                if let Some(best) = best {
                    prop_assert_eq!(best.jaccard, jaccard(best.leaf));
                    prop_assert!((0..4).all(|other| jaccard(other) <= best.jaccard));
                }
            }
        }

        #[test]
        fn the_medoid_is_the_most_similar_to_the_voters(labels in any_labels()) {
            let means = [
                f64::midpoint(labels.adjusted_rand(0, 1), labels.adjusted_rand(0, 2)),
                labels.adjusted_rand(1, 2),
                labels.adjusted_rand(2, 1),
            ];
            let found = labels.medoid().unwrap();
            prop_assert!(means.iter().all(|mean| *mean <= found.similarity));
            prop_assert_eq!((found.similarity, found.first), (means[found.tree], means[0]));
            prop_assert!(means[..found.tree].iter().all(|mean| *mean < found.similarity), "the first of equal ones");
        }
    }

    #[test]
    fn two_trees_without_a_split_are_the_same_partition() {
        let found = labels(&[[0, 0, 1], [0, 0, 2], [0, 0, 1]]);
        assert_eq!((found.adjusted_rand(0, 1), found.adjusted_rand(0, 2)), (1.0, 0.0));
        assert_eq!(LeafLabels::new(vec![1, 1]).adjusted_rand(0, 1), 1.0, "of nobody");
        assert_eq!(LeafLabels::new(vec![1, 1]).medoid(), None);
    }
}
