//! The leaf of each unit in several trees, for a sample of the units: what trees are compared by.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::bucket::BucketSet;
use crate::columns::UnitColumns;
use crate::pass::PassError;
use crate::routing::Routing;

/// Which units are sampled.
///
/// Of each bucket every `step`-th unit is taken, in the order of the units' codes; which one is the first follows from the bucket.
/// Units with the same codes lie in the same leaf of every tree, so the sample says the same in whatever order units came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitSample {
    /// The buckets.
    pub buckets: BucketSet,
    /// 1 takes every unit; 0 does too.
    pub step: u64,
}

/// The leaves of sampled units, tree by tree. A leaf is named by its rank among the leaves of its tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeafLabels {
    /// The number of leaves of each tree.
    leaves: Vec<usize>,
    /// By tree, then by unit.
    labels: Vec<Vec<u32>>,
}

impl LeafLabels {
    /// The labels of nobody, in trees of so many leaves.
    pub fn new(leaves: Vec<usize>) -> Self {
        Self { labels: vec![Vec::new(); leaves.len()], leaves }
    }

    #[cfg(test)]
    pub(crate) fn from_parts(leaves: Vec<usize>, labels: Vec<Vec<u32>>) -> Self {
        Self { leaves, labels }
    }

    /// Adds the units of later buckets, in the same trees.
    pub fn append(&mut self, later: Self) {
        self.labels.iter_mut().zip(later.labels).for_each(|(labels, later)| labels.extend(later));
    }

    /// The number of trees.
    pub fn trees(&self) -> usize {
        self.labels.len()
    }

    /// The number of units.
    pub fn units(&self) -> usize {
        self.labels.first().map_or(0, Vec::len)
    }

    /// The leaf of each unit in a tree; empty if there is no such tree.
    pub fn of(&self, tree: usize) -> &[u32] {
        self.labels.get(tree).map_or(&[], Vec::as_slice)
    }

    /// The number of leaves of a tree; 0 if there is no such tree.
    pub fn leaves(&self, tree: usize) -> usize {
        self.leaves.get(tree).copied().unwrap_or(0)
    }
}

/// Finds the leaf of each sampled unit in each tree.
///
/// # Errors
/// [`PassError::Cancelled`] once `cancel` is raised; the other errors if a tree does not fit the units.
pub fn leaf_labels(
    units: &UnitColumns,
    trees: &[Routing],
    sample: &UnitSample,
    cancel: &AtomicBool,
) -> Result<LeafLabels, PassError> {
    trees.iter().try_for_each(|tree| tree.check(units.shapes().len()))?;
    let buckets: Vec<u16> = sample.buckets.iter().collect();
    let rows: Vec<Vec<usize>> = buckets
        .par_iter()
        .map(|bucket| {
            let cancelled = cancel.load(Ordering::Relaxed);
            if cancelled { Err(PassError::Cancelled) } else { Ok(sampled(units, *bucket, sample.step)) }
        })
        .collect::<Result<_, _>>()?;
    let labels = trees.par_iter().map(|tree| {
        let rank = ranks(tree);
        let leaf = |row: &usize| rank[tree.leaf(|column| units.codes().code(*row, column))];
        rows.iter().flatten().map(leaf).collect()
    });
    Ok(LeafLabels { leaves: trees.iter().map(|tree| tree.leaves().count()).collect(), labels: labels.collect() })
}

/// The sampled rows of a bucket, in the order of their codes.
fn sampled(units: &UnitColumns, bucket: u16, step: u64) -> Vec<usize> {
    let mut rows: Vec<usize> = rows_of(units, bucket).collect();
    let step = usize::try_from(step.max(1)).unwrap_or(usize::MAX);
    if step > 1 {
        let (bytes, stride) = (units.codes().bytes(), units.codes().stride());
        rows.sort_by_key(|row| &bytes[row * stride..(row + 1) * stride]);
    }
    rows.into_iter().skip(usize::from(bucket) % step).step_by(step).collect()
}

/// The rows of a bucket in all arms.
fn rows_of(units: &UnitColumns, bucket: u16) -> Range<usize> {
    let arms = units.arm_count();
    if arms == 0 {
        return 0..0;
    }
    units.rows_of(bucket, 0).start..units.rows_of(bucket, arms - 1).end
}

