//! Random numbers by their place: each is a hash of what it is for, of a unit and of a number, and of nothing else.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The random numbers for one purpose of one population.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stream {
    seed: u64,
}

impl Stream {
    pub(crate) fn new(seed: u64, purpose: &str) -> Self {
        Self { seed: xxh3_64_with_seed(purpose.as_bytes(), seed) }
    }

    /// The draw for a unit and a number, such as a day or the number of an event.
    #[inline]
    pub(crate) fn draw(self, unit: u64, number: u64) -> Draw {
        let mut key = [0; 16];
        key[..8].copy_from_slice(&unit.to_le_bytes());
        key[8..].copy_from_slice(&number.to_le_bytes());
        Draw(xxh3_64_with_seed(&key, self.seed))
    }
}

/// 64 random bits, used from the top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Draw(u64);

impl Draw {
    /// A whole number from 0 up to, but not including, `bound`; 0 if that is 0.
    #[inline]
    pub(crate) fn below(self, bound: u64) -> u64 {
        ((u128::from(self.0) * u128::from(bound)) >> 64) as u64
    }

    /// The draw without its first bits. Whoever used no more than those sees independent numbers in both.
    #[inline]
    pub(crate) fn after(self, bits: u32) -> Self {
        Self(self.0 << bits)
    }
}

/// An event of given probability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Chance {
    threshold: u64,
}

impl Chance {
    /// Of a probability, exact to 2^-53; what lies outside 0 to 1 becomes the nearer end.
    pub(crate) fn of(probability: f64) -> Self {
        // The conversion saturates, so that 1 becomes all but one of 2^64 draws.
        Self { threshold: (probability * 2_f64.powi(64)) as u64 }
    }

    #[inline]
    pub(crate) fn hits(self, draw: Draw) -> bool {
        draw.0 < self.threshold
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// From the Python package `xxhash`: `xxh3_64(pack("<QQ", 7, 0), seed=xxh3_64(b"variant", seed=1))`.
    #[test]
    fn a_draw_never_changes() {
        assert_eq!(Stream::new(1, "variant").draw(7, 0), Draw(3_697_035_394_063_486_431));
    }

    #[test]
    fn every_part_of_the_place_matters() {
        let reference = Stream::new(1, "variant").draw(7, 0);
        for other in [
            Stream::new(2, "variant").draw(7, 0),
            Stream::new(1, "varian").draw(7, 0),
            Stream::new(1, "variant").draw(8, 0),
            Stream::new(1, "variant").draw(7, 1),
            Stream::new(1, "variant").draw(0, 7),
        ] {
            assert_ne!(reference, other);
        }
    }

    #[test]
    fn a_chance_hits_as_often_as_it_says() {
        let stream = Stream::new(3, "chance");
        for probability in [0.0, 0.001, 0.3, 1.0] {
            let chance = Chance::of(probability);
            let hits = (0..200_000).filter(|unit| chance.hits(stream.draw(*unit, 0))).count();
            let allowed = 4.0 * (200_000.0 * probability * (1.0 - probability)).sqrt();
            assert!((hits as f64 - 200_000.0 * probability).abs() <= allowed, "{hits} hits of {probability}");
        }
    }

    proptest! {
        #[test]
        fn a_draw_below_a_bound_is_below_it(unit: u64, bound in 1_u64..) {
            prop_assert!(Stream::new(1, "bound").draw(unit, 0).below(bound) < bound);
        }
    }
}
