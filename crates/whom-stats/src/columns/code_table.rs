//! All tags' codes, unit by unit: whoever counts a unit in one column soon counts it in the others, and finds its codes in
//! the same cache line.

use std::ops::Range;

use rayon::prelude::*;

use super::codes::CodeColumn;
use crate::gather::gather;
use crate::pass::ColumnShape;
use crate::routing::Code;

/// Rows that are filled together, one column after the other.
const BLOCK: usize = 256;

/// A row of bytes per unit, with one or two bytes per tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CodeTable {
    places: CodePlaces,
    bytes: Vec<u8>,
}

/// Where the codes lie in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CodePlaces {
    /// Bytes per row.
    stride: usize,
    columns: Vec<CodePlace>,
}

/// Where a tag's code lies in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct CodePlace {
    offset: usize,
    /// Whether the code has two bytes, the low one first.
    wide: bool,
}

impl CodePlaces {
    /// A byte for a column of up to 256 codes, two for one of more.
    pub(super) fn of(shapes: &[ColumnShape]) -> Self {
        let mut stride = 0;
        let mut columns = Vec::with_capacity(shapes.len());
        for shape in shapes {
            let wide = shape.codes > 1 << u8::BITS;
            columns.push(CodePlace { offset: stride, wide });
            stride += if wide { 2 } else { 1 };
        }
        Self { stride, columns }
    }

    /// The bytes of a row.
    pub(super) fn stride(&self) -> usize {
        self.stride
    }
}

impl CodeTable {
    /// The codes of columns, with their rows in the given order. Takes twice its memory until it is done.
    pub(super) fn new(places: CodePlaces, columns: &[CodeColumn], order: &[u32]) -> Self {
        let stride = places.stride;
        let mut bytes = vec![0; order.len() * stride];
        if stride > 0 {
            // First in the order of the columns, which are read from end to end; then row by row. To look up every code of
            // a row in its column would miss the cache once per code.
            let mut unordered = vec![0; bytes.len()];
            let blocks = unordered.par_chunks_mut(BLOCK * stride).enumerate();
            blocks.for_each(|(block, bytes)| {
                places.columns.iter().zip(columns).for_each(|(place, column)| {
                    fill(*place, column, block * BLOCK, bytes.chunks_exact_mut(stride));
                });
            });
            let rows = bytes.par_chunks_mut(BLOCK * stride).zip(order.par_chunks(BLOCK));
            rows.for_each(|(bytes, rows)| gather(&unordered, stride, 0..stride, rows, bytes));
        }
        Self { places, bytes }
    }

    /// Rows of codes that were laid out before.
    pub(super) fn from_bytes(places: CodePlaces, bytes: Vec<u8>) -> Self {
        Self { places, bytes }
    }

    /// The codes, row by row.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The code of a tag in a row; neither may be beyond the table.
    #[inline]
    pub(crate) fn code(&self, row: usize, column: usize) -> Code {
        let CodePlace { offset, wide } = self.places.columns[column];
        let at = row * self.places.stride + offset;
        if wide { Code::from_le_bytes([self.bytes[at], self.bytes[at + 1]]) } else { self.bytes[at].into() }
    }

    /// The bytes of a row.
    pub(crate) fn stride(&self) -> usize {
        self.places.stride
    }

    /// The bytes of a row that a tag has.
    pub(crate) fn bytes_of(&self, column: usize) -> Range<usize> {
        let CodePlace { offset, wide } = self.places.columns[column];
        offset..offset + if wide { 2 } else { 1 }
    }

    /// The codes of a tag in some rows.
    pub(crate) fn codes<'a>(&'a self, rows: &'a [u32], column: usize) -> impl ExactSizeIterator<Item = Code> + 'a {
        let CodePlace { offset, wide } = self.places.columns[column];
        rows.iter().map(move |row| {
            let at = *row as usize * self.places.stride + offset;
            if wide { Code::from_le_bytes([self.bytes[at], self.bytes[at + 1]]) } else { self.bytes[at].into() }
        })
    }
}

/// Writes a column's codes of consecutive rows from `first` on.
fn fill<'a>(place: CodePlace, column: &CodeColumn, first: usize, rows: impl ExactSizeIterator<Item = &'a mut [u8]>) {
    let codes = first..first + rows.len();
    match column {
        CodeColumn::U8(column) => rows.zip(&column[codes]).for_each(|(row, code)| row[place.offset] = *code),
        CodeColumn::U16(column) => rows.zip(&column[codes]).for_each(|(row, code)| {
            let [low, high] = code.to_le_bytes();
            row[place.offset] = low;
            if place.wide {
                row[place.offset + 1] = high;
            }
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow_and_wide_codes_lie_side_by_side_in_the_order_asked_for() {
        let columns =
            [CodeColumn::U8(vec![255, 0, 7]), CodeColumn::U16(vec![65_535, 256, 1]), CodeColumn::U8(vec![1, 2, 3])];
        let shape = |codes| ColumnShape { name: "t".into(), codes, ordered: true, missing: None };
        let places = CodePlaces::of(&[256, 65_536, 4].map(shape));
        let table = CodeTable::new(places, &columns, &[2, 0, 1]);
        for (column, expected) in [[7, 255, 0], [1, 65_535, 256], [3, 1, 2]].into_iter().enumerate() {
            assert_eq!(table.codes(&[0, 1, 2], column).collect::<Vec<_>>(), expected);
            assert_eq!([0, 1, 2].map(|row| table.code(row, column)), expected);
        }
        assert_eq!(CodeTable::new(CodePlaces::of(&[]), &[], &[0, 1]).bytes(), [0_u8; 0]);
    }
}
