use proptest::prelude::*;

use super::*;
use crate::effect::Effect;
use crate::expected::{assert_close, numbers, rows};
use crate::grid::Grid;
use crate::moments::Moments;
use crate::simulated::Draws;

fn estimate(value: f64) -> Estimate {
    Estimate { value, std_err: 1.0, degrees_of_freedom: f64::INFINITY }
}

#[test]
fn lamberts_w_and_the_papers_formula_are_met() {
    for (case, name, expected) in rows("sequence") {
        let [alpha, planned, units] = numbers(case)[..] else { panic!("{case}") };
        let sequence = ConfidenceSequence::new(1.0 - alpha, planned as u64).unwrap();
        let look = |z: f64| sequence.look(&estimate(z), units as u64).unwrap();
        let found = match numbers(name)[..] {
            [z] => libm::log(look(z).p_value),
            _ => look(0.0).critical_value,
        };
        assert_close(found, expected, 1e-9, &format!("{name} of {case}"));
    }
}

/// Effects of a trial by looks, at 200, 300, 450 ... units; both arms alike but for the effect.
fn looks(seed: u64, effect: i64, heavy: bool) -> Vec<(Estimate, u64)> {
    let mut draws = Draws::new(seed);
    let mut arms = [Moments::default(); 2];
    let (mut next, mut found) = (200, Vec::new());
    for unit in 1..=8_000_u64 {
        let arm = (unit % 2) as usize;
        let noise = draws.noise();
        let noise = if heavy { noise * noise.abs() / 1_000 } else { noise };
        arms[arm].push(noise + effect * arm as i64);
        if unit == next {
            found.push((Effect::welch(&arms[1], &arms[0], Grid::INTEGER).unwrap().difference, unit));
            next += (next / 20).max(2) / 2 * 2;
        }
    }
    found
}

#[test]
fn the_chance_of_ever_missing_stays_below_that_of_one_look() {
    let sequence = ConfidenceSequence::new(0.95, 2_000).unwrap();
    let mut missed = [0, 0, 0];
    for seed in 0..200 {
        let looks = looks(seed, 300, seed % 2 == 1);
        let at = |(estimate, units): &(Estimate, u64)| sequence.look(estimate, *units).unwrap();
        missed[0] += usize::from(looks.iter().any(|look| !at(look).interval.contains(300.0)));
        let fixed = |look: &(Estimate, u64)| look.0.interval(0.95, crate::Reference::T).contains(300.0);
        missed[1] += usize::from(!looks.iter().all(fixed));
        missed[2] += usize::from(!looks.last().is_some_and(fixed));
    }
    assert_eq!(
        missed,
        [4, 74, 8],
        "of 200: ever, at most 19; by fixed-horizon intervals ever, and at the last look only"
    );
}

#[test]
fn the_running_intersection_narrows_and_may_become_empty() {
    let sequence = ConfidenceSequence::new(0.95, 1_000).unwrap();
    let at = |value: f64, std_err: f64, units| {
        sequence.look(&Estimate { value, std_err, degrees_of_freedom: 1e3 }, units).unwrap()
    };
    let (early, late, drifted) = (at(1.0, 0.5, 500), at(1.2, 0.3, 1_500), at(9.0, 0.1, 9_000));
    let running = Running::default().with(&early).with(&late);
    assert_eq!(running.interval, RunningInterval::Common(late.interval));
    assert_eq!(running, Running::default().with(&late).with(&early), "the order of looks does not matter");
    let drifted = running.with(&drifted);
    assert_eq!(drifted.interval, RunningInterval::Empty);
    assert_eq!(drifted.with(&late).interval, RunningInterval::Empty);
    assert!(drifted.p_value < 1e-12);
}

#[test]
fn what_cannot_be_looked_at_has_a_name() {
    assert_eq!(ConfidenceSequence::new(0.95, 0), Err(NotEstimable::NoUnits));
    for level in [0.0, 1.0, f64::NAN] {
        assert_eq!(ConfidenceSequence::new(level, 9), Err(NotEstimable::NoScale));
    }
    let sequence = ConfidenceSequence::new(0.95, 9).unwrap();
    assert_eq!(sequence.look(&estimate(1.0), 0), Err(NotEstimable::NoUnits));
    let flat = Estimate { std_err: 0.0, ..estimate(1.0) };
    assert_eq!(sequence.look(&flat, 9), Err(NotEstimable::NoVariance));
    assert_eq!(ConfidenceSequence::of_family(0.95, 5, 9), ConfidenceSequence::new(0.99, 9));
}

proptest! {
    #[test]
    fn interval_and_p_value_never_contradict_each_other(z in -9.0..9.0_f64, level in 0.5..0.999_f64, planned in 10_u64..1_000_000, units in 1_u64..100_000_000) {
        let look = ConfidenceSequence::new(level, planned).unwrap().look(&estimate(z), units).unwrap();
        prop_assume!((z.abs() - look.critical_value).abs() > 1e-9);
        prop_assert_eq!(look.interval.excludes_zero(), look.p_value < 1.0 - level);
        prop_assert!(look.critical_value > crate::Reference::Normal.critical_value(level, f64::INFINITY));
    }

    #[test]
    fn no_other_plan_is_tighter_at_the_planned_units(level in 0.5..0.999_f64, planned in 100_u64..1_000_000, other in 100_u64..1_000_000) {
        let at = |plan| ConfidenceSequence::new(level, plan).unwrap().look(&estimate(0.0), planned).unwrap().critical_value;
        prop_assert!(at(planned) <= at(other) * (1.0 + 1e-12));
    }
}
