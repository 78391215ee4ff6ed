//! The inner loop of every count: records of units added to the cells that they lie in.

use crate::packing::{CAPACITY, Packing};
use crate::pass::ArmTable;

/// Cells of packed sums in one flat piece of memory. They can count [`CAPACITY`] units, of one arm.
pub(crate) struct PackedCells<'a> {
    packing: &'a Packing,
    words: Vec<u64>,
    counted: usize,
}

impl<'a> PackedCells<'a> {
    pub(crate) fn new(packing: &'a Packing, cells: usize) -> Self {
        Self { packing, words: vec![0; cells * packing.words()], counted: 0 }
    }

    /// Counts rows of `records`, each in the cell named beside it.
    pub(crate) fn count(&mut self, records: &[u64], places: impl ExactSizeIterator<Item = (usize, usize)>) {
        self.counted += places.len();
        assert!(self.counted <= CAPACITY, "cells for {CAPACITY} units were given {}", self.counted);
        let cells = &mut self.words;
        match self.packing.words() {
            1 => add::<1>(cells, records, places),
            2 => add::<2>(cells, records, places),
            3 => add::<3>(cells, records, places),
            4 => add::<4>(cells, records, places),
            5 => add::<5>(cells, records, places),
            6 => add::<6>(cells, records, places),
            7 => add::<7>(cells, records, places),
            8 => add::<8>(cells, records, places),
            9 => add::<9>(cells, records, places),
            10 => add::<10>(cells, records, places),
            11 => add::<11>(cells, records, places),
            12 => add::<12>(cells, records, places),
            words => add_wide(words, cells, records, places),
        }
    }

    /// Adds what the cells have counted to an arm of the tables, cell by cell.
    pub(crate) fn empty_into(&self, tables: &mut [ArmTable], arm: usize) {
        for (cell, table) in self.words.chunks_exact(self.packing.words()).zip(tables) {
            let units = self.packing.units(cell);
            if units == 0 {
                continue;
            }
            table.units[arm] += units;
            let metrics = self.packing.metrics();
            let moments = &mut table.moments[arm * metrics..(arm + 1) * metrics];
            moments.iter_mut().zip(self.packing.moments(cell)).for_each(|(sum, moments)| *sum += moments);
        }
    }
}

/// Adds records of a width that is known when compiled, so that the additions are unrolled and vectorised.
///
/// No sum overflows within [`CAPACITY`] units, which is how wide [`Packing`] makes the fields.
fn add<const WORDS: usize>(cells: &mut [u64], records: &[u64], places: impl Iterator<Item = (usize, usize)>) {
    let (cells, _) = cells.as_chunks_mut::<WORDS>();
    let (records, _) = records.as_chunks::<WORDS>();
    for (row, cell) in places {
        for (sum, word) in cells[cell].iter_mut().zip(&records[row]) {
            *sum = sum.wrapping_add(*word);
        }
    }
}

/// As [`add`], for wider records.
fn add_wide(words: usize, cells: &mut [u64], records: &[u64], places: impl Iterator<Item = (usize, usize)>) {
    for (row, cell) in places {
        let record = &records[row * words..(row + 1) * words];
        for (sum, word) in cells[cell * words..(cell + 1) * words].iter_mut().zip(record) {
            *sum = sum.wrapping_add(*word);
        }
    }
}
