//! Filters over keys: which units, or units on a day, can have rows that matter, known before the rows are decoded.

mod keys;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

use datafusion::arrow::array::{Array, BooleanArray, RecordBatch};
use datafusion::arrow::buffer::{BooleanBuffer, Buffer};

use crate::error::EngineError;
use crate::pieces::Pieces;
use crate::stored::StoredRows;
use keys::Keys;

pub(crate) use keys::mixed;

/// Bits of the filter for each key: about 1 % of the keys that were never added pass.
const BITS_PER_KEY: usize = 12;

/// A Bloom filter over units, or over units on a day, that looks at one word for a key.
///
/// It holds every key that was added, and about 1 % of the others; what reads rows through it joins them to the exact keys
/// later. It takes 12 bits a key, however large the keys are, so it also fits where the keys do not.
#[derive(Debug)]
pub struct KeyFilter {
    words: Vec<u64>,
    /// Where the words of each piece begin, if those of each stand by themselves.
    segments: Option<Segments>,
}

/// The words of the units of each piece.
#[derive(Debug)]
struct Segments {
    pieces: Pieces,
    /// Where those of each piece begin, and the end.
    starts: Vec<usize>,
}

impl Segments {
    fn of(&self, bucket: u16) -> Range<usize> {
        let piece = self.pieces.of_bucket(bucket);
        self.starts[piece]..self.starts[piece + 1]
    }
}

impl KeyFilter {
    /// The filter of the keys in these rows: a column of units and, if the key has one, a column of days.
    ///
    /// # Errors
    /// [`EngineError::Internal`] if a column is missing or has another type, [`EngineError::Resources`] if rows on disk
    /// cannot be read.
    pub fn of(rows: &[&StoredRows], unit: &str, day: Option<&str>) -> Result<Self, EngineError> {
        let mut filter = Self::for_keys(rows.iter().map(|rows| rows.rows()).sum());
        rows.iter().try_for_each(|rows| filter.add(rows, unit, day))?;
        Ok(filter)
    }

    /// A filter of no keys, for so many that will be added.
    pub fn for_keys(keys: u64) -> Self {
        Self { words: vec![0; (keys as usize * BITS_PER_KEY).div_ceil(64).max(1)], segments: None }
    }

    /// The filter of all pieces, from those that were made of the keys of each: a key is looked up among those of its unit's
    /// piece, so nobody needs to hold the keys of all to make it.
    ///
    /// # Errors
    /// [`EngineError::Internal`] for another number of filters than there are pieces.
    pub fn of_pieces(pieces: Pieces, filters: Vec<Self>) -> Result<Self, EngineError> {
        if filters.len() != pieces.count() {
            return Err(EngineError::Internal(format!("{} filters of {} pieces", filters.len(), pieces.count())));
        }
        let (mut words, mut starts) = (Vec::new(), vec![0]);
        for filter in filters {
            words.extend(filter.words);
            starts.push(words.len());
        }
        Ok(Self { words, segments: Some(Segments { pieces, starts }) })
    }

