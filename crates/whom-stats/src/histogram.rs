//! The answer to a pass from units in memory.
//!
//! The work is cut so that what is written stays in a core's own caches. The rows of a node are listed by arm, and a task
//! counts a stretch of one arm's rows. It goes over the stretch in short runs: it gathers a run's records and codes, which
//! lie anywhere in memory, side by side once, and adds them row by row to the cells of a few columns, then of the next ones. A
//! cell is a few words to which a unit's record is added ([`Packing`](crate::packing::Packing)); the first cache holds the cells
//! that a run is counted in: those of a single column of 256 codes and five metrics, which take 22 KiB, and those of many
//! columns of few codes and one metric.
//!
//! Beside the answer, a node takes 4 bytes per row for its list of rows, and the cells of each stretch until they are added up:
//! at most [`GROUP_BYTES`] per 131,072 rows, 10 bytes a row.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use crate::arm_table::{ArmTable, ColumnHistogram};
use crate::columns::UnitColumns;
use crate::node_rows::{RowsByArm, node_rows};
use crate::packed_cells::{CodeRows, Columns, PackedCells};
use crate::pass::{Histograms, NodeHistogram, Pass, PassError, TreePass};
use crate::run::Run;
use crate::sharing::Shared;
use crate::stretch::Stretch;

/// Bytes of cells per task; more columns are worked in groups. Somewhat more than a core's second cache on purpose: to fetch
/// cells that have been pushed out once a run is cheaper than to gather the run again for another group of columns.
const GROUP_BYTES: usize = 1280 << 10;
/// Bytes of the cells of a few columns that are counted together.
const TOGETHER_BYTES: usize = 24 << 10;

/// Counts the units of a pass: for each tree and node asked for, tables by code, arm and metric.
///
/// Exact integers, so the answer depends neither on the order of units nor on the number of threads. Trees, nodes,
/// columns and stretches of rows are worked in parallel on rayon's current pool; the flag is read every 131,072 rows of
/// an arm or sooner. A unit of weight w is counted as w units are. A tree that tells strata apart has the arms of each.
///
/// # Errors
/// [`PassError::Cancelled`] once `cancel` is raised; the other errors if the pass does not fit the units.
pub fn answer(units: &UnitColumns, pass: &Pass, cancel: &AtomicBool) -> Result<Histograms, PassError> {
    pass.check(units.shapes().len())?;
    let counting = Counting { units, cancel };
    let shared = Shared::of(pass);
    let trees = shared.pass().trees.par_iter().map(|tree| counting.tree(tree)).collect::<Result<_, _>>()?;
    Ok(shared.merged(Histograms { trees }))
}

/// The units to count, and the flag that ends it.
#[derive(Clone, Copy)]
struct Counting<'a> {
    units: &'a UnitColumns,
    cancel: &'a AtomicBool,
}

impl<'a> Counting<'a> {
    fn tree(self, tree: &TreePass) -> Result<Vec<NodeHistogram>, PassError> {
        let nodes = node_rows(self.units, tree, self.cancel)?;
        nodes.par_iter().map(|rows| self.node(rows, &tree.columns)).collect()
    }

    fn node(self, rows: &RowsByArm, columns: &[usize]) -> Result<NodeHistogram, PassError> {
        let groups: Vec<Vec<ColumnHistogram>> = columns
            .par_chunks(self.group_size(columns))
            .map(|group| self.group(rows, group))
            .collect::<Result<_, _>>()?;
        let columns: Vec<ColumnHistogram> = groups.into_iter().flatten().collect();
        let mut totals = ArmTable::new(rows.len(), self.units.metric_count());
        match columns.first() {
            // Every unit has one code of the first column.
            Some(column) => column.cells().for_each(|cell| totals.add(cell)),
            None => self.totals(rows, &mut totals)?,
        }
        Ok(NodeHistogram { totals, columns })
    }

    /// How many columns a task takes: as equal shares as fit [`GROUP_BYTES`].
    fn group_size(self, columns: &[usize]) -> usize {
        let bytes: usize = columns.iter().map(|column| self.codes(*column) * self.units.packing().words() * 8).sum();
        columns.len().div_ceil(bytes.div_ceil(GROUP_BYTES).max(1)).max(1)
    }

