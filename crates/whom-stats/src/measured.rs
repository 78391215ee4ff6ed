//! Cells on the buckets of a fold: the effect of any treatment on any metric in any cell, and in the rest of the units.

use serde::{Deserialize, Serialize};

use crate::bucket::BucketSet;
use crate::effect::Effect;
use crate::estimate::{Estimate, NotEstimable};
use crate::grid::Grid;
use crate::moments::Moments;
use crate::pass::CellStatistics;

/// The control's number among the arms.
pub const CONTROL: usize = 0;

/// The statistics of a partition's cells on the buckets of a fold.
#[derive(Clone, Copy, Debug)]
pub struct Measured<'a> {
    /// Statistics by (cell, arm, bucket).
    pub cells: &'a CellStatistics,
    /// The fold.
    pub buckets: &'a BucketSet,
    /// The grid of each metric.
    pub grids: &'a [Grid],
}

/// Whose effect: a treatment on a metric in a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Target {
    /// Index of the metric.
    pub metric: usize,
    /// The treatment arm; control is 0.
    pub treatment: usize,
    /// The cell.
    pub cell: usize,
}

impl Measured<'_> {
    /// The effect in the target's cell.
    ///
    /// # Errors
    /// Whatever [`Effect::welch`] cannot estimate; [`NotEstimable::NotCounted`] for a cell, arm or metric that is not there.
    pub fn effect(&self, target: Target) -> Result<Effect, NotEstimable> {
        self.welch(target, |cell| cell == target.cell)
    }

    /// The effect in all other cells together.
    ///
    /// # Errors
    /// As [`Measured::effect`].
    pub fn rest_effect(&self, target: Target) -> Result<Effect, NotEstimable> {
        self.welch(target, |cell| cell != target.cell)
    }

    /// The effect in the target's cell less that in the rest: whether the cohort is *different*.
    ///
    /// # Errors
    /// As [`Measured::effect`], for either side.
    pub fn contrast(&self, target: Target) -> Result<Estimate, NotEstimable> {
        Ok(self.effect(target)?.contrast(&self.rest_effect(target)?))
    }

    /// The effect in all cells together; the target's cell is not read.
    ///
    /// # Errors
    /// As [`Measured::effect`].
    pub fn average_effect(&self, target: Target) -> Result<Effect, NotEstimable> {
        self.welch(Target { cell: 0, ..target }, |_| true)
    }

    fn welch(&self, target: Target, selects: impl Fn(usize) -> bool) -> Result<Effect, NotEstimable> {
        let grid = self.check(target)?;
        let (mut treatment, mut control) = (Moments::default(), Moments::default());
        for cell in (0..self.cells.cells).filter(|cell| selects(*cell)) {
            for table in self.buckets.iter().filter_map(|bucket| self.cells.table(cell, bucket)) {
                treatment += *table.get(target.treatment, target.metric);
                control += *table.get(CONTROL, target.metric);
            }
        }
        Effect::welch(&treatment, &control, grid)
    }

    /// The target metric's grid, if the statistics hold the target.
    pub(crate) fn check(&self, target: Target) -> Result<Grid, NotEstimable> {
        let metrics = self.cells.tables.first().map_or(0, crate::arm_table::ArmTable::metrics);
        let known = target.cell < self.cells.cells && target.treatment < self.cells.arms() && target.metric < metrics;
        self.grids.get(target.metric).copied().filter(|_| known).ok_or(NotEstimable::NotCounted)
    }
}
