//! What the values of a metric are like.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::ABSENT;

/// Values that are looked at by one task.
const STRETCH: usize = 1 << 16;

/// What the values of a metric are like: enough to choose how they are packed. The ranges of parts merge into that of the
/// whole, in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricRange {
    /// The least and the largest value; `None` without a value.
    ends: Option<(i64, i64)>,
    /// Whether there are values between them.
    between: bool,
    /// Whether some units have no value.
    absent: bool,
}

impl MetricRange {
    /// The range of some values, [`ABSENT`] where a unit has none.
    pub fn of(values: &[i64]) -> Self {
        values.par_chunks(STRETCH).map(Self::of_stretch).reduce(Self::default, Self::merged)
    }

    fn of_stretch(values: &[i64]) -> Self {
        // As the least number `ABSENT` is below every value; as the largest place it is above: no branch asks for it.
        let place = |value: i64| value.wrapping_sub(ABSENT + 1).cast_unsigned();
        let (mut least, mut largest, mut high) = (u64::MAX, 0, ABSENT);
        for value in values {
            least = least.min(place(*value));
            largest = largest.max(place(*value));
            high = high.max(*value);
        }
        let absent = largest == place(ABSENT) && !values.is_empty();
        let low = if least == place(ABSENT) { i64::MAX } else { least.cast_signed().wrapping_add(ABSENT + 1) };
        let ends = (low <= high).then_some((low, high));
        let between = values.iter().any(|value| *value != ABSENT && *value != low && *value != high);
        Self { ends, between, absent }
    }

    /// The range of the values of both.
    #[must_use]
    pub fn merged(self, other: Self) -> Self {
        let ends = match (self.ends, other.ends) {
            (Some((one, two)), Some((three, four))) => Some((one.min(three), two.max(four))),
            (one, other) => one.or(other),
        };
        let inner =
            |(low, high)| ends.is_some_and(|ends| [low, high].iter().any(|end| ![ends.0, ends.1].contains(end)));
        let between = [self, other].iter().any(|part| part.between || part.ends.is_some_and(inner));
        Self { ends, between, absent: self.absent || other.absent }
    }

    /// The least and the largest value; zeros without a value.
    pub(crate) fn ends(self) -> (i64, i64) {
        self.ends.unwrap_or((0, 0))
    }

    /// Whether every value is the least or the largest one.
    pub(crate) fn has_two_values(self) -> bool {
        !self.between
    }

    /// Whether every unit has a value.
    pub(crate) fn is_complete(self) -> bool {
        !self.absent
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_range_of_parts_is_that_of_the_whole(
            values in prop::collection::vec(prop_oneof![Just(ABSENT), -2..3_i64, Just(1 << 40)], 0..12),
            cut in 0..12_usize,
        ) {
            let (one, other) = values.split_at(cut.min(values.len()));
            let whole = MetricRange::of(&values);
            prop_assert_eq!(MetricRange::of(one).merged(MetricRange::of(other)), whole);
            prop_assert_eq!(MetricRange::of(other).merged(MetricRange::of(one)), whole);
            let known: std::collections::BTreeSet<i64> = values.iter().copied().filter(|value| *value != ABSENT).collect();
            prop_assert_eq!(whole.has_two_values(), known.len() <= 2);
            prop_assert_eq!(whole.is_complete(), !values.contains(&ABSENT));
            let ends = known.first().zip(known.last()).map_or((0, 0), |(low, high)| (*low, *high));
            prop_assert_eq!(whole.ends(), ends);
        }
    }
}
