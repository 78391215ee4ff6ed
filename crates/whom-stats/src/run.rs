//! Some rows brought side by side, so that counting them reads memory in a straight line.

use crate::columns::UnitColumns;
use crate::routing::Code;

/// Rows whose codes are gathered together: few enough that the lines they lie in stay in the first cache for all columns.
const LINES: usize = 256;

/// The records of a few rows, and their codes in some columns.
#[derive(Default)]
pub(crate) struct Run {
    rows: usize,
    records: Vec<u64>,
    /// Index `place of the column * rows + row`.
    codes: Vec<Code>,
}

impl Run {
    /// Gathers some rows in place of the last ones.
    pub(crate) fn gather(&mut self, units: &UnitColumns, columns: &[usize], rows: &[u32]) {
        self.rows = rows.len();
        self.records.clear();
        for stretch in rows.chunk_by(|row, next| row + 1 == *next) {
            let first = stretch[0] as usize;
            self.records.extend_from_slice(units.records(first..first + stretch.len()));
        }
        self.codes.resize(columns.len() * rows.len(), 0);
        for (part, rows) in rows.chunks(LINES).enumerate() {
            for (place, column) in columns.iter().enumerate() {
                let codes = &mut self.codes[place * self.rows + part * LINES..][..rows.len()];
                codes.iter_mut().zip(units.codes().codes(rows, *column)).for_each(|(place, code)| *place = code);
            }
        }
    }

    pub(crate) fn records(&self) -> &[u64] {
        &self.records
    }

    /// The codes of the rows in the column at a place among those gathered.
    pub(crate) fn codes(&self, place: usize) -> impl ExactSizeIterator<Item = usize> + '_ {
        self.codes[place * self.rows..(place + 1) * self.rows].iter().map(|code| usize::from(*code))
    }
}
