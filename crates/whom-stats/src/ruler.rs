//! Where many numbers lie among a few sorted ones, told without a branch that depends on them.
//!
//! A binary search mispredicts half of its steps. Here a [`Scale`] finds the value's section; of the numbers, only those in it
//! remain to be compared, for most shapes of data one or none. No step waits for another value's, so that the processor works
//! at many together.

use crate::scale::{BLOCK, Number, Scale};

/// Marks beyond either end of the sections that are tried: a few numbers far out would leave one section for all others.
const BEYOND: [usize; 4] = [0, 1, 3, 7];

/// A ruler with up to `ROOM / 2` ascending numbers as its marks. `ROOM` and `SECTIONS` are powers of two.
#[derive(Clone, Debug)]
pub(crate) struct Ruler<V, const ROOM: usize, const SECTIONS: usize> {
    scale: Scale<V, SECTIONS>,
    sections: Box<[Section<V>; SECTIONS]>,
    /// The marks; what is left over is infinite.
    marks: Box<[V; ROOM]>,
    /// Comparisons that find the place among the marks of the fullest section.
    steps: u32,
}

/// A section of the line.
#[derive(Clone, Copy, Debug)]
struct Section<V> {
    /// The first mark within or behind; infinite if there is none.
    mark: V,
    /// The marks before the section.
    before: u32,
}

impl<V: Number, const ROOM: usize, const SECTIONS: usize> Ruler<V, ROOM, SECTIONS> {
    /// A ruler of ascending finite marks, or `None` if they are more than it has room for.
    pub(crate) fn new(marks: &[V]) -> Option<Self> {
        const { assert!(ROOM.is_power_of_two() && ROOM <= 1 << 16) };
        if marks.len() > ROOM / 2 {
            return None;
        }
        let kinds = [false, true].into_iter().flat_map(|ratios| BEYOND.map(|beyond| (ratios, beyond)));
        let scales = kinds.map(|(ratios, beyond)| {
            let scale = Scale::between(mark(marks, beyond), mark_from_end(marks, beyond), ratios);
            (fullest(&scale, marks), scale)
        });
        let (fullest, scale) = scales.min_by_key(|(fullest, _)| *fullest)?;
        Some(Self::on(scale, marks, usize::BITS - fullest.leading_zeros()))
    }

    fn on(scale: Scale<V, SECTIONS>, marks: &[V], steps: u32) -> Self {
        let mut room = Box::new([V::INFINITY; ROOM]);
        room[..marks.len()].copy_from_slice(marks);
        let mut sections = Box::new([Section { mark: V::INFINITY, before: 0 }; SECTIONS]);
        let mut next = 0;
        for (place, section) in sections.iter_mut().enumerate() {
            *section = Section { mark: room[next], before: next as u32 };
            while next < marks.len() && scale.section(marks[next]) == place {
                next += 1;
            }
        }
        Self { scale, sections, marks: room, steps }
    }

    /// Writes for each value how many marks are smaller; any number for NaN. `told` is as long as `values`.
    pub(crate) fn measure<T>(&self, values: &[V], told: &mut [T], as_told: impl Fn(usize) -> T) {
        // As many steps as are known when compiled.
        match self.steps {
            0 | 1 => self.measure_by(values, told, |value, section| as_told(self.rank_in_one(value, section))),
            2 => self.measure_by(values, told, |value, section| as_told(self.rank(value, section, 2))),
            3 => self.measure_by(values, told, |value, section| as_told(self.rank(value, section, 3))),
            4 => self.measure_by(values, told, |value, section| as_told(self.rank(value, section, 4))),
            steps => self.measure_by(values, told, |value, section| as_told(self.rank(value, section, steps))),
        }
    }

    #[inline]
    fn measure_by<T>(&self, values: &[V], told: &mut [T], tell: impl Fn(V, u32) -> T) {
        let mut told = told.chunks_mut(BLOCK);
        self.scale.in_blocks(values, |values, sections| {
            let Some(told) = told.next() else { return };
            for ((told, value), section) in told.iter_mut().zip(values).zip(sections) {
                *told = tell(*value, *section);
            }
        });
    }

    #[inline]
    fn rank_in_one(&self, value: V, section: u32) -> usize {
        let Section { mark, before } = self.sections[section as usize & (SECTIONS - 1)];
        before.wrapping_add(u32::from(mark < value)) as usize
    }

    /// The mark of a rank; infinite behind the last one.
    #[inline]
    pub(crate) fn mark(&self, rank: usize) -> V {
        self.marks[rank & (ROOM - 1)]
    }

    #[inline]
    fn rank(&self, value: V, section: u32, steps: u32) -> usize {
        // The marks before the value's section are smaller, those after it larger: what finds the section never falls.
        let mut rank = self.sections[section as usize & (SECTIONS - 1)].before;
        for step in (0..steps).rev() {
            let middle = rank.wrapping_add((1 << step) - 1);
            let mark = self.mark(middle as usize);
            rank = rank.wrapping_add(u32::from(mark < value) << step);
        }
        rank as usize
    }
}

/// The mark at a place, zero if there is none.
fn mark<V: Number>(marks: &[V], place: usize) -> V {
    marks.get(place).copied().unwrap_or_default()
}

fn mark_from_end<V: Number>(marks: &[V], place: usize) -> V {
    marks.iter().rev().nth(place).copied().unwrap_or_default()
}

/// The number of marks in the section that has most.
fn fullest<V: Number, const SECTIONS: usize>(scale: &Scale<V, SECTIONS>, marks: &[V]) -> usize {
    // Marks ascend, and so do their sections.
    let sections: Vec<usize> = marks.iter().map(|mark| scale.section(*mark)).collect();
    sections.chunk_by(|one, next| one == next).map(<[usize]>::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ranks(marks: &[f64], values: &[f64]) -> Vec<usize> {
        let mut ranks = vec![0; values.len()];
        Ruler::<f64, 32, 64>::new(marks).unwrap().measure(values, &mut ranks, |rank| rank);
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
        assert!(Ruler::<f64, 8, 8>::new(&[1.0, 2.0, 3.0, 4.0]).is_some());
        assert!(Ruler::<f64, 8, 8>::new(&[1.0, 2.0, 3.0, 4.0, 5.0]).is_none());
    }
}
