//! The answer to a pass from units in memory.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use crate::columns::{CodeColumn, UnitColumns};
use crate::pass::{ArmTable, ColumnHistogram, Histograms, NodeHistogram, Pass, PassError, TreePass};
use crate::tally::Tally;

/// Rows per parallel task of a histogram: enough that making and merging tables is small beside counting.
const TASK_ROWS: usize = 1 << 18;
/// Buckets per parallel task of routing.
const TASK_BUCKETS: usize = 16;

/// Counts the units of a pass: for each tree and node asked for, tables by code, arm and metric.
///
/// Exact integers, so the answer depends neither on the order of units nor on the number of threads. Trees, nodes,
/// columns and stretches of rows are worked in parallel on rayon's current pool; the flag is read every 16,384 rows.
///
/// # Errors
/// [`PassError::Cancelled`] once `cancel` is raised; the other errors if the pass does not fit the units.
pub fn answer(units: &UnitColumns, pass: &Pass, cancel: &AtomicBool) -> Result<Histograms, PassError> {
    pass.check(units.shapes().len())?;
    let answer_tree = |tree: &TreePass| {
        let members = members(units, tree, cancel)?;
        members.par_iter().map(|rows| node_histogram(units, rows, &tree.columns, cancel)).collect()
    };
    let trees = pass.trees.par_iter().map(answer_tree).collect::<Result<_, _>>()?;
    Ok(Histograms { trees })
}

/// The rows of each requested node, ascending. A row is in every requested node on its path.
fn members(units: &UnitColumns, tree: &TreePass, cancel: &AtomicBool) -> Result<Vec<Vec<u32>>, PassError> {
    let mut slots = vec![None; tree.routing.nodes().len()];
    tree.nodes.iter().enumerate().for_each(|(slot, node)| slots[*node] = Some(slot));
    let buckets: Vec<u16> = tree.buckets.iter().collect();
    let parts: Vec<Vec<Vec<u32>>> = buckets
        .par_chunks(TASK_BUCKETS)
        .map(|buckets| {
            let mut members = vec![Vec::new(); tree.nodes.len()];
            for bucket in buckets {
                if cancel.load(Ordering::Relaxed) {
                    return Err(PassError::Cancelled);
                }
                for row in units.rows_of(*bucket) {
                    tree.routing.walk(
                        |column| units.column(column).code(row),
                        |node| {
                            if let Some(slot) = slots[node] {
                                members[slot].push(row as u32);
                            }
                        },
                    );
                }
            }
            Ok(members)
        })
        .collect::<Result<_, _>>()?;
    Ok((0..tree.nodes.len()).map(|slot| parts.iter().flat_map(|part| &part[slot]).copied().collect()).collect())
}

fn node_histogram(
    units: &UnitColumns,
    rows: &[u32],
    columns: &[usize],
    cancel: &AtomicBool,
) -> Result<NodeHistogram, PassError> {
    let columns: Vec<ColumnHistogram> = columns
        .par_iter()
        .map(|&column| {
            let codes = units.shapes()[column].codes;
            let tables = match units.column(column) {
                CodeColumn::U8(column) => count(units, rows, codes, |row| usize::from(column[row]), cancel),
                CodeColumn::U16(column) => count(units, rows, codes, |row| usize::from(column[row]), cancel),
            };
            tables.map(|codes| ColumnHistogram { codes })
        })
        .collect::<Result<_, _>>()?;
    let mut totals = ArmTable::new(units.arm_count(), units.metric_count());
    match columns.first() {
        // Every unit has one code of the first column.
        Some(column) => column.codes.iter().for_each(|table| totals.merge(table)),
        None => count(units, rows, 1, |_| 0, cancel)?.iter().for_each(|table| totals.merge(table)),
    }
    Ok(NodeHistogram { totals, columns })
}

fn count(
    units: &UnitColumns,
    rows: &[u32],
    cells: usize,
    cell_of: impl Fn(usize) -> usize + Sync,
    cancel: &AtomicBool,
) -> Result<Vec<ArmTable>, PassError> {
    let tally = rows
        .par_chunks(TASK_ROWS)
        .map(|rows| {
            let mut tally = Tally::new(units, cells);
            tally.count(units, rows.iter().map(|row| *row as usize), |row| Some(cell_of(row)), cancel)?;
            Ok(tally)
        })
        .try_reduce_with(|left, right| Ok(left.merge(&right)));
    Ok(tally.transpose()?.unwrap_or_else(|| Tally::new(units, cells)).into_tables())
}

#[cfg(test)]
mod tests;
