use proptest::prelude::*;

use super::*;
use crate::effect::Effect;

fn totals(clusters: &[Vec<i64>]) -> Vec<Moments> {
    clusters.iter().map(|values| values.iter().copied().collect()).collect()
}

fn means(totals: &[Moments]) -> ClusterMeans<'_> {
    ClusterMeans { totals, grid: Grid::INTEGER, centre: 0 }
}

type Matrix = Vec<Vec<f64>>;

/// The same from the definition: the regression of units on the two sides, its hat matrix, and the square root of each cluster's
/// (I - H_gg)^(-1), by Newton's iteration of Denman and Beavers.
fn by_definition(cohort: &[Vec<i64>], rest: &[Vec<i64>]) -> (f64, f64) {
    let mut units: Vec<(usize, usize, f64)> = Vec::new();
    for (side, clusters) in [cohort, rest].into_iter().enumerate() {
        for (cluster, values) in clusters.iter().enumerate() {
            units.extend(values.iter().map(|value| (cluster, side, *value as f64)));
        }
    }
    let size = |side: usize| units.iter().filter(|unit| unit.1 == side).count() as f64;
    let mean = |side: usize| units.iter().filter(|unit| unit.1 == side).map(|unit| unit.2).sum::<f64>() / size(side);
    let hat = |one: usize, other: usize| if units[one].1 == units[other].1 { 1.0 / size(units[one].1) } else { 0.0 };
    let mut scores = Vec::new();
    for cluster in 0..cohort.len() {
        let members: Vec<usize> = (0..units.len()).filter(|unit| units[*unit].0 == cluster).collect();
        let left: Matrix = members
            .iter()
            .map(|one| members.iter().map(|other| f64::from(u8::from(one == other)) - hat(*one, *other)).collect())
            .collect();
        let root = inverse_root(&left);
        let contrast: Vec<f64> =
            members.iter().map(|unit| [1.0, -1.0][units[*unit].1] / size(units[*unit].1)).collect();
        // The row of (I - H)_g. A_g x, as a combination of all units' errors.
        let weights: Vec<f64> =
            (0..members.len()).map(|row| root[row].iter().zip(&contrast).map(|(a, x)| a * x).sum()).collect();
        let row: Vec<f64> = (0..units.len())
            .map(|unit| {
                members
                    .iter()
                    .zip(&weights)
                    .map(|(member, weight)| weight * (f64::from(u8::from(*member == unit)) - hat(*member, unit)))
                    .sum()
            })
            .collect();
        scores.push(row);
    }
    let residuals: Vec<f64> = units.iter().map(|unit| unit.2 - mean(unit.1)).collect();
    let dot = |one: &[f64], other: &[f64]| one.iter().zip(other).map(|(one, other)| one * other).sum::<f64>();
    let variance = scores.iter().map(|row| dot(row, &residuals).powi(2)).sum();
    let trace: f64 = scores.iter().map(|row| dot(row, row)).sum();
    let squares: f64 = scores.iter().flat_map(|one| scores.iter().map(move |other| dot(one, other).powi(2))).sum();
    (variance, trace * trace / squares)
}

fn inverse_root(matrix: &Matrix) -> Matrix {
    let size = matrix.len();
    let identity: Matrix =
        (0..size).map(|row| (0..size).map(|column| f64::from(u8::from(row == column))).collect()).collect();
    let (mut root, mut inverse_root) = (matrix.clone(), identity);
    for _ in 0..60 {
        let (of_root, of_inverse) = (inverse(&root), inverse(&inverse_root));
        let halves = |one: &Matrix, other: &Matrix| -> Matrix {
            one.iter().zip(other).map(|(a, b)| a.iter().zip(b).map(|(a, b)| (a + b) / 2.0).collect()).collect()
        };
        (root, inverse_root) = (halves(&root, &of_inverse), halves(&inverse_root, &of_root));
    }
    inverse_root
}

