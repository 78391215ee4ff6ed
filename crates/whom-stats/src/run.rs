//! Some rows brought side by side, so that counting them reads memory in a straight line.

use crate::columns::UnitColumns;
use crate::routing::Code;

/// The records and codes of a few rows.
#[derive(Default)]
pub(crate) struct Run {
    records: Vec<u64>,
    codes: Vec<Code>,
}

impl Run {
    /// Gathers the records of some rows in place of the last ones.
    pub(crate) fn gather_records(&mut self, units: &UnitColumns, rows: &[u32]) {
        self.records.clear();
        for stretch in rows.chunk_by(|row, next| row + 1 == *next) {
            let first = stretch[0] as usize;
            self.records.extend_from_slice(units.records(first..first + stretch.len()));
        }
    }

    /// Gathers a tag's codes of some rows in place of the last ones. A loop of its own: many reads are under way at once.
    pub(crate) fn gather_codes(&mut self, units: &UnitColumns, column: usize, rows: &[u32]) {
        self.codes.clear();
        self.codes.extend(units.codes().codes(rows, column));
    }

    pub(crate) fn records(&self) -> &[u64] {
        &self.records
    }

    pub(crate) fn codes(&self) -> impl ExactSizeIterator<Item = usize> + '_ {
        self.codes.iter().map(|code| usize::from(*code))
    }
}
