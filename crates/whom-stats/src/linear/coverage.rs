//! How often intervals cover the truth, in simulations fixed by their seeds: the counts are exact.

use super::*;
use crate::cross_products::CrossProducts;
use crate::distribution::Reference;
use crate::grid::Grid;
use crate::simulated::Draws;

const TRIALS: u64 = 2_000;
const LEVEL: f64 = 0.95;

/// Rows of clusters: arm, covariate, interaction, outcome.
type Rows = Vec<(u64, [i64; 4])>;
/// The weights of the interaction, and of the arm.
const INTERACTION: [f64; 4] = [0.0, 0.0, 0.0, 1.0];
const ARM: [f64; 4] = [0.0, 1.0, 0.0, 0.0];

/// 200 units; the covariate is skewed, and the noise grows with it. The effect is twice the covariate.
fn heteroskedastic(seed: u64) -> Rows {
    let mut draws = Draws::new(seed);
    (0..200)
        .map(|unit| {
            let (arm, x) = (draws.below(2) as i64, draws.below(40) as i64 * draws.below(40) as i64);
            (unit, [arm, x, arm * x, 2 * arm * x + draws.noise() * (50 + x) / 100])
        })
        .collect()
}

/// 15 clusters of 4 to 60 units, of which five are treated, and share half of the variance. The effect is nothing.
fn clustered(seed: u64) -> Rows {
    let mut draws = Draws::new(seed);
    let mut rows = Rows::new();
    for cluster in 0..15_u64 {
        let (arm, shared, x) = (i64::from(cluster % 3 == 0), draws.noise(), draws.below(10) as i64);
        for _ in 0..(4 + cluster * cluster / 4) {
            rows.push((cluster, [arm, x, arm * x, shared + draws.noise()]));
        }
    }
    rows
}

fn fit(rows: &Rows, predictors: usize) -> LeastSquares {
    let mut products = CrossProducts::new(4);
    for (_, row) in rows {
        products.push(row);
    }
    let variables = Variables { predictors: (0..predictors).collect(), outcome: 3 };
    LeastSquares::fit(&products, &variables, &[Grid::INTEGER; 4]).unwrap()
}

fn covers(fit: &LeastSquares, weights: &[f64], covariance: &Covariance, truth: f64) -> bool {
    fit.estimate(weights, covariance).unwrap().interval(LEVEL, Reference::T).contains(truth)
}

/// Between 94 and 96 %.
fn holds_its_level(covered: u32) -> bool {
    (TRIALS as u32 * 94 / 100..=TRIALS as u32 * 96 / 100).contains(&covered)
}

#[test]
fn hc2_and_hc3_cover_at_200_units_where_classical_errors_do_not() {
    let mut covered = [0; 4];
    for seed in 0..TRIALS {
        let rows = heteroskedastic(seed);
        let fit = fit(&rows, 3);
        let robust = [RobustError::Hc0, RobustError::Hc2, RobustError::Hc3].map(|kind| {
            let mut meat = Meat::new(&fit, kind);
            for (_, row) in &rows {
                meat.push(row);
            }
            meat.covariance().unwrap()
        });
        let covariances = std::iter::once(fit.classical()).chain(robust);
        covered.iter_mut().zip(covariances).for_each(|(covered, covariance)| {
            *covered += u32::from(covers(&fit, &INTERACTION, &covariance, 2.0));
        });
    }
    assert_eq!(covered, [1532, 1876, 1892, 1908], "classical, HC0, HC2, HC3 of {TRIALS}");
    assert!(holds_its_level(covered[2]) && holds_its_level(covered[3]) && !holds_its_level(covered[0]));
}

#[test]
fn cr2_covers_with_15_unequal_clusters_where_cr1_does_not() {
    let mut covered = [0; 3];
    for seed in 0..TRIALS {
        let rows = clustered(seed);
        let fit = fit(&rows, 1);
        let kinds = [ClusterError::Cr0, ClusterError::Cr1, ClusterError::Cr2];
        covered.iter_mut().zip(kinds).for_each(|(covered, kind)| {
            let mut scores = ClusterScores::new(&fit, kind);
            for (cluster, row) in &rows {
                scores.push(*cluster, row);
            }
            *covered += u32::from(covers(&fit, &ARM[..2], &scores.covariance().unwrap(), 0.0));
        });
    }
    assert_eq!(covered, [1711, 1737, 1913], "CR0, CR1, CR2 of {TRIALS}");
    assert!(holds_its_level(covered[2]) && !holds_its_level(covered[1]));
}
