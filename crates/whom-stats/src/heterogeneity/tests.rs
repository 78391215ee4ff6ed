use proptest::prelude::*;

use super::*;
use crate::effect::Effect;
use crate::expected::{assert_close, cohorts, rows, value};
use crate::grid::Grid;
use crate::moments::Moments;
use crate::simulated::Draws;

fn cohort(value: f64, std_err: f64, degrees_of_freedom: f64) -> Estimate {
    Estimate { value, std_err, degrees_of_freedom }
}

fn quantity(found: &Heterogeneity, name: &str) -> f64 {
    match name {
        "q" => found.cochran.statistic,
        "q_p" => found.cochran.p_value,
        "tau_squared" => found.tau_squared.value,
        "tau_squared_lower" => found.tau_squared.interval.lower,
        "tau_squared_upper" => found.tau_squared.interval.upper,
        "tau_squared_moments" => found.tau_squared_moments,
        "i_squared" => found.i_squared.value,
        "i_squared_lower" => found.i_squared.interval.lower,
        "i_squared_upper" => found.i_squared.interval.upper,
        "common" => found.common.value,
        "common_std_err" => found.common.std_err,
        "average" => found.average.value,
        "average_std_err" => found.average.std_err,
        other => panic!("{other}"),
    }
}

#[test]
fn statsmodels_and_scipy_are_met() {
    for (case, name, expected) in rows("heterogeneity") {
        let found = Heterogeneity::of(&cohorts(case), 0.95).unwrap();
        assert_close(quantity(&found, name), expected, 1e-9, &format!("{name} of {case}"));
    }
}

#[test]
fn welch_of_statsmodels_is_met() {
    let found = Heterogeneity::of(&cohorts("small_groups"), 0.95).unwrap().equal_effects;
    for (name, number) in [("f", found.statistic), ("denominator", found.denominator), ("p", found.p_value)] {
        assert_close(number, value("welch", "small_groups", name), 1e-10, name);
    }
}

#[test]
fn without_end_to_the_degrees_of_freedom_welch_is_cochran() {
    let found = Heterogeneity::of(&cohorts("eight_schools"), 0.95).unwrap();
    assert_eq!(found.equal_effects.p_value, found.cochran.p_value);
    assert_eq!(found.equal_effects.denominator, f64::INFINITY);
    assert!(found.common.interval(0.95, crate::Reference::T).lower.is_finite());
}

#[test]
fn small_cohorts_are_rejected_about_once_in_twenty_by_welch_and_too_often_by_cochran() {
    let mut draws = Draws::new(11);
    let mut arm = |n| {
        (0..n).fold(Moments::default(), |mut sum, _| {
            sum.push(draws.noise());
            sum
        })
    };
    let mut counts = [0, 0];
    for _ in 0..1_000 {
        let effects: Vec<_> =
            (0..6).map(|_| Effect::welch(&arm(10), &arm(10), Grid::INTEGER).map(|effect| effect.difference)).collect();
        let found = Heterogeneity::of(&effects, 0.95).unwrap();
        counts[0] += usize::from(found.equal_effects.p_value < 0.05);
        counts[1] += usize::from(found.cochran.p_value < 0.05);
    }
    assert_eq!(counts, [45, 76], "of 1,000; 28 to 72 are 3.1 standard errors about 50");
}

#[test]
fn a_constant_lift_follows_the_baseline() {
    // 10, 20 and 40 % of the control, half as much again of the treated.
    let arm = |events: u64| Moments { n: 10_000, events, sum: events.into(), sum_squares: events.into() };
    let effects = [1_000, 2_000, 4_000].map(|events| Effect::welch(&arm(events * 3 / 2), &arm(events), Grid::INTEGER));
    let absolute = effects.map(|effect| effect.map(|effect| effect.difference));
    let relative = effects.map(|effect| effect.and_then(|effect| effect.log_ratio()));
    let both = BothScales::of(&absolute, &relative, 0.95);
    let p_value = |found: Result<Heterogeneity, NotEstimable>| Some(found.unwrap().equal_effects.p_value);
    let (absolute, relative) = (p_value(both.absolute), p_value(both.relative));
    assert!(absolute < Some(1e-6) && relative > Some(0.99));
    assert_eq!(BothScales::differing(absolute, relative, 0.95), DifferingScale::FollowsBaseline);
    assert_eq!(BothScales::differing(None, None, 0.95), DifferingScale::Neither);
    assert_eq!(BothScales::differing(absolute, absolute, 0.95), DifferingScale::Both);
    assert_eq!(BothScales::differing(relative, absolute, 0.95), DifferingScale::RelativeOnly);
}

