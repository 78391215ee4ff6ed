//! Comparisons over leaves that may share clusters, with what each cluster adds to them.

use whom_query::clusters::Asked;
use whom_stats::{
    BucketSet, CONTROL, ClusterEffect, ClusterMeans, ClusterRatio, Comparison as Values, Moments, NotEstimable,
    ValueScores,
};

use super::adjusted::Covariates;
use super::{Arms, Clustered, centre, compared, of_arms, ratio_grids};
use crate::comparison::Comparison;
use crate::estimation::Estimation;

/// A comparison with its error by cluster, and what each cluster adds to the values that it is made of.
pub(crate) struct Sharing {
    pub(crate) comparison: Comparison,
    scores: Result<ValueScores, NotEstimable>,
}

impl Sharing {
    /// Treatment less control.
    pub(crate) fn difference(&self) -> Result<ClusterEffect, NotEstimable> {
        self.effect(ValueScores::difference)
    }

    /// The logarithm of treatment over control.
    pub(crate) fn log_ratio(&self) -> Result<ClusterEffect, NotEstimable> {
        self.effect(ValueScores::log_ratio)
    }

    /// Control's value.
    pub(crate) fn control(&self) -> Result<ClusterEffect, NotEstimable> {
        self.effect(ValueScores::control)
    }

    /// Whether there is an effect inside the range of its method.
    pub(crate) fn is_reliable(&self) -> bool {
        self.comparison.effect.as_ref().is_ok_and(|effect| effect.unreliable().is_none())
    }

    fn effect(
        &self,
        of: fn(&ValueScores, &Values) -> Result<ClusterEffect, NotEstimable>,
    ) -> Result<ClusterEffect, NotEstimable> {
        let effect = self.comparison.effect.as_ref().map_err(|reason| *reason)?;
        of(self.scores.as_ref().map_err(|reason| *reason)?, &effect.values)
    }
}

impl Clustered {
    /// The sums over the units of both.
    pub(crate) fn plus(self, other: &Self) -> Self {
        Self(self.0.plus(other.0.clone()))
    }

    /// A comparison over some leaves.
    pub(crate) fn compare_sharing(&self, units: Comparison, leaves: &[usize], estimation: &Estimation<'_>) -> Sharing {
        self.sharing(units, |asked, arm| self.0.over(leaves, asked, arm), estimation)
    }

    /// The same over some buckets of each leaf.
    pub(crate) fn compare_in_buckets(
        &self,
        units: Comparison,
        parts: &[BucketSet],
        estimation: &Estimation<'_>,
    ) -> Sharing {
        self.sharing(units, |asked, arm| self.0.in_buckets(parts, asked, arm), estimation)
    }

    fn sharing(
        &self,
        units: Comparison,
        sums: impl Fn(Asked, usize) -> Option<[Vec<Moments>; 2]> + Copy,
        estimation: &Estimation<'_>,
    ) -> Sharing {
        let covariates = Covariates::of(&units, estimation, self.0.arms(), sums);
        let arms = of_arms(estimation, sums);
        let adjusted = covariates.as_ref().filter(|covariates| covariates.is_adjusted);
        let scores = match (adjusted, &arms) {
            (Some(covariates), _) => covariates.clusters().scores(),
            (None, Ok(arms)) => self.scores(arms, estimation),
            (None, Err(reason)) => Err(*reason),
        };
        Sharing { comparison: compared(units, (arms, covariates), estimation), scores }
    }

    /// What each cluster adds to values that are not adjusted.
    fn scores(&self, arms: &Arms, estimation: &Estimation<'_>) -> Result<ValueScores, NotEstimable> {
        let centre = centre(arms.iter().map(|arm| &arm[0]));
        let of = |[above, below]: &[Vec<Moments>; 2]| match ratio_grids(estimation) {
            Some(grids) => ClusterRatio { above, below, grids }.scores(),
            None => ClusterMeans { totals: above, grid: estimation.grid, centre }.scores(),
        };
        let at = |place: usize, arm: &[Vec<Moments>; 2]| {
            let mut scores = vec![Vec::new(); self.0.arms()];
            *scores.get_mut(place).ok_or(NotEstimable::NotCounted)? = of(arm)?;
            Ok(scores)
        };
        let [treatment, control] = arms;
        Ok(ValueScores { treatment: at(estimation.question.treatment, treatment)?, control: at(CONTROL, control)? })
    }
}
