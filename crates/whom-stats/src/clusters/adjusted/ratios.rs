//! Adjusted ratios against those of units, and how often their intervals cover.

use super::*;
use crate::distribution::Reference;
use crate::regression_adjustment::RegressionAdjustment;
use crate::sample::{RatioColumn, Sample};
use crate::simulated::Draws;

const GRIDS: [Grid; 2] = [Grid::INTEGER; 2];

/// A unit: what is above and below its ratio, and what is known of it before.
type Unit = [i64; 3];

/// Clusters of two arms by arm and cluster.
type Arms = Vec<Vec<Vec<Unit>>>;

/// The sums of clusters.
struct Totals {
    columns: Vec<Vec<Vec<Moments>>>,
    below: Vec<Vec<Moments>>,
}

impl Totals {
    fn of(arms: &Arms) -> Self {
        let column = |clusters: &[Vec<Unit>], column: usize| {
            clusters.iter().map(|units| units.iter().map(|unit| unit[column]).collect()).collect()
        };
        Self {
            columns: arms.iter().map(|clusters| vec![column(clusters, 0), column(clusters, 2)]).collect(),
            below: arms.iter().map(|clusters| column(clusters, 1)).collect(),
        }
    }

    fn adjusted<'a>(&'a self, slopes: &'a [Vec<f64>; 2], is_own: bool) -> AdjustedClusters<'a> {
        AdjustedClusters {
            arms: &self.columns,
            denominator: Some(ClusterDenominator { arms: &self.below, grid: Grid::INTEGER }),
            grids: &GRIDS,
            centres: &[0; 2],
            treatment: 1,
            slopes: [&slopes[0], &slopes[1]],
            is_own,
        }
    }
}

/// The adjustment that takes every unit for independent.
fn by_units(arms: &Arms) -> crate::Adjusted {
    let columns = [
        RatioColumn { numerator: 0, denominator: Some(1), centre: 0.0 },
        RatioColumn { numerator: 2, denominator: None, centre: 0.0 },
    ];
    let sample = |clusters: &Vec<Vec<Unit>>| {
        let rows: Vec<Vec<f64>> = clusters.iter().flatten().map(|unit| unit.map(|value| value as f64).into()).collect();
        Some(Sample::from_rows(&rows, None).ok()?.ratios(&columns).expect("something below"))
    };
    let samples: Vec<Option<Sample>> = arms.iter().map(sample).collect();
    let adjustment = RegressionAdjustment { outcome: 0, covariates: &[1], treatment: 1, parent: None };
    adjustment.compare(&samples).expect("arms with units")
}

fn slopes(arms: &Arms) -> [Vec<f64>; 2] {
    let found = by_units(arms).coefficients;
    [found.treatment, found.control]
}

/// Two arms of so many clusters whose units share a part of what is above and of what is known; treatment adds nothing.
fn drawn(seed: u64, clusters: usize, largest: u64) -> Arms {
    let mut draws = Draws::new(seed);
    let mut cluster = || {
        let (before, after) = (draws.noise(), draws.noise());
        let size = 1 + draws.below(largest);
        let unit = |draws: &mut Draws| {
            let (known, below) = (2 * before + draws.noise(), 1 + draws.below(5) as i64);
            [below * (20 + before) + known + after + draws.noise(), below, known]
        };
        (0..size).map(|_| unit(&mut draws)).collect()
    };
    (0..2).map(|_| (0..clusters).map(|_| cluster()).collect()).collect()
}

#[test]
fn over_one_each_it_is_the_mean() {
    let arms: Arms = drawn(1, 30, 9)
        .iter()
        .map(|clusters| {
            clusters.iter().map(|units| units.iter().map(|[above, _, known]| [*above, 1, *known]).collect()).collect()
        })
        .collect();
    let (totals, slopes) = (Totals::of(&arms), slopes(&arms));
    let ratio = totals.adjusted(&slopes, true);
    let mean = AdjustedClusters { denominator: None, ..ratio };
    let [ratio, mean] = [ratio, mean].map(|of| of.compare().unwrap());
    assert!((ratio.treatment - mean.treatment).abs() < 1e-12 * mean.treatment.abs());
    assert_eq!(ratio.unreliable, mean.unreliable);
    let [ratio, mean] = [ratio, mean].map(|of| of.difference().unwrap());
    assert!((ratio.value - mean.value).abs() < 1e-12 * mean.std_err, "{ratio:?} {mean:?}");
    assert!((ratio.std_err / mean.std_err - 1.0).abs() < 1e-12, "{ratio:?} {mean:?}");
}

#[test]
fn clusters_of_one_are_the_ratio_of_units() {
    let arms = drawn(2, 2_000, 1);
    let (totals, slopes, expected) = (Totals::of(&arms), slopes(&arms), by_units(&arms).comparison);
    let (found, expected) =
        (totals.adjusted(&slopes, true).compare().unwrap().difference().unwrap(), expected.difference().unwrap());
    assert!((found.value - expected.value).abs() < 1e-9 * expected.std_err, "{found:?} {expected:?}");
    assert!((found.std_err / expected.std_err - 1.0).abs() < 1e-3, "{found:?} {expected:?}");
}

#[test]
fn what_clusters_add_adds_up_to_the_error() {
    let arms = drawn(3, 40, 9);
    let (totals, slopes) = (Totals::of(&arms), slopes(&arms));
    let adjusted = totals.adjusted(&slopes, true);
    let values = adjusted.compare().unwrap();
    let effect = adjusted.scores().unwrap().difference(&values).unwrap();
    let squares: f64 = effect.scores.iter().flatten().map(|score| score * score).sum();
    assert!((squares.sqrt() / effect.estimate.std_err - 1.0).abs() < 1e-9, "{effect:?}");
}

#[test]
fn nothing_below_has_a_name() {
    let arms: Arms = vec![vec![vec![[1, 0, 2], [2, 0, 3]], vec![[3, 0, 1]]]; 2];
    let found = Totals::of(&arms).adjusted(&[vec![0.0], vec![0.0]], false).compare();
    assert_eq!(found.unwrap_err(), NotEstimable::DenominatorZero);
}

/// How many 95 % intervals of 1,000 cover that nothing happens, with so many clusters an arm; and the mean part of the variance that
/// is taken off.
fn covered(clusters: usize) -> (u32, f64) {
    let (mut covers, mut reduction) = (0, 0.0);
    for seed in 0..1_000 {
        let arms = drawn(seed, clusters, 20);
        let (totals, slopes, none) = (Totals::of(&arms), slopes(&arms), [vec![0.0], vec![0.0]]);
        let of = |with: AdjustedClusters<'_>| with.compare().unwrap().difference().unwrap();
        let (own, plain) = (of(totals.adjusted(&slopes, true)), of(totals.adjusted(&none, false)));
        covers += u32::from(own.interval(0.95, Reference::T).contains(0.0));
        reduction += 1.0 - (own.std_err / plain.std_err).powi(2);
    }
    (covers, reduction / 1_000.0)
}

#[test]
fn intervals_cover_with_12_and_100_clusters_an_arm_and_are_narrower() {
    let found = [12, 100].map(covered);
    assert_eq!(found.map(|(covers, _)| covers), [947, 947], "940 to 960 of 1,000 would be 94 to 96 %");
    assert!(found.iter().all(|(_, reduction)| *reduction > 0.3), "{found:?}");
}