#[test]
fn degenerate_cohorts_are_left_out_and_one_is_not_compared() {
    let one = Ok(cohort(1.0, 0.5, 10.0));
    let zero = Ok(cohort(5.0, 0.0, 10.0));
    assert_eq!(Heterogeneity::of(&[], 0.95), Err(NotEstimable::OneGroup));
    assert_eq!(Heterogeneity::of(&[one, zero, Err(NotEstimable::EmptyArm)], 0.95), Err(NotEstimable::OneGroup));
    let two = Heterogeneity::of(&[one, zero, one, Ok(cohort(f64::NAN, 1.0, 3.0))], 0.95).unwrap();
    assert_eq!((two.groups, two.left_out), (2, 2));
    assert_eq!((two.cochran.statistic, two.cochran.p_value, two.equal_effects.p_value), (0.0, 1.0, 1.0));
    let nothing = Between { value: 0.0, interval: Interval { lower: 0.0, upper: 0.0 } };
    assert_eq!((two.i_squared, two.tau_squared), (nothing, nothing));
}

fn some_cohorts() -> impl Strategy<Value = Vec<(f64, f64, f64)>> {
    prop::collection::vec((-5.0..5.0_f64, 0.1..3.0_f64, 3.0..500.0_f64), 2..9)
}

fn of(cohorts: &[(f64, f64, f64)]) -> Heterogeneity {
    let cohorts: Vec<_> =
        cohorts.iter().map(|(value, std_err, degrees)| Ok(cohort(*value, *std_err, *degrees))).collect();
    Heterogeneity::of(&cohorts, 0.95).unwrap()
}

proptest! {
    #[test]
    fn order_changes_nothing(cohorts in some_cohorts()) {
        let mut backwards = cohorts.clone();
        backwards.reverse();
        let (forth, back) = (of(&cohorts), of(&backwards));
        prop_assert!((forth.cochran.statistic - back.cochran.statistic).abs() <= 1e-11 * forth.cochran.statistic.max(1e-3));
        prop_assert!((forth.equal_effects.p_value - back.equal_effects.p_value).abs() < 1e-10);
        prop_assert!((forth.tau_squared.value - back.tau_squared.value).abs() < 1e-9 * (1.0 + forth.tau_squared.value));
    }

    #[test]
    fn the_unit_of_the_effect_and_a_shift_change_no_test(cohorts in some_cohorts(), factor in 1e-3..1e3_f64, shift in -10.0..10.0_f64) {
        let other: Vec<_> = cohorts.iter().map(|(value, std_err, nu)| (factor * (value + shift), factor * std_err, *nu)).collect();
        let (one, other) = (of(&cohorts), of(&other));
        let close = |left: f64, right: f64| (left - right).abs() < 1e-7 * (1.0 + left.abs());
        prop_assert!(close(one.cochran.statistic, other.cochran.statistic));
        prop_assert!(close(one.equal_effects.p_value, other.equal_effects.p_value));
        prop_assert!(close(one.i_squared.interval.upper, other.i_squared.interval.upper));
        prop_assert!(close(one.tau_squared.value, other.tau_squared.value / factor / factor));
        prop_assert!(close(one.tau_squared_moments, other.tau_squared_moments / factor / factor));
    }

    #[test]
    fn the_variance_between_lies_in_its_interval_and_i_squared_is_a_share(cohorts in some_cohorts()) {
        let found = of(&cohorts);
        let Between { value, interval } = found.tau_squared;
        prop_assert!(interval.upper == 0.0 || interval.contains(value), "{:?}", found.tau_squared);
        prop_assert!((0.0..=1.0).contains(&found.i_squared.value));
        prop_assert!(0.0 <= found.i_squared.interval.lower && found.i_squared.interval.upper < 1.0);
        prop_assert!(found.average.std_err >= found.common.std_err);
        prop_assert!(found.equal_effects.p_value >= found.cochran.p_value - 1e-12, "estimated variances are less proof");
    }
}
