//! How much a search flatters its leaves: their effects on the units that grew them, and on those that did not.

use whom_stats::pass::NodeHistogram;

use crate::cohort::Cohort;
use crate::target::Target;
use crate::tree::Tree;

/// A tree of a bootstrap replicate, and the units that it has not seen in each of its leaves.
#[derive(Clone, Copy, Debug)]
pub struct OutOfBag<'a> {
    /// The tree.
    pub tree: &'a Tree,
    /// The answer to [`Tree::evaluation`] on the buckets of weight 0.
    pub leaves: &'a [NodeHistogram],
}

/// From which end leaves are counted, when they stand in the order of their in-bag estimates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// From the highest estimate.
    Highest,
    /// From the lowest one.
    Lowest,
}

/// The leaf of one rank over replicates, in grid units of the target's metric.
#[derive(Clone, Debug, PartialEq)]
pub struct RankOptimism {
    /// What is estimated.
    pub target: Target,
    /// The end that the rank counts from.
    pub end: End,
    /// The rank, from 1.
    pub rank: usize,
    /// Replicates with a split and a leaf of this rank that is estimable in both ways.
    pub replicates: u64,
    /// The mean effect on the units that grew the tree; `None` without a replicate.
    pub in_bag: Option<f64>,
    /// The mean effect on those that did not.
    pub out_of_bag: Option<f64>,
}

impl RankOptimism {
    /// In-bag less out-of-bag: what the estimate of a leaf of this rank owes to having been chosen. Above 0 at the highest end
    /// and below 0 at the lowest, if the search flatters.
    pub fn optimism(&self) -> Option<f64> {
        Some(self.in_bag? - self.out_of_bag?)
    }
}

/// The optimism of each of the first `ranks` leaves from either end, for each target of the trees (Harrell, Lee and Mark 1996;
/// out-of-bag units in place of the original ones, which a replicate has partly seen).
///
/// Leaves stand in the order of [`Cohort`], the in-bag estimate over all targets. Trees without a split have no leaf to choose
/// and do not count.
pub fn optimism(replicates: &[OutOfBag<'_>], ranks: usize) -> Vec<RankOptimism> {
    let ordered: Vec<(OutOfBag<'_>, Vec<Cohort>)> = replicates
        .iter()
        .map(|replicate| (*replicate, replicate.tree.cohorts()))
        .filter(|(_, cohorts)| cohorts.len() > 1)
        .collect();
    let targets = replicates.first().map_or(&[][..], |replicate| replicate.tree.targets.as_slice());
    let each = |(place, target): (usize, &Target)| {
        let (target, ordered) = (*target, &ordered);
        [End::Highest, End::Lowest].into_iter().flat_map(move |end| {
            (1..=ranks).map(move |rank| {
                let pairs = ordered.iter().filter_map(|(replicate, cohorts)| {
                    let cohort = cohorts.get(place_of(end, rank, cohorts.len())?)?;
                    replicate.effects(cohort, place)
                });
                RankOptimism::of(target, (end, rank), &pairs.collect::<Vec<_>>())
            })
        })
    };
    targets.iter().enumerate().flat_map(each).collect()
}

/// The place of a rank among so many.
fn place_of(end: End, rank: usize, count: usize) -> Option<usize> {
    match end {
        End::Highest => rank.checked_sub(1),
        End::Lowest => count.checked_sub(rank),
    }
}

impl OutOfBag<'_> {
    /// The in-bag and the out-of-bag effect of a leaf, if both are estimable.
    fn effects(&self, cohort: &Cohort, place: usize) -> Option<(f64, f64)> {
        let in_bag = self.tree.nodes.get(cohort.leaf)?.estimates.get(place)?.estimate?;
        let totals = &self.leaves.get(cohort.cell)?.totals;
        Some((in_bag, self.tree.weightings.get(place)?.effect(totals.cell())?))
    }
}

impl RankOptimism {
    fn of(target: Target, (end, rank): (End, usize), pairs: &[(f64, f64)]) -> Self {
        let mean = |of: fn(&(f64, f64)) -> f64| {
            (!pairs.is_empty()).then(|| pairs.iter().map(of).sum::<f64>() / pairs.len() as f64)
        };
        let (in_bag, out_of_bag) = (mean(|pair| pair.0), mean(|pair| pair.1));
        Self { target, end, rank, replicates: pairs.len() as u64, in_bag, out_of_bag }
    }
}

#[cfg(test)]
mod tests;
