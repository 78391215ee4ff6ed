//! Cross-products by (cell, arm, bucket): one scan that serves ratios, adjustments and regressions of every cohort.
//!
//! A group declares the columns that one estimator reads together: a ratio's two sums, a metric with its covariates. All
//! groups and cells are counted in the same look at the units. Like [`crate::CellStatistics`] they are integers that merge,
//! and weights by bucket answer every bootstrap without another look.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::bucket::{BUCKETS, BucketSet};
use crate::cells::cells_of;
use crate::columns::UnitColumns;
use crate::cross_products::CrossProducts;
use crate::grid::Grid;
use crate::pass::{Grouping, PassError};

/// Rows between two looks at the caller's flag.
const STRETCH: usize = 1 << 14;

/// A column that products are formed of, made of a metric of the units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProductColumn {
    /// The value. A unit without one takes no part in the group.
    Value(usize),
    /// The value, or zero where the unit has none; for a covariate beside [`Self::IsAbsent`].
    ValueOrZero(usize),
    /// 1 where the unit has no value, else 0.
    IsAbsent(usize),
}

/// Columns that one estimator reads together.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ProductGroup {
    /// The columns, in the order in which the estimator names them.
    pub columns: Vec<ProductColumn>,
}

/// Cross-products by group, cell, bucket and arm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellProducts {
    cells: usize,
    arms: usize,
    /// By group: index `(cell * BUCKETS + bucket) * arms + arm`.
    groups: Vec<Vec<CrossProducts>>,
}

impl ProductColumn {
    fn metric(self) -> usize {
        match self {
            Self::Value(metric) | Self::ValueOrZero(metric) | Self::IsAbsent(metric) => metric,
        }
    }

    /// The column's value for a unit whose metrics are asked for by their places; `None` leaves the unit out.
    pub fn of(self, metric: impl Fn(usize) -> Option<i64>) -> Option<i64> {
        let value = metric(self.metric());
        match self {
            Self::Value(_) => value,
            Self::ValueOrZero(_) => Some(value.unwrap_or(0)),
            Self::IsAbsent(_) => Some(i64::from(value.is_none())),
        }
    }
}

impl ProductGroup {
    /// A unit's row of the group, given its metrics; whether the unit takes part.
    pub(crate) fn row(&self, metrics: &[Option<i64>], row: &mut Vec<i64>) -> bool {
        row.clear();
        row.extend(self.columns.iter().map_while(|column| column.of(|metric| metrics[metric])));
        row.len() == self.columns.len()
    }

    /// The grids of the columns, given those of the metrics; [`Grid::INTEGER`] for an indicator.
    pub fn grids(&self, metrics: &[Grid]) -> Vec<Grid> {
        let grid = |column: &ProductColumn| match column {
            ProductColumn::IsAbsent(_) => Grid::INTEGER,
            ProductColumn::Value(metric) | ProductColumn::ValueOrZero(metric) => {
                metrics.get(*metric).copied().unwrap_or(Grid::INTEGER)
            }
        };
        self.columns.iter().map(grid).collect()
    }
}

impl CellProducts {
    /// Of no unit.
    pub fn new(cells: usize, arms: usize, groups: &[ProductGroup]) -> Self {
        let empty = |group: &ProductGroup| vec![CrossProducts::new(group.columns.len()); cells * BUCKETS * arms];
        Self { cells, arms, groups: groups.iter().map(empty).collect() }
    }

    /// The number of cells.
    pub fn cells(&self) -> usize {
        self.cells
    }

    /// The number of arms, control included.
    pub fn arms(&self) -> usize {
        self.arms
    }

    /// The number of groups.
    pub fn groups(&self) -> usize {
        self.groups.len()
    }

    /// The products of one group in one cell, bucket and arm; `None` for one that is not there.
    pub fn get(&self, group: usize, cell: usize, bucket: u16, arm: usize) -> Option<&CrossProducts> {
        let bucket = usize::from(bucket);
        if cell >= self.cells || bucket >= BUCKETS || arm >= self.arms {
            return None;
        }
        self.groups.get(group)?.get((cell * BUCKETS + bucket) * self.arms + arm)
    }

