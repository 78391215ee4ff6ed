//! Answers about parts of the units, added up to the answer about all of them.
//!
//! Every number in an answer is an integer that counts units or sums their values, so the sum over parts is what counting
//! all units at once gives, in whichever order the parts come.

use crate::arm_table::ColumnHistogram;
use crate::pass::{CellStatistics, Histograms, NodeHistogram};

impl Histograms {
    /// Adds the answer to the same pass over other units.
    pub fn add(&mut self, part: &Self) {
        self.trees.iter_mut().flatten().zip(part.trees.iter().flatten()).for_each(|(sum, part)| sum.add(part));
    }
}

impl NodeHistogram {
    fn add(&mut self, part: &Self) {
        self.totals.add(part.totals.cell());
        self.columns.iter_mut().zip(&part.columns).for_each(|(sum, part)| sum.add_all(part));
    }
}

impl ColumnHistogram {
    fn add_all(&mut self, part: &Self) {
        self.units.iter_mut().zip(&part.units).for_each(|(sum, units)| *sum += units);
        self.moments.iter_mut().zip(&part.moments).for_each(|(sum, moments)| *sum += *moments);
    }
}

impl CellStatistics {
    /// Adds the statistics of other units by the same cells.
    pub fn add(&mut self, part: &Self) {
        self.tables.iter_mut().zip(&part.tables).for_each(|(sum, table)| sum.add(table.cell()));
    }
}
