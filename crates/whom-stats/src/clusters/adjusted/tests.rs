use proptest::prelude::*;

use super::*;
use crate::clusters::ClusterMeans;
use crate::distribution::Reference;
use crate::regression_adjustment::RegressionAdjustment;
use crate::sample::Sample;
use crate::simulated::Draws;

const GRIDS: [Grid; 2] = [Grid::INTEGER; 2];

/// A unit: its metric and what is known of it before.
type Unit = [i64; 2];

/// Clusters of three arms by arm and cluster.
type Arms = Vec<Vec<Vec<Unit>>>;

fn totals(arms: &Arms) -> Vec<Vec<Vec<Moments>>> {
    let column = |clusters: &[Vec<Unit>], column: usize| {
        clusters.iter().map(|units| units.iter().map(|unit| unit[column]).collect()).collect()
    };
    arms.iter().map(|clusters| vec![column(clusters, 0), column(clusters, 1)]).collect()
}

fn adjusted<'a>(arms: &'a [Vec<Vec<Moments>>], slopes: [&'a [f64]; 2]) -> AdjustedClusters<'a> {
    AdjustedClusters { arms, denominator: None, grids: &GRIDS, centres: &[0; 2], treatment: 1, slopes, is_own: false }
}

/// The slopes of arms 1 and 0, by the units, as a regression has them.
fn slopes(arms: &Arms) -> [Vec<f64>; 2] {
    let found = by_units(arms).coefficients;
    [found.treatment, found.control]
}

/// The regression adjustment that takes every unit for independent.
fn by_units(arms: &Arms) -> crate::Adjusted {
    let rows = |clusters: &Vec<Vec<Unit>>| -> Vec<Vec<f64>> {
        clusters.iter().flatten().map(|unit| unit.map(|value| value as f64).into()).collect()
    };
    let samples: Vec<Option<Sample>> =
        arms.iter().map(|clusters| Sample::from_rows(&rows(clusters), None).ok()).collect();
    let adjustment = RegressionAdjustment { outcome: 0, covariates: &[1], treatment: 1, parent: None };
    adjustment.compare(&samples).expect("arms with units")
}

/// Three arms of so many clusters of units that share a part of both columns; treatment adds nothing.
fn drawn(seed: u64, clusters: usize, largest: u64) -> Arms {
    let mut draws = Draws::new(seed);
    let mut cluster = || {
        let (before, after) = (draws.noise(), draws.noise());
        let size = 1 + draws.below(largest);
        let unit = |draws: &mut Draws| {
            let known = 2 * before + draws.noise();
            [known + after + draws.noise(), known]
        };
        (0..size).map(|_| unit(&mut draws)).collect()
    };
    (0..3).map(|_| (0..clusters).map(|_| cluster()).collect()).collect()
}

#[test]
fn slopes_of_zero_leave_means_of_clusters() {
    let all = totals(&drawn(1, 30, 9));
    let found = adjusted(&all, [&[0.0], &[0.0]]).compare().unwrap();
    let mean = |arm: usize| ClusterMeans { totals: &all[arm][0], grid: Grid::INTEGER, centre: 0 }.mean().unwrap();
    let (treatment, control) = (mean(1), mean(0));
    let difference = found.difference().unwrap();
    assert!((difference.value - (treatment.offset - control.offset)).abs() < 1e-12 * difference.std_err);
    let variance = treatment.variance + control.variance;
    assert!((difference.std_err.powi(2) / variance - 1.0).abs() < 1e-12);
    let rest = ClusterMeans { totals: &all[1][0], grid: Grid::INTEGER, centre: 0 };
    assert_eq!(found.unreliable.is_some(), rest.mean().unwrap().unreliable.is_some());
}

#[test]
fn clusters_of_one_are_a_regression_of_units() {
    let arms = drawn(2, 2_000, 1);
    let (all, slopes, expected) = (totals(&arms), slopes(&arms), by_units(&arms).comparison);
    let with = AdjustedClusters { is_own: true, ..adjusted(&all, [&slopes[0], &slopes[1]]) };
    let (found, expected) = (with.compare().unwrap().difference().unwrap(), expected.difference().unwrap());
    assert!((found.value - expected.value).abs() < 1e-9 * expected.std_err, "{found:?} {expected:?}");
    assert!((found.std_err / expected.std_err - 1.0).abs() < 1e-3, "{found:?} {expected:?}");
}

#[test]
fn an_arm_with_no_more_freedom_than_slopes_has_a_name() {
    let all = totals(&drawn(3, 2, 4));
    let with = AdjustedClusters { is_own: true, ..adjusted(&all, [&[1.0], &[1.0]]) };
    assert_eq!(with.compare().unwrap_err(), NotEstimable::NoDegreesOfFreedom);
    assert!(adjusted(&all, [&[1.0], &[1.0]]).compare().is_ok(), "slopes that others were fitted to take none");
    let alone = totals(&drawn(3, 1, 4));
    assert_eq!(adjusted(&alone, [&[1.0], &[1.0]]).compare().unwrap_err(), NotEstimable::OneCluster);
    assert_eq!(adjusted(&all, [&[1.0, 2.0], &[1.0, 2.0]]).compare().unwrap_err(), NotEstimable::NotCounted);
}

/// How many 95 % intervals of 1,000 cover that nothing happens, adjusted and not, with so many clusters an arm; and the mean part of
/// the variance that is taken off.
fn covered(clusters: usize) -> (u32, u32, f64) {
    let (mut adjusts, mut plainly, mut reduction) = (0, 0, 0.0);
    for seed in 0..1_000 {
        let arms = drawn(seed, clusters, 20);
        let (all, slopes) = (totals(&arms), slopes(&arms));
        let own = AdjustedClusters { is_own: true, ..adjusted(&all, [&slopes[0], &slopes[1]]) };
        let plain = adjusted(&all, [&[0.0], &[0.0]]);
        let [own, plain] = [own, plain].map(|of| of.compare().unwrap().difference().unwrap());
        let covers = |of: crate::Estimate| u32::from(of.interval(0.95, Reference::T).contains(0.0));
        adjusts += covers(own);
        plainly += covers(plain);
        reduction += 1.0 - (own.std_err / plain.std_err).powi(2);
    }
    (adjusts, plainly, reduction / 1_000.0)
}

#[test]
fn adjusted_intervals_cover_with_12_and_100_clusters_an_arm_and_are_narrower() {
    let found = [12, 100].map(covered);
    let counts = found.map(|(adjusted, plain, _)| (adjusted, plain));
    assert_eq!(counts, [(951, 941), (951, 939)], "940 to 960 of 1,000 would be 94 to 96 %");
    assert!(found.iter().all(|(_, _, reduction)| *reduction > 0.5), "{found:?}");
}

fn units() -> impl Strategy<Value = Arms> {
    let unit = prop::array::uniform2(-50_i64..50);
    let cluster = prop::collection::vec(unit, 1..5);
    prop::collection::vec(prop::collection::vec(cluster, 4), 3)
}

/// Arms with every unit changed.
fn changed(arms: &Arms, change: impl Fn(Unit) -> Unit) -> Arms {
    let cluster = |units: &Vec<Unit>| units.iter().map(|unit| change(*unit)).collect();
    arms.iter().map(|clusters| clusters.iter().map(cluster).collect()).collect()
}

proptest! {
    #[test]
    fn shifts_change_nothing_and_swapped_arms_flip_the_sign(arms in units(), by in prop::array::uniform2(-30_i64..30), slopes: [i8; 2]) {
        let slopes = slopes.map(|slope| vec![f64::from(slope) / 64.0]);
        let of = |arms: &Arms| {
            let all = totals(arms);
            adjusted(&all, [&slopes[0], &slopes[1]]).compare().unwrap()
        };
        let found = of(&arms);
        let moved = of(&changed(&arms, |[metric, known]| [metric + by[0], known + by[1]]));
        let scale = 1.0 + found.variance([1.0, -1.0]).sqrt();
        prop_assert!((found.difference - moved.difference).abs() < 1e-9 * scale);
        prop_assert!((found.variance([1.0, -1.0]) - moved.variance([1.0, -1.0])).abs() < 1e-9 * scale * scale);
        let swapped = vec![arms[1].clone(), arms[0].clone(), arms[2].clone()];
        let all = totals(&swapped);
        let other = adjusted(&all, [&slopes[1], &slopes[0]]).compare().unwrap();
        prop_assert!((found.difference + other.difference).abs() < 1e-9 * scale);
        prop_assert!((found.variance([1.0, -1.0]) - other.variance([1.0, -1.0])).abs() < 1e-9 * scale * scale);
    }

    #[test]
    fn what_clusters_add_is_the_error_of_the_effect(arms in units(), slope in -1.0..1.0_f64, is_own: bool) {
        let all = totals(&arms);
        let slopes = [[slope], [0.5 * slope]];
        let with = AdjustedClusters { is_own, ..adjusted(&all, [&slopes[0], &slopes[1]]) };
        match (with.scores(), with.compare()) {
            (Ok(scores), Ok(found)) => {
                let squared = |scores: &[Vec<f64>]| scores.iter().flatten().map(|score| score * score).sum::<f64>();
                let close = |squares: f64, variance: f64| (squares - variance).abs() <= 1e-9 * variance.max(1e-9);
                prop_assert!(close(squared(&scores.treatment), found.variance([1.0, 0.0])));
                prop_assert!(close(squared(&scores.control), found.variance([0.0, 1.0])));
                if let Ok(effect) = scores.difference(&found) {
                    prop_assert!(close(squared(&effect.scores), effect.estimate.std_err * effect.estimate.std_err));
                }
                if let Ok(effect) = scores.log_ratio(&found) {
                    prop_assert!(close(squared(&effect.scores), effect.estimate.std_err * effect.estimate.std_err));
                }
            }
            (scores, found) => prop_assert_eq!(scores.err(), found.err()),
        }
    }

    #[test]
    fn a_cohort_less_the_rest_is_the_rest_less_the_cohort_turned_around(cohort in units(), rest in units()) {
        let (all, others) = (totals(&cohort), totals(&rest));
        let [side, other] = [&all, &others].map(|arms| adjusted(arms, [&[0.5], &[0.25]]));
        if let (Ok(one), Ok(turned)) = (side.less(&other), other.less(&side)) {
            prop_assert!((one.value + turned.value).abs() <= 1e-9 * one.std_err.max(1e-9));
            prop_assert!((one.std_err / turned.std_err - 1.0).abs() < 1e-9);
            prop_assert!((one.degrees_of_freedom / turned.degrees_of_freedom - 1.0).abs() < 1e-9);
        }
    }
}
