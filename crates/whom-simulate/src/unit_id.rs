//! Ids of units: whole numbers without gaps, in an order that says nothing about the unit.
//!
//! Consecutive units get ids that lie far apart, as in a log where users come and go; a table in the order of its units
//! is therefore in no order of its ids, and a join on them jumps through memory as it would with real data.

use crate::draw::Stream;

/// Rounds of mixing.
const ROUNDS: usize = 3;

/// The ids of a population: a permutation of 1 to the number of units.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UnitIds {
    units: u64,
    bits: u32,
    factors: [u64; ROUNDS],
}

impl UnitIds {
    /// `units` is at most 2^62.
    pub(crate) fn new(seed: u64, units: u64) -> Self {
        let stream = Stream::new(seed, "unit id");
        let factor = |round| stream.draw(round, 0).below(u64::MAX) | 1;
        Self { units, bits: (64 - units.leading_zeros()).max(2), factors: [factor(0), factor(1), factor(2)] }
    }

    /// The id of a unit by its number, which is below the number of units.
    #[inline]
    pub(crate) fn id(&self, unit: u64) -> i64 {
        let mut place = self.mix(unit);
        while place >= self.units {
            place = self.mix(place);
        }
        place as i64 + 1
    }

    /// A permutation of the numbers of [`Self::bits`] bits: odd factors and shifts to the right can be undone. Walking its
    /// cycles until a number below [`Self::units`] comes is a permutation of those (Black and Rogaway 2002).
    #[inline]
    fn mix(&self, number: u64) -> u64 {
        let mask = (1 << self.bits) - 1;
        self.factors.iter().fold(number, |mixed, factor| {
            let product = mixed.wrapping_mul(*factor) & mask;
            product ^ (product >> (self.bits / 2))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_ids_are_the_whole_numbers_up_to_the_number_of_units(seed: u64, units in 1_u64..3_000) {
            let ids = UnitIds::new(seed, units);
            let found: BTreeSet<i64> = (0..units).map(|unit| ids.id(unit)).collect();
            prop_assert!(found.into_iter().eq(1..=units as i64));
        }
    }

    #[test]
    fn neighbours_lie_far_apart() {
        let ids = UnitIds::new(1, 1_000_000);
        let near = (0..9_999).filter(|unit| (ids.id(*unit) - ids.id(*unit + 1)).abs() < 1_000).count();
        // A random pair lies that near with probability .002.
        assert!(near < 60, "{near} of 9,999 neighbours lie near each other");
    }
}
