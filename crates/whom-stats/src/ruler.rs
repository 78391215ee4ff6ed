//! Where many numbers lie among a few sorted ones, told without a branch that depends on them.
//!
//! A binary search mispredicts half of its steps. Here the line is cut into sections of equal length, or of equal ratio, which
//! a multiplication finds; of the numbers, only those in the value's own section remain to be compared, for most shapes of
//! data one or two. No step waits for another value's, so that the processor works at many together.

/// Added to a number below 2^32, it leaves the nearest integer in the low bits.
const TO_LOW_BITS: f64 = (1_u64 << 52) as f64;

/// Marks beyond either end of the sections that are tried: a few numbers far out would leave one section for all others.
const BEYOND: [usize; 4] = [0, 1, 3, 7];

/// A ruler with up to `ROOM / 2` ascending numbers as its marks. `ROOM` and `SECTIONS` are powers of two.
pub(crate) struct Ruler<const ROOM: usize, const SECTIONS: usize> {
    /// Whether sections are of equal ratio.
    ratios: bool,
    /// The position where the sections begin; what lies before is in the first one.
    first: f64,
    /// Where they end; what lies behind is in the last one.
    last: f64,
    sections_per_one: f64,
    /// The marks before each section.
    before: Box<[u16; SECTIONS]>,
    /// The marks; what is left over is infinite.
    marks: Box<[f64; ROOM]>,
    /// Comparisons that find the place among the marks of the fullest section.
    steps: u32,
}

impl<const ROOM: usize, const SECTIONS: usize> Ruler<ROOM, SECTIONS> {
    /// A ruler of ascending finite marks, or `None` if they are more than it has room for.
    pub(crate) fn new(marks: &[f64]) -> Option<Self> {
        const { assert!(ROOM.is_power_of_two() && ROOM <= 1 << 16 && SECTIONS.is_power_of_two()) };
        if marks.len() > ROOM / 2 {
            return None;
        }
        let kinds = [false, true].into_iter().flat_map(|ratios| BEYOND.map(|beyond| (ratios, beyond)));
        kinds.map(|(ratios, beyond)| Self::of_sections(marks, ratios, beyond)).min_by_key(|ruler| ruler.steps)
    }

    /// A ruler whose sections leave so many marks out at either end.
    fn of_sections(marks: &[f64], ratios: bool, beyond: usize) -> Self {
        let position = |place: Option<usize>| {
            let mark = *place.and_then(|place| marks.get(place))?;
            Some(if ratios { position::<true>(mark) } else { position::<false>(mark) })
        };
        let first = position(Some(beyond)).unwrap_or(0.0);
        let last = position(marks.len().checked_sub(beyond + 1)).filter(|last| *last > first).unwrap_or(first);
        let per_one = (SECTIONS - 1) as f64 / (last - first);
        let sections_per_one = if per_one.is_finite() { per_one } else { 0.0 };
        let (before, mut room) = (Box::new([0; SECTIONS]), Box::new([f64::INFINITY; ROOM]));
        room[..marks.len()].copy_from_slice(marks);
        let mut ruler = Self { ratios, first, last, sections_per_one, before, marks: room, steps: 0 };
        let mut within = vec![0_u16; SECTIONS];
        for mark in marks {
            within[if ratios { ruler.section::<true>(*mark) } else { ruler.section::<false>(*mark) }] += 1;
        }
        ruler.steps = u16::BITS - within.iter().copied().max().unwrap_or(0).leading_zeros();
        let mut sum = 0;
        for (before, within) in ruler.before.iter_mut().zip(within) {
            *before = sum;
            sum += within;
        }
        ruler
    }

    /// Writes for each value, which is not NaN, how many marks are smaller. `told` is as long as `values`.
    pub(crate) fn measure<T>(&self, values: &[f64], told: &mut [T], as_told: impl Fn(usize) -> T) {
        if self.ratios {
            self.measure_by::<true, T>(values, told, as_told);
        } else {
            self.measure_by::<false, T>(values, told, as_told);
        }
    }

    fn measure_by<const RATIOS: bool, T>(&self, values: &[f64], told: &mut [T], as_told: impl Fn(usize) -> T) {
        match self.steps {
            0 | 1 => self.measure_in::<RATIOS, 1, T>(values, told, as_told),
            2 => self.measure_in::<RATIOS, 2, T>(values, told, as_told),
            3 => self.measure_in::<RATIOS, 3, T>(values, told, as_told),
            4 => self.measure_in::<RATIOS, 4, T>(values, told, as_told),
            5 => self.measure_in::<RATIOS, 5, T>(values, told, as_told),
            steps => {
                let ranks = values.iter().map(|value| self.rank::<RATIOS>(*value, steps));
                told.iter_mut().zip(ranks).for_each(|(told, rank)| *told = as_told(rank));
            }
        }
    }

