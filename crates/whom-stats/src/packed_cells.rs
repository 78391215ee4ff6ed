//! The inner loop of every count: records of units added to the cells that they lie in.

use std::ops::Range;

use crate::moments::Moments;
use crate::packing::{CAPACITY, Packing};

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

    /// Makes room for so many units more.
    fn take(&mut self, units: usize) {
        self.counted += units;
        assert!(self.counted <= CAPACITY, "cells for {CAPACITY} units were given {}", self.counted);
    }

    /// Counts `weight` units per record, in the cell that stands at the same place; the records hold them so often.
    pub(crate) fn count(&mut self, records: &[u64], weight: u8, cells: impl ExactSizeIterator<Item = usize>) {
        self.take(cells.len() * usize::from(weight));
        let sums = &mut self.words;
        match self.packing.words() {
            1 => add::<1>(sums, records, cells),
            2 => add::<2>(sums, records, cells),
            3 => add::<3>(sums, records, cells),
            4 => add::<4>(sums, records, cells),
            5 => add::<5>(sums, records, cells),
            6 => add::<6>(sums, records, cells),
            7 => add::<7>(sums, records, cells),
            8 => add::<8>(sums, records, cells),
            9 => add::<9>(sums, records, cells),
            10 => add::<10>(sums, records, cells),
            11 => add::<11>(sums, records, cells),
            12 => add::<12>(sums, records, cells),
            words => add_wide(words, sums, records, cells),
        }
    }

    /// Counts the units of each record, of which there is one per row of codes, in a cell of each column.
    pub(crate) fn count_in(&mut self, records: &[u64], rows: &CodeRows<'_>, columns: &[Columns]) {
        self.take(rows.codes.len() / rows.stride * usize::from(rows.weight));
        for columns in columns {
            let sums = &mut self.words;
            match self.packing.words() {
                1 => add_in::<1>(sums, records, rows, columns),
                2 => add_in::<2>(sums, records, rows, columns),
                3 => add_in::<3>(sums, records, rows, columns),
                4 => add_in::<4>(sums, records, rows, columns),
                5 => add_in::<5>(sums, records, rows, columns),
                6 => add_in::<6>(sums, records, rows, columns),
                7 => add_in::<7>(sums, records, rows, columns),
                8 => add_in::<8>(sums, records, rows, columns),
                9 => add_in::<9>(sums, records, rows, columns),
                10 => add_in::<10>(sums, records, rows, columns),
                11 => add_in::<11>(sums, records, rows, columns),
                12 => add_in::<12>(sums, records, rows, columns),
                words => {
                    for (place, first) in columns.firsts.iter().enumerate() {
                        let cells = rows.codes.chunks_exact(rows.stride).map(|row| first + columns.code(row, place));
                        add_wide(words, sums, records, cells);
                    }
                }
            }
        }
    }

    /// What each cell has counted that has counted anything: its place, its units, and the moments by metric.
    pub(crate) fn counted(&self) -> impl Iterator<Item = (usize, u64, impl Iterator<Item = Moments>)> {
        self.counted_in(0..self.words.len() / self.packing.words())
    }

    /// The same of some cells, whose places count from the first of them.
    pub(crate) fn counted_in(
        &self,
        cells: Range<usize>,
    ) -> impl Iterator<Item = (usize, u64, impl Iterator<Item = Moments>)> {
        let words = self.packing.words();
        let cells = self.words[cells.start * words..cells.end * words].chunks_exact(words).enumerate();
        cells
            .map(|(place, cell)| (place, self.packing.units(cell), self.packing.moments(cell)))
            .filter(|(_, units, _)| *units > 0)
    }
}

/// Codes, row by row.
pub(crate) struct CodeRows<'a> {
    pub(crate) codes: &'a [u8],
    /// The bytes of a row.
    pub(crate) stride: usize,
    /// How many units each record holds.
    pub(crate) weight: u8,
}

/// Columns whose codes lie side by side, all of one byte or a single one of two.
pub(crate) struct Columns {
    /// The place of the first one's code in a row.
    pub(crate) offset: usize,
    /// Whether the code has two bytes.
    pub(crate) wide: bool,
    /// The first cell of each.
    pub(crate) firsts: Vec<usize>,
}

impl Columns {
    /// The code of the column at a place, in a row.
    #[inline]
    fn code(&self, row: &[u8], place: usize) -> usize {
        if self.wide {
            usize::from(row[self.offset]) | usize::from(row[self.offset + 1]) << u8::BITS
        } else {
            usize::from(row[self.offset + place])
        }
    }
}

/// Adds records in the cells of columns.
fn add_in<const WORDS: usize>(sums: &mut [u64], records: &[u64], rows: &CodeRows<'_>, columns: &Columns) {
    if columns.wide || columns.firsts.len() == 1 {
        let first = columns.firsts.first().copied().unwrap_or(0);
        let codes = rows.codes.chunks_exact(rows.stride).map(|row| columns.code(row, 0));
        return add::<WORDS>(sums, records, codes.map(|code| first.wrapping_add(code)));
    }
    let (sums, _) = sums.as_chunks_mut::<WORDS>();
    let (records, _) = records.as_chunks::<WORDS>();
    let count = columns.firsts.len();
    for (record, row) in records.iter().zip(rows.codes.chunks_exact(rows.stride)) {
        for (first, code) in columns.firsts.iter().zip(&row[columns.offset..][..count]) {
            add_to(&mut sums[first.wrapping_add(usize::from(*code))], record);
        }
    }
}

