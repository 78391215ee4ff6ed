use proptest::prelude::*;

use super::*;
use crate::comparison::Comparison;
use crate::effect::Effect;
use crate::moments::Moments;
use crate::reference_units::{CLICKS, SPEND, VIEWS, assert_estimate, assert_meets, expected, samples, units};

const CLICKS_PER_VIEW: RatioColumn = RatioColumn { numerator: CLICKS, denominator: Some(VIEWS), centre: 0.0 };

fn ratio_metric() -> Comparison {
    let arms = samples(units().iter());
    let ratio = |arm: usize| arms[arm].as_ref().unwrap().ratios(&[CLICKS_PER_VIEW]).unwrap();
    Comparison::of_means(&ratio(1), &ratio(0), 0).unwrap()
}

#[test]
fn a_ratio_metric_meets_numpy_and_gbstats() {
    let comparison = ratio_metric();
    let difference = comparison.difference().unwrap();
    assert_estimate("ratio", &difference);
    assert_estimate("gbstats ratio", &difference);
    assert_meets("ratio degrees", difference.degrees_of_freedom, difference.degrees_of_freedom);
    assert_meets("gbstats ratio p", difference.p_value(crate::Reference::T), expected("gbstats ratio p"));
    let lift = comparison.lift().unwrap().relative;
    assert_estimate("ratio lift", &lift);
    assert_estimate("gbstats ratio lift", &lift);
    assert_eq!(comparison.unreliable, None);
}

#[test]
fn a_mean_meets_gbstats_and_welch() {
    let arms = samples(units().iter());
    let [control, treatment] = [0, 1].map(|arm| arms[arm].as_ref().unwrap());
    let comparison = Comparison::of_means(treatment, control, SPEND).unwrap();
    assert_estimate("gbstats mean", &comparison.difference().unwrap());
    assert_estimate("gbstats mean lift", &comparison.lift().unwrap().relative);
    let moments = |arm| units().iter().filter(|unit| unit.arm == arm).map(|unit| unit.spend).collect::<Moments>();
    let welch = Effect::welch(&moments(1), &moments(0), crate::reference_units::cents()).unwrap();
    let difference = comparison.difference().unwrap();
    assert!((difference.value - welch.difference.value).abs() < 1e-12);
    assert!((difference.std_err - welch.difference.std_err).abs() < 1e-12);
    assert!((difference.degrees_of_freedom - welch.difference.degrees_of_freedom).abs() < 1e-6);
}

fn exact(rows: &[[i64; 2]]) -> Result<Sample, NotEstimable> {
    let mut products = CrossProducts::new(2);
    for row in rows {
        products.push(row);
    }
    Sample::exact(&products, &[0, 0], &[Grid::INTEGER; 2])
}

const RATIO: RatioColumn = RatioColumn { numerator: 0, denominator: Some(1), centre: 0.0 };

#[test]
fn degenerate_samples_have_named_outcomes() {
    assert_eq!(exact(&[]), Err(NotEstimable::EmptyArm));
    assert_eq!(exact(&[[1, 1]]), Err(NotEstimable::OneUnit));
    let opposite = exact(&[[1, 1], [2, -1]]).unwrap();
    assert_eq!(opposite.ratios(&[RATIO]), Err(NotEstimable::DenominatorZero));
    assert_eq!(opposite.ratios(&[RatioColumn { numerator: 2, ..RATIO }]), Err(NotEstimable::NotCounted));
    assert_eq!(opposite.with_difference(0, 2), Err(NotEstimable::NotCounted));
    let near = exact(&[[1, 5], [2, -4]]).unwrap().ratios(&[RATIO]).unwrap();
    assert_eq!(near.unreliable(), Some(Unreliable::DenominatorNearZero));
    let constant = exact(&[[3, 2]; 100]).unwrap().ratios(&[RATIO]).unwrap();
    let comparison = Comparison::of_means(&constant, &constant, 0).unwrap();
    assert_eq!(comparison.difference(), Err(NotEstimable::NoVariance));
    assert_eq!((comparison.treatment, constant.unreliable()), (1.5, None));
}

