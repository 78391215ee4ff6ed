//! The splits of one column in one node that a search considers, each partition of the codes once.
//!
//! Codes without a unit of the involved arms in the node take no part here. With the others:
//! - An ordered column is cut after each code (missing is no part of the order); where units miss the tag, each cut is
//!   tried with the missing code on either side, and missing alone is tried against all others.
//! - An unordered column of at most [`MOST_SUBSET_LEVELS`] codes, the missing one included: all subsets.
//! - Beyond that: prefixes of the codes in order of their effect, for each target in turn, the missing code on either
//!   side. Codes with equal effects stay together, so that the candidates do not depend on which arm is called control;
//!   a code with an empty arm is placed at the effect of the whole node.

use whom_stats::moments::Moments;
use whom_stats::pass::ColumnShape;
use whom_stats::routing::{Code, CodeSet};
use whom_stats::{ArmCell, ColumnHistogram};

use crate::score::Criterion;

/// An unordered column with more codes in a node than this is searched along the effects of its codes.
pub const MOST_SUBSET_LEVELS: usize = 10;

/// What the criterion reads of the codes that occur in a node, in ascending order of code.
pub(crate) struct Levels<'a> {
    criterion: &'a Criterion,
    codes: Vec<Code>,
    units: Vec<u64>,
    cells: Vec<Moments>,
    missing: Option<usize>,
}

/// Cells and units of one side of a candidate.
#[derive(Clone, Debug)]
pub(crate) struct Side {
    pub(crate) cells: Vec<Moments>,
    pub(crate) units: u64,
}

impl Side {
    pub(crate) fn empty(width: usize) -> Self {
        Self { cells: vec![Moments::default(); width], units: 0 }
    }

    pub(crate) fn of(criterion: &Criterion, table: ArmCell<'_>) -> Self {
        Self { cells: criterion.cells(table).collect(), units: criterion.units(table) }
    }

    /// Makes this side the units of `whole` that are not in `part`.
    pub(crate) fn set_to_rest(&mut self, whole: &Self, part: &Self) {
        self.units = whole.units - part.units;
        for (index, cell) in self.cells.iter_mut().enumerate() {
            *cell = whole.cells[index] - part.cells[index];
        }
    }
}

/// Receives candidates: one side, and a function that names its codes.
pub(crate) trait Judge {
    fn judge(&mut self, side: &Side, codes: &dyn Fn() -> CodeSet);
}

impl<'a> Levels<'a> {
    pub(crate) fn new(criterion: &'a Criterion, shape: &ColumnShape, histogram: &ColumnHistogram) -> Self {
        let mut levels = Self { criterion, codes: Vec::new(), units: Vec::new(), cells: Vec::new(), missing: None };
        for (code, table) in histogram.cells().enumerate() {
            let (code, units) = (code as Code, criterion.units(table));
            if units == 0 {
                continue;
            }
            if shape.missing == Some(code) {
                levels.missing = Some(levels.codes.len());
            }
            levels.codes.push(code);
            levels.units.push(units);
            levels.cells.extend(criterion.cells(table));
        }
        levels
    }

    /// The codes that occur, ascending.
    pub(crate) fn codes(&self) -> &[Code] {
        &self.codes
    }

    /// The units of the codes in a set.
    pub(crate) fn units_in(&self, set: &CodeSet) -> u64 {
        self.codes.iter().zip(&self.units).filter(|(code, _)| set.contains(**code)).map(|(_, units)| units).sum()
    }

    /// All units of the node.
    pub(crate) fn whole(&self) -> Side {
        let mut whole = Side::empty(self.criterion.width());
        (0..self.codes.len()).for_each(|level| self.add(&mut whole, level));
        whole
    }

    /// Shows every candidate of the column to `judge`.
    pub(crate) fn visit(&self, ordered: bool, judge: &mut impl Judge) {
        if ordered {
            let cuts: Vec<Vec<usize>> = self.without_missing().map(|level| vec![level]).collect();
            self.visit_prefixes(&cuts, judge);
        } else if self.codes.len() <= MOST_SUBSET_LEVELS {
            self.visit_subsets(judge);
        } else {
            (0..self.criterion.targets()).for_each(|target| self.visit_prefixes(&self.by_effect(target), judge));
        }
    }

    /// Prefixes of blocks of levels, each with the missing level out and in.
    fn visit_prefixes(&self, blocks: &[Vec<usize>], judge: &mut impl Judge) {
        let mut side = Side::empty(self.criterion.width());
        for last in 0..blocks.len() {
            blocks[last].iter().for_each(|level| self.add(&mut side, *level));
            let prefix = || blocks[..=last].iter().flatten().map(|level| self.codes[*level]);
            judge.judge(&side, &|| prefix().collect());
            if let Some(missing) = self.missing {
                self.add(&mut side, missing);
                judge.judge(&side, &|| prefix().chain([self.codes[missing]]).collect());
                self.remove(&mut side, missing);
            }
        }
    }

    /// All subsets that hold the first level, in Gray order: from one to the next a single level changes sides.
    fn visit_subsets(&self, judge: &mut impl Judge) {
        let Some(others) = self.codes.len().checked_sub(1) else { return };
        let mut side = Side::empty(self.criterion.width());
        self.add(&mut side, 0);
        let mut members = 0_usize;
        for step in 0..1_usize << others {
            if step > 0 {
                let level = step.trailing_zeros() as usize;
                members ^= 1 << level;
                if members >> level & 1 == 1 {
                    self.add(&mut side, level + 1);
                } else {
                    self.remove(&mut side, level + 1);
                }
            }
            let chosen = (0..others).filter(|level| members >> level & 1 == 1).map(|level| self.codes[level + 1]);
            judge.judge(&side, &|| chosen.clone().chain([self.codes[0]]).collect());
        }
    }

    /// The levels but the missing one, in ascending order of a target's effect, equal effects in one block.
    fn by_effect(&self, target: usize) -> Vec<Vec<usize>> {
        let neutral = self.criterion.effect_of(target, &self.whole().cells).unwrap_or(0.0);
        let effect = |level: usize| self.criterion.effect_of(target, self.cells_of(level)).unwrap_or(neutral);
        let mut order: Vec<(f64, usize)> = self.without_missing().map(|level| (effect(level), level)).collect();
        order.sort_by(|one, other| one.0.total_cmp(&other.0));
        order
            .chunk_by(|one, other| one.0 == other.0)
            .map(|block| block.iter().map(|(_, level)| *level).collect())
            .collect()
    }

    fn without_missing(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.codes.len()).filter(|level| Some(*level) != self.missing)
    }

    fn cells_of(&self, level: usize) -> &[Moments] {
        let width = self.criterion.width();
        &self.cells[level * width..(level + 1) * width]
    }

    fn add(&self, side: &mut Side, level: usize) {
        side.units += self.units[level];
        side.cells.iter_mut().zip(self.cells_of(level)).for_each(|(sum, cell)| *sum += *cell);
    }

    fn remove(&self, side: &mut Side, level: usize) {
        side.units -= self.units[level];
        side.cells.iter_mut().zip(self.cells_of(level)).for_each(|(sum, cell)| *sum = *sum - *cell);
    }
}
