use proptest::prelude::*;

use super::*;
use crate::arm_table::ArmTable;
use crate::bucket::{BUCKETS, BucketSet};
use crate::effect::Effect;
use crate::grid::Grid;
use crate::pass::CellStatistics;

const GRIDS: [Grid; 1] = [Grid::INTEGER];

/// Statistics of some cells; units as (cell, bucket, arm, value).
fn statistics(cells: usize, units: &[(usize, u16, usize, i64)]) -> CellStatistics {
    let mut tables = vec![ArmTable::new(2, 1); cells * BUCKETS];
    for (cell, bucket, arm, value) in units {
        tables[cell * BUCKETS + usize::from(*bucket)].add_to_arm(
            *arm,
            1,
            std::iter::once([*value].into_iter().collect()),
        );
    }
    CellStatistics { cells, tables }
}

fn groups(statistics: &CellStatistics, predictions: &[f64], count: usize) -> Vec<RankedGroup> {
    let buckets: BucketSet = (0..64).collect();
    ranked_groups(&Measured { cells: statistics, buckets: &buckets, grids: &GRIDS }, predictions, count)
}

/// The units of a group, by cell, and all of them by arm with their moments.
fn members(statistics: &CellStatistics, group: &RankedGroup) -> (Vec<u64>, ArmTable) {
    let mut all = ArmTable::new(2, 1);
    let mut units = vec![0; statistics.cells];
    for (cell, buckets) in group.buckets.iter().enumerate() {
        for table in buckets.iter().filter_map(|bucket| statistics.table(cell, bucket)) {
            units[cell] += table.total_units();
            all.add(table.cell());
        }
    }
    (units, all)
}

fn any_units() -> impl Strategy<Value = Vec<(usize, u16, usize, i64)>> {
    prop::collection::vec((0..4_usize, 0..64_u16, 0..2_usize, -50..50_i64), 1..300)
}

