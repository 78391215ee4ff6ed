//! All tags' codes, unit by unit: whoever counts a unit in one column soon counts it in the others, and finds its codes in
//! the same cache line.

use rayon::prelude::*;

use super::codes::CodeColumn;
use crate::gather::gather;
use crate::pass::ColumnShape;
use crate::routing::Code;

/// Rows that are filled together, one column after the other.
const BLOCK: usize = 256;
/// Rows and columns whose codes are turned at once: the bytes of a word.
const SIDE: usize = 8;

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
            rows.for_each(|(bytes, rows)| gather(&unordered, stride, rows, bytes));
        }
        Self { places, bytes }
    }

    /// Rows of codes that were laid out before.
    pub(super) fn from_bytes(places: CodePlaces, bytes: Vec<u8>) -> Self {
        Self { places, bytes }
    }

    /// The codes, row by row.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The code of a tag in a row; neither may be beyond the table.
    #[inline]
    pub(crate) fn code(&self, row: usize, column: usize) -> Code {
        let CodePlace { offset, wide } = self.places.columns[column];
        let at = row * self.places.stride + offset;
        if wide { Code::from_le_bytes([self.bytes[at], self.bytes[at + 1]]) } else { self.bytes[at].into() }
    }

    /// Whether these tags have codes of one byte.
    pub(crate) fn are_narrow(&self, columns: &[usize]) -> bool {
        !columns.iter().any(|column| self.places.columns[*column].wide)
    }

    /// Writes the codes of some rows in some narrow columns, one column after the other, each where `start` says of its place.
    pub(crate) fn turn(&self, rows: &[u32], columns: &[usize], codes: &mut [u8], start: impl Fn(usize) -> usize) {
        for (group, columns) in columns.chunks(SIDE).enumerate() {
            let offset = self.places.columns[columns[0]].offset;
            let follows = |(place, column): (usize, &usize)| self.places.columns[*column].offset == offset + place;
            let together = columns.iter().enumerate().all(follows);
            let (squares, rest) = if together { rows.as_chunks::<SIDE>() } else { (&[] as &[[u32; SIDE]], rows) };
            for (square, rows) in squares.iter().enumerate() {
                let mut words = [0; SIDE];
                words.iter_mut().zip(rows).for_each(|(word, row)| *word = self.word(*row, offset));
                for (place, codes_of_column) in turned(words).into_iter().enumerate().take(columns.len()) {
                    let at = start(group * SIDE + place) + square * SIDE;
                    codes[at..at + SIDE].copy_from_slice(&codes_of_column.to_le_bytes());
                }
            }
            let done = rows.len() - rest.len();
            for (place, column) in columns.iter().enumerate() {
                let at = start(group * SIDE + place) + done;
                let own = codes[at..at + rest.len()].iter_mut();
                own.zip(self.codes(rest, *column)).for_each(|(place, code)| *place = code as u8);
            }
        }
    }

    /// Eight bytes of a row and of what follows it.
    #[inline]
    fn word(&self, row: u32, offset: usize) -> u64 {
        let bytes = &self.bytes[row as usize * self.places.stride + offset..];
        let last = || bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        bytes.first_chunk().map_or_else(last, |bytes| u64::from_le_bytes(*bytes))
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

/// Eight rows of eight bytes as eight columns.
#[inline]
fn turned(mut rows: [u64; SIDE]) -> [u64; SIDE] {
    exchange::<4>(&mut rows, 0x0000_0000_ffff_ffff);
    exchange::<2>(&mut rows, 0x0000_ffff_0000_ffff);
    exchange::<1>(&mut rows, 0x00ff_00ff_00ff_00ff);
    rows
}

/// Of rows so far apart, exchanges the bytes of the upper one that are not in the mask with those of the lower one that are.
#[inline]
fn exchange<const DISTANCE: usize>(rows: &mut [u64; SIDE], mask: u64) {
    for pair in 0..SIDE / 2 {
        let upper = pair / DISTANCE * 2 * DISTANCE + pair % DISTANCE;
        let (one, other) = (rows[upper], rows[upper + DISTANCE]);
        rows[upper] = one & mask | (other & mask) << (8 * DISTANCE);
        rows[upper + DISTANCE] = one >> (8 * DISTANCE) & mask | other & !mask;
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

    #[test]
    fn codes_are_turned_from_rows_to_columns_in_any_number_and_order() {
        let code = |row: usize, column: usize| (row * 31 + column * 7) as u8;
        let columns: Vec<CodeColumn> =
            (0..11).map(|column| CodeColumn::U8((0..40).map(|row| code(row, column)).collect())).collect();
        let shapes = vec![ColumnShape { name: "t".into(), codes: 256, ordered: true, missing: None }; 11];
        let table = CodeTable::new(CodePlaces::of(&shapes), &columns, &(0..40).collect::<Vec<u32>>());
        let rows: Vec<u32> = (0..40).rev().chain([3, 3, 39]).collect();
        for asked in [(0..11).collect::<Vec<usize>>(), vec![3, 4, 5, 6, 7, 8, 9, 10], vec![9, 0, 1, 2], vec![10]] {
            assert!(table.are_narrow(&asked));
            let mut codes = vec![0; asked.len() * rows.len()];
            table.turn(&rows, &asked, &mut codes, |place| place * rows.len());
            let expected = asked.iter().flat_map(|column| rows.iter().map(|row| code(*row as usize, *column)));
            assert_eq!(codes, expected.collect::<Vec<u8>>(), "{asked:?}");
        }
    }
}
