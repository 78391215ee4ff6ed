//! Doubles as integers in the same order, which sort and compare faster.

/// The place of a number among all doubles; the two zeros have one.
#[inline]
pub(crate) fn key(value: f64) -> i64 {
    let bits = (value + 0.0).to_bits() as i64;
    bits ^ ((bits >> 63) as u64 >> 1) as i64
}

/// The number at a place.
pub(crate) fn value(key: i64) -> f64 {
    f64::from_bits((key ^ ((key >> 63) as u64 >> 1) as i64) as u64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keys_are_ordered_as_numbers_are(one in any::<f64>(), other in any::<f64>()) {
            prop_assert_eq!(key(one).cmp(&key(other)), (one + 0.0).total_cmp(&(other + 0.0)));
            prop_assert_eq!(value(key(one)).to_bits(), (one + 0.0).to_bits());
        }
    }

    #[test]
    fn zeros_are_one() {
        assert_eq!((key(-0.0), value(0)), (key(0.0), 0.0));
    }
}