    /// Adds the keys in these rows.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub fn add(&mut self, rows: &StoredRows, unit: &str, day: Option<&str>) -> Result<(), EngineError> {
        let Self { words, .. } = self;
        for batch in rows.read()? {
            let batch = batch?;
            let units = named(&batch, unit)?;
            let keys = Keys::new(units, day.map(|day| named(&batch, day)).transpose()?)?;
            let nulls = keys.nulls();
            (0..units.len()).filter(|row| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(*row))).for_each(|row| {
                let hash = keys.hash(row);
                let word = place(hash, words.len());
                words[word] |= pattern(hash);
            });
        }
        Ok(())
    }

    /// The filter in a form that can be sent.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    /// A filter that was sent; `None` for bytes that are none.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (words, rest) = bytes.as_chunks::<8>();
        let words: Vec<u64> = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
        (rest.is_empty() && !words.is_empty()).then_some(Self { words, segments: None })
    }

    /// Which rows may hold a key that was added; a null is none.
    ///
    /// # Errors
    /// [`EngineError::Internal`] for columns of another type.
    pub(crate) fn holds(&self, units: &dyn Array, days: Option<&dyn Array>) -> Result<BooleanArray, EngineError> {
        let keys = Keys::new(units, days)?;
        let found: Vec<u64> = (0..units.len())
            .step_by(AT_ONCE)
            .map(|start| self.holds_few(&keys, start..units.len().min(start + AT_ONCE)))
            .collect();
        let found = BooleanBuffer::new(Buffer::from_vec(found), 0, units.len());
        let found = match keys.nulls() {
            Some(nulls) => &found & nulls.inner(),
            None => found,
        };
        Ok(BooleanArray::new(found, None))
    }

    /// Which of at most [`AT_ONCE`] rows may hold a key, a bit each. Words are far apart in memory: all are on their way before
    /// the first is looked at.
    #[inline]
    fn holds_few(&self, keys: &Keys<'_>, rows: Range<usize>) -> u64 {
        let (mut hashes, mut words) = ([0; AT_ONCE], [0; AT_ONCE]);
        let count = rows.len();
        keys.hash_each(rows.clone(), &mut hashes);
        match &self.segments {
            None => {
                for (word, hash) in words.iter_mut().zip(hashes) {
                    *word = self.word_in(0..self.words.len(), hash);
                }
            }
            Some(segments) => {
                for ((word, hash), row) in words.iter_mut().zip(hashes).zip(rows) {
                    *word = self.word_in(segments.of(keys.bucket(row)), hash);
                }
            }
        }
        let held = |found: u64, (row, (word, hash)): (usize, (u64, u64))| {
            found | u64::from(word & pattern(hash) == pattern(hash)) << row
        };
        words.into_iter().zip(hashes).enumerate().take(count).fold(0, held)
    }

    /// The word of a key among some words.
    #[inline]
    fn word_in(&self, words: Range<usize>, hash: u64) -> u64 {
        self.words[words.start + place(hash, words.len())]
    }
}

/// Rows that are looked at together: as many as a word of the answer has bits.
const AT_ONCE: usize = u64::BITS as usize;

/// The word of a key: the high half of its hash, scaled to the number of words.
#[inline]
fn place(hash: u64, words: usize) -> usize {
    ((u128::from(hash) * words as u128) >> 64) as usize
}

/// The bits of a key in its word: four, from the lowest bits of its hash, which `place` hardly looks at.
#[inline]
fn pattern(hash: u64) -> u64 {
    1 << (hash & 63) | 1 << (hash >> 6 & 63) | 1 << (hash >> 12 & 63) | 1 << (hash >> 18 & 63)
}

fn named<'a>(batch: &'a RecordBatch, column: &str) -> Result<&'a dyn Array, EngineError> {
    let found = batch.column_by_name(column).map(AsRef::as_ref);
    found.ok_or_else(|| EngineError::Internal(format!("no column `{column}` to filter by")))
}

/// The filters of a session by name, which `may_hold` looks up.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyFilters {
    by_name: Arc<RwLock<BTreeMap<String, Arc<KeyFilter>>>>,
}

