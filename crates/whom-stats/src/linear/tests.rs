mod degenerate;
mod interaction;

use proptest::prelude::*;

use super::symmetric::dot;
use super::*;
use crate::cross_products::CrossProducts;
use crate::effect::Effect;
use crate::estimate::{Estimate, NotEstimable};
use crate::grid::{Grid, MAX_GRID_VALUE};
use crate::moments::Moments;
use crate::reliability::Unreliable;

const ROBUST: [RobustError; 4] = [RobustError::Hc0, RobustError::Hc1, RobustError::Hc2, RobustError::Hc3];
const CLUSTERED: [ClusterError; 3] = [ClusterError::Cr0, ClusterError::Cr1, ClusterError::Cr2];

/// Two predictors, then the outcome.
type Row = [i64; 3];
const SLOPES: [[f64; 3]; 2] = [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

fn products<const WIDTH: usize>(rows: &[[i64; WIDTH]]) -> CrossProducts {
    let mut products = CrossProducts::new(WIDTH);
    for row in rows {
        products.push(row);
    }
    products
}

fn fit<const WIDTH: usize>(rows: &[[i64; WIDTH]]) -> Result<LeastSquares, NotEstimable> {
    let variables = Variables { predictors: (0..WIDTH - 1).collect(), outcome: WIDTH - 1 };
    LeastSquares::fit(&products(rows), &variables, &[Grid::INTEGER; WIDTH])
}

fn robust<const WIDTH: usize>(
    fit: &LeastSquares,
    rows: &[[i64; WIDTH]],
    kind: RobustError,
) -> Result<Covariance, NotEstimable> {
    let mut meat = Meat::new(fit, kind);
    for row in rows {
        meat.push(row);
    }
    meat.covariance()
}

fn scores<const WIDTH: usize>(
    fit: &LeastSquares,
    rows: &[[i64; WIDTH]],
    clusters: &[u64],
    kind: ClusterError,
) -> ClusterScores {
    let mut scores = ClusterScores::new(fit, kind);
    rows.iter().zip(clusters).for_each(|(row, cluster)| scores.push(*cluster, row));
    scores
}

/// Every covariance of the rows, clusters being those of [`cluster_of`].
fn covariances(fit: &LeastSquares, rows: &[Row]) -> Vec<Covariance> {
    let clusters: Vec<u64> = (0..rows.len()).map(cluster_of).collect();
    let robust = ROBUST.map(|kind| robust(fit, rows, kind).unwrap());
    let clustered = CLUSTERED.map(|kind| scores(fit, rows, &clusters, kind).covariance().unwrap());
    std::iter::once(fit.classical()).chain(robust).chain(clustered).collect()
}

/// Unequal clusters: 0, 1, 1, 2, 2, 2, 3, ...
fn cluster_of(row: usize) -> u64 {
    (0..=row as u64).find(|cluster| (cluster + 1) * (cluster + 2) / 2 > row as u64).unwrap()
}

fn slopes(fit: &LeastSquares, covariance: &Covariance) -> Vec<Result<Estimate, NotEstimable>> {
    SLOPES.iter().map(|weights| fit.estimate(weights, covariance)).collect()
}

/// Rows of which no predictor decides anything alone.
fn any_rows() -> impl Strategy<Value = Vec<Row>> {
    let row = (-1000_i64..1000, -1000_i64..1000, -100_000_i64..100_000)
        .prop_map(|(first, second, outcome)| [first, second, outcome]);
    prop::collection::vec(row, 12..40)
}

/// Rows of which every pair of predictors occurs twice, with outcomes of its own, so that no leverage is above a half.
fn rows_in_pairs() -> impl Strategy<Value = Vec<Row>> {
    let pair = prop::array::uniform4(-1000_i64..1000);
    prop::collection::vec(pair, 6..20).prop_map(|pairs| {
        pairs
            .iter()
            .flat_map(|[first, second, one, other]| [one, other].map(|outcome| [*first, *second, 100 * outcome]))
            .collect()
    })
}

/// Least squares from their definition: dense matrices of rows, the inverse by elimination.
mod oracle {
    use super::*;

    pub(super) struct Dense {
        design: Vec<[f64; 3]>,
        bread: [[f64; 3]; 3],
        pub(super) coefficients: [f64; 3],
        residuals: Vec<f64>,
    }

    impl Dense {
        pub(super) fn new(rows: &[Row]) -> Self {
            let design: Vec<[f64; 3]> = rows.iter().map(|row| [1.0, row[0] as f64, row[1] as f64]).collect();
            let gram = std::array::from_fn(|i| std::array::from_fn(|j| design.iter().map(|x| x[i] * x[j]).sum()));
            let bread = inverse(gram);
            let moments: [f64; 3] =
                std::array::from_fn(|i| design.iter().zip(rows).map(|(x, row)| x[i] * row[2] as f64).sum());
            let coefficients: [f64; 3] = std::array::from_fn(|i| dot(&bread[i], &moments));
            let residuals = design.iter().zip(rows).map(|(x, row)| row[2] as f64 - dot(x, &coefficients)).collect();
            Self { design, bread, coefficients, residuals }
        }

        /// The standard error of a coefficient from each row's squared residual as `inflate` makes it of residual and leverage.
        pub(super) fn std_err(&self, coefficient: usize, inflate: impl Fn(f64, f64) -> f64) -> f64 {
            let square = |(x, residual): (&[f64; 3], &f64)| {
                let through: [f64; 3] = std::array::from_fn(|i| dot(&self.bread[i], x));
                through[coefficient] * through[coefficient] * inflate(*residual, dot(x, &through))
            };
            self.design.iter().zip(&self.residuals).map(square).sum::<f64>().sqrt()
        }
    }

    fn inverse(mut matrix: [[f64; 3]; 3]) -> [[f64; 3]; 3] {
        let mut inverse = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        for pivot in 0..3 {
            let factor = 1.0 / matrix[pivot][pivot];
            for column in 0..3 {
                matrix[pivot][column] *= factor;
                inverse[pivot][column] *= factor;
            }
            for row in (0..3).filter(|row| *row != pivot) {
                let factor = matrix[row][pivot];
                for column in 0..3 {
                    matrix[row][column] -= factor * matrix[pivot][column];
                    inverse[row][column] -= factor * inverse[pivot][column];
                }
            }
        }
        inverse
    }
}

proptest! {
    #[test]
    fn coefficients_and_robust_errors_are_those_of_their_definitions(rows in rows_in_pairs()) {
        let dense = oracle::Dense::new(&rows);
        let fit = fit(&rows).unwrap();
        let n = rows.len() as f64;
        for (kind, place) in ROBUST.into_iter().zip(0..) {
            let inflate = |e: f64, h: f64| [e * e, e * e * n / (n - 3.0), e * e / (1.0 - h), (e / (1.0 - h)).powi(2)][place];
            let covariance = robust(&fit, &rows, kind).unwrap();
            for (coefficient, found) in slopes(&fit, &covariance).into_iter().enumerate() {
                let (found, std_err) = (found.unwrap(), dense.std_err(coefficient + 1, inflate));
                prop_assert!((found.value - dense.coefficients[coefficient + 1]).abs() < 1e-9 * std_err);
                prop_assert!((found.std_err / std_err - 1.0).abs() < 1e-9, "{} {}", found.std_err, std_err);
            }
        }
        let weights = [1.0, 0.0, 0.0];
        let intercept = fit.estimate(&weights, &robust(&fit, &rows, RobustError::Hc3).unwrap()).unwrap();
        prop_assert!((intercept.std_err / dense.std_err(0, |e, h| (e / (1.0 - h)).powi(2)) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn neither_order_nor_parts_change_a_bit(rows in any_rows(), cut in 0..12_usize) {
        let fit = fit(&rows).unwrap();
        let turned: Vec<Row> = rows.iter().rev().copied().collect();
        let clusters: Vec<u64> = (0..rows.len()).map(cluster_of).collect();
        let turned_clusters: Vec<u64> = clusters.iter().rev().copied().collect();
        for kind in ROBUST {
            let (mut meat, mut other) = (Meat::new(&fit, kind), Meat::new(&fit, kind));
            turned[..cut].iter().for_each(|row| meat.push(row));
            turned[cut..].iter().for_each(|row| other.push(row));
            other += &meat;
            prop_assert_eq!(other.covariance(), robust(&fit, &rows, kind));
        }
        for kind in CLUSTERED {
            let mut parts = scores(&fit, &turned[cut..], &turned_clusters[cut..], kind);
            parts += &scores(&fit, &turned[..cut], &turned_clusters[..cut], kind);
            prop_assert_eq!(parts.covariance(), scores(&fit, &rows, &clusters, kind).covariance());
        }
    }

    #[test]
    fn a_shift_of_any_column_changes_no_slope_and_no_error(
        rows in any_rows(), shift in prop::array::uniform3(-10_000_000_000_000_i64..10_000_000_000_000),
    ) {
        let shifted: Vec<Row> = rows.iter().map(|row| std::array::from_fn(|column| row[column] + shift[column])).collect();
        let (before, after) = (fit(&rows).unwrap(), fit(&shifted).unwrap());
        for (left, right) in covariances(&before, &rows).iter().zip(covariances(&after, &shifted)) {
            prop_assert_eq!(slopes(&before, left), slopes(&after, &right));
        }
    }

    #[test]
    fn a_negated_predictor_flips_its_sign_only(rows in any_rows()) {
        let negated: Vec<Row> = rows.iter().map(|row| [-row[0], row[1], row[2]]).collect();
        let (before, after) = (fit(&rows).unwrap(), fit(&negated).unwrap());
        for (left, right) in covariances(&before, &rows).iter().zip(covariances(&after, &negated)) {
            let (left, right) = (before.estimate(&SLOPES[0], left).unwrap(), after.estimate(&SLOPES[0], &right).unwrap());
            prop_assert!((left.value + right.value).abs() < 1e-11 * left.std_err);
            prop_assert!((left.std_err / right.std_err - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn hc2_of_two_arms_is_welch(control in prop::collection::vec(-1000_i64..1000, 2..30), treated in prop::collection::vec(-1000_i64..1000, 2..30)) {
        let moments = |values: &[i64]| values.iter().copied().collect::<Moments>();
        prop_assume!(moments(&control).varies() && moments(&treated).varies());
        let welch = Effect::welch(&moments(&treated), &moments(&control), Grid::INTEGER).unwrap().difference;
        let arm = |arm: i64, values: &[i64]| values.iter().map(|value| [arm, *value]).collect::<Vec<_>>();
        let rows = [arm(0, &control), arm(1, &treated)].concat();
        let Ok(fit) = fit(&rows) else { return Ok(()) };
        let found = fit.estimate(&[0.0, 1.0], &robust(&fit, &rows, RobustError::Hc2).unwrap()).unwrap();
        prop_assert!((found.value - welch.value).abs() < 1e-11 * welch.std_err);
        prop_assert!((found.std_err / welch.std_err - 1.0).abs() < 1e-9);
    }

    #[test]
    fn clusters_of_one_unit_are_no_clusters(rows in any_rows()) {
        let fit = fit(&rows).unwrap();
        let alone: Vec<u64> = (0..rows.len() as u64).collect();
        for (clustered, unclustered) in [(ClusterError::Cr0, RobustError::Hc0), (ClusterError::Cr2, RobustError::Hc2)] {
            let left = slopes(&fit, &scores(&fit, &rows, &alone, clustered).covariance().unwrap());
            let right = slopes(&fit, &robust(&fit, &rows, unclustered).unwrap());
            for (left, right) in left.into_iter().zip(right) {
                prop_assert!((left.unwrap().std_err / right.unwrap().std_err - 1.0).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn names_of_clusters_mean_nothing(rows in any_rows(), mask in 0..64_u64) {
        let fit = fit(&rows).unwrap();
        let clusters: Vec<u64> = (0..rows.len()).map(cluster_of).collect();
        let renamed: Vec<u64> = clusters.iter().map(|cluster| cluster ^ mask).collect();
        for kind in [ClusterError::Cr0, ClusterError::Cr1] {
            let left = scores(&fit, &rows, &clusters, kind).covariance();
            prop_assert_eq!(left, scores(&fit, &rows, &renamed, kind).covariance());
        }
        let adjusted = |clusters: &[u64]| slopes(&fit, &scores(&fit, &rows, clusters, ClusterError::Cr2).covariance().unwrap());
        for (left, right) in adjusted(&clusters).into_iter().zip(adjusted(&renamed)) {
            prop_assert!((left.unwrap().std_err / right.unwrap().std_err - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn a_column_that_says_nothing_new_is_named_and_changes_no_prediction(rows in any_rows()) {
        // The third predictor is a combination of the first two, which are kept.
        let wider: Vec<[i64; 4]> = rows.iter().map(|row| [row[0], row[1], 2 * row[0] - 3 * row[1] + 7, row[2]]).collect();
        let (narrow, wide) = (fit(&rows).unwrap(), fit(&wider).unwrap());
        prop_assert_eq!(wide.left_out().collect::<Vec<_>>(), [2]);
        let left = robust(&narrow, &rows, RobustError::Hc3).unwrap();
        let right = robust(&wide, &wider, RobustError::Hc3).unwrap();
        prop_assert_eq!(wide.estimate(&[0.0, 0.0, 0.0, 1.0], &right), Err(NotEstimable::Collinear));
        prop_assert_eq!(wide.estimate(&[0.0, 1.0, 0.0, 0.0], &right), Err(NotEstimable::Collinear));
        let predicted = narrow.estimate(&[1.0, 5.0, -4.0], &left).unwrap();
        prop_assert_eq!(wide.estimate(&[1.0, 5.0, -4.0, 29.0], &right), Ok(predicted));
    }
}

#[test]
fn values_at_the_end_of_the_range_are_fitted() {
    let far = |value: i64| MAX_GRID_VALUE - value;
    let near: Vec<Row> = (0..40).map(|id| [id % 2, id * id % 13, id * id * id % 29]).collect();
    let rows: Vec<Row> = near.iter().map(|row| [far(row[0]), far(row[1]), far(row[2])]).collect();
    let (near_fit, far_fit) = (fit(&near).unwrap(), fit(&rows).unwrap());
    for (left, right) in covariances(&near_fit, &near).iter().zip(covariances(&far_fit, &rows)) {
        for (left, right) in slopes(&near_fit, left).into_iter().zip(slopes(&far_fit, &right)) {
            let (left, right) = (left.unwrap(), right.unwrap());
            assert!((left.value - right.value).abs() < 1e-12 && (left.std_err - right.std_err).abs() < 1e-12);
        }
    }
}

#[test]
fn scores_are_fine_enough_for_two_to_the_30_units() {
    // A proportion in two arms: there are four kinds of rows, so that nothing evens out what their scores are rounded by.
    let rows = [[0, 0], [0, 0], [0, 1], [1, 0], [1, 1], [1, 1], [1, 1], [1, 1]];
    let mut doubled = products(&rows);
    while doubled.n() < 1 << 30 {
        let half = doubled.clone();
        doubled += &half;
    }
    let variables = Variables { predictors: vec![0], outcome: 1 };
    let fit = LeastSquares::fit(&doubled, &variables, &[Grid::INTEGER; 2]).unwrap();
    let mut meat = Meat::new(&fit, RobustError::Hc0);
    for row in &rows {
        meat.push(row);
    }
    while let half = meat.clone()
        && half.n() < fit.n()
    {
        meat += &half;
    }
    let found = fit.estimate(&[0.0, 1.0], &meat.covariance().unwrap()).unwrap();
    let in_arm = |share: f64, units: f64| share * (1.0 - share) / (units * (fit.n() / 8) as f64);
    let std_err = (in_arm(1.0 / 3.0, 3.0) + in_arm(0.8, 5.0)).sqrt();
    assert!((found.value - (0.8 - 1.0 / 3.0)).abs() < 1e-9 * std_err);
    assert!((found.std_err / std_err - 1.0).abs() < 1e-9, "{} {std_err}", found.std_err);
}

#[test]
fn a_coefficient_rests_on_the_units_of_the_smaller_arm() {
    // 400 units of which 20 are treated: the arm's share of a unit is 1 / 20 to 1 / 380, weighted by the other arm's size.
    let rows: Vec<[i64; 2]> = (0..400).map(|id| [i64::from(id % 20 == 0), id * id % 101]).collect();
    let fit = fit(&rows).unwrap();
    let judged = |kind| {
        let covariance = robust(&fit, &rows, kind).unwrap();
        [[1.0, 0.0], [0.0, 1.0]]
            .iter()
            .zip(0..)
            .map(|(weights, place)| covariance.judge(place, &fit.estimate(weights, &covariance).unwrap()))
            .collect::<Vec<_>>()
    };
    // Shares are .95 / 20 of the treated and .05 / 380 of the others.
    let found = (1.0 / (20.0 * f64::powi(0.95 / 20.0, 2) + 380.0 * f64::powi(0.05 / 380.0, 2))) as u64;
    let few = |needed| Some(Unreliable::FewEffectiveUnits { found, needed });
    assert_eq!(found, 22);
    assert_eq!(judged(RobustError::Hc3), [None, few(50)], "the intercept is the control's mean");
    assert_eq!(judged(RobustError::Hc2), [None, few(120)]);
    assert_eq!(fit.classical().judge(1, &fit.estimate(&[0.0, 1.0], &fit.classical()).unwrap()), None);
}
