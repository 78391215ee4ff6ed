//! What is told beside an error by cluster: the error of type CR1, and the effective number of clusters.

use whom_report::ClusterErrors;
use whom_stats::{ClusterWeights, Comparison as Values, Estimate, Moments, NotEstimable, Source, cr1_factor};

use crate::comparison::{Comparison, Contrast};

/// The values of both arms, with what is told beside their variances in place of these.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Beside {
    /// Variances of type CR1.
    cr1: Values,
    /// For variances how much the clusters have to do with the values, for degrees of freedom their effective number.
    weights: Values,
}

/// An arm by cluster.
pub(super) struct ArmClusters<'a> {
    /// The sums above, and those below of a ratio, of the units that are compared: of a cohort and the rest, or of one side.
    pub(super) sides: Vec<&'a [Vec<Moments>; 2]>,
    /// The variance of type CR0 of a mean; `None` of a ratio, whose error is of type CR1 as it is.
    pub(super) plain_variance: Option<f64>,
}

/// The difference of two effects on units of the same clusters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Together {
    pub(crate) estimate: Estimate,
    /// What is told beside its error.
    pub(crate) errors: Option<ClusterErrors>,
}

impl Beside {
    /// Beside values of the treatment and the control; `None` if an arm has no units.
    pub(super) fn of(values: &Values, arms: &[ArmClusters<'_>; 2]) -> Option<Self> {
        let [treatment, control] = [arms[0].weights()?, arms[1].weights()?];
        let weights = [treatment, control].map(|weights| (weights.variance, weights.effective));
        let cr1 = match [arms[0].plain_variance, arms[1].plain_variance] {
            [Some(treatment), Some(control)] => {
                let (factor, degrees) = correction(arms);
                with_variances(values, [treatment, control].map(|variance| (factor * variance, degrees)))
            }
            _ => values.clone(),
        };
        Some(Self { cr1, weights: with_variances(values, weights) })
    }

    /// What is told beside the error of a combination of the values, given the degrees of freedom of that error.
    pub(crate) fn errors(
        &self,
        degrees_of_freedom: f64,
        combined: impl Fn(&Values) -> Result<Estimate, NotEstimable>,
    ) -> Option<ClusterErrors> {
        Some(ClusterErrors {
            std_err_cr1: combined(&self.cr1).ok()?.std_err,
            degrees_of_freedom,
            effective_clusters: combined(&self.weights).ok()?.degrees_of_freedom,
        })
    }
}

impl Comparison {
    /// What is told beside the error by cluster of a combination of the arms' values; `None` where errors are not by cluster.
    pub(crate) fn cluster_errors(
        &self,
        combined: impl Fn(&Values) -> Result<Estimate, NotEstimable>,
    ) -> Option<ClusterErrors> {
        let error = combined(&self.effect.as_ref().ok()?.values).ok()?;
        self.beside.as_ref()?.errors(error.degrees_of_freedom, combined)
    }
}

impl Contrast {
    /// What is told beside the error of that difference by cluster.
    pub(crate) fn cluster_errors(&self) -> Option<ClusterErrors> {
        self.together?.ok()?.errors
    }
}

impl ArmClusters<'_> {
    fn weights(&self) -> Option<ClusterWeights> {
        let is_mean = self.plain_variance.is_some();
        let sizes = |side: &&[Vec<Moments>; 2]| -> Vec<f64> {
            let [above, below] = side;
            if is_mean {
                above.iter().map(|total| total.n as f64).collect()
            } else {
                below.iter().map(|total| total.sum as f64).collect()
            }
        };
        ClusterWeights::of(&self.sides.iter().map(sizes).collect::<Vec<Vec<f64>>>())
    }

    fn units(&self) -> u64 {
        self.sides.iter().flat_map(|side| &side[0]).map(|total| total.n).sum()
    }

    fn clusters(&self) -> usize {
        let cells = self.sides.iter().map(|side| side[0].len()).max().unwrap_or(0);
        let holds = |cell: &usize| self.sides.iter().any(|side| side[0].get(*cell).is_some_and(|total| total.n > 0));
        (0..cells).filter(holds).count()
    }
}

/// The factor of the regression of units on the arms, or on the sides of the arms, and its degrees of freedom.
fn correction(arms: &[ArmClusters<'_>; 2]) -> (f64, f64) {
    let clusters = arms.iter().map(ArmClusters::clusters).sum::<usize>() as f64;
    let units: u64 = arms.iter().map(ArmClusters::units).sum();
    let coefficients: usize = arms.iter().map(|arm| arm.sides.len()).sum();
    (cr1_factor(clusters, units as f64, units as f64 - coefficients as f64), clusters - 1.0)
}

/// The values with other variances and degrees of freedom.
fn with_variances(values: &Values, [treatment, control]: [(f64, f64); 2]) -> Values {
    let of_treatment = Source { treatment: treatment.0, degrees_of_freedom: treatment.1, ..Source::default() };
    let of_control = Source { control: control.0, degrees_of_freedom: control.1, ..Source::default() };
    Values { sources: vec![of_treatment, of_control], ..values.clone() }
}
