//! What is shown beside an error by cluster: the older kind of error, and how many clusters the comparison is worth.

/// What makes the variance CR0 by cluster one of type CR1: G / (G - 1) (n - 1) / (n - k) for G clusters, n units and n - k residual degrees of
/// freedom, as Stata and statsmodels have it. Both differences are above zero wherever there is an error at all.
pub fn cr1_factor(clusters: f64, units: f64, residual_degrees: f64) -> f64 {
    clusters / (clusters - 1.0) * (units - 1.0) / residual_degrees
}

/// How much each cluster of an arm has to do with a combination of its means.
///
/// Carter, Schnepel and Steigerwald, "Asymptotic behavior of a t-test robust to cluster heterogeneity", Review of Economics and Statistics
/// 99 (2017): with gamma_g what cluster g adds to the variance, the effective number of clusters is G* = G / (1 + the squared
/// coefficient of variation of gamma) = (sum gamma)² / sum gamma². Here gamma is that of the model in which Bell's and McCaffrey's degrees of
/// freedom are counted, units that are independent with one variance: of a mean over units n_g / N², whence Kish's (sum n)² / sum n²; of
/// the difference from the mean of others the sum of both. Where units of a cluster resemble each other, unequal clusters are worth fewer still.
///
/// Arms are independent, and G* of a combination with weights w is (sum w² v)² / sum ((w² v)² / G*) over their sums v of gamma: the
/// arithmetic of Satterthwaite, with v for a variance and G* for its degrees of freedom.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClusterWeights {
    /// The sum of gamma.
    pub variance: f64,
    /// The effective number of clusters.
    pub effective: f64,
}

impl ClusterWeights {
    /// From the sizes of the clusters on each side: one side, or a cohort and the rest, whose clusters stand at the same places. A size is
    /// the number of units, or of a ratio what its denominator adds up to. `None` if a side is empty.
    pub fn of(sides: &[Vec<f64>]) -> Option<Self> {
        let squares: Vec<f64> = sides.iter().map(|side| side.iter().sum::<f64>()).map(|total| total * total).collect();
        if squares.is_empty() || squares.contains(&0.0) {
            return None;
        }
        let clusters = sides.iter().map(Vec::len).max()?;
        let gamma = |cluster: usize| {
            let sides = sides.iter().zip(&squares);
            sides.map(|(side, square)| side.get(cluster).copied().unwrap_or(0.0) / square).sum::<f64>()
        };
        let (sum, of_squares) =
            (0..clusters).map(gamma).fold((0.0, 0.0), |(sum, squares), gamma| (sum + gamma, squares + gamma * gamma));
        Some(Self { variance: sum, effective: sum * sum / of_squares })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn of_no_units_there_is_no_number() {
        assert_eq!(ClusterWeights::of(&[]), None);
        assert_eq!(ClusterWeights::of(&[vec![0.0, 0.0]]), None);
        assert_eq!(ClusterWeights::of(&[vec![1.0], vec![0.0]]), None);
    }

    proptest! {
        #[test]
        fn equal_clusters_count_as_many_as_they_are_and_others_as_fewer(sizes in prop::collection::vec(1_u32..50, 2..40), size in 1_u32..50) {
            let equal = vec![f64::from(size); sizes.len()];
            let found = ClusterWeights::of(&[equal]).unwrap();
            prop_assert!((found.effective - sizes.len() as f64).abs() < 1e-9);
            let sizes: Vec<f64> = sizes.into_iter().map(f64::from).collect();
            let found = ClusterWeights::of(std::slice::from_ref(&sizes)).unwrap();
            prop_assert!(found.effective <= sizes.len() as f64 + 1e-9 && found.effective >= 1.0 - 1e-9);
            let kish = sizes.iter().sum::<f64>().powi(2) / sizes.iter().map(|size| size * size).sum::<f64>();
            prop_assert!((found.effective - kish).abs() < 1e-9 * kish);
            prop_assert!((found.variance * sizes.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
    }
}
