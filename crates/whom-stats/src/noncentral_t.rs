//! The upper tail of Student's t about a true difference: what a test finds if there is something to find.

use crate::distribution::normal_lower;

/// Standard deviations of the points' distance.
const STEP: f64 = 0.25;
/// The largest step of the logarithm.
const LARGEST_STEP: f64 = 0.1;
/// A weight that counts as nothing, relative to the largest.
const NOTHING: f64 = 1e-17;

/// P(T > `statistic`) of the noncentral t with `degrees_of_freedom` about `noncentrality`.
///
/// T = (Z + noncentrality) / w, with w² chi-square over its degrees of freedom, so the tail is the mean of
/// Phi(noncentrality - statistic w) over w. The trapezoid rule over ln w, whose density is proportional to exp(nu ln w - nu w² / 2)
/// and fades exponentially at both ends, is accurate to the last digits; from its top it goes out to where nothing is left.
/// With infinite degrees of freedom w = 1. Met against scipy's `nct`.
pub(crate) fn noncentral_t_upper(statistic: f64, degrees_of_freedom: f64, noncentrality: f64) -> f64 {
    let tail = |w: f64| normal_lower(noncentrality - statistic * w);
    if degrees_of_freedom == f64::INFINITY {
        return tail(1.0);
    }
    let step = LARGEST_STEP.min(STEP / (2.0 * degrees_of_freedom).sqrt());
    let weight = |ln_w: f64| {
        let square_less_one = libm::expm1(2.0 * ln_w);
        libm::exp(degrees_of_freedom * (ln_w - square_less_one / 2.0))
    };
    let (mut weights, mut tails) = (1.0, tail(1.0));
    for direction in [-step, step] {
        for point in 1_u32.. {
            let ln_w = direction * f64::from(point);
            let here = weight(ln_w);
            if here < NOTHING {
                break;
            }
            weights += here;
            tails += here * tail(libm::exp(ln_w));
        }
    }
    tails / weights
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::distribution::Reference;

    proptest! {
        #[test]
        fn about_zero_it_is_student(statistic in -8.0..8.0, degrees in 1.0..1e6) {
            let expected = Reference::T.upper_p(statistic, degrees);
            prop_assert!((noncentral_t_upper(statistic, degrees, 0.0) - expected).abs() < 1e-10);
        }

        #[test]
        fn a_larger_difference_is_found_more_often(statistic in 0.0..5.0, degrees in 1.0..1e4, difference in 0.0..5.0) {
            let found = |difference| noncentral_t_upper(statistic, degrees, difference);
            prop_assert!(found(difference + 0.1) > found(difference));
        }
    }
}
