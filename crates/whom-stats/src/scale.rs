//! The line of numbers cut into sections that one multiplication finds.
//!
//! Sections are of equal length, or of equal ratio, which few data fit neither of. What finds a section has no branch and no
//! table, so that the processor works at several values with one instruction; and it never falls from one value to a larger
//! one, which is all that its users rely on.

use std::ops::{Add, Mul, Sub};

/// A number of 32 or 64 bits, as tags have them.
pub trait Number:
    Copy + Default + PartialOrd + Into<f64> + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self>
{
    /// Larger than any number that occurs.
    const INFINITY: Self;
    /// Added to a number of sections, it leaves the nearest integer in the low bits.
    const TO_LOW_BITS: Self;

    /// The largest number of this width that is not above a double: the same numbers of this width are larger than either.
    fn not_above(double: f64) -> Self;

    /// The low bits.
    fn low_bits(self) -> u32;

    /// The bits as a number of the same order: equal ratios are about equal distances then. Zero has one sign.
    #[must_use]
    fn ratio(self) -> Self;

    /// The order of finite numbers without a negative zero.
    fn order(&self, other: &Self) -> std::cmp::Ordering;

    /// Whether it is neither infinite nor NaN.
    fn is_finite(self) -> bool;
}

/// Turns the order of bits, which falls for negative numbers, into that of the numbers.
#[inline]
fn ordered(bits: i32) -> i32 {
    bits ^ ((bits >> 31).cast_unsigned() >> 1).cast_signed()
}

impl Number for f32 {
    const INFINITY: Self = Self::INFINITY;
    const TO_LOW_BITS: Self = (1_u32 << 23) as Self;

    fn not_above(double: f64) -> Self {
        let nearest = double as Self;
        if f64::from(nearest) > double { nearest.next_down() } else { nearest }
    }

    #[inline]
    fn low_bits(self) -> u32 {
        self.to_bits()
    }

    #[inline]
    fn ratio(self) -> Self {
        ordered((self + 0.0).to_bits().cast_signed()) as Self
    }

    fn order(&self, other: &Self) -> std::cmp::Ordering {
        self.total_cmp(other)
    }

    fn is_finite(self) -> bool {
        self.is_finite()
    }
}

impl Number for f64 {
    const INFINITY: Self = Self::INFINITY;
    const TO_LOW_BITS: Self = (1_u64 << 52) as Self;

    fn not_above(double: f64) -> Self {
        double
    }

    #[inline]
    fn low_bits(self) -> u32 {
        self.to_bits() as u32
    }

    #[inline]
    fn ratio(self) -> Self {
        // The upper half tells ratios of a millionth apart.
        ordered(((self + 0.0).to_bits() >> 32) as i32).into()
    }

    fn order(&self, other: &Self) -> std::cmp::Ordering {
        self.total_cmp(other)
    }

    fn is_finite(self) -> bool {
        self.is_finite()
    }
}

/// Values whose sections are found together.
pub(crate) const BLOCK: usize = 256;

/// The line in `SECTIONS` sections, a power of two of at most 65,536.
#[derive(Clone, Debug)]
pub(crate) struct Scale<V, const SECTIONS: usize> {
    /// Whether sections are of equal ratio.
    ratios: bool,
    /// The position where the sections begin; what lies before is in the first one.
    first: V,
    /// Where they end; what lies behind is in the last one.
    last: V,
    sections_per_one: V,
}

impl<V: Number, const SECTIONS: usize> Scale<V, SECTIONS> {
    /// Sections between two values.
    pub(crate) fn between(low: V, high: V, ratios: bool) -> Self {
        const { assert!(SECTIONS.is_power_of_two() && SECTIONS <= 1 << 16) };
        let (first, last) = if ratios { (low.ratio(), high.ratio()) } else { (low, high) };
        let per_one: f64 = (SECTIONS - 1) as f64 / (last - first).into();
        let per_one = V::not_above(per_one);
        let sections_per_one = if per_one.is_finite() { per_one } else { V::default() };
        Self { ratios, first, last, sections_per_one }
    }

    /// The section of a value that is not NaN.
    pub(crate) fn section(&self, value: V) -> usize {
        (if self.ratios { self.of::<true>(value) } else { self.of::<false>(value) }) as usize & (SECTIONS - 1)
    }

    /// Calls `each` with some values, at most [`BLOCK`], and their sections, until all had their turn. The section of NaN is any one.
    pub(crate) fn in_blocks<'a>(&self, values: &'a [V], mut each: impl FnMut(&'a [V], &[u32])) {
        let mut sections = [0; BLOCK];
        for values in values.chunks(BLOCK) {
            let sections = &mut sections[..values.len()];
            if self.ratios {
                self.fill::<true>(values, sections);
            } else {
                self.fill::<false>(values, sections);
            }
            each(values, sections);
        }
    }

    fn fill<const RATIOS: bool>(&self, values: &[V], sections: &mut [u32]) {
        for (section, value) in sections.iter_mut().zip(values) {
            *section = self.of::<RATIOS>(*value);
        }
    }

    #[inline]
    fn of<const RATIOS: bool>(&self, value: V) -> u32 {
        let position = if RATIOS { value.ratio() } else { value };
        // Each line one instruction.
        let position = if position > self.first { position } else { self.first };
        let position = if position < self.last { position } else { self.last };
        let sections = (position - self.first) * self.sections_per_one;
        (sections + V::TO_LOW_BITS).low_bits() & (SECTIONS - 1) as u32
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The sections of some ascending values, one by one and in a block.
    fn sections<V: Number>(low: V, high: V, ratios: bool, values: &[V]) -> Vec<usize> {
        let scale = Scale::<V, 64>::between(low, high, ratios);
        let mut in_blocks = Vec::new();
        scale.in_blocks(values, |_, sections| in_blocks.extend(sections.iter().map(|section| *section as usize)));
        assert_eq!(in_blocks, values.iter().map(|value| scale.section(*value)).collect::<Vec<_>>());
        in_blocks
    }

    proptest! {
        #[test]
        fn a_section_never_falls(
            mut values in prop::collection::vec(any::<f64>(), 2..400), ratios in any::<bool>(), power in 0..300,
        ) {
            values.retain(|value| !value.is_nan());
            values.extend(values.clone().iter().map(|value| value % 2_f64.powi(power)).filter(|value| !value.is_nan()));
            values.sort_by(f64::total_cmp);
            for (low, high) in values.iter().zip(values.iter().rev()) {
                prop_assert!(sections(*low, *high, ratios, &values).is_sorted());
                let narrow: Vec<f32> = values.iter().map(|value| *value as f32).collect();
                prop_assert!(sections(*low as f32, *high as f32, ratios, &narrow).is_sorted());
            }
        }
    }

    #[test]
    fn values_that_are_spread_evenly_fill_all_sections() {
        let values: Vec<f32> = (0..64_000).map(|value| value as f32 / 64.0).collect();
        let sections = sections(values[0], values[63_999], false, &values);
        assert!(
            sections.chunk_by(|one, next| one == next).skip(1).take(62).all(|own| (1_000..1_020).contains(&own.len()))
        );
        assert_eq!((sections[0], sections[63_999]), (0, 63));
    }
}
