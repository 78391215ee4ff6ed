//! A unit's metrics packed into a few words, so that counting the unit in a cell is adding its words to the cell's.
//!
//! A word of 64 bits holds the sums of several fields side by side: the number of units, and for each metric the units with
//! a value, the events, the sum and the sum of squares. Each field is as wide as its largest value over [`CAPACITY`] units
//! needs, so no field can overflow into its neighbour; a cell is emptied into [`Moments`] before it has counted more. What
//! follows from other fields takes no room: a metric without missing values has as many values as there are units, and of
//! two values only one need be counted, which makes a proportion a field of 19 bits.
//!
//! Which fields there are follows from the data, but the sums do not: they are the same integers in every packing.

use crate::columns::{ABSENT, MetricRange};
use crate::moments::Moments;

/// The most units that a cell may count before it is emptied.
pub(crate) const CAPACITY: usize = 1 << CAPACITY_BITS;
const CAPACITY_BITS: u32 = 18;

/// Squares wider than this are summed in two parts: that of their low bits has exactly 64 bits over `CAPACITY` units. Values
/// on a grid differ by less than 2^46, so the high bits have no more than 46 either.
const LOW_BITS: u32 = 64 - CAPACITY_BITS;

/// Where the fields of a record lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packing {
    words: usize,
    units: Field,
    metrics: Vec<PackedMetric>,
}

/// Some bits of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Field {
    word: usize,
    shift: u32,
    width: u32,
}

/// The fields of one metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PackedMetric {
    /// Units with a value.
    present: Field,
    values: PackedValues,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PackedValues {
    /// Every value is `low` or `high`; how often it is `high`.
    Two { low: i64, high: i64, highs: Field },
    /// The values less `low`, their squares, and how many values are not zero.
    Many { low: i64, events: Field, sum: Field, squares: Squares },
}

/// Squares by their low and high bits; the latter only where there are any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Squares {
    low: Field,
    high: Option<Field>,
}

impl Packing {
    /// The packing for the values of metrics in these ranges, each value within [`crate::grid::MAX_GRID_VALUE`] or
    /// [`ABSENT`].
    pub(crate) fn of(metrics: &[MetricRange]) -> Self {
        let mut room = Room::default();
        let units = room.count();
        let metrics = metrics.iter().map(|range| PackedMetric::of(*range, units, &mut room)).collect();
        Self { words: room.free.len(), units, metrics }
    }

    /// The number of words of a record, and of a cell; at least one.
    pub(crate) fn words(&self) -> usize {
        self.words
    }

    /// The number of metrics.
    pub(crate) fn metrics(&self) -> usize {
        self.metrics.len()
    }

    /// Packs the values of one metric into the records of as many units, in which it has nothing yet.
    pub(crate) fn pack(&self, metric: usize, values: &[i64], records: &mut [u64]) {
        let PackedMetric { present, values: packed } = self.metrics[metric];
        let is_counted = present != self.units;
        let records = records.chunks_exact_mut(self.words).zip(values).filter(|(_, value)| **value != ABSENT);
        match packed {
            PackedValues::Two { low, high, highs } => records.for_each(|(record, value)| {
                highs.add(record, u64::from(*value == high && high != low));
                present.add(record, u64::from(is_counted));
            }),
            PackedValues::Many { low, events, sum, squares } => records.for_each(|(record, value)| {
                let above = value.abs_diff(low);
                events.add(record, u64::from(*value != 0));
                sum.add(record, above);
                squares.add(record, above);
                present.add(record, u64::from(is_counted));
            }),
        }
    }

    /// Counts the unit of each record, once.
    pub(crate) fn pack_units(&self, records: &mut [u64]) {
        records.chunks_exact_mut(self.words).for_each(|record| self.units.add(record, 1));
    }

    /// The number of units that a cell has counted.
    pub(crate) fn units(&self, cell: &[u64]) -> u64 {
        self.units.of(cell)
    }

    /// The moments of each metric that a cell has counted.
    pub(crate) fn moments<'a>(&'a self, cell: &'a [u64]) -> impl Iterator<Item = Moments> + 'a {
        self.metrics.iter().map(|metric| metric.values.moments(cell, metric.present.of(cell)))
    }
}

impl PackedMetric {
    fn of(range: MetricRange, units: Field, room: &mut Room) -> Self {
        let (low, high) = range.ends();
        let values = if range.has_two_values() {
            PackedValues::Two { low, high, highs: room.count() }
        } else {
            PackedValues::many(low, high, room)
        };
        Self { present: if range.is_complete() { units } else { room.count() }, values }
    }
}

impl PackedValues {
    fn many(low: i64, high: i64, room: &mut Room) -> Self {
        let bits = u64::BITS - high.abs_diff(low).leading_zeros();
        let squares = Squares {
            low: room.place((2 * bits).min(LOW_BITS)),
            high: (2 * bits > LOW_BITS).then(|| room.place(2 * bits - LOW_BITS)),
        };
        Self::Many { low, events: room.count(), sum: room.place(bits), squares }
    }

    fn moments(&self, cell: &[u64], n: u64) -> Moments {
        match self {
            Self::Two { low, high, highs } => {
                let highs = highs.of(cell);
                Moments::repeated(*low, n - highs) + Moments::repeated(*high, highs)
            }
            Self::Many { low, events, sum, squares } => {
                // v = low + u, so sum v = n low + sum u and sum v² = sum u² + low (2 sum u + n low): below 2^110 over
                // `CAPACITY` units.
                let (low, n_wide) = (i128::from(*low), i128::from(n));
                let above = i128::from(sum.of(cell));
                let high = squares.high.map_or(0, |high| i128::from(high.of(cell)) << LOW_BITS);
                let above_squares = i128::from(squares.low.of(cell)) + high;
                Moments {
                    n,
                    events: events.of(cell),
                    sum: above + n_wide * low,
                    sum_squares: above_squares + low * (2 * above + n_wide * low),
                }
            }
        }
    }
}

impl Squares {
    #[inline]
    fn add(self, record: &mut [u64], value: u64) {
        let square = u128::from(value) * u128::from(value);
        self.low.add(record, square as u64 & ones(LOW_BITS));
        if let Some(high) = self.high {
            high.add(record, (square >> LOW_BITS) as u64);
        }
    }
}

impl Field {
    /// Adds to the field of a record; nothing overflows, as the field was placed for more.
    #[inline]
    fn add(self, words: &mut [u64], value: u64) {
        assert!(value <= ones(self.width - CAPACITY_BITS), "{value} is wider than its field");
        words[self.word] += value << self.shift;
    }

    fn of(self, words: &[u64]) -> u64 {
        words[self.word] >> self.shift & ones(self.width)
    }
}

/// The free bits of the words so far.
#[derive(Default)]
struct Room {
    free: Vec<u32>,
}

impl Room {
    /// A field for the number of units with some property.
    fn count(&mut self) -> Field {
        self.place(1)
    }

    /// A field for the sum over `CAPACITY` units of values of so many bits, in the first word that has room.
    fn place(&mut self, bits: u32) -> Field {
        let width = bits + CAPACITY_BITS;
        let word = self.free.iter().position(|free| *free >= width).unwrap_or(self.free.len());
        if word == self.free.len() {
            self.free.push(u64::BITS);
        }
        let shift = u64::BITS - self.free[word];
        self.free[word] -= width;
        Field { word, shift, width }
    }
}

/// A number of so many ones, at most 64.
fn ones(bits: u32) -> u64 {
    u64::MAX.checked_shr(u64::BITS - bits).unwrap_or(0)
}

#[cfg(test)]
mod tests;
