//! The inner loop of every pass: units and moments counted by cell, arm and metric.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::columns::{ABSENT, UnitColumns};
use crate::moments::Moments;
use crate::pass::{ArmTable, PassError};

/// Rows between two looks at the cancel flag.
const CHUNK: usize = 16_384;

/// Tables of cells in one flat piece of memory, so that the inner loop makes one index and no pointer chase.
pub(crate) struct Tally {
    arms: usize,
    metrics: usize,
    /// Index `cell * arms + arm`.
    units: Vec<u64>,
    /// Index `(cell * arms + arm) * metrics + metric`.
    moments: Vec<Moments>,
}

impl Tally {
    pub(crate) fn new(units: &UnitColumns, cells: usize) -> Self {
        let (arms, metrics) = (units.arm_count(), units.metric_count());
        Self { arms, metrics, units: vec![0; cells * arms], moments: vec![Moments::default(); cells * arms * metrics] }
    }

    /// Counts rows, each in the cell of this tally that `cell_of` names, if any.
    pub(crate) fn count(
        &mut self,
        units: &UnitColumns,
        rows: impl Iterator<Item = usize>,
        cell_of: impl Fn(usize) -> Option<usize>,
        cancel: &AtomicBool,
    ) -> Result<(), PassError> {
        for (done, row) in rows.enumerate() {
            if done % CHUNK == 0 && cancel.load(Ordering::Relaxed) {
                return Err(PassError::Cancelled);
            }
            let Some(cell) = cell_of(row) else { continue };
            let place = cell * self.arms + units.arm(row);
            self.units[place] += 1;
            let moments = &mut self.moments[place * self.metrics..(place + 1) * self.metrics];
            for (moments, value) in moments.iter_mut().zip(units.values(row)) {
                if *value != ABSENT {
                    moments.push(*value);
                }
            }
        }
        Ok(())
    }

    pub(crate) fn merge(mut self, other: &Self) -> Self {
        self.units.iter_mut().zip(&other.units).for_each(|(mine, theirs)| *mine += theirs);
        self.moments.iter_mut().zip(&other.moments).for_each(|(mine, theirs)| *mine += *theirs);
        self
    }

    /// One table per cell.
    pub(crate) fn into_tables(self) -> Vec<ArmTable> {
        let cells = self.units.len().checked_div(self.arms).unwrap_or(0);
        let width = self.arms * self.metrics;
        (0..cells)
            .map(|cell| ArmTable {
                units: self.units[cell * self.arms..(cell + 1) * self.arms].to_vec(),
                moments: self.moments[cell * width..(cell + 1) * width].to_vec(),
            })
            .collect()
    }
}
