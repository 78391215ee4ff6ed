//! Everything that estimates of the same units are made of: moments and cross-products by the same cells.

use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};

use crate::arm_table::ArmTable;
use crate::bucket::BucketSet;
use crate::cell_products::{CellProducts, ProductGroup, cell_products};
use crate::cells::cell_statistics;
use crate::columns::UnitColumns;
use crate::cross_products::CrossProducts;
use crate::pass::{CellStatistics, Grouping, PassError};

/// Moments of every metric, and cross-products of every group, by (cell, arm, bucket).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellSums {
    /// The moments.
    pub cells: CellStatistics,
    /// The cross-products.
    pub products: CellProducts,
}

/// The sums of some units by arm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArmSums {
    /// The moments.
    pub table: ArmTable,
    /// By group and arm, the cross-products.
    pub products: Vec<Vec<CrossProducts>>,
}

impl ArmSums {
    /// Adds the sums of other units of the same arms and groups.
    pub fn add(&mut self, other: &Self) {
        self.table.add(other.table.cell());
        let products = self.products.iter_mut().flatten().zip(other.products.iter().flatten());
        products.for_each(|(sum, products)| *sum += products);
    }
}

impl CellSums {
    /// Adds the sums of other units by the same cells and groups.
    pub fn add(&mut self, part: &Self) {
        self.cells.add(&part.cells);
        self.products.add(&part.products);
    }

    /// The units of some cells in a set of buckets.
    pub fn over(&self, cells: &[usize], buckets: &BucketSet) -> ArmSums {
        let table = self.cells.merged(cells.iter().copied(), buckets);
        ArmSums { table, products: self.products_of(|cell| cells.contains(&cell), buckets) }
    }

    /// The units of one cell in a set of buckets.
    pub fn sum(&self, cell: usize, buckets: &BucketSet) -> ArmSums {
        ArmSums { table: self.cells.sum(cell, buckets), products: self.products_of(|other| other == cell, buckets) }
    }

    /// The units of every other cell in a set of buckets.
    pub fn rest(&self, cell: usize, buckets: &BucketSet) -> ArmSums {
        ArmSums { table: self.cells.rest(cell, buckets), products: self.products_of(|other| other != cell, buckets) }
    }

    /// The units of all cells in a set of buckets.
    pub fn pooled(&self, buckets: &BucketSet) -> ArmSums {
        ArmSums { table: self.cells.pooled(buckets), products: self.products_of(|_| true, buckets) }
    }

    fn products_of(&self, selects: impl Fn(usize) -> bool, buckets: &BucketSet) -> Vec<Vec<CrossProducts>> {
        let cells: Vec<usize> = (0..self.products.cells()).filter(|cell| selects(*cell)).collect();
        (0..self.products.groups()).map(|group| self.products.sum(group, &cells, buckets)).collect()
    }
}

/// Counts the units in memory, one answer per grouping.
///
/// # Errors
/// As [`cell_statistics`] and [`cell_products`].
pub fn cell_sums(
    units: &UnitColumns,
    groupings: &[Grouping],
    groups: &[ProductGroup],
    cancel: &AtomicBool,
) -> Result<Vec<CellSums>, PassError> {
    let cells = cell_statistics(units, groupings, cancel)?;
    let products = groupings.iter().map(|grouping| cell_products(units, grouping, groups, cancel));
    cells.into_iter().zip(products).map(|(cells, products)| Ok(CellSums { cells, products: products? })).collect()
}
