//! Some rows brought side by side, so that counting them reads memory in a straight line.

use crate::columns::UnitColumns;
use crate::gather::gather;
use crate::packed_cells::PackedCells;
use crate::routing::Code;

/// Rows whose codes are gathered together: few enough that the lines they lie in stay in the first cache for all columns.
const LINES: usize = 256;

/// The records of a few rows, and their codes in some columns.
#[derive(Default)]
pub(crate) struct Run {
    rows: usize,
    records: Vec<u64>,
    codes: Codes,
}

/// Index `place of the column * rows + row`; of one byte each if no column has wider ones.
enum Codes {
    Narrow(Vec<u8>),
    Wide(Vec<Code>),
}

impl Default for Codes {
    fn default() -> Self {
        Self::Narrow(Vec::new())
    }
}

impl Run {
    /// Gathers some rows in place of the last ones.
    pub(crate) fn gather(&mut self, units: &UnitColumns, columns: &[usize], rows: &[u32]) {
        self.rows = rows.len();
        let words = units.packing().words();
        self.records.resize(words * rows.len(), 0);
        gather(units.records(0..units.rows()), words, rows, &mut self.records);
        let table = units.codes();
        let count = columns.len() * rows.len();
        if !table.are_narrow(columns) {
            self.codes = Codes::Wide(columns.iter().flat_map(|column| table.codes(rows, *column)).collect());
            return;
        }
        let mut codes = match std::mem::take(&mut self.codes) {
            Codes::Narrow(codes) => codes,
            Codes::Wide(_) => Vec::new(),
        };
        codes.resize(count, 0);
        for (part, lines) in rows.chunks(LINES).enumerate() {
            table.turn(lines, columns, &mut codes, |place| place * rows.len() + part * LINES);
        }
        self.codes = Codes::Narrow(codes);
    }

    /// Counts the rows in the cells of the column at a place among those gathered.
    pub(crate) fn count(&self, place: usize, cells: &mut PackedCells<'_>) {
        let own = place * self.rows..(place + 1) * self.rows;
        match &self.codes {
            Codes::Narrow(codes) => cells.count(&self.records, codes[own].iter().map(|code| usize::from(*code))),
            Codes::Wide(codes) => cells.count(&self.records, codes[own].iter().map(|code| usize::from(*code))),
        }
    }

    pub(crate) fn records(&self) -> &[u64] {
        &self.records
    }
}
