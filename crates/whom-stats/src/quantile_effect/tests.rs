use proptest::prelude::*;

use super::*;
use crate::cross_products::CrossProducts;
use crate::reference_units::{Unit, assert_meets, cents, units};
use crate::sample::RatioColumn;

fn percentile(share: f64) -> Percentile {
    Percentile::new(share).unwrap()
}

fn members(arm: usize) -> Vec<Unit> {
    units().into_iter().filter(|unit| unit.arm == arm).collect()
}

#[test]
fn quantiles_of_units_meet_sorting_and_gbstats() {
    for arm in [0, 1] {
        let counts: ValueCounts = members(arm).iter().map(|unit| unit.spend).collect();
        for share in [0.5, 0.9] {
            let found = QuantileArm::of_units(&counts, percentile(share), cents()).unwrap();
            let name = format!("quantile {share} of arm {arm}");
            assert_meets(&format!("{name} value"), found.value, 1.0);
            assert_meets(&format!("{name} std_err"), found.variance.sqrt(), 1.0);
            assert_meets(&format!("gbstats {name} std_err"), found.variance.sqrt(), 1.0);
            assert_eq!(found.unreliable, None);
        }
    }
}

/// Events at or below a value, and events, by unit; then the quantile.
fn of_events(units: &[Unit], share: f64) -> Result<QuantileArm, NotEstimable> {
    let mut counts = ValueCounts::default();
    for unit in units {
        counts.add(unit.spend, unit.views as u64);
    }
    let quantile = counts.quantile(percentile(share)).ok_or(NotEstimable::EmptyArm)?;
    let mut products = CrossProducts::new(2);
    for unit in units {
        products.push(&[if unit.spend <= quantile { unit.views } else { 0 }, unit.views]);
    }
    let sample = Sample::exact(&products, &[0, 0], &[Grid::INTEGER; 2])?;
    let at_most = sample.ratios(&[RatioColumn { numerator: 0, denominator: Some(1), centre: 0.0 }])?;
    QuantileArm::of_events(&counts, percentile(share), cents(), &at_most)
}

#[test]
fn quantiles_of_events_are_clustered_by_unit_as_numpy_has_them() {
    for arm in [0, 1] {
        for share in [0.5, 0.9] {
            let found = of_events(&members(arm), share).unwrap();
            let name = format!("quantile {share} of events of arm {arm}");
            assert_meets(&format!("{name} value"), found.value, 1.0);
            assert_meets(&format!("{name} std_err"), found.variance.sqrt(), 1.0);
        }
    }
}

#[test]
fn degenerate_values_have_named_outcomes() {
    let of = |values: &[i64], share| {
        QuantileArm::of_units(&values.iter().copied().collect(), percentile(share), Grid::INTEGER)
    };
    assert_eq!(of(&[], 0.5), Err(NotEstimable::EmptyArm));
    assert_eq!(of(&[1], 0.5), Err(NotEstimable::TooFewBeyondQuantile));
    let values: Vec<i64> = (0..100).collect();
    assert_eq!(of(&values, 0.99), Err(NotEstimable::TooFewBeyondQuantile));
    assert!(of(&values, 0.9).is_ok());

    let constant = of(&[5; 100], 0.5).unwrap();
    assert_eq!(constant.unreliable, Some(Unreliable::TiedQuantile));
    assert_eq!(constant.against(&constant).difference(), Err(NotEstimable::NoVariance));
    let mut whale = vec![0; 999];
    whale.push(1_000_000);
    assert_eq!(of(&whale, 0.9).unwrap().unreliable, Some(Unreliable::TiedQuantile), "zero but for one whale");
    let visits: Vec<i64> = (0..1000).map(|place| place % 4).collect();
    assert_eq!(of(&visits, 0.5).unwrap().unreliable, Some(Unreliable::TiedQuantile));
}

#[test]
fn events_that_units_share_equally_tell_as_much_as_the_units() {
    // Every unit has the same number of equal events: the variance is that of the units, whatever the number of events.
    let alone: Vec<Unit> = members(0).into_iter().map(|unit| Unit { views: 1, ..unit }).collect();
    let seven: Vec<Unit> = alone.iter().map(|unit| Unit { views: 7, ..*unit }).collect();
    let (alone, seven) = (of_events(&alone, 0.5).unwrap(), of_events(&seven, 0.5).unwrap());
    assert_eq!((alone.value, alone.values * 7), (seven.value, seven.values));
    assert!((alone.variance / seven.variance - 1.0).abs() < 0.1, "{alone:?} {seven:?}");
    assert!((alone.degrees_of_freedom / seven.degrees_of_freedom - 1.0).abs() < 0.1);
}

proptest! {
    #[test]
    fn shifts_move_the_quantile_alone_and_scales_scale(
        values in prop::collection::vec(-1000_i64..1000, 40..200), shift in -1_000_000_i64..1_000_000, factor in 1_i64..9,
    ) {
        let of = |values: Vec<i64>| QuantileArm::of_units(&values.into_iter().collect(), percentile(0.5), Grid::INTEGER).unwrap();
        let before = of(values.clone());
        let after = of(values.iter().map(|value| value * factor + shift).collect());
        let factor = factor as f64;
        prop_assert_eq!(after.value, factor * before.value + shift as f64);
        prop_assert!((after.variance - factor * factor * before.variance).abs() < 1e-9 * (1.0 + after.variance));
        prop_assert_eq!(after.degrees_of_freedom, before.degrees_of_freedom);
        let (there, back) = (after.against(&before), before.against(&after));
        prop_assert_eq!(there.difference, -back.difference);
    }
}
