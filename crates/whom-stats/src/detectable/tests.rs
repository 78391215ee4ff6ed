use proptest::prelude::*;

use super::*;
use crate::bucket::BucketSet;
use crate::expected::{assert_close, numbers, rows};
use crate::global_test::{GlobalTest, global_test};
use crate::grid::Grid;
use crate::measured::{Measured, Target};
use crate::simulated::Trial;

fn sides(case: &str) -> Sides {
    if case.ends_with("two") { Sides::Two } else { Sides::One }
}

#[test]
fn scipys_noncentral_t_is_met() {
    for (case, _, expected) in rows("noncentral_t") {
        let [t, nu, delta] = numbers(case)[..] else { panic!("{case}") };
        assert_close(noncentral_t_upper(t, nu, delta), expected, 1e-9, case);
    }
}

#[test]
fn statsmodels_power_is_met() {
    for (case, name, expected) in rows("power") {
        let [units, ratio, alpha] = numbers(case)[..] else { panic!("{case}") };
        let noise = Noise {
            std_err: (1.0 / units + 1.0 / (ratio * units)).sqrt(),
            degrees_of_freedom: units * (1.0 + ratio) - 2.0,
        };
        let test = PlannedTest { level: 1.0 - alpha, sides: sides(case), ..PlannedTest::default() };
        let found = if name == "detectable" { test.detectable(noise) } else { test.power_at(0.5, noise) };
        assert_close(found, expected, 1e-5, &format!("{name} of {case}"));
    }
}

#[test]
fn statsmodels_units_are_met() {
    for (case, _, per_arm) in rows("units") {
        let [matters, alpha, power] = numbers(case)[..] else { panic!("{case}") };
        let test = PlannedTest { level: 1.0 - alpha, power, sides: sides(case), tests: 1 };
        let arm = PlannedArm { units: 1.0, variance: 1.0 };
        let found = test.needed_units(matters, &PlannedArms { treatment: arm, control: arm });
        assert_eq!(found, Some((2.0 * per_arm - 1e-4).ceil() as u64), "{case}");
    }
}

#[test]
fn the_global_test_finds_the_detectable_spread_in_four_of_five_experiments() {
    let run = |effects: &[i64], seed| Trial { units: 1_500, buckets: &BucketSet::all(), effects }.run(seed);
    let target = Target { metric: 0, treatment: 1, cell: 0 };
    let measure = |statistics: &crate::CellStatistics| {
        let measured = Measured { cells: statistics, buckets: &BucketSet::all(), grids: &[Grid::INTEGER] };
        PlannedArms::of(&measured.average_effect(target).unwrap()).noise().unwrap()
    };
    let noise = measure(&run(&[0; 4], 1));
    let spread = PlannedTest::default().detectable_spread(noise, 1024, 1.0).unwrap();
    // Standard deviation of -3, -1, 1, 3 is sqrt(5).
    let effects = [-3.0, -1.0, 1.0, 3.0].map(|effect| (effect * spread / 5.0_f64.sqrt()) as i64);
    let found = |seed: &u64| {
        let statistics = run(&effects, *seed);
        let measured = Measured { cells: &statistics, buckets: &BucketSet::all(), grids: &[Grid::INTEGER] };
        matches!(global_test(&measured, target, &[-3.0, -1.0, 1.0, 3.0]), GlobalTest::Tested(slope) if slope.p_value < 0.05)
    };
    assert_eq!((0..300).filter(found).count(), 247, "of 300, where 240 are expected, give or take 7");
}

#[test]
fn what_cannot_be_planned_has_a_name() {
    let arm = |units, variance| PlannedArm { units, variance };
    let arms = |treatment, control| PlannedArms { treatment, control };
    assert_eq!(arms(arm(1.0, 1.0), arm(9.0, 1.0)).noise(), Err(NotEstimable::OneUnit));
    assert_eq!(arms(arm(9.0, 0.0), arm(9.0, 0.0)).noise(), Err(NotEstimable::NoVariance));
    let test = PlannedTest::default();
    let noise = Noise { std_err: 1.0, degrees_of_freedom: f64::INFINITY };
    assert_eq!(test.detectable_lift(noise, 0.0), Err(NotEstimable::ControlMeanZero));
    assert_eq!(test.detectable_spread(noise, 10, 0.0), None);
    let fair = arms(arm(1.0, 1.0), arm(1.0, 1.0));
    for matters in [0.0, -1.0, f64::NAN, 1e-12] {
        assert_eq!(test.needed_units(matters, &fair), None);
    }
    assert_eq!(test.needed_units(1.0, &arms(arm(1.0, 0.0), arm(1.0, 0.0))), None);
    assert!(
        (test.detectable(noise) - 2.801_585_218_112_969).abs() < 1e-5,
        "z of .975 and of .8, but for the other side"
    );
}

proptest! {
    #[test]
    fn the_detectable_difference_is_found_with_the_power(
        degrees in 2.0..1e5_f64, std_err in 1e-3..1e3_f64, power in 0.5..0.99_f64, tests in 1_usize..50, one in any::<bool>(),
    ) {
        let test = PlannedTest { level: 0.95, power, sides: if one { Sides::One } else { Sides::Two }, tests };
        let noise = Noise { std_err, degrees_of_freedom: degrees };
        prop_assert!((test.power_at(test.detectable(noise), noise) - power).abs() < 1e-9);
    }

    #[test]
    fn more_tests_two_sides_smaller_cohorts_and_unequal_arms_need_larger_effects(units in 50.0..1e5_f64, share in 0.05..0.45_f64) {
        let arms = |share: f64| PlannedArms {
            treatment: PlannedArm { units: units * share, variance: 2.0 },
            control: PlannedArm { units: units * (1.0 - share), variance: 2.0 },
        };
        let (test, fair) = (PlannedTest::default(), arms(0.5).noise().unwrap());
        let detectable = test.detectable(fair);
        let (five, one_sided) = (PlannedTest { tests: 5, ..test }, PlannedTest { sides: Sides::One, ..test });
        prop_assert!(five.detectable(fair) > detectable && one_sided.detectable(fair) < detectable);
        prop_assert!(test.detectable(arms(share).noise().unwrap()) > detectable);
        prop_assert!(test.detectable(fair.in_cohort(share)) > detectable);
        prop_assert!(test.detectable(fair.between_cohorts([share, 1.0 - share])) > test.detectable(fair.in_cohort(share)));
        prop_assert!(test.detectable(fair.between_cohorts([share, 0.5])) > test.detectable(fair.between_cohorts([share, 1.0 - share])));
    }

    #[test]
    fn the_needed_units_are_the_fewest(matters in 0.02..2.0_f64, share in 0.1..0.9_f64) {
        let arms = PlannedArms {
            treatment: PlannedArm { units: share, variance: 1.0 },
            control: PlannedArm { units: 1.0 - share, variance: 3.0 },
        };
        let test = PlannedTest::default();
        let units = test.needed_units(matters, &arms).unwrap();
        let detectable = |units: u64| arms.times(units as f64).noise().map(|noise| test.detectable(noise));
        prop_assert!(detectable(units).unwrap() <= matters * (1.0 + 1e-9));
        prop_assert!(detectable(units - 1).is_err() || detectable(units - 1).unwrap() > matters * (1.0 - 1e-9));
    }
}