fn rows() -> impl Strategy<Value = Vec<[i64; 2]>> {
    prop::collection::vec((-1000_i64..1000, 1_i64..50).prop_map(|(above, below)| [above, below]), 2..40)
}

proptest! {
    #[test]
    fn sums_about_any_centres_give_the_exact_sample(rows in rows(), centres in prop::array::uniform2(-2000_i64..2000)) {
        let mut products = CrossProducts::new(2);
        for row in &rows {
            products.push(row);
        }
        let exact = Sample::exact(&products, &centres, &[Grid::INTEGER; 2]).unwrap();
        let sums = CentredSums::new(&products, &centres, &[Grid::INTEGER; 2]);
        let from_sums = Sample::from_sums(&sums, &centres.map(|centre| centre as f64)).unwrap();
        for column in 0..2 {
            prop_assert!((exact.mean(column) - from_sums.mean(column)).abs() < 1e-9);
            for other in 0..2 {
                let (found, expected) = (from_sums.covariance(column, other), exact.covariance(column, other));
                prop_assert!((found - expected).abs() < 1e-5 * (1.0 + expected.abs()), "{} {}", found, expected);
            }
        }
    }

    #[test]
    fn rows_held_one_by_one_give_the_exact_sample(rows in rows()) {
        let exact = exact(&rows).unwrap();
        let held: Vec<Vec<f64>> = rows.iter().map(|row| row.map(|value| value as f64).into()).collect();
        let from_rows = Sample::from_rows(&held, None).unwrap();
        let doubled = Sample::from_rows(&held, Some(&vec![2.0; rows.len()])).unwrap();
        for column in 0..2 {
            prop_assert!((exact.mean(column) - from_rows.mean(column)).abs() < 1e-9);
            let (found, expected) = (from_rows.covariance(column, 0), exact.covariance(column, 0));
            prop_assert!((found - expected).abs() < 1e-9 * (1.0 + expected.abs()));
            prop_assert!((doubled.mean(column) - from_rows.mean(column)).abs() < 1e-9);
        }
    }

    #[test]
    fn a_ratio_of_parts_is_the_ratio_of_all_and_scales(rows in rows(), factor in 1_i64..50) {
        let scaled: Vec<[i64; 2]> = rows.iter().map(|row| [row[0] * factor, row[1]]).collect();
        let (before, after) = (exact(&rows).unwrap().ratios(&[RATIO]).unwrap(), exact(&scaled).unwrap().ratios(&[RATIO]).unwrap());
        let slow = rows.iter().map(|row| row[0]).sum::<i64>() as f64 / rows.iter().map(|row| row[1]).sum::<i64>() as f64;
        prop_assert!((before.mean(0) - slow).abs() < 1e-9 * (1.0 + slow.abs()));
        let factor = factor as f64;
        prop_assert!((after.mean(0) - factor * before.mean(0)).abs() < 1e-9 * (1.0 + after.mean(0).abs()));
        let expected = factor * factor * before.covariance(0, 0);
        prop_assert!((after.covariance(0, 0) - expected).abs() < 1e-9 * (1.0 + expected));
    }

    #[test]
    fn the_variance_of_a_ratio_is_that_of_its_linearised_units(rows in rows()) {
        let sample = exact(&rows).unwrap().ratios(&[RATIO]).unwrap();
        let n = rows.len() as f64;
        let below = rows.iter().map(|row| row[1]).sum::<i64>() as f64 / n;
        let moved: Vec<f64> = rows.iter().map(|row| (row[0] as f64 - sample.mean(0) * row[1] as f64) / below).collect();
        let slow = moved.iter().map(|moved| moved * moved).sum::<f64>() / (n - 1.0);
        prop_assert!((sample.covariance(0, 0) - slow).abs() < 1e-9 * (1.0 + slow));
    }
}