/// The rank of each node among the leaves.
fn ranks(tree: &Routing) -> Vec<u32> {
    let mut ranks = vec![0; tree.nodes().len()];
    tree.leaves().zip(0..).for_each(|(leaf, rank)| ranks[leaf] = rank);
    ranks
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::columns::{CodeColumn, UnitColumnParts};
    use crate::pass::ColumnShape;

    /// Unit: bucket, codes of two tags.
    type Unit = (u16, [u8; 2]);

    fn columns(units: &[Unit]) -> UnitColumns {
        let shape = |name: &str| ColumnShape { name: name.into(), codes: 5, ordered: true, missing: None };
        let codes = |tag: usize| CodeColumn::U8(units.iter().map(|unit| unit.1[tag]).collect());
        UnitColumns::new(UnitColumnParts {
            arm_count: 2,
            arms: units.iter().map(|unit| unit.1[0] % 2).collect(),
            buckets: units.iter().map(|unit| unit.0).collect(),
            codes: vec![codes(0), codes(1)],
            shapes: vec![shape("age"), shape("device")],
            metrics: Vec::new(),
        })
        .unwrap()
    }

    fn trees() -> [Routing; 2] {
        let mut deep = Routing::root();
        let (left, _) = deep.split(0, 0, [0, 1].into_iter().collect()).unwrap();
        deep.split(left, 1, [3].into_iter().collect()).unwrap();
        [deep, Routing::root()]
    }

    fn labels(units: &[Unit], step: u64) -> LeafLabels {
        let sample = UnitSample { buckets: (0..8).step_by(2).collect(), step };
        leaf_labels(&columns(units), &trees(), &sample, &AtomicBool::new(false)).unwrap()
    }

    fn any_units() -> impl Strategy<Value = Vec<Unit>> {
        prop::collection::vec((0..8_u16, [0..5_u8, 0..5_u8]), 0..200)
    }

    proptest! {
        #[test]
        fn every_unit_has_the_leaf_that_its_codes_say(units in any_units()) {
            let found = labels(&units, 1);
            let mut counts = [0; 3];
            for unit in units.iter().filter(|unit| unit.0 % 2 == 0) {
                // Leaves by index: the right of the root, then the left and the right below.
                counts[match unit.1 { [0 | 1, 3] => 1, [0 | 1, _] => 2, _ => 0 }] += 1;
            }
            let count = |leaf: u32| found.of(0).iter().filter(|label| **label == leaf).count();
            prop_assert_eq!([0, 1, 2].map(count), counts);
            prop_assert_eq!((found.units(), found.of(1).iter().sum::<u32>()), (counts.iter().sum(), 0));
            prop_assert_eq!((found.leaves(0), found.leaves(1), found.trees()), (3, 1, 2));
        }

        #[test]
        fn a_sample_depends_on_no_order_and_takes_its_share(
            units in any_units().prop_flat_map(|units| (Just(units.clone()), Just(units).prop_shuffle())), step in 2..9_u64,
        ) {
            let (units, shuffled) = units;
            let found = labels(&units, step);
            prop_assert_eq!(&found, &labels(&shuffled, step));
            let expected = |bucket: u16| {
                let units = units.iter().filter(|unit| unit.0 == bucket).count();
                (0..units).filter(|place| *place as u64 % step == u64::from(bucket) % step).count()
            };
            prop_assert_eq!(found.units(), [0, 2, 4, 6].map(expected).iter().sum::<usize>());
        }

        #[test]
        fn parts_in_the_order_of_their_buckets_append_to_the_whole(units in any_units(), cut in 0..8_u16) {
            let (low, high): (Vec<Unit>, Vec<Unit>) = units.iter().partition(|unit| unit.0 < cut);
            let mut together = LeafLabels::new(vec![3, 1]);
            together.append(labels(&low, 2));
            together.append(labels(&high, 2));
            prop_assert_eq!(together, labels(&units, 2));
        }
    }

    #[test]
    fn a_raised_flag_ends_the_search_for_leaves() {
        let sample = UnitSample { buckets: BucketSet::all(), step: 1 };
        let found = leaf_labels(&columns(&[]), &trees(), &sample, &AtomicBool::new(true));
        assert_eq!(found, Err(PassError::Cancelled));
    }
}
