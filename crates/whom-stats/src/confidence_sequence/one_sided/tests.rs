use proptest::prelude::*;

use super::*;
use crate::confidence_sequence::ConfidenceSequence;
use crate::distribution::Reference;
use crate::expected::{assert_close, numbers, rows};
use crate::simulated::Draws;

fn estimate(value: f64) -> Estimate {
    Estimate { value, std_err: 1.0, degrees_of_freedom: f64::INFINITY }
}

#[test]
fn the_mixture_is_that_of_scipys_integral() {
    for (case, name, expected) in rows("one_sided_sequence") {
        let [alpha, planned, units] = numbers(case)[..] else { panic!("{case}") };
        let sequence = OneSidedSequence::new(1.0 - alpha, planned as u64).unwrap();
        let look = |z: f64| sequence.look(&estimate(z), units as u64).unwrap();
        let found = match numbers(name)[..] {
            [z] => libm::log(look(z).p_value),
            _ => look(0.0).critical_value,
        };
        // Where the width is least is found less sharply than how wide it is there.
        assert_close(found, expected, 1e-8, &format!("{name} of {case}"));
    }
}

/// Whether each bound is ever crossed by a sum of independent steps of mean zero, looked at after each.
fn crossed(sequence: &OneSidedSequence, seed: u64) -> [bool; 2] {
    let (mut draws, mut sum, mut squares) = (Draws::new(seed), 0.0, 0.0);
    let mut crossed = [false; 2];
    for unit in 1..=3_000_u64 {
        let step = draws.noise() as f64;
        (sum, squares) = (sum + step, squares + step * step);
        if unit >= 100 {
            let std_err = squares.sqrt() / unit as f64;
            let estimate = Estimate { value: sum / unit as f64, std_err, degrees_of_freedom: f64::INFINITY };
            let interval = sequence.look(&estimate, unit).unwrap().interval;
            crossed = [crossed[0] || interval.lower > 0.0, crossed[1] || interval.upper < 0.0];
        }
    }
    crossed
}

#[test]
fn either_bound_is_hardly_ever_crossed_whatever_the_number_of_looks() {
    let sequence = OneSidedSequence::new(0.9, 1_000).unwrap();
    let paths: Vec<[bool; 2]> = (0..400).map(|seed| crossed(&sequence, seed)).collect();
    let of = |side: usize| paths.iter().filter(|crossed| crossed[side]).count();
    let most = 400.0 * 0.1 + 3.1 * (400.0_f64 * 0.1 * 0.9).sqrt();
    assert!(of(0) as f64 <= most && of(1) as f64 <= most, "{} and {} of 400", of(0), of(1));
    assert!(of(0) > 8 && of(1) > 8, "the level is used: {} and {} of 400", of(0), of(1));
}

#[test]
fn what_cannot_be_looked_at_has_a_name() {
    assert_eq!(OneSidedSequence::new(0.95, 0), Err(NotEstimable::NoUnits));
    for level in [0.0, 1.0, f64::NAN] {
        assert_eq!(OneSidedSequence::new(level, 9), Err(NotEstimable::NoScale));
    }
    let sequence = OneSidedSequence::new(0.95, 9).unwrap();
    assert_eq!(sequence.look(&estimate(1.0), 0), Err(NotEstimable::NoUnits));
    let flat = Estimate { std_err: 0.0, ..estimate(1.0) };
    assert_eq!(sequence.look(&flat, 9), Err(NotEstimable::NoVariance));
    assert_eq!(sequence.look(&estimate(-1e9), 9).unwrap().p_value, 1.0);
    assert_eq!(sequence.look(&estimate(1e9), 9).unwrap().p_value, 0.0);
}

proptest! {
    #[test]
    fn bound_and_p_value_never_contradict_each_other(z in -9.0..9.0_f64, level in 0.5..0.999_f64, planned in 10_u64..1_000_000, units in 1_u64..100_000_000) {
        let look = OneSidedSequence::new(level, planned).unwrap().look(&estimate(z), units).unwrap();
        prop_assume!((z - look.critical_value).abs() > 1e-9);
        prop_assert_eq!(look.interval.lower > 0.0, look.p_value < 1.0 - level);
        prop_assert!(look.critical_value > Reference::Normal.critical_value(2.0 * level - 1.0, f64::INFINITY));
    }

    #[test]
    fn no_other_plan_is_tighter_at_the_planned_units(level in 0.5..0.999_f64, planned in 100_u64..1_000_000, other in 100_u64..1_000_000) {
        let at = |plan| OneSidedSequence::new(level, plan).unwrap().look(&estimate(0.0), planned).unwrap().critical_value;
        prop_assert!(at(planned) <= at(other) * (1.0 + 1e-12));
    }

    #[test]
    fn it_lies_between_the_two_sided_ones_at_its_level_and_at_twice_its_error_rate(level in 0.6..0.999_f64, planned in 100_u64..1_000_000) {
        let two_sided = |level| ConfidenceSequence::new(level, planned).unwrap().look(&estimate(0.0), planned).unwrap().critical_value;
        let one_sided = OneSidedSequence::new(level, planned).unwrap().look(&estimate(0.0), planned).unwrap().critical_value;
        prop_assert!(one_sided < two_sided(level) && one_sided > two_sided(2.0 * level - 1.0));
    }
}