proptest! {
    #[test]
    fn every_unit_lies_in_one_group_and_groups_follow_their_predictions(
        units in any_units(), predictions in prop::collection::vec(-3..3_i8, 4), count in 1..6_usize,
    ) {
        let predictions: Vec<f64> = predictions.into_iter().map(f64::from).collect();
        let statistics = statistics(4, &units);
        let found = groups(&statistics, &predictions, count);
        let held: Vec<(Vec<u64>, ArmTable)> = found.iter().map(|group| members(&statistics, group)).collect();
        let mut whole = ArmTable::new(2, 1);
        for (_, table) in &held {
            whole.add(table.cell());
        }
        prop_assert_eq!(whole, statistics.pooled(&BucketSet::all()));
        let range = |(units, _): &(Vec<u64>, ArmTable)| {
            let held: Vec<f64> = (0..4).filter(|cell| units[*cell] > 0).map(|cell| predictions[cell]).collect();
            (held.iter().copied().fold(f64::INFINITY, f64::min), held.iter().copied().fold(f64::NEG_INFINITY, f64::max))
        };
        let filled: Vec<_> = held.iter().filter(|(_, table)| table.total_units() > 0).map(range).collect();
        prop_assert!(filled.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{:?}", filled);
        // A part is at most the units of a cell and bucket; the group that it lies in is that of its middle.
        let largest = statistics.tables.iter().map(ArmTable::total_units).max().unwrap_or(0);
        let all = units.len() as u64;
        for (_, table) in &held {
            let off = (table.total_units() * count as u64).abs_diff(all);
            prop_assert!(off <= count as u64 * (largest + 1), "{} of {} in {}", table.total_units(), all, count);
        }
    }

    #[test]
    fn outcomes_put_no_unit_into_another_group(units in any_units()) {
        let other: Vec<_> = units.iter().map(|(cell, bucket, arm, value)| (*cell, *bucket, *arm, 7 - value)).collect();
        let sizes = |units: &[(usize, u16, usize, i64)]| -> Vec<Vec<u64>> {
            let statistics = statistics(4, units);
            let found = groups(&statistics, &[2.0, -1.0, 2.0, 0.5], 3);
            found.iter().map(|group| members(&statistics, group).0).collect()
        };
        prop_assert_eq!(sizes(&units), sizes(&other));
    }
}

#[test]
fn a_group_has_the_effect_of_its_units() {
    // Two cells of 64 buckets with two units an arm each; the second gains 10.
    let unit = |cell: usize, bucket: u16, place: usize| {
        let (arm, noise) = (place % 2, (place / 2) as i64);
        (cell, bucket, arm, noise + if cell == 1 && arm == 1 { 10 } else { 0 })
    };
    let units: Vec<_> = (0..2)
        .flat_map(|cell| (0..64).flat_map(move |bucket| (0..4).map(move |place| unit(cell, bucket, place))))
        .collect();
    let statistics = statistics(2, &units);
    let buckets: BucketSet = (0..64).collect();
    let measured = Measured { cells: &statistics, buckets: &buckets, grids: &GRIDS };
    let effect = |group: &RankedGroup| {
        let (_, table) = members(&statistics, group);
        Effect::welch(table.get(1, 0), table.get(0, 0), Grid::INTEGER).unwrap().difference.value
    };
    let effects = |predictions: &[f64], count: usize| -> Vec<f64> {
        let groups = ranked_groups(&measured, predictions, count);
        groups.iter().map(effect).collect()
    };
    assert_eq!(effects(&[0.0, 1.0], 4), [0.0, 0.0, 10.0, 10.0]);
    assert_eq!(effects(&[1.0, 0.0], 2), [10.0, 0.0]);
    assert_eq!(effects(&[3.0, 3.0], 2), [5.0, 5.0], "equal predictions are no order");
    let none = ranked_groups(&measured, &[1.0], 2);
    assert_eq!(members(&statistics, &none[0]).0, [0, 0], "a prediction is lacking");
}

const fn estimate(value: f64) -> Estimate {
    Estimate { value, std_err: 1.0, degrees_of_freedom: 1e9 }
}

#[test]
fn splits_are_combined_by_medians_at_half_the_allowance() {
    let splits = [3.0, 1.0, 2.0].map(estimate).map(Ok);
    let found = OverSplits::of(&splits, 0.95, Reference::Normal).unwrap();
    // The normal quantile of 0.9875, and twice the two-sided p-value of 2: Abramowitz and Stegun, tables 26.1 and 26.2.
    assert!((found.interval.upper - (2.0 + 2.241_402_7)).abs() < 1e-6, "{found:?}");
    assert!((found.interval.lower - (2.0 - 2.241_402_7)).abs() < 1e-6);
    assert!((found.p_value - 2.0 * 0.045_500_26).abs() < 1e-7);
    assert_eq!((found.value, found.splits), (2.0, 3));
}

#[test]
fn of_two_middle_splits_the_less_favourable_counts() {
    let found = OverSplits::of(&[1.0, 3.0].map(estimate).map(Ok), 0.95, Reference::Normal).unwrap();
    let [one, three] = [1.0, 3.0].map(estimate);
    let wide = |estimate: &Estimate| estimate.interval(0.975, Reference::Normal);
    assert_eq!((found.interval.lower, found.interval.upper), (wide(&one).lower, wide(&three).upper));
    assert_eq!((found.value, found.p_value), (2.0, 2.0 * one.p_value(Reference::Normal)));
}

#[test]
fn a_split_without_an_estimate_says_nothing_and_half_of_them_are_too_many() {
    let lacking = || Err(NotEstimable::EmptyArm);
    let few =
        OverSplits::of(&[Ok(estimate(2.0)), lacking(), Ok(estimate(4.0)), Ok(estimate(3.0))], 0.95, Reference::Normal)
            .unwrap();
    let wide = |value: f64| estimate(value).interval(0.975, Reference::Normal);
    assert_eq!((few.interval.lower, few.interval.upper), (wide(2.0).lower, wide(4.0).upper));
    assert_eq!((few.value, few.splits), (3.0, 3));
    assert_eq!(OverSplits::of(&[Ok(estimate(2.0)), lacking()], 0.95, Reference::T), Err(NotEstimable::EmptyArm));
    assert_eq!(OverSplits::of(&[], 0.95, Reference::T), Err(NotEstimable::NoUnits));
}
