//! Cross-products by cell and arm over all buckets: what many groupings at once need of ratios and adjustments where nobody
//! resamples them.
//!
//! [`crate::CellProducts`] keep 1,024 buckets apart, which a table of every tag cannot afford. Here a unit is unpacked once,
//! its products are added to its cell in each grouping, and buckets are summed at once. Integers, so that neither their order
//! nor threads change one.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::bucket::BUCKETS;
use crate::cell_products::{ProductGroup, check_groups, values_of};
use crate::cells::{CellOfRow, cells_of};
use crate::columns::UnitColumns;
use crate::cross_products::CrossProducts;
use crate::pass::{Grouping, PassError};

/// Rows between two looks at the caller's flag.
const STRETCH: usize = 1 << 14;
/// Buckets that a task counts at least: few enough tasks that their sums take little room beside each other.
const BUCKETS_PER_TASK: usize = 64;

/// Cross-products of a grouping by group, cell and arm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PooledProducts {
    arms: usize,
    /// By group: index `cell * arms + arm`.
    groups: Vec<Vec<CrossProducts>>,
}

impl PooledProducts {
    /// Of no unit.
    pub fn new(cells: usize, arms: usize, groups: &[ProductGroup]) -> Self {
        let empty = |group: &ProductGroup| vec![CrossProducts::new(group.columns.len()); cells * arms];
        Self { arms, groups: groups.iter().map(empty).collect() }
    }

    /// By group and arm, the products of a cell; no arm of one that is not there.
    pub fn of(&self, cell: usize) -> Vec<Vec<CrossProducts>> {
        let arms = cell * self.arms..(cell + 1) * self.arms;
        self.groups.iter().map(|products| products.get(arms.clone()).map_or_else(Vec::new, <[_]>::to_vec)).collect()
    }

    /// Adds the products of other units by the same cells and groups.
    pub fn add(&mut self, part: &Self) {
        self.groups.iter_mut().flatten().zip(part.groups.iter().flatten()).for_each(|(sum, part)| *sum += part);
    }
}

/// Counts the units in memory, one answer per grouping.
///
/// # Errors
/// [`PassError::Cancelled`] once `cancel` is raised; [`PassError::Metric`] for a group with a metric that the units do not
/// have; the other errors if a grouping does not fit the units.
pub fn pooled_products(
    units: &UnitColumns,
    groupings: &[Grouping],
    groups: &[ProductGroup],
    cancel: &AtomicBool,
) -> Result<Vec<PooledProducts>, PassError> {
    check_groups(units, groups)?;
    let cells: Vec<CellOfRow<'_>> =
        groupings.iter().map(|grouping| cells_of(units, grouping)).collect::<Result<_, _>>()?;
    let counting = Counting { units, groups, cells: &cells, cancel };
    let buckets = (0..BUCKETS as u16).into_par_iter().with_min_len(BUCKETS_PER_TASK);
    buckets
        .try_fold(|| counting.nobody(), |sums, bucket| counting.add_bucket(sums, bucket))
        .try_reduce(|| counting.nobody(), |sums, part| Ok(added(sums, &part)))
}

fn added(mut sums: Vec<PooledProducts>, part: &[PooledProducts]) -> Vec<PooledProducts> {
    sums.iter_mut().zip(part).for_each(|(sum, part)| sum.add(part));
    sums
}

struct Counting<'a> {
    units: &'a UnitColumns,
    groups: &'a [ProductGroup],
    /// By grouping, how many cells there are and which one a row is in.
    cells: &'a [CellOfRow<'a>],
    cancel: &'a AtomicBool,
}

impl Counting<'_> {
    fn nobody(&self) -> Vec<PooledProducts> {
        let arms = self.units.arm_count();
        self.cells.iter().map(|(cells, _)| PooledProducts::new(*cells, arms, self.groups)).collect()
    }

    fn add_bucket(&self, mut sums: Vec<PooledProducts>, bucket: u16) -> Result<Vec<PooledProducts>, PassError> {
        let (mut values, mut products) = (Vec::new(), Vec::new());
        for arm in 0..self.units.arm_count() {
            for row in self.units.rows_of(bucket, arm) {
                if row % STRETCH == 0 && self.cancel.load(Ordering::Relaxed) {
                    return Err(PassError::Cancelled);
                }
                values.clear();
                values.extend(values_of(self.units, row));
                for (place, group) in self.groups.iter().enumerate() {
                    if group.row(&values, &mut products) {
                        self.push(&mut sums, (place, arm, row), &products);
                    }
                }
            }
        }
        Ok(sums)
    }

    /// Adds a unit's products of one group to its cell in each grouping.
    fn push(&self, sums: &mut [PooledProducts], (group, arm, row): (usize, usize, usize), products: &[i64]) {
        for ((cells, cell_of), sum) in self.cells.iter().zip(sums) {
            let cell = cell_of(row);
            if cell < *cells {
                sum.groups[group][cell * sum.arms + arm].push(products);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bucket::BucketSet;
    use crate::cell_products::tests::{groups, parts};
    use crate::cell_products::{ProductColumn, cell_products};
    use crate::routing::Routing;

    #[test]
    fn every_grouping_is_what_its_buckets_add_up_to() {
        let (units, groups) = (UnitColumns::new(parts()).unwrap(), groups());
        let mut routing = Routing::root();
        routing.split(0, 0, [1, 3].into_iter().collect()).unwrap();
        let groupings = [Grouping::Everybody, Grouping::Codes { column: 0, codes: 3 }, Grouping::Leaves(routing)];
        let cancel = AtomicBool::new(false);
        let found = pooled_products(&units, &groupings, &groups, &cancel).unwrap();
        for (grouping, found) in groupings.iter().zip(&found) {
            let by_bucket = cell_products(&units, grouping, &groups, &cancel).unwrap();
            for cell in 0..by_bucket.cells() {
                let expected: Vec<_> =
                    (0..groups.len()).map(|group| by_bucket.sum(group, &[cell], &BucketSet::all())).collect();
                assert_eq!(found.of(cell), expected, "{grouping:?}, cell {cell}");
            }
            assert!(found.of(by_bucket.cells()).iter().all(Vec::is_empty));
        }
    }

    #[test]
    fn parts_add_up_to_the_whole() {
        let (units, groups) = (UnitColumns::new(parts()).unwrap(), groups());
        let cancel = AtomicBool::new(false);
        let mut sum = PooledProducts::new(1, 3, &groups);
        let whole = pooled_products(&units, &[Grouping::Everybody], &groups, &cancel).unwrap().remove(0);
        let leaves = pooled_products(&units, &[Grouping::Codes { column: 0, codes: 4 }], &groups, &cancel).unwrap();
        for cell in 0..4 {
            let products = leaves[0].groups.iter().map(|products| products[cell * 3..(cell + 1) * 3].to_vec());
            sum.add(&PooledProducts { arms: 3, groups: products.collect() });
        }
        assert_eq!(sum, whole);
    }

    #[test]
    fn a_raised_flag_and_an_unknown_metric_end_it() {
        let (units, mut groups) = (UnitColumns::new(parts()).unwrap(), groups());
        let count = |groups: &[ProductGroup], cancelled| {
            pooled_products(&units, &[Grouping::Everybody], groups, &AtomicBool::new(cancelled))
        };
        assert_eq!(count(&groups, true), Err(PassError::Cancelled));
        groups[0].columns[0] = ProductColumn::Value(4);
        assert_eq!(count(&groups, false), Err(PassError::Metric { metric: 4, metrics: 4 }));
    }
}