impl KeyFilters {
    pub(crate) fn add(&self, name: &str, filter: Arc<KeyFilter>) {
        let mut filters = self.by_name.write().unwrap_or_else(PoisonError::into_inner);
        filters.insert(name.to_owned(), filter);
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<KeyFilter>> {
        self.by_name.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use datafusion::arrow::array::{ArrayRef, Date32Array, Int64Array, StringArray};
    use whom_stats::bucket::{bucket_of_integer, bucket_of_text};

    use super::*;
    use crate::rows::Rows;

    fn filter(columns: Vec<(&str, ArrayRef)>) -> KeyFilter {
        let day = (columns.len() == 2).then_some("day");
        let batch =
            RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)));
        let batch = batch.unwrap();
        let rows = StoredRows::uncounted(Rows { schema: batch.schema(), batches: vec![batch] });
        KeyFilter::of(&[&rows], "unit", day).unwrap()
    }

    #[test]
    fn every_key_that_was_added_is_held_and_few_others_are() {
        let filter = filter(vec![("unit", Arc::new(Int64Array::from_iter_values(0..10_000)))]);
        let filter = KeyFilter::from_bytes(&filter.to_bytes()).unwrap();
        let held = |units| filter.holds(&Int64Array::from_iter_values(units), None).unwrap().true_count();
        assert_eq!(held(0..10_000), 10_000);
        assert!(held(10_000..110_000) < 2_000);
    }

    #[test]
    fn filters_of_pieces_hold_together_what_each_holds() {
        let pieces = Pieces::new(NonZeroUsize::new(5).unwrap());
        let texts = |units: &[i64]| units.iter().map(i64::to_string).collect::<Vec<_>>();
        let held = |filter: &KeyFilter, units: &[i64], as_text: bool| {
            let column: ArrayRef = if as_text {
                Arc::new(StringArray::from(texts(units)))
            } else {
                Arc::new(Int64Array::from(units.to_vec()))
            };
            filter.holds(&column, None).unwrap().true_count()
        };
        let (known, others): (Vec<i64>, Vec<i64>) = (0..40_000).partition(|unit| unit % 4 == 1);
        for as_text in [false, true] {
            let of_piece = |piece: usize| {
                let bucket = |unit: &i64| {
                    if as_text { bucket_of_text(&unit.to_string()) } else { bucket_of_integer(*unit) }
                };
                let inside: Vec<i64> =
                    known.iter().copied().filter(|unit| pieces.of_bucket(bucket(unit)) == piece).collect();
                let column: ArrayRef = if as_text {
                    Arc::new(StringArray::from(texts(&inside)))
                } else {
                    Arc::new(Int64Array::from(inside))
                };
                filter(vec![("unit", column)])
            };
            let whole = KeyFilter::of_pieces(pieces, (0..5).map(of_piece).collect()).unwrap();
            assert_eq!(held(&whole, &known, as_text), known.len());
            assert!(held(&whole, &others, as_text) < others.len() / 50, "{as_text}");
        }
        assert!(KeyFilter::of_pieces(pieces, Vec::new()).is_err());
    }

    #[test]
    fn rows_are_told_apart_wherever_they_stand() {
        let added = |row: usize| row % 3 == 1;
        let keys: Vec<i64> = (0..200).filter(|row| added(*row)).map(|row| row as i64 * 7_919).collect();
        for days in [false, true] {
            let of = |units: Vec<i64>| {
                let day: ArrayRef = Arc::new(Date32Array::from(vec![9; units.len()]));
                let units: ArrayRef = Arc::new(Int64Array::from(units));
                if days { vec![("unit", units), ("day", day)] } else { vec![("unit", units)] }
            };
            let filter = filter(of(keys.clone()));
            for count in [0, 1, 63, 64, 65, 128, 200] {
                let asked = of((0..count).map(|row| row as i64 * 7_919).collect());
                let held = filter.holds(asked[0].1.as_ref(), asked.get(1).map(|(_, day)| day.as_ref())).unwrap();
                assert_eq!(held.len(), count);
                assert!((0..count).all(|row| held.value(row) || !added(row)), "{count}");
                assert!((0..count).filter(|row| held.value(*row) && !added(*row)).count() < 10, "{count}");
            }
        }
    }

    #[test]
    fn a_unit_is_another_key_on_another_day() {
        let units = || Arc::new(StringArray::from(vec!["a", "b"]));
        let filter = filter(vec![("unit", units()), ("day", Arc::new(Date32Array::from(vec![1, 2])))]);
        let held = |days: Vec<Option<i32>>| filter.holds(units().as_ref(), Some(&Date32Array::from(days))).unwrap();
        assert_eq!(held(vec![Some(1), Some(2)]), BooleanArray::from(vec![true, true]));
        assert_eq!(held(vec![Some(2), Some(1)]), BooleanArray::from(vec![false, false]));
        assert_eq!(held(vec![None, None]), BooleanArray::from(vec![false, false]));
    }

    #[test]
    fn nobody_is_held_by_the_filter_of_no_keys() {
        let filter = filter(vec![("unit", Arc::new(StringArray::from(vec![None::<&str>])))]);
        assert_eq!(filter.holds(&StringArray::from(vec![Some("a"), None]), None).unwrap().true_count(), 0);
    }

    #[test]
    fn other_types_are_refused() {
        let filter = filter(vec![("unit", Arc::new(Int64Array::from(vec![1])))]);
        assert!(filter.holds(&Date32Array::from(vec![1]), None).is_err());
    }
}
