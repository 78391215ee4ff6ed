//! Whether numbers have more different values than there are codes.

use serde::{Deserialize, Serialize};
/// Different numbers, as long as they are not too many.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Distinct {
    most: usize,
    count: usize,
    /// Four or more times as many as numbers; `None` once there were too many.
    slots: Option<Vec<Option<i64>>>,
}

/// An odd number whose bits are well mixed: 2^64 over the golden ratio.
const MIXER: u64 = 0x9e37_79b9_7f4a_7c15;

impl Distinct {
    /// No number yet, and at most so many.
    pub(crate) fn up_to(most: usize) -> Self {
        Self { most, count: 0, slots: Some(vec![None; (4 * (most + 1)).next_power_of_two()]) }
    }

    /// Whether they are not too many so far.
    pub(crate) fn are_few(&self) -> bool {
        self.slots.is_some()
    }

    /// Adds a number.
    #[inline]
    pub(crate) fn add(&mut self, number: i64) {
        let Some(slots) = &mut self.slots else { return };
        let bits = slots.len().trailing_zeros();
        let mut slot = ((number as u64).wrapping_mul(MIXER) >> (u64::BITS - bits)) as usize;
        while let Some(found) = slots[slot] {
            if found == number {
                return;
            }
            slot = (slot + 1) & (slots.len() - 1);
        }
        slots[slot] = Some(number);
        self.count += 1;
        if self.count > self.most {
            self.slots = None;
        }
    }

    /// Adds the numbers of another one.
    pub(crate) fn add_all(&mut self, other: &Self) {
        match &other.slots {
            Some(slots) => slots.iter().flatten().for_each(|number| self.add(*number)),
            None => self.slots = None,
        }
    }

    /// The numbers in ascending order, unless there are too many.
    pub(crate) fn sorted(&self) -> Option<Vec<i64>> {
        let mut numbers: Vec<i64> = self.slots.as_ref()?.iter().flatten().copied().collect();
        numbers.sort_unstable();
        Some(numbers)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_are_kept_unless_they_are_too_many(numbers in prop::collection::vec(-20..20_i64, 0..40), cut in 0..40_usize) {
            let expected: BTreeSet<i64> = numbers.iter().copied().collect();
            let (one, other) = numbers.split_at(cut.min(numbers.len()));
            let of = |numbers: &[i64]| {
                let mut distinct = Distinct::up_to(9);
                for number in numbers {
                    distinct.add(*number);
                }
                distinct
            };
            let mut merged = of(one);
            merged.add_all(&of(other));
            let expected = (expected.len() <= 9).then(|| expected.into_iter().collect::<Vec<_>>());
            prop_assert_eq!(of(&numbers).sorted(), expected.clone());
            prop_assert_eq!(merged.sorted(), expected);
        }
    }
}