    /// The histograms of some columns.
    fn group(self, rows: &RowsByArm, columns: &[usize]) -> Result<Vec<ColumnHistogram>, PassError> {
        let firsts: Vec<usize> = columns
            .iter()
            .scan(0, |next, column| {
                *next += self.codes(*column);
                Some(*next - self.codes(*column))
            })
            .collect();
        let counted = self.stretches(rows, |stretch| self.count(stretch, columns, &firsts))?;
        let histogram = |(column, first): (&usize, &usize)| {
            let (arms, metrics) = (rows.len(), self.units.metric_count());
            let mut histogram = ColumnHistogram::new(self.codes(*column), arms, metrics);
            for (arm, cells) in &counted {
                cells
                    .counted_in(*first..first + self.codes(*column))
                    .for_each(|(code, units, moments)| histogram.add(code, *arm, units, moments));
            }
            histogram
        };
        Ok(columns.par_iter().zip(&firsts).map(histogram).collect())
    }

    /// The cells of a stretch of one arm's rows, those of each column from its first one on.
    fn count(self, stretch: &Stretch<'_>, columns: &[usize], firsts: &[usize]) -> PackedCells<'a> {
        let bytes = columns.iter().map(|column| self.units.codes().bytes_of(*column));
        let bytes = bytes.reduce(|one, other| one.start.min(other.start)..one.end.max(other.end)).unwrap_or(0..0);
        let together = self.together(columns, firsts, bytes.start);
        let all = columns.iter().map(|column| self.codes(*column)).sum();
        let mut cells = PackedCells::new(self.units.packing(), all);
        let mut run = Run::default();
        for (weight, rows) in stretch.runs() {
            run.gather(self.units, bytes.clone(), (weight, rows));
            let codes = CodeRows { codes: run.codes(), stride: bytes.len(), weight };
            cells.count_in(run.records(), &codes, &together);
        }
        cells
    }

    /// Columns that are counted together: they lie side by side, and the first cache holds their cells.
    fn together(self, columns: &[usize], firsts: &[usize], start: usize) -> Vec<Columns> {
        let mut together: Vec<Columns> = Vec::new();
        let (mut end, mut cells) = (0, 0);
        for (column, first) in columns.iter().zip(firsts) {
            let bytes = self.units.codes().bytes_of(*column);
            let (wide, own) = (bytes.len() > 1, self.codes(*column));
            let fits = (cells + own) * self.units.packing().words() * 8 <= TOGETHER_BYTES;
            match together.last_mut() {
                Some(last) if !wide && !last.wide && bytes.start == end && fits => {
                    last.firsts.push(*first);
                    cells += own;
                }
                _ => {
                    together.push(Columns { offset: bytes.start - start, wide, firsts: vec![*first] });
                    cells = own;
                }
            }
            end = bytes.end;
        }
        together
    }

    fn totals(self, rows: &RowsByArm, totals: &mut ArmTable) -> Result<(), PassError> {
        let counted = self.stretches(rows, |stretch| {
            let mut everybody = PackedCells::new(self.units.packing(), 1);
            let mut run = Run::default();
            for (weight, rows) in stretch.runs() {
                run.gather(self.units, 0..0, (weight, rows));
                everybody.count(run.records(), weight, rows.iter().map(|_| 0));
            }
            everybody
        })?;
        for (arm, cells) in &counted {
            cells.counted().for_each(|(_, units, moments)| totals.add_to_arm(*arm, units, moments));
        }
        Ok(())
    }

    /// Counts a node's rows in stretches that cells can hold, each of one arm.
    fn stretches<T: Send>(
        self,
        rows: &RowsByArm,
        count: impl Fn(&Stretch<'_>) -> T + Sync,
    ) -> Result<Vec<(usize, T)>, PassError> {
        let stretches = rows.iter().enumerate();
        let stretches: Vec<(usize, Stretch<'_>)> = stretches
            .flat_map(|(arm, rows)| Stretch::cut(rows).into_iter().map(move |stretch| (arm, stretch)))
            .collect();
        let count = |(arm, stretch): (usize, Stretch<'_>)| {
            if self.cancel.load(Ordering::Relaxed) { Err(PassError::Cancelled) } else { Ok((arm, count(&stretch))) }
        };
        stretches.into_par_iter().map(count).collect()
    }

    fn codes(self, column: usize) -> usize {
        self.units.shapes()[column].codes
    }
}

#[cfg(test)]
mod tests;
