use proptest::prelude::*;

use super::*;
use crate::alternative::Alternative;
use crate::grid::Grid;
use crate::non_inferiority::{Desired, Limit};
use crate::reference_units::{CLICKS, SPEND, VIEWS, assert_meets, expected, samples, units};
use crate::sample::RatioColumn;

fn means() -> Comparison {
    let arms = samples(units().iter());
    Comparison::of_means(arms[1].as_ref().unwrap(), arms[0].as_ref().unwrap(), SPEND).unwrap()
}

fn welch(treatment: &[i64], control: &[i64]) -> Comparison {
    let moments = |values: &[i64]| values.iter().copied().collect();
    Comparison::from(&Effect::welch(&moments(treatment), &moments(control), Grid::INTEGER).unwrap())
}

fn bounded(set: ConfidenceSet) -> Interval {
    match set {
        ConfidenceSet::Bounded(interval) => interval,
        other => panic!("{other:?}"),
    }
}

#[test]
fn fieller_s_interval_meets_the_roots_that_numpy_finds() {
    let set = bounded(means().fieller(0.95, Reference::T).unwrap());
    assert_meets("fieller mean lower", set.lower, 1.0);
    assert_meets("fieller mean upper", set.upper, 1.0);
    let arms = samples(units().iter());
    let ratio = |arm: usize| {
        let column = RatioColumn { numerator: CLICKS, denominator: Some(VIEWS), centre: 0.0 };
        arms[arm].as_ref().unwrap().ratios(&[column]).unwrap()
    };
    let ratios = Comparison::of_means(&ratio(1), &ratio(0), 0).unwrap();
    let set = bounded(ratios.fieller(0.95, Reference::T).unwrap());
    assert_meets("fieller ratio lower", set.lower, 1.0);
    assert_meets("fieller ratio upper", set.upper, 1.0);
}

#[test]
fn fieller_s_set_has_every_form() {
    let far = welch(&[99, 100, 101, 100], &[49, 50, 51, 50]);
    assert!(bounded(far.fieller(0.95, Reference::T).unwrap()).contains(1.0));
    let tells_size_only = welch(&[99, 100, 101, 100], &[-1, 0, 1, 2]);
    assert!(matches!(tells_size_only.fieller(0.95, Reference::T), Ok(ConfidenceSet::Outside(_))));
    let tells_nothing = welch(&[-1, 1, 2, -3], &[-1, 0, 1, 2]);
    assert_eq!(tells_nothing.fieller(0.95, Reference::T), Ok(ConfidenceSet::Everything));
    let base_zero = welch(&[99, 100, 101, 100], &[-1, 0, 1, 0]);
    assert!(matches!(base_zero.fieller(0.95, Reference::T), Ok(ConfidenceSet::Outside(_))));
    assert_eq!(base_zero.lift(), Err(NotEstimable::ControlMeanZero));
    let half_line = Quadratic { a: 0.0, b: 2.0, c: 4.0 };
    assert_eq!(half_line.not_positive(), ConfidenceSet::AtLeast(1.0));
    assert_eq!(Quadratic { b: -2.0, ..half_line }.not_positive(), ConfidenceSet::AtMost(-1.0));
    assert_eq!(Quadratic { a: 0.0, b: 0.0, c: -1.0 }.not_positive(), ConfidenceSet::Everything);
}

#[test]
fn a_relative_limit_meets_scipy() {
    for limit in [0.12, 0.16] {
        let test = means().non_inferiority(Limit::Relative(limit), Desired::Decrease, Reference::T).unwrap();
        let name = format!("limit {limit} p");
        assert_meets(&name, test.p_value, expected(&name));
        assert_eq!(test.unreliable, None);
    }
}

#[test]
fn a_relative_limit_needs_a_positive_base() {
    let negative = welch(&[-5, -6, -7], &[-5, -6, -8]);
    let test = |limit| negative.non_inferiority(limit, Desired::Increase, Reference::T);
    assert_eq!(test(Limit::Relative(-0.01)), Err(NotEstimable::ControlMeanNotPositive));
    assert!(test(Limit::Absolute(-1.0)).unwrap().p_value < 0.5);
    let near_zero = welch(&[-5, 6, 7], &[-5, 6, 8]);
    let test = near_zero.non_inferiority(Limit::Relative(-0.01), Desired::Increase, Reference::T).unwrap();
    assert_eq!(test.unreliable, near_zero.unreliable.or(Some(Unreliable::ControlMeanNearZero)));
}

#[test]
fn nothing_that_varies_has_no_difference() {
    let flat = Comparison { treatment: 1.0, control: 2.0, difference: -1.0, sources: Vec::new(), unreliable: None };
    assert_eq!(flat.difference(), Err(NotEstimable::NoVariance));
    assert_eq!(flat.fieller(0.95, Reference::T), Err(NotEstimable::NoVariance));
    let cancelling = Source { treatment: 2.0, control: 2.0, covariance: 2.0, degrees_of_freedom: 9.0 };
    let shared = Comparison { sources: vec![cancelling], ..flat };
    assert_eq!(shared.difference(), Err(NotEstimable::NoVariance), "what is shared cancels");
    assert!(shared.lift().is_ok());
}

