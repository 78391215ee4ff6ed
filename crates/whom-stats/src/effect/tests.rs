use proptest::prelude::*;

use super::*;
use crate::distribution::Reference;

fn moments(values: &[i64]) -> Moments {
    values.iter().copied().collect()
}

fn proportion(n: u64, events: u64) -> Moments {
    Moments { n, events, sum: events.into(), sum_squares: events.into() }
}

/// Hillstrom's spend in cents.
fn spend(n: u64, events: u64, sum: i128, sum_squares: i128) -> Moments {
    Moments { n, events, sum, sum_squares }
}

fn assert_meets(effect: &Effect, difference: f64, std_err: f64) {
    assert!((effect.difference.value - difference).abs() < 1e-9 * std_err, "{}", effect.difference.value);
    assert!((effect.difference.std_err - std_err).abs() < 1e-9 * std_err, "{}", effect.difference.std_err);
}

#[test]
fn hillstrom_meets_the_reference_to_a_billionth_of_the_standard_error() {
    let (mens, womens, control) = (proportion(21_307, 3_894), proportion(21_387, 3_238), proportion(21_306, 2_262));
    let visit = |treatment| Effect::welch(treatment, &control, Grid::INTEGER).unwrap();
    assert_meets(&visit(&mens), 0.076_589_563_651_531_25, 0.003_385_887_811_728_365_3);
    assert_meets(&visit(&womens), 0.045_233_106_587_052_985, 0.003_234_462_099_090_751);

    let conversion = Effect::welch(&proportion(21_387, 189), &proportion(21_306, 122), Grid::INTEGER).unwrap();
    assert_meets(&conversion, 0.003_111_057_511_085_258, 0.000_822_677_077_555_119_5);

    let cents = Grid::decimal(2).unwrap();
    let none = spend(21_306, 122, 1_390_833, 28_700_503_621);
    let mens = Effect::welch(&spend(21_307, 267, 3_031_169, 67_590_244_973), &none, cents).unwrap();
    assert_meets(&mens, 0.769_827_155_894_536_8, 0.145_246_560_248_686_76);
    let womens = Effect::welch(&spend(21_387, 189, 2_303_811, 49_114_465_763), &none, cents).unwrap();
    assert_meets(&womens, 0.424_412_215_936_596_7, 0.130_332_858_529_191_16);
}

#[test]
fn past_buyers_differ_from_the_rest_in_hillstrom() {
    let buyers = Effect::welch(&proportion(11_765, 2_171), &proportion(11_668, 1_300), Grid::INTEGER).unwrap();
    let others = Effect::welch(&proportion(9_622, 1_067), &proportion(9_638, 962), Grid::INTEGER).unwrap();
    assert_meets(&buyers, 0.073_114_548_550_410_33, 0.004_612_716_027_458_443);
    assert_meets(&others, 0.011_078_467_244_666_393, 0.004_423_953_710_929_964);
    let contrast = buyers.contrast(&others);
    assert!((contrast.value - 0.062_036_081_305_743_94).abs() < 1e-15);
    assert!((contrast.std_err - 0.004_612_716_027_458_443_f64.hypot(0.004_423_953_710_929_964)).abs() < 1e-15);
    assert!(contrast.p_value(Reference::T) < 1e-20);
    assert_eq!(others.contrast(&buyers).value, -contrast.value);
}

#[test]
fn degenerate_arms_have_named_outcomes() {
    let effect =
        |treatment: &[i64], control: &[i64]| Effect::welch(&moments(treatment), &moments(control), Grid::INTEGER);
    assert_eq!(effect(&[], &[1, 2]), Err(NotEstimable::EmptyArm));
    assert_eq!(effect(&[1, 2], &[1]), Err(NotEstimable::OneUnit));
    assert_eq!(effect(&[1, 1], &[0, 0, 0]), Err(NotEstimable::NoVariance));
    assert_eq!(effect(&[1, 2], &[1, -1]).unwrap().lift(), Err(NotEstimable::ControlMeanZero));
    assert_eq!(effect(&[0, 0], &[1, 2]).unwrap().lift(), Err(NotEstimable::NoVariance), "a lift of exactly -1");
    let one_sided = effect(&[1, 1, 1], &[0, 1, 2]).unwrap();
    assert_eq!(one_sided.difference.degrees_of_freedom, 2.0);
}

#[test]
fn a_lift_over_a_base_near_zero_is_unreliable() {
    let arm = |sum| Moments { n: 10_000, events: 10_000, sum, sum_squares: 4_000_000 };
    let lift = |base| Effect::welch(&arm(9_000), &arm(base), Grid::INTEGER).unwrap().lift().unwrap();
    assert_eq!(lift(500).unreliable, Some(Unreliable::ControlMeanNearZero));
    assert_eq!(lift(90_000).unreliable, None);
}

proptest! {
    #[test]
    fn swapping_arms_flips_the_sign_and_inverts_the_lift(
        treatment in prop::collection::vec(1_i64..1000, 2..30), control in prop::collection::vec(1_i64..1000, 2..30),
    ) {
        prop_assume!(moments(&treatment).varies() || moments(&control).varies());
        let there = Effect::welch(&moments(&treatment), &moments(&control), Grid::FLOAT).unwrap();
        let back = Effect::welch(&moments(&control), &moments(&treatment), Grid::FLOAT).unwrap();
        prop_assert_eq!(there.difference.value, -back.difference.value);
        prop_assert_eq!(there.difference.std_err, back.difference.std_err);
        let (up, down) = (there.lift().unwrap().relative.value, back.lift().unwrap().relative.value);
        prop_assert!(((1.0 + up) * (1.0 + down) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_shift_of_the_metric_changes_nothing(
        treatment in prop::collection::vec(-1000_i64..1000, 2..30), control in prop::collection::vec(-1000_i64..1000, 2..30),
        shift in -1_000_000_000_000_i64..1_000_000_000_000,
    ) {
        let shifted = |values: &[i64]| moments(&values.iter().map(|value| value + shift).collect::<Vec<_>>());
        let before = Effect::welch(&moments(&treatment), &moments(&control), Grid::FLOAT);
        let after = Effect::welch(&shifted(&treatment), &shifted(&control), Grid::FLOAT);
        prop_assert_eq!(before.map(|effect| effect.difference), after.map(|effect| effect.difference));
    }
}