/// Adds records of a width that is known when compiled, so that a cell is a few vectors.
///
/// No sum overflows within [`CAPACITY`] units, which is how wide [`Packing`] makes the fields.
fn add<const WORDS: usize>(sums: &mut [u64], records: &[u64], cells: impl Iterator<Item = usize>) {
    let (sums, _) = sums.as_chunks_mut::<WORDS>();
    let (records, _) = records.as_chunks::<WORDS>();
    for (record, cell) in records.iter().zip(cells) {
        add_to(&mut sums[cell], record);
    }
}

#[inline]
fn add_to<const WORDS: usize>(sum: &mut [u64; WORDS], record: &[u64; WORDS]) {
    // In pairs, each an addition of two words at once; left to itself, the compiler adds them one by one.
    let (pairs, last) = sum.as_chunks_mut::<2>();
    let (record_pairs, record_last) = record.as_chunks::<2>();
    for (sum, record) in pairs.iter_mut().zip(record_pairs) {
        *sum = [sum[0].wrapping_add(record[0]), sum[1].wrapping_add(record[1])];
    }
    for (sum, record) in last.iter_mut().zip(record_last) {
        *sum = sum.wrapping_add(*record);
    }
}

/// As [`add`], for wider records.
fn add_wide(words: usize, sums: &mut [u64], records: &[u64], cells: impl Iterator<Item = usize>) {
    for (record, cell) in records.chunks_exact(words).zip(cells) {
        let sum = &mut sums[cell * words..(cell + 1) * words];
        sum.iter_mut().zip(record).for_each(|(sum, word)| *sum = sum.wrapping_add(*word));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::MetricRange;

    #[test]
    fn records_of_every_width_are_counted_in_their_cells() {
        for metrics in 0..8 {
            let values = |unit: i64| (0..metrics).map(move |metric| (unit - 7) * 1_000_003 + metric * unit);
            let columns: Vec<Vec<i64>> = (0..metrics as usize)
                .map(|metric| (0..20).filter_map(|unit| values(unit).nth(metric)).collect())
                .collect();
            let ranges: Vec<MetricRange> = columns.iter().map(|values| MetricRange::of(values)).collect();
            let packing = Packing::of(&ranges);
            let mut records = vec![0; 20 * packing.words()];
            columns.iter().enumerate().for_each(|(metric, values)| packing.pack(metric, values, &mut records));
            packing.pack_units(&mut records);

            let mut cells = PackedCells::new(&packing, 4);
            cells.count(&records, 1, (0..20).map(|unit| unit % 3));
            let counted: Vec<_> =
                cells.counted().map(|(cell, units, moments)| (cell, units, moments.collect())).collect();
            let expected = |cell: usize| {
                let units: Vec<i64> = (0..20).filter(|unit| unit % 3 == cell as i64).collect();
                let moments = columns.iter().map(|column| units.iter().map(|unit| column[*unit as usize]).collect());
                (cell, units.len() as u64, moments.collect::<Vec<Moments>>())
            };
            assert_eq!(counted, [0, 1, 2].map(expected), "{} words", packing.words());
        }
    }

    #[test]
    fn units_are_counted_in_all_columns_as_in_each() {
        for metrics in 0..8_i64 {
            let columns: Vec<Vec<i64>> = (0..metrics)
                .map(|metric| (0..50).map(|unit| (unit - 7) * 1_000_003 + metric * unit).collect())
                .collect();
            let ranges: Vec<MetricRange> = columns.iter().map(|values| MetricRange::of(values)).collect();
            let packing = Packing::of(&ranges);
            let mut records = vec![0; 50 * packing.words()];
            columns.iter().enumerate().for_each(|(metric, values)| packing.pack(metric, values, &mut records));
            packing.pack_units(&mut records);

            // Columns of 3, 5, 300 and 7 codes.
            let codes = |unit: usize| [unit % 3, unit * unit % 5, unit * 29 % 300, unit / 8];
            let row = |unit: usize| {
                let [one, two, wide, last] = codes(unit);
                let [low, high] = (wide as u16).to_le_bytes();
                [one as u8, two as u8, low, high, last as u8]
            };
            let rows: Vec<u8> = (0..50).flat_map(row).collect();
            let rows = CodeRows { codes: &rows, stride: 5, weight: 1 };
            let columns = [
                Columns { offset: 0, wide: false, firsts: vec![0, 3] },
                Columns { offset: 4, wide: false, firsts: vec![308] },
                Columns { offset: 2, wide: true, firsts: vec![8] },
            ];
            let mut cells = PackedCells::new(&packing, 315);
            cells.count_in(&records, &rows, &columns);
            for (column, own) in [0..3, 3..8, 8..308, 308..315].into_iter().enumerate() {
                let mut alone = PackedCells::new(&packing, own.len());
                alone.count(&records, 1, (0..50).map(|unit| codes(unit)[column]));
                let expected: Vec<_> = alone
                    .counted()
                    .map(|(cell, units, moments)| (cell, units, moments.collect::<Vec<Moments>>()))
                    .collect();
                let found: Vec<_> = cells
                    .counted_in(own)
                    .map(|(cell, units, moments)| (cell, units, moments.collect::<Vec<Moments>>()))
                    .collect();
                assert_eq!(found, expected, "{metrics} metrics, column {column}");
            }
        }
    }

    #[test]
    #[should_panic(expected = "cells for 262144 units were given 262145")]
    fn more_units_than_the_fields_are_wide_for_are_never_counted() {
        let packing = Packing::of(&[]);
        let mut cells = PackedCells::new(&packing, 1);
        cells.count(&vec![1; CAPACITY + 1], 1, vec![0; CAPACITY + 1].into_iter());
    }
}
