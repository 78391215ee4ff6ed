//! Exact integer centring of moments, after which floating point cancels nothing.

use whom_stats::moments::Moments;

/// The integer nearest to the mean (halves upwards), or 0 of no values. A shift of all values by a grid constant shifts
/// it by the same constant.
pub(crate) fn nearest_mean(moments: &Moments) -> i128 {
    match i128::from(moments.n) {
        0 => 0,
        n => (2 * moments.sum + n).div_euclid(2 * n),
    }
}

/// The sum of squared deviations from the mean; exactly 0 if all values are equal.
///
/// Centred at the nearest integer, the correction n (mean - centre)² is at most half of the sum of squares (values are
/// integers), so the subtraction loses at most one bit.
pub(crate) fn squared_deviations(moments: &Moments) -> f64 {
    let centred = moments.about(nearest_mean(moments));
    if centred.sum_squares == 0 {
        return 0.0;
    }
    let sum = centred.sum as f64;
    centred.sum_squares as f64 - sum * sum / centred.n as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn moments(values: &[i64]) -> Moments {
        values.iter().copied().collect()
    }

    const LARGEST: i64 = 1 << 45;

    proptest! {
        #[test]
        fn a_shift_changes_no_bit_of_the_squared_deviations(
            values in prop::collection::vec(-1_000_000_i64..1_000_000, 1..20),
            shift in -LARGEST..LARGEST,
        ) {
            let shifted: Vec<i64> = values.iter().map(|value| value + shift).collect();
            let deviations = squared_deviations(&moments(&values));
            prop_assert_eq!(squared_deviations(&moments(&shifted)).to_bits(), deviations.to_bits());
        }
    }

    #[test]
    fn equal_values_deviate_by_exactly_nothing() {
        assert_eq!(squared_deviations(&moments(&[LARGEST; 7])), 0.0);
        assert_eq!(squared_deviations(&Moments::default()), 0.0);
    }

    #[test]
    fn one_unit_of_noise_on_a_huge_constant_survives() {
        assert_eq!(squared_deviations(&moments(&[LARGEST, LARGEST + 1, LARGEST, LARGEST + 1])), 1.0);
    }
}