    /// By arm, the products of a group over cells and buckets; empty for a group that is not there.
    pub fn sum(&self, group: usize, cells: &[usize], buckets: &BucketSet) -> Vec<CrossProducts> {
        let columns = self.groups.get(group).and_then(|products| products.first()).map_or(0, CrossProducts::columns);
        let total = |arm| {
            let mut sum = CrossProducts::new(columns);
            for cell in cells {
                buckets.iter().filter_map(|bucket| self.get(group, *cell, bucket, arm)).for_each(|part| sum += part);
            }
            sum
        };
        (0..self.arms).map(total).collect()
    }

    /// Adds the products of other units by the same cells and groups.
    pub fn add(&mut self, part: &Self) {
        self.groups.iter_mut().flatten().zip(part.groups.iter().flatten()).for_each(|(sum, part)| *sum += part);
    }
}

/// Refuses groups with a metric that the units do not have.
pub(crate) fn check_groups(units: &UnitColumns, groups: &[ProductGroup]) -> Result<(), PassError> {
    let metrics = units.metric_count();
    let mut asked = groups.iter().flat_map(|group| &group.columns).map(|column| column.metric());
    match asked.find(|metric| *metric >= metrics) {
        Some(metric) => Err(PassError::Metric { metric, metrics }),
        None => Ok(()),
    }
}

/// The metrics of a unit, where it has them.
pub(crate) fn values_of(units: &UnitColumns, row: usize) -> impl Iterator<Item = Option<i64>> {
    let moments = units.packing().moments(units.records(row..row + 1));
    moments.map(|moments| (moments.n > 0).then_some(moments.sum as i64))
}

/// Counts the units in memory: the products of every group by (cell, arm, bucket).
///
/// # Errors
/// [`PassError::Cancelled`] once `cancel` is raised; [`PassError::Metric`] for a group with a metric that the units do not
/// have; the other errors if the grouping does not fit the units.
pub fn cell_products(
    units: &UnitColumns,
    grouping: &Grouping,
    groups: &[ProductGroup],
    cancel: &AtomicBool,
) -> Result<CellProducts, PassError> {
    check_groups(units, groups)?;
    let (cells, cell_of) = cells_of(units, grouping)?;
    let (arms, metrics) = (units.arm_count(), units.metric_count());
    let by_bucket = (0..BUCKETS as u16).into_par_iter().map(|bucket| {
        let empty = |group: &ProductGroup| vec![CrossProducts::new(group.columns.len()); cells * arms];
        let mut counted: Vec<Vec<CrossProducts>> = groups.iter().map(empty).collect();
        let mut values = Vec::with_capacity(metrics);
        let mut row_values = Vec::new();
        for arm in 0..arms {
            for row in units.rows_of(bucket, arm) {
                if row % STRETCH == 0 && cancel.load(Ordering::Relaxed) {
                    return Err(PassError::Cancelled);
                }
                let cell = cell_of(row);
                if cell >= cells {
                    continue;
                }
                values.clear();
                values.extend(values_of(units, row));
                for (group, products) in groups.iter().zip(&mut counted) {
                    if group.row(&values, &mut row_values) {
                        products[cell * arms + arm].push(&row_values);
                    }
                }
            }
        }
        Ok(counted)
    });
    let by_bucket: Vec<Vec<Vec<CrossProducts>>> = by_bucket.collect::<Result<_, _>>()?;
    let mut products = CellProducts::new(cells, arms, groups);
    for (bucket, counted) in by_bucket.into_iter().enumerate() {
        for (sum, counted) in products.groups.iter_mut().zip(counted) {
            for (place, part) in counted.into_iter().enumerate() {
                let (cell, arm) = (place / arms, place % arms);
                sum[(cell * BUCKETS + bucket) * arms + arm] = part;
            }
        }
    }
    Ok(products)
}

#[cfg(test)]
pub(crate) mod tests;
