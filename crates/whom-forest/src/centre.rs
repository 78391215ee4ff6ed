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

/// The moments of the values less `centre`. `events` still counts the non-zero values before the shift.
///
/// The sum of squares about a centre near the mean of a superset of these units is at most the superset's, which fits
/// (see [`Moments`]). Intermediate products may not, at the very end of the range, hence the wrapping operators: they
/// are exact whenever the result fits.
pub(crate) fn recentred(moments: &Moments, centre: i128) -> Moments {
    let sum = moments.sum - centre * i128::from(moments.n);
    let sum_squares = moments.sum_squares.wrapping_sub(centre.wrapping_mul(moments.sum.wrapping_add(sum)));
    Moments { sum, sum_squares, ..*moments }
}

/// The sum of squared deviations from the mean; exactly 0 if all values are equal.
///
/// Centred at the nearest integer, the correction n (mean - centre)² is at most half of the sum of squares (values are
/// integers), so the subtraction loses at most one bit.
pub(crate) fn squared_deviations(moments: &Moments) -> f64 {
    let centred = recentred(moments, nearest_mean(moments));
    if centred.sum_squares == 0 {
        return 0.0;
    }
    let sum = centred.sum as f64;
    centred.sum_squares as f64 - sum * sum / centred.n as f64
}

/// The mean of the treated less the mean of control, in grid units; `None` if one of them is empty.
///
/// The difference is formed exactly, so a shift changes no bit, and swapping the arms changes the sign only.
pub(crate) fn effect(treated: &Moments, control: &Moments) -> Option<f64> {
    if treated.n == 0 || control.n == 0 {
        return None;
    }
    let (n1, n0) = (i128::from(treated.n), i128::from(control.n));
    Some((treated.sum * n0 - control.sum * n1) as f64 / (n1 * n0) as f64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn moments(values: &[i64]) -> Moments {
        let mut moments = Moments::default();
        for value in values {
            moments.push(*value);
        }
        moments
    }

    const LARGEST: i64 = 1 << 45;

    proptest! {
        #[test]
        fn recentring_is_counting_the_shifted_values(
            values in prop::collection::vec(-LARGEST..LARGEST, 1..20),
            centre in -LARGEST..LARGEST,
        ) {
            let shifted: Vec<i64> = values.iter().map(|value| value - centre).collect();
            let expected = Moments { events: moments(&values).events, ..moments(&shifted) };
            prop_assert_eq!(recentred(&moments(&values), centre.into()), expected);
        }

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
    fn equal_effects_are_equal_to_the_bit() {
        let thirds = effect(&moments(&[1, 0, 0]), &moments(&[1, 0, 0, 0, 0, 0]));
        let halves = effect(&moments(&[1, 0]), &moments(&[1, 0, 0]));
        assert_eq!(thirds, halves);
        assert_eq!(effect(&moments(&[]), &moments(&[1])), None);
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
