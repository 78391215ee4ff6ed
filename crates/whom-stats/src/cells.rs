//! Statistics by (cell, arm, bucket): made in one scan, summed at will.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use crate::arm_table::ArmTable;
use crate::bucket::{BUCKETS, BucketSet};
use crate::columns::UnitColumns;
use crate::packed_cells::PackedCells;
use crate::packing::CAPACITY;
use crate::pass::{CellStatistics, Grouping, PassError};
use crate::routing::Routing;

impl CellStatistics {
    /// The table of one cell in one bucket, or `None` if there is no such cell or bucket.
    pub fn table(&self, cell: usize, bucket: u16) -> Option<&ArmTable> {
        let bucket = usize::from(bucket);
        if cell < self.cells && bucket < BUCKETS { self.tables.get(cell * BUCKETS + bucket) } else { None }
    }

    /// The table of one cell over a set of buckets; empty if there is no such cell.
    pub fn sum(&self, cell: usize, buckets: &BucketSet) -> ArmTable {
        self.merged(std::iter::once(cell), buckets)
    }

    /// The table of all cells over a set of buckets.
    pub fn pooled(&self, buckets: &BucketSet) -> ArmTable {
        self.merged(0..self.cells, buckets)
    }

    /// The table of the units in every cell but one.
    pub fn rest(&self, cell: usize, buckets: &BucketSet) -> ArmTable {
        self.merged((0..self.cells).filter(|other| *other != cell), buckets)
    }

    /// The number of arms, control included; 0 if there is no cell.
    pub fn arms(&self) -> usize {
        self.tables.first().map_or(0, |table| table.units.len())
    }

    /// The table of some cells, each named once, over a set of buckets; empty if there is none.
    pub fn merged(&self, cells: impl Iterator<Item = usize>, buckets: &BucketSet) -> ArmTable {
        let shape = self.tables.first();
        let mut sum =
            shape.map_or_else(|| ArmTable::new(0, 0), |table| ArmTable::new(table.units.len(), table.metrics()));
        for cell in cells {
            buckets.iter().filter_map(|bucket| self.table(cell, bucket)).for_each(|table| sum.add(table.cell()));
        }
        sum
    }
}

/// Counts the units in memory by (cell, arm, bucket), one answer per grouping.
///
/// # Errors
/// [`PassError::Cancelled`] once `cancel` is raised; the other errors if a grouping does not fit the units.
pub fn cell_statistics(
    units: &UnitColumns,
    groupings: &[Grouping],
    cancel: &AtomicBool,
) -> Result<Vec<CellStatistics>, PassError> {
    groupings.iter().map(|grouping| statistics(units, grouping, cancel)).collect()
}

fn statistics(units: &UnitColumns, grouping: &Grouping, cancel: &AtomicBool) -> Result<CellStatistics, PassError> {
    match grouping {
        Grouping::Everybody => count(units, 1, |_| 0, cancel),
        Grouping::Leaves(routing) => {
            routing.check(units.shapes().len())?;
            let (cell_of_node, cells) = leaf_cells(routing);
            count(units, cells, |row| cell_of_node[routing.leaf(|column| units.codes().code(row, column))], cancel)
        }
        Grouping::Codes { column, codes } => {
            let columns = units.shapes().len();
            if *column >= columns {
                return Err(PassError::Column { column: *column, columns });
            }
            count(units, usize::from(*codes), |row| usize::from(units.codes().code(row, *column)), cancel)
        }
    }
}

/// The number of cells of a grouping, and the cell of each row; a cell beyond that number is none.
pub(crate) fn cells_of<'a>(units: &'a UnitColumns, grouping: &'a Grouping) -> Result<CellOfRow<'a>, PassError> {
    let columns = units.shapes().len();
    match grouping {
        Grouping::Everybody => Ok((1, Box::new(|_| 0))),
        Grouping::Leaves(routing) => {
            routing.check(columns)?;
            let (cell_of_node, cells) = leaf_cells(routing);
            let leaf = move |row| cell_of_node[routing.leaf(|column| units.codes().code(row, column))];
            Ok((cells, Box::new(leaf)))
        }
        Grouping::Codes { column, .. } if *column >= columns => Err(PassError::Column { column: *column, columns }),
        Grouping::Codes { column, codes } => {
            Ok((usize::from(*codes), Box::new(|row| usize::from(units.codes().code(row, *column)))))
        }
    }
}

/// The number of cells, and the cell of a row.
pub(crate) type CellOfRow<'a> = (usize, Box<dyn Fn(usize) -> usize + Sync + 'a>);

/// The cell of each node, which is the rank of a leaf among the leaves and beyond them for others, and the number of leaves.
fn leaf_cells(routing: &Routing) -> (Vec<usize>, usize) {
    let cells = routing.leaves().count();
    let mut cell_of_node = vec![cells; routing.nodes().len()];
    routing.leaves().enumerate().for_each(|(cell, leaf)| cell_of_node[leaf] = cell);
    (cell_of_node, cells)
}

/// Counts each unit in the cell that `cell_of` names for its row; one beyond the cells is left out.
fn count(
    units: &UnitColumns,
    cells: usize,
    cell_of: impl Fn(usize) -> usize + Sync,
    cancel: &AtomicBool,
) -> Result<CellStatistics, PassError> {
    let by_bucket: Vec<Vec<ArmTable>> = (0..BUCKETS as u16)
        .into_par_iter()
        .map(|bucket| {
            let mut tables = vec![ArmTable::new(units.arm_count(), units.metric_count()); cells];
            for arm in 0..units.arm_count() {
                for rows in stretches(units.rows_of(bucket, arm)) {
                    if cancel.load(Ordering::Relaxed) {
                        return Err(PassError::Cancelled);
                    }
                    let mut counted = PackedCells::new(units.packing(), cells + 1);
                    counted.count(units.records(rows.clone()), 1, rows.map(|row| cell_of(row).min(cells)));
                    for (cell, units, moments) in counted.counted().filter(|(cell, ..)| *cell < cells) {
                        tables[cell].add_to_arm(arm, units, moments);
                    }
                }
            }
            Ok(tables)
        })
        .collect::<Result<_, _>>()?;
    let mut columns: Vec<_> = by_bucket.into_iter().map(Vec::into_iter).collect();
    let tables = (0..cells).flat_map(|_| columns.iter_mut().filter_map(Iterator::next).collect::<Vec<_>>()).collect();
    Ok(CellStatistics { cells, tables })
}

/// A range of rows in stretches of what cells can count.
fn stretches(rows: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    rows.clone().step_by(CAPACITY).map(move |start| start..rows.end.min(start + CAPACITY))
}