fn inverse(matrix: &Matrix) -> Matrix {
    let size = matrix.len();
    let mut rows: Matrix = matrix
        .iter()
        .enumerate()
        .map(|(row, values)| {
            values.iter().copied().chain((0..size).map(|column| f64::from(u8::from(row == column)))).collect()
        })
        .collect();
    for pivot in 0..size {
        let by = rows[pivot][pivot];
        rows[pivot].iter_mut().for_each(|value| *value /= by);
        for row in (0..size).filter(|row| *row != pivot) {
            let (times, pivots) = (rows[row][pivot], rows[pivot].clone());
            rows[row].iter_mut().zip(&pivots).for_each(|(value, pivot)| *value -= times * pivot);
        }
    }
    rows.into_iter().map(|row| row[size..].to_vec()).collect()
}

fn clusters() -> impl Strategy<Value = Vec<Vec<i64>>> {
    prop::collection::vec(prop::collection::vec(-100_i64..100, 1..5), 3..8)
}

proptest! {
    #[test]
    fn clusters_of_one_unit_are_units(values in prop::collection::vec(-100_i64..100, 3..30)) {
        let alone: Vec<Moments> = values.iter().map(|value| [*value].into_iter().collect()).collect();
        let found = means(&alone).mean().unwrap();
        let arm: Moments = values.iter().copied().collect();
        let shifted: Moments = values.iter().map(|value| value * 3 + 1).collect();
        prop_assert!((found.degrees_of_freedom / (values.len() as f64 - 1.0) - 1.0).abs() < 1e-9);
        if let Ok(welch) = Effect::welch(&arm, &shifted, Grid::INTEGER) {
            let expected = welch.treatment.variance_of_mean();
            prop_assert!((found.variance - expected).abs() < 1e-9 * expected);
        }
    }

    #[test]
    fn a_contrast_is_that_of_the_definition(cohort in clusters(), seed in prop::collection::vec(0..4_usize, 8)) {
        // The rest of each cluster: other sizes, and none in some, but in two.
        let rest: Vec<Vec<i64>> = cohort
            .iter()
            .zip(&seed)
            .enumerate()
            .map(|(place, (values, size))| (0..if place < 2 { 1 + size } else { *size }).map(|unit| values[0] * 2 - 7 * unit as i64).collect())
            .collect();
        let (one, other) = (totals(&cohort), totals(&rest));
        let found = means(&one).less(means(&other)).unwrap();
        let (variance, degrees) = by_definition(&cohort, &rest);
        prop_assert!((found.variance - variance).abs() < 1e-7 * variance.max(1e-9), "{} {variance}", found.variance);
        prop_assert!((found.degrees_of_freedom / degrees - 1.0).abs() < 1e-7, "{} {degrees}", found.degrees_of_freedom);
    }

    #[test]
    fn a_shift_changes_no_error(clusters in clusters(), shift in -1_000_000_000_i64..1_000_000_000) {
        let shifted: Vec<Vec<i64>> =
            clusters.iter().map(|values| values.iter().map(|value| value + shift).collect()).collect();
        let (before, after) = (totals(&clusters), totals(&shifted));
        let after = ClusterMeans { centre: shift, ..means(&after) };
        prop_assert_eq!(means(&before).mean().unwrap(), after.mean().unwrap());
    }
}

#[test]
fn one_cluster_tells_no_error_and_few_are_marked() {
    let one = totals(&[vec![1, 2, 3], Vec::new()]);
    assert_eq!(means(&one).mean(), Err(NotEstimable::OneCluster));
    assert_eq!(means(&totals(&[Vec::new()])).mean(), Err(NotEstimable::EmptyArm));
    let two = totals(&[vec![1, 2], vec![4, 4]]);
    assert_eq!(means(&one).less(means(&two)), Err(NotEstimable::OneCluster));
    assert_eq!(means(&two).less(means(&two[..1])), Err(NotEstimable::NotCounted));
    let found = means(&two).mean().unwrap();
    assert_eq!(found.unreliable, Some(Unreliable::FewClusters { found: 2, needed: 50 }));
    assert!((found.degrees_of_freedom - 1.0).abs() < 1e-12, "two equal clusters have one: {found:?}");
    let many: Vec<Vec<i64>> = (0..50).map(|value| vec![value, value]).collect();
    assert_eq!(means(&totals(&many)).mean().unwrap().unreliable, None);
}
