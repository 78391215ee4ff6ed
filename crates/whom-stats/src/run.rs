//! Some rows brought side by side, so that counting them reads memory in a straight line.

use std::ops::Range;

use crate::columns::UnitColumns;
use crate::gather::gather;

/// The records and the codes of a few rows.
#[derive(Default)]
pub(crate) struct Run {
    records: Vec<u64>,
    codes: Vec<u8>,
}

impl Run {
    /// Gathers some rows in place of the last ones, with those bytes of their codes; each record holds its unit `weight` times.
    ///
    /// All fields of a word are multiplied at once: a unit fills a field up to as many bits less than its width as
    /// [`CAPACITY`](crate::packing::CAPACITY) has, so that none grows into its neighbour.
    pub(crate) fn gather(&mut self, units: &UnitColumns, bytes: Range<usize>, (weight, rows): (u8, &[u32])) {
        let words = units.packing().words();
        self.records.resize(words * rows.len(), 0);
        gather(units.records(0..units.rows()), words, 0..words, rows, &mut self.records);
        if weight != 1 {
            self.records.iter_mut().for_each(|word| *word = word.wrapping_mul(weight.into()));
        }
        self.codes.resize(bytes.len() * rows.len(), 0);
        gather(units.codes().bytes(), units.codes().stride(), bytes, rows, &mut self.codes);
    }

    pub(crate) fn records(&self) -> &[u64] {
        &self.records
    }

    /// The codes, row by row.
    pub(crate) fn codes(&self) -> &[u8] {
        &self.codes
    }
}