    /// As many steps as are known when compiled.
    fn measure_in<const RATIOS: bool, const STEPS: u32, T>(
        &self,
        values: &[f64],
        told: &mut [T],
        as_told: impl Fn(usize) -> T,
    ) {
        let ranks = values.iter().map(|value| self.rank::<RATIOS>(*value, STEPS));
        told.iter_mut().zip(ranks).for_each(|(told, rank)| *told = as_told(rank));
    }

    #[inline]
    fn rank<const RATIOS: bool>(&self, value: f64, steps: u32) -> usize {
        // The marks before the value's section are smaller, those after it larger: what finds the section never falls.
        let mut rank = u32::from(self.before[self.section::<RATIOS>(value)]);
        for step in (0..steps).rev() {
            let middle = rank.wrapping_add((1 << step) - 1);
            let mark = self.marks[middle as usize & (ROOM - 1)];
            rank = rank.wrapping_add(u32::from(mark < value) << step);
        }
        rank as usize
    }

    #[inline]
    fn section<const RATIOS: bool>(&self, value: f64) -> usize {
        let position = position::<RATIOS>(value);
        // Each line one instruction.
        let position = if position > self.first { position } else { self.first };
        let position = if position < self.last { position } else { self.last };
        let sections = (position - self.first) * self.sections_per_one;
        (sections + TO_LOW_BITS).to_bits() as usize & (SECTIONS - 1)
    }
}

/// The value, or with `RATIOS` its bits as a number of the same order: equal ratios are about equal distances then.
#[inline]
fn position<const RATIOS: bool>(value: f64) -> f64 {
    if !RATIOS {
        return value;
    }
    let bits = (value + 0.0).to_bits().cast_signed(); // zero has one sign
    (bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()) as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ranks(marks: &[f64], values: &[f64]) -> Vec<usize> {
        let mut ranks = vec![0; values.len()];
        Ruler::<32, 64>::new(marks).unwrap().measure(values, &mut ranks, |rank| rank);
        ranks
    }

    fn smaller(marks: &[f64], values: &[f64]) -> Vec<usize> {
        values.iter().map(|value| marks.partition_point(|mark| mark < value)).collect()
    }

    proptest! {
        #[test]
        fn a_rank_is_the_number_of_smaller_marks(
            mut marks in prop::collection::vec(-50_i32..50, 0..=16),
            values in prop::collection::vec(-60_i32..60, 0..40),
            power in -40_i32..40,
        ) {
            marks.sort_unstable();
            // From far apart to all in one section.
            let spread = |number: i32| f64::from(number) + if number > 40 { 2_f64.powi(power) } else { 0.0 };
            let marks: Vec<f64> = marks.into_iter().map(spread).collect();
            let values: Vec<f64> = values.into_iter().map(spread).chain(marks.clone()).collect();
            prop_assert_eq!(ranks(&marks, &values), smaller(&marks, &values));
        }
    }

    #[test]
    fn the_largest_and_strangest_numbers_have_their_ranks() {
        let far_apart: Vec<f64> = (-8..8).map(|power| 10_f64.powi(20 * power)).collect();
        let around: Vec<f64> = far_apart.iter().flat_map(|mark| [mark * 0.9, *mark, mark * 1.1]).collect();
        assert_eq!(ranks(&far_apart, &around), smaller(&far_apart, &around));

        let values = [f64::NEG_INFINITY, f64::MIN, -1.0, -0.0, 0.0, 5e-324, 1.0, f64::MAX, f64::INFINITY];
        for marks in [&values[1..8], &values[3..4], &values[5..6], &[]] {
            assert_eq!(ranks(marks, &values), smaller(marks, &values), "{marks:?}");
        }
    }

    #[test]
    fn more_marks_than_there_is_room_for_make_no_ruler() {
        assert!(Ruler::<8, 8>::new(&[1.0, 2.0, 3.0, 4.0]).is_some());
        assert!(Ruler::<8, 8>::new(&[1.0, 2.0, 3.0, 4.0, 5.0]).is_none());
    }
}
