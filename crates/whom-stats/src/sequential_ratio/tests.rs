use proptest::prelude::*;

use super::*;
use crate::expected::{assert_close, rows};
use crate::simulated::Draws;

#[test]
fn scipys_dirichlet_multinomial_is_met() {
    for (case, _, expected) in rows("sample_ratio") {
        let units: Vec<u64> = case.split(' ').map(|units| units.parse().unwrap()).collect();
        let weights: &[f64] = if units.len() == 2 { &[0.5, 0.5] } else { &[1.0, 1.0, 2.0] };
        assert_close(sequential_sample_ratio(&units, weights, CONCENTRATION).unwrap(), expected, 1e-6, case);
    }
}

#[test]
fn a_fair_split_is_seldom_ever_refused_and_a_lopsided_one_is_found() {
    let smallest = |seed: u64, shares: [u64; 2]| {
        let mut draws = Draws::new(seed);
        let (mut units, mut smallest) = ([0_u64; 2], 1.0_f64);
        for _ in 0..150 {
            (0..40).for_each(|_| units[usize::from(draws.below(shares[0] + shares[1]) >= shares[0])] += 1);
            smallest = smallest.min(sequential_sample_ratio(&units, &[1.0, 1.0], 100.0).unwrap());
        }
        smallest
    };
    let ever = |shares, level| (0..400).filter(|seed| smallest(*seed, shares) < level).count();
    assert_eq!(ever([1, 1], 0.05), 12, "of 400 at 5 % over 150 looks, at most 33");
    assert_eq!(ever([9, 11], 0.001), 400, "of 400");
}

#[test]
fn what_cannot_be_tested_has_a_name() {
    assert_eq!(sequential_sample_ratio(&[5], &[1.0], CONCENTRATION), Err(NotEstimable::OneGroup));
    assert_eq!(sequential_sample_ratio(&[5, 5], &[1.0, 0.0], CONCENTRATION), Err(NotEstimable::NoWeight));
    assert_eq!(sequential_sample_ratio(&[5, 5], &[1.0, 1.0], 0.0), Err(NotEstimable::NoScale));
    assert_eq!(sequential_sample_ratio(&[0, 0], &[1.0, 1.0], CONCENTRATION), Ok(1.0));
}

proptest! {
    #[test]
    fn the_order_of_arms_and_the_scale_of_weights_change_nothing(units in prop::array::uniform3(0_u64..100_000), weights in prop::array::uniform3(0.1..5.0_f64)) {
        let p_value = |units: [u64; 3], weights: [f64; 3]| sequential_sample_ratio(&units, &weights, CONCENTRATION).unwrap();
        let [a, b, c] = units;
        let [x, y, z] = weights;
        let one = p_value(units, weights);
        prop_assert!((p_value([c, a, b], [z, x, y]) - one).abs() < 1e-7);
        prop_assert!((p_value([a, b, c], [10.0 * x, 10.0 * y, 10.0 * z]) - one).abs() < 1e-7);
        prop_assert!((0.0..=1.0).contains(&one));
    }

    #[test]
    fn the_next_unit_moves_the_factor_by_nothing_on_average(units in prop::array::uniform2(0_u64..100), share in 0.1..0.9_f64) {
        // E[B after one more unit] = B under the promised split; p = 1 / B where B is above 1.
        let weights = [share, 1.0 - share];
        let factor = |units: [u64; 2]| {
            let arm = |(units, share): (&u64, &f64)| ln_rising(50.0 * share, *units as f64) - *units as f64 * libm::log(*share);
            libm::exp(units.iter().zip(&weights).map(arm).sum::<f64>() - ln_rising(50.0, (units[0] + units[1]) as f64))
        };
        let [a, b] = units;
        let next = share * factor([a + 1, b]) + (1.0 - share) * factor([a, b + 1]);
        prop_assert!((next / factor(units) - 1.0).abs() < 1e-9);
        let p_value = sequential_sample_ratio(&units, &weights, 50.0).unwrap();
        prop_assert!((p_value - (1.0 / factor(units)).min(1.0)).abs() < 1e-9);
    }
}
