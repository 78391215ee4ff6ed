use proptest::prelude::*;

use super::*;
use crate::clusters::{ClusterColumn, Clusters};

fn totals(values: &[i64]) -> Vec<Moments> {
    values.iter().map(|value| [*value].into_iter().collect()).collect()
}

fn ratio(above: &[Moments], below: &[Moments]) -> Result<Vec<f64>, NotEstimable> {
    ClusterRatio { above, below, grids: [Grid::INTEGER; 2] }.scores()
}

#[test]
fn a_ratio_that_is_none_has_a_name() {
    let sums = totals(&[1, 2, 3]);
    assert_eq!(ratio(&sums, &totals(&[0, 0, 0])), Err(NotEstimable::DenominatorZero));
    assert_eq!(ratio(&sums[..1], &sums[..1]), Err(NotEstimable::OneCluster));
    assert_eq!(ratio(&[], &[]), Err(NotEstimable::EmptyArm));
}

proptest! {
    #[test]
    fn the_scores_of_a_ratio_are_those_of_its_error(sums in prop::collection::vec((-100_i64..100, 1_i64..100), 2..20)) {
        let (above, below): (Vec<i64>, Vec<i64>) = sums.into_iter().unzip();
        let (above, below) = (totals(&above), totals(&below));
        let clusters = Clusters::new(above.iter().zip(&below).map(|(above, below)| vec![*above, *below]));
        let column = ClusterColumn::Ratio { totals: [0, 1], grids: [Grid::INTEGER; 2] };
        let sample = clusters.sample(&[column], None).unwrap();
        let variance = sample.covariance(0, 0) / sample.units();
        let squares: f64 = ratio(&above, &below).unwrap().iter().map(|score| score * score).sum();
        prop_assert!((squares - variance).abs() < 1e-9 * (1e-9 + variance), "{squares} {variance}");
    }
}
