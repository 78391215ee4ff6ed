use proptest::prelude::*;

use super::*;
use crate::cross_products::CrossProducts;
use crate::grid::MAX_GRID_VALUE;
use crate::sample::{RatioColumn, Sample};
use crate::value_counts::ValueCounts;

/// What is found, and in how many looks; every look is merged from parts.
fn search(parts: &[&[Vec<i64>]], share: f64, of: QuantileOf) -> (FoundQuantile, usize) {
    let mut search = QuantileSearch::new(Percentile::new(share).unwrap(), of);
    let mut looks = 0;
    while !search.is_done() {
        let mut merged = search.clone();
        for part in parts {
            let mut of_part = search.clone();
            part.iter().for_each(|values| of_part.push_unit(values));
            merged.add(&of_part);
        }
        search = merged.narrow();
        looks += 1;
    }
    (search.found(Grid::INTEGER), looks)
}

fn single(values: &[i64]) -> Vec<Vec<i64>> {
    values.iter().map(|value| vec![*value]).collect()
}

fn wide_and_tied() -> impl Strategy<Value = i64> {
    prop_oneof![-MAX_GRID_VALUE..=MAX_GRID_VALUE, -5_i64..5, Just(7), 0_i64..100_000]
}

/// What counting every value gives, clustered by unit.
fn of_events(units: &[Vec<i64>], percentile: Percentile) -> Result<QuantileArm, NotEstimable> {
    let counts: ValueCounts = units.iter().flatten().copied().collect();
    let quantile = counts.quantile(percentile).ok_or(NotEstimable::EmptyArm)?;
    let mut products = CrossProducts::new(2);
    for events in units.iter().filter(|events| !events.is_empty()) {
        products.push(&[events.iter().filter(|value| **value <= quantile).count() as i64, events.len() as i64]);
    }
    let share = RatioColumn { numerator: 0, denominator: Some(1), centre: 0.0 };
    let sample = Sample::exact(&products, &[0, 0], &[Grid::INTEGER; 2])?.ratios(&[share])?;
    QuantileArm::of_events(&counts, percentile, Grid::INTEGER, &sample)
}

proptest! {
    #[test]
    fn looks_find_what_counting_every_value_finds(
        values in prop::collection::vec(wide_and_tied(), 0..150), share in 0.02..0.98_f64, cut in 0..150_usize,
    ) {
        let counts: ValueCounts = values.iter().copied().collect();
        let percentile = Percentile::new(share).unwrap();
        let units = single(&values);
        let (one, other) = units.split_at(cut.min(units.len()));
        let (found, looks) = search(&[one, other], share, QuantileOf::Units);
        prop_assert_eq!(found.units, counts.total());
        prop_assert_eq!(found.value, counts.quantile(percentile).map(|value| value as f64));
        prop_assert_eq!(found.arm, QuantileArm::of_units(&counts, percentile, Grid::INTEGER));
        prop_assert!(looks <= 4);
    }

    #[test]
    fn looks_at_events_find_what_counting_every_event_finds(
        units in prop::collection::vec(prop::collection::vec(wide_and_tied(), 0..6), 0..60), share in 0.1..0.9_f64,
        cut in 0..60_usize,
    ) {
        let percentile = Percentile::new(share).unwrap();
        let (one, other) = units.split_at(cut.min(units.len()));
        let (found, looks) = search(&[one, other], share, QuantileOf::Events);
        let counts: ValueCounts = units.iter().flatten().copied().collect();
        prop_assert_eq!(found.units as usize, units.iter().filter(|events| !events.is_empty()).count());
        prop_assert_eq!(found.value, counts.quantile(percentile).map(|value| value as f64));
        prop_assert_eq!(found.arm, of_events(&units, percentile));
        prop_assert!(looks <= 9);
        prop_assert_eq!(found, search(&[other, one, &[]], share, QuantileOf::Events).0);
    }

    #[test]
    fn the_order_of_values_and_of_parts_changes_nothing(
        values in prop::collection::vec(wide_and_tied(), 0..150), cut in 0..150_usize,
    ) {
        let units = single(&values);
        let backwards: Vec<Vec<i64>> = units.iter().rev().cloned().collect();
        let (one, other) = units.split_at(cut.min(units.len()));
        let of_units = |parts: &[&[Vec<i64>]]| search(parts, 0.5, QuantileOf::Units);
        prop_assert_eq!(of_units(&[one, other]), of_units(&[&backwards]));
        prop_assert_eq!(of_units(&[other, one, &[]]), of_units(&[one, other]));
    }
}

#[test]
fn a_quantile_without_an_error_is_still_told() {
    let (few, _) = search(&[&single(&[3, 1, 2])], 0.9, QuantileOf::Units);
    assert_eq!((few.units, few.value, few.arm), (3, Some(3.0), Err(NotEstimable::TooFewBeyondQuantile)));
    for of in [QuantileOf::Units, QuantileOf::Events] {
        let (none, looks) = search(&[&[Vec::new()]], 0.5, of);
        assert_eq!((none.units, none.value, none.arm), (0, None, Err(NotEstimable::EmptyArm)));
        assert_eq!(looks, 1);
    }
    let (alone, _) = search(&[&[vec![1, 2, 3, 4]]], 0.5, QuantileOf::Events);
    assert_eq!((alone.units, alone.value, alone.arm), (1, Some(2.0), Err(NotEstimable::OneUnit)));
    let untouched = QuantileSearch::new(Percentile::new(0.5).unwrap(), QuantileOf::Units).found(Grid::INTEGER);
    assert_eq!(untouched.arm, Err(NotEstimable::NotCounted));
}
