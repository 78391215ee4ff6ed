use proptest::prelude::*;

use super::*;
use crate::expected::{assert_close, cohorts, value};
use crate::simulated::Draws;

const WEEKS: StabilityTest = StabilityTest { ordered: true, level: 0.95 };

fn slices(values: &[f64]) -> Vec<Result<Estimate, NotEstimable>> {
    values.iter().map(|value| Ok(slice(*value))).collect()
}

fn slice(value: f64) -> Estimate {
    Estimate { value, std_err: 1.0, degrees_of_freedom: 1e4 }
}

#[test]
fn statsmodels_weighted_slope_is_met() {
    let trend = WEEKS.run(&cohorts("twelve")).unwrap().trend.unwrap();
    assert_close(trend.value, value("trend", "twelve", "slope"), 1e-10, "slope");
    assert_close(trend.std_err, value("trend", "twelve", "std_err"), 1e-10, "standard error");
}

#[test]
fn a_trend_is_told_from_variation() {
    assert_eq!(WEEKS.run(&slices(&[4.0, 3.0, 2.0, 1.0, 0.0])).unwrap().found, Steadiness::Trend);
    assert_eq!(WEEKS.run(&slices(&[0.0, 6.0, 0.0, 6.0, 0.0])).unwrap().found, Steadiness::Varies);
    assert_eq!(WEEKS.run(&slices(&[1.0, 1.5, 0.5, 1.2, 0.9])).unwrap().found, Steadiness::NoChangeFound);
    let unordered = StabilityTest { ordered: false, ..WEEKS }.run(&slices(&[8.0, 6.0, 4.0, 2.0, 0.0])).unwrap();
    assert_eq!((unordered.found, unordered.trend, unordered.p_trend), (Steadiness::Varies, None, None));
    assert_eq!(unordered.p_differences, unordered.equal_effects.p_value);
}

#[test]
fn a_missing_slice_keeps_its_place() {
    let missing = Err(NotEstimable::EmptyArm);
    let at = |value| Ok(slice(value));
    let trend = |slices: &[_]| WEEKS.run(slices).unwrap().trend.unwrap();
    assert!((trend(&[at(0.0), missing, at(2.0), at(3.0)]).value - 1.0).abs() < 1e-12);
    assert!((trend(&[at(0.0), at(2.0), at(3.0)]).value - 1.5).abs() < 1e-12);
    assert_eq!(WEEKS.run(&[at(1.0), missing]), Err(NotEstimable::OneGroup));
    assert_eq!(WEEKS.run(&[]), Err(NotEstimable::OneGroup));
    let flat = Ok(Estimate { value: 7.0, std_err: 0.0, degrees_of_freedom: 9.0 });
    assert!((trend(&[at(0.0), flat, at(2.0)]).value - 1.0).abs() < 1e-12);
}

#[test]
fn a_steady_effect_is_called_unsteady_about_once_in_twenty() {
    let mut draws = Draws::new(23);
    let unsteady = (0..1_000).filter(|_| {
        let weeks: Vec<_> = (0..6).map(|_| Ok(slice(5.0 + draws.noise() as f64 / 1000.0))).collect();
        WEEKS.run(&weeks).unwrap().found != Steadiness::NoChangeFound
    });
    assert_eq!(unsteady.count(), 41, "of 1,000; at most 72");
}

proptest! {
    #[test]
    fn backwards_in_time_the_trend_is_its_opposite(values in prop::collection::vec(-5.0..5.0_f64, 2..9)) {
        let forth = slices(&values);
        let back: Vec<_> = forth.iter().copied().rev().collect();
        let (forth, back) = (WEEKS.run(&forth).unwrap(), WEEKS.run(&back).unwrap());
        prop_assert!((forth.trend.unwrap().value + back.trend.unwrap().value).abs() < 1e-11);
        prop_assert!((forth.p_differences - back.p_differences).abs() < 1e-10);
    }
}
