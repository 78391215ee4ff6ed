//! Metrics whose arms are compared by a quantile: what cells are to means, looks at the unit table are to them.

use std::sync::Arc;

use whom_engine::{EngineError, blocking};
use whom_forest::Cohort;
use whom_query::{Among, AskedQuantiles, QueryError};
use whom_report::Fold;
use whom_spec::plan::Plan;
use whom_stats::{BucketSet, CONTROL, ClusterEffect, FoundQuantile, NotEstimable, Percentile, Routing, ValueScores};

use crate::clustered::Together;
use crate::comparison::{Arm, Comparison, Contrast, Effect};
use crate::study::{Question, Study};

/// How rows name what is done.
const METHOD: &str = "quantile";

/// How they name it where units were assigned with their cluster.
const BY_CLUSTER: &str = "clustered_quantile";

/// The quantiles of every metric that is one, among some groups of units.
#[derive(Default)]
pub(crate) struct Quantiles {
    /// The places of the metrics.
    metrics: Vec<usize>,
    groups: Vec<Among>,
    /// By group, metric and arm.
    found: Vec<Vec<Vec<FoundQuantile>>>,
}

impl Quantiles {
    /// Those of everybody and of each pre-registered cohort and its rest, and of everybody by first exposure where that stands
    /// beside.
    ///
    /// # Errors
    /// [`EngineError::Cancelled`], or if the units cannot be read back.
    pub(crate) async fn of_declared(study: &Study<'_>) -> Result<Self, EngineError> {
        let exposed = study.units.by_first_exposure.as_ref().filter(|_| !study.is_clustered());
        let exposed = exposed.map(|_| Among::Exposed);
        let cohorts =
            (0..study.plan.cohorts.len()).flat_map(|place| [Among::Cohort(place), Among::BesideCohort(place)]);
        let among = std::iter::once(Among::Everybody).chain(exposed).chain(cohorts).collect();
        Self::count(study, among, None).await
    }

    /// Those of the cohorts of a tree and their rests, on the measuring fold.
    ///
    /// # Errors
    /// As [`Self::of_declared`].
    pub(crate) async fn of_leaves(study: &Study<'_>, tree: &Routing, cohorts: &[Cohort]) -> Result<Self, EngineError> {
        let sides = cohorts.iter().flat_map(|cohort| [Among::Leaf(cohort.cell), Among::BesideLeaf(cohort.cell)]);
        Self::count(study, sides.collect(), Some((tree.clone(), study.buckets(Fold::Measure).clone()))).await
    }

    async fn count(
        study: &Study<'_>,
        among: Vec<Among>,
        tree: Option<(Routing, BucketSet)>,
    ) -> Result<Self, EngineError> {
        let metrics = percentiles(study.plan).map_err(|error| EngineError::Internal(error.to_string()))?;
        if metrics.is_empty() || among.is_empty() {
            return Ok(Self::default());
        }
        let (places, groups) = (metrics.iter().map(|(place, _)| *place).collect(), among.clone());
        let (units, asked) = (Arc::clone(study.units), AskedQuantiles { metrics, among, tree });
        let counted = blocking(study.units.cancel(), move || units.quantiles(&asked)).await;
        let found = counted.map_err(|error| match error {
            QueryError::Engine(error) => error,
            error => EngineError::Internal(error.to_string()),
        })?;
        Ok(Self { metrics: places, groups, found })
    }

    /// The arms of a question among the units of a group; `None` if its metric is no quantile, or the group was not asked for.
    pub(crate) fn compare(&self, among: Among, question: Question) -> Option<Comparison> {
        let arms = self.arms(among, question)?;
        Some(compared(arms.get(question.treatment)?, arms.get(CONTROL)?))
    }

    /// A cohort and the rest of the units on a question, as [`Self::compare`]. Where units were assigned by cluster, some of which
    /// may have units in both, their errors go together.
    pub(crate) fn contrast(&self, [cohort, rest]: [Among; 2], question: Question) -> Option<Contrast> {
        let sides = [self.arms(cohort, question)?, self.arms(rest, question)?];
        let [cohort, rest] = [self.compare(cohort, question)?, self.compare(rest, question)?];
        let together = cohort.clusters.map(|_| {
            let of_cohort = by_cluster(&cohort, sides[0], question)?;
            let estimate = of_cohort.minus(&by_cluster(&rest, sides[1], question)?)?;
            Ok(Together { estimate, errors: None })
        });
        Some(Contrast { cohort, rest, together })
    }

    /// The quantiles of a group by arm.
    fn arms(&self, among: Among, question: Question) -> Option<&[FoundQuantile]> {
        let metric = self.metrics.iter().position(|place| *place == question.metric)?;
        let group = self.groups.iter().position(|group| *group == among)?;
        Some(self.found.get(group)?.get(metric)?)
    }
}

/// The metrics that are quantiles, by their places.
fn percentiles(plan: &Plan) -> Result<Vec<(usize, Percentile)>, whom_stats::PercentileError> {
    let of_metrics = plan.metrics.iter().enumerate().filter_map(|(place, metric)| Some((place, metric.quantile?)));
    of_metrics.map(|(place, quantile)| Ok((place, Percentile::new(quantile.percentile)?))).collect()
}

fn compared(treatment: &FoundQuantile, control: &FoundQuantile) -> Comparison {
    let arm = |found: &FoundQuantile| Arm { units: found.units, mean: found.value };
    let clusters = control.clusters.zip(treatment.clusters).map(|(control, treatment)| [control, treatment]);
    let both = treatment.arm.and_then(|treatment| Ok((treatment, control.arm?)));
    let effect = both.and_then(|(treatment, control)| Effect::of(treatment.against(&control)));
    Comparison {
        effect: effect.map_err(|reason| match reason {
            NotEstimable::NoVariance => NotEstimable::FlatQuantile,
            reason => reason,
        }),
        control: arm(control),
        treatment: arm(treatment),
        method: if clusters.is_some() { BY_CLUSTER } else { METHOD },
        adjusted: None,
        clusters,
        beside: None,
    }
}

/// The effect of a comparison with what each cluster adds to it.
fn by_cluster(
    compared: &Comparison,
    arms: &[FoundQuantile],
    question: Question,
) -> Result<ClusterEffect, NotEstimable> {
    let effect = compared.effect.as_ref().map_err(|reason| *reason)?;
    let at = |place: usize| {
        let of_arm =
            |(arm, found): (usize, &FoundQuantile)| if arm == place { found.scores.clone() } else { Vec::new() };
        arms.iter().enumerate().map(of_arm).collect()
    };
    ValueScores { treatment: at(question.treatment), control: at(CONTROL) }.difference(&effect.values)
}

#[cfg(test)]
mod tests;
