use proptest::prelude::*;

use super::*;

/// Stratum, arm, value.
type Unit = (usize, usize, i64);

fn table(units: &[Unit], strata: usize) -> ArmTable {
    let mut table = ArmTable::new(2 * strata, 1);
    for (stratum, arm, value) in units {
        let arm = 2 * stratum + arm;
        table.units[arm] += 1;
        table.moments[arm].push(*value);
    }
    table
}

fn weighting(root: &ArmTable, strata: usize) -> Weighting {
    let target = Target { treatment: 1, metric: 0 };
    Weighting::new(target, root, &centres(root, 0, &BTreeSet::from([0, 1]), strata))
}

/// The weighted means of some units, unit by unit in floating point, with the mean of each stratum subtracted.
fn slow_effect(units: &[Unit], everybody: &[Unit]) -> Option<f64> {
    let count =
        |stratum: usize, arm: usize| everybody.iter().filter(|unit| (unit.0, unit.1) == (stratum, arm)).count() as f64;
    let counts = |stratum: usize| count(stratum, 0) >= 2.0 && count(stratum, 1) >= 2.0;
    let centre = |stratum: usize| {
        let values: Vec<i64> = everybody.iter().filter(|unit| unit.0 == stratum).map(|unit| unit.2).collect();
        (values.iter().sum::<i64>() as f64 / values.len() as f64 + 0.5).floor()
    };
    let mean = |arm: usize| {
        let own: Vec<&Unit> = units.iter().filter(|unit| unit.1 == arm && counts(unit.0)).collect();
        let weight = |unit: &Unit| (count(unit.0, 0) + count(unit.0, 1)) / count(unit.0, arm);
        let sum: f64 = own.iter().map(|unit| weight(unit) * (unit.2 as f64 - centre(unit.0))).sum();
        (!own.is_empty()).then(|| sum / own.iter().map(|unit| weight(unit)).sum::<f64>())
    };
    Some(mean(1)? - mean(0)?)
}

fn any_units() -> impl Strategy<Value = Vec<Unit>> {
    prop::collection::vec((0..4_usize, 0..2_usize, -50..50_i64), 1..80)
}

proptest! {
    #[test]
    fn an_effect_is_that_of_units_weighted_one_by_one(units in any_units(), part in 0..80_usize) {
        let weighting = weighting(&table(&units, 4), 4);
        let some = &units[..part.min(units.len())];
        match (weighting.effect(table(some, 4).cell()), slow_effect(some, &units)) {
            (Some(found), Some(expected)) => prop_assert!((found - expected).abs() < 1e-9, "{found} and {expected}"),
            (found, expected) => prop_assert_eq!(found, expected),
        }
    }

    #[test]
    fn among_all_units_the_effect_is_that_of_the_strata_by_their_units(units in any_units()) {
        let root = table(&units, 4);
        let of = |stratum: usize| {
            let (control, treated) = (&root.moments[2 * stratum], &root.moments[2 * stratum + 1]);
            (control.n > 1 && treated.n > 1).then(|| ((control.n + treated.n) as f64, treated.mean_difference(control).unwrap()))
        };
        let found: Vec<(f64, f64)> = (0..4).filter_map(of).collect();
        let all: f64 = found.iter().map(|(units, _)| units).sum();
        let expected = (all > 0.0).then(|| found.iter().map(|(units, effect)| units / all * effect).sum::<f64>());
        match (weighting(&root, 4).effect(root.cell()), expected) {
            (Some(found), Some(expected)) => prop_assert!((found - expected).abs() < 1e-9, "{found} and {expected}"),
            (found, expected) => prop_assert_eq!(found, expected),
        }
    }

    #[test]
    fn one_stratum_has_no_weights(units in any_units()) {
        let units: Vec<Unit> = units.into_iter().map(|(_, arm, value)| (0, arm, value)).collect();
        let root = table(&units, 1);
        prop_assert_eq!(weighting(&root, 1).effect(root.cell()), root.moments[1].mean_difference(&root.moments[0]));
    }

    #[test]
    fn noise_is_that_of_a_weighted_mean(units in any_units()) {
        let root = table(&units, 4);
        let weighting = weighting(&root, 4);
        let cells: Vec<Moments> =
            weighting.cells(root.cell(), 1).zip(weighting.strata()).map(|(cell, stratum)| cell.about(stratum.centre)).collect();
        if let Some(found) = weighted_mean(&cells, weighting.strata(), 0) {
            let weights: Vec<(f64, f64)> = units
                .iter()
                .filter(|unit| unit.1 == 1 && weighting.strata()[unit.0].counts())
                .map(|unit| (weighting.strata()[unit.0].arms[0], unit.2 as f64 - weighting.strata()[unit.0].centre as f64))
                .collect();
            let all: f64 = weights.iter().map(|(weight, _)| weight).sum();
            let noise: f64 = weights.iter().map(|(weight, value)| (weight * (value - found.mean)).powi(2)).sum();
            prop_assert!((found.noise - noise / (all * all)).abs() < 1e-9 * (1.0 + found.noise));
        }
    }
}

#[test]
fn a_stratum_without_an_arm_counts_for_nothing() {
    let units = [(0, 0, 1), (0, 0, 3), (0, 1, 5), (0, 1, 5), (1, 1, 90), (1, 1, 90), (1, 0, 0)];
    let root = table(&units, 2);
    let weighting = weighting(&root, 2);
    assert_eq!(weighting.effect(root.cell()), Some(3.0));
    assert_eq!(weighting.counted(root.cell()).map(|arm| arm.n), [2, 2]);
    assert!(!weighting.counts_nobody());
}
