//! The units of a tree's leaves, within strata where arms are compared within some.

use std::ops::Range;

use whom_engine::EngineError;
use whom_stats::{ArmSums, BucketSet, CellSums, CodeSet, Grouping, Routing};

use crate::comparison::Sides;
use crate::study::Study;

/// Statistics by leaf, stratum and bucket.
pub(crate) struct LeafSums {
    /// A cell for each leaf; of several strata, one for each stratum of the first leaf, then of the second, and so on.
    pub(crate) cells: CellSums,
    strata: usize,
}

impl LeafSums {
    /// The leaves of some trees. Within strata they are counted one tree after the other, as their statistics by bucket are large.
    pub(crate) async fn of_each(
        study: &Study<'_>,
        trees: impl Iterator<Item = &Routing>,
    ) -> Result<Vec<Self>, EngineError> {
        let strata = study.strata();
        let groupings: Vec<Grouping> = trees.map(|tree| Grouping::Leaves(in_strata(study, tree))).collect();
        let together = if strata > 1 { 1 } else { groupings.len().max(1) };
        let mut counted = Vec::new();
        for groupings in groupings.chunks(together) {
            counted.extend(study.sums(groupings.to_vec()).await?);
        }
        Ok(counted.into_iter().map(|cells| Self { cells, strata }).collect())
    }

    /// The leaves of a tree.
    pub(crate) async fn of(study: &Study<'_>, tree: &Routing) -> Result<Self, EngineError> {
        let counted = Self::of_each(study, std::iter::once(tree)).await?;
        counted.into_iter().next().ok_or_else(|| EngineError::Internal("no leaf was counted".to_owned()))
    }

    /// The number of strata, at least one.
    pub(crate) fn strata(&self) -> usize {
        self.strata
    }

    /// The number of leaves.
    pub(crate) fn leaves(&self) -> usize {
        self.cells.cells.cells / self.strata
    }

    /// The cells of a leaf, in the order of the strata.
    pub(crate) fn cells_of(&self, leaf: usize) -> Range<usize> {
        leaf * self.strata..(leaf + 1) * self.strata
    }

    /// The units of some leaves in a set of buckets, by stratum.
    pub(crate) fn over(&self, leaves: &[usize], buckets: &BucketSet) -> Vec<ArmSums> {
        let of = |stratum: usize| {
            let cells: Vec<usize> = leaves.iter().map(|leaf| leaf * self.strata + stratum).collect();
            self.cells.over(&cells, buckets)
        };
        (0..self.strata).map(of).collect()
    }

    /// The units of a leaf, and the rest.
    pub(crate) fn sides(&self, leaf: usize, buckets: &BucketSet) -> Sides {
        let others: Vec<usize> = (0..self.leaves()).filter(|other| *other != leaf).collect();
        Sides::in_strata(self.over(&[leaf], buckets), self.over(&others, buckets), self.cells.pooled(buckets))
    }

    /// The units of a leaf by arm, and those of all leaves.
    pub(crate) fn units(&self, leaf: usize, buckets: &BucketSet) -> [Vec<u64>; 2] {
        [self.cells.cells.merged(self.cells_of(leaf), buckets), self.cells.cells.pooled(buckets)].map(|sum| sum.units)
    }
}

/// The tree with each of its leaves split into strata, in their order.
pub(crate) fn in_strata(study: &Study<'_>, tree: &Routing) -> Routing {
    let mut routing = tree.clone();
    let Some((strata, column)) = study.units.strata() else { return routing };
    for leaf in tree.leaves() {
        let mut rest = leaf;
        for stratum in 0..strata.count().saturating_sub(1) {
            let code: CodeSet = [stratum as u16].into_iter().collect();
            if let Some((_, others)) = routing.split(rest, column, code) {
                rest = others;
            }
        }
    }
    routing
}