fn values() -> impl Strategy<Value = Vec<i64>> {
    prop::collection::vec(1_i64..100, 2..12)
}

fn varied() -> impl Strategy<Value = Comparison> {
    (values(), values())
        .prop_filter("something varies", |(left, right)| {
            left.iter().any(|value| *value != left[0]) || right.iter().any(|value| *value != right[0])
        })
        .prop_map(|(treatment, control)| welch(&treatment, &control))
}

fn swapped(comparison: &Comparison) -> Comparison {
    let swap = |source: &Source| Source { treatment: source.control, control: source.treatment, ..*source };
    Comparison {
        treatment: comparison.control,
        control: comparison.treatment,
        difference: -comparison.difference,
        sources: comparison.sources.iter().map(swap).collect(),
        unreliable: comparison.unreliable,
    }
}

proptest! {
    #[test]
    fn swapping_the_arms_flips_the_sign(comparison in varied()) {
        let (there, back) = (comparison.difference().unwrap(), swapped(&comparison).difference().unwrap());
        prop_assert_eq!(there.value, -back.value);
        prop_assert!((there.std_err - back.std_err).abs() < 1e-12 * there.std_err);
    }

    #[test]
    fn a_lift_is_in_fieller_s_set_exactly_if_its_combination_is_not_rejected(comparison in varied(), lift in -3.0..3.0_f64) {
        // The set's critical value has the degrees of freedom of the estimated ratio; the normal reference has none.
        let set = comparison.fieller(0.95, Reference::Normal).unwrap();
        let value = comparison.treatment - (1.0 + lift) * comparison.control;
        let combined = comparison.combined(value, [1.0, -(1.0 + lift)]).unwrap();
        let p_value = combined.p_value(Reference::Normal);
        prop_assume!((p_value - 0.05).abs() > 1e-9);
        prop_assert_eq!(set.contains(lift), p_value > 0.05);
    }

    #[test]
    fn a_bounded_fieller_set_holds_the_estimated_lift(comparison in varied()) {
        let lift = comparison.lift();
        prop_assume!(lift.is_ok());
        prop_assert!(comparison.fieller(0.95, Reference::T).unwrap().contains(lift.unwrap().relative.value));
    }

    #[test]
    fn an_absolute_limit_of_zero_is_a_one_sided_test(comparison in varied()) {
        let difference = comparison.difference().unwrap();
        for (desired, alternative) in [(Desired::Increase, Alternative::Greater), (Desired::Decrease, Alternative::Less)] {
            let test = comparison.non_inferiority(Limit::Absolute(0.0), desired, Reference::T).unwrap();
            prop_assert!((test.p_value - difference.p_value_of(alternative, Reference::T)).abs() < 1e-12);
            let relative = comparison.non_inferiority(Limit::Relative(0.0), desired, Reference::T).unwrap();
            prop_assert!((test.p_value - relative.p_value).abs() < 1e-12);
        }
    }

    #[test]
    fn a_stricter_limit_is_harder_to_keep(comparison in varied(), limit in -0.5..0.0_f64) {
        let p_value = |limit| {
            comparison.non_inferiority(Limit::Absolute(limit), Desired::Increase, Reference::T).unwrap().p_value
        };
        prop_assert!(p_value(limit - 0.1) <= p_value(limit) + 1e-15);
    }
}

#[test]
fn the_logarithm_of_a_ratio_of_means_is_that_of_the_effect() {
    let moments = |values: &[i64]| values.iter().copied().collect();
    let effect = Effect::welch(&moments(&[4, 9, 7, 3]), &moments(&[2, 5, 3, 1, 4]), Grid::INTEGER).unwrap();
    let (found, expected) = (Comparison::from(&effect).log_ratio().unwrap(), effect.log_ratio().unwrap());
    assert!((found.value - expected.value).abs() < 1e-15);
    assert!((found.std_err / expected.std_err - 1.0).abs() < 1e-14);
    assert!((found.degrees_of_freedom / expected.degrees_of_freedom - 1.0).abs() < 1e-12);
    assert_eq!(welch(&[4, 9], &[-2, 1]).log_ratio(), Err(NotEstimable::MeanNotPositive));
}

#[test]
fn what_both_values_share_enters_their_ratio_once() {
    let apart = welch(&[10, 14, 9, 12], &[8, 9, 11, 7]);
    let mut together = apart.clone();
    together.sources.push(Source { treatment: 0.2, control: 0.2, covariance: 0.2, degrees_of_freedom: 50.0 });
    let variance = |comparison: &Comparison| comparison.log_ratio().unwrap().std_err.powi(2);
    let shared = 0.2 * (1.0 / apart.treatment - 1.0 / apart.control).powi(2);
    assert!((variance(&together) - variance(&apart) - shared).abs() < 1e-12);
}
