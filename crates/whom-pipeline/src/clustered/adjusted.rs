//! Adjusted means and ratios where units were assigned with their cluster.

use whom_query::clusters::Asked;
use whom_stats::{
    Adjusted, AdjustedClusters, ClusterDenominator, CoefficientSource, Coefficients, Comparison as Values, Grid,
    Moments, NotEstimable,
};

use super::centre;
use crate::comparison::{Arm, Comparison, Effect};
use crate::estimation::Estimation;

/// The totals of a metric and what it is adjusted by, and the slopes.
pub(super) struct Covariates {
    /// By arm and column, the totals by cluster.
    arms: Vec<Vec<Vec<Moments>>>,
    /// Of a ratio, by arm the totals below it, and their grid.
    denominator: Option<(Vec<Vec<Moments>>, Grid)>,
    grids: Vec<Grid>,
    centres: Vec<i64>,
    treatment: usize,
    /// Zero where nothing is adjusted.
    slopes: Coefficients,
    is_own: bool,
    pub(super) is_adjusted: bool,
}

impl Covariates {
    /// With the slopes of the adjustment that was made unit by unit, unless there are too few clusters for them; `None` of a metric
    /// that no covariate belongs to. `sums` are the totals of what is asked in an arm.
    pub(super) fn of(
        units: &Comparison,
        estimation: &Estimation<'_>,
        arms: usize,
        sums: impl Fn(Asked, usize) -> Option<[Vec<Moments>; 2]>,
    ) -> Option<Self> {
        let columns: Vec<Asked> = Asked::all_of(estimation.outcome).collect();
        let covariates = columns.len().checked_sub(1).filter(|covariates| *covariates > 0)?;
        let of_arm = |arm: usize| {
            let [metric, below] = sums(columns[0], arm)?;
            let covariates = columns[1..].iter().map(|asked| sums(*asked, arm).map(|[totals, _]| totals));
            Some((std::iter::once(Some(metric)).chain(covariates).collect::<Option<Vec<_>>>()?, below))
        };
        let (arms, below): (Vec<_>, Vec<_>) = (0..arms).map(of_arm).collect::<Option<Vec<_>>>()?.into_iter().unzip();
        let mut grids = estimation.grids.clone();
        let denominator = estimation.outcome.denominator.map(|_| (below, grids.remove(1)));
        let centres = (0..columns.len()).map(|column| centre(arms.iter().map(|arm| &arm[column]))).collect();
        let none = Coefficients { treatment: vec![0.0; covariates], control: vec![0.0; covariates] };
        let plain = Self {
            arms,
            denominator,
            grids,
            centres,
            treatment: estimation.question.treatment,
            slopes: none.clone(),
            is_own: false,
            is_adjusted: false,
        };
        let Some(slopes) = units.coefficients() else { return Some(plain) };
        let is_own = units.adjusted.as_ref().is_some_and(|adjusted| adjusted.source == CoefficientSource::Own);
        let adjusted = Self { slopes, is_own, is_adjusted: true, ..plain };
        let suffices = adjusted.clusters().suffice();
        Some(if suffices { adjusted } else { Self { slopes: none, is_own: false, is_adjusted: false, ..adjusted } })
    }

    /// How rows name what is done.
    pub(super) fn method(&self) -> &'static str {
        if self.denominator.is_some() { "clustered_ratio_cuped" } else { "clustered_cuped" }
    }

    /// As they are estimated from.
    pub(super) fn clusters(&self) -> AdjustedClusters<'_> {
        AdjustedClusters {
            arms: &self.arms,
            denominator: self.denominator.as_ref().map(|(arms, grid)| ClusterDenominator { arms, grid: *grid }),
            grids: &self.grids,
            centres: &self.centres,
            treatment: self.treatment,
            slopes: [&self.slopes.treatment, &self.slopes.control],
            is_own: self.is_own,
        }
    }
}

/// A comparison that was adjusted unit by unit, with both its errors by cluster.
pub(super) fn compared(
    units: Comparison,
    plain: Values,
    (values, method): (Result<Values, NotEstimable>, &'static str),
) -> Comparison {
    let (Some(adjusted), Ok(values)) = (units.adjusted.clone(), &values) else {
        return Comparison { effect: values.and_then(Effect::of), ..units };
    };
    let adjusted = Adjusted { unadjusted: plain, ..adjusted }.measured(values.clone());
    Comparison { effect: Effect::of(values.clone()), method, adjusted: Some(adjusted), ..units }
}

/// A comparison that is not adjusted by cluster, with its values as they are.
pub(super) fn unadjusted(units: Comparison, plain: Values) -> Comparison {
    let arm = |arm: Arm, value: f64| if units.adjusted.is_some() { Arm { mean: Some(value), ..arm } } else { arm };
    let (control, treatment) = (arm(units.control, plain.control), arm(units.treatment, plain.treatment));
    Comparison { effect: Effect::of(plain), control, treatment, adjusted: None, ..units }
}
