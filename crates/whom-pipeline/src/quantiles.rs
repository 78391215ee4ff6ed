//! Metrics whose arms are compared by a quantile: what cells are to means, looks at the unit table are to them.

use std::sync::Arc;

use whom_engine::{EngineError, blocking};
use whom_forest::Cohort;
use whom_query::{Among, AskedQuantiles, QueryError};
use whom_report::Fold;
use whom_spec::plan::Plan;
use whom_stats::{BucketSet, CONTROL, FoundQuantile, NotEstimable, Percentile, Routing};

use crate::comparison::{Arm, Comparison, Contrast, Effect};
use crate::study::{Question, Study};

/// How rows name what is done.
const METHOD: &str = "quantile";

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
        let exposed = study.units.by_first_exposure.as_ref().map(|_| Among::Exposed);
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
        let metric = self.metrics.iter().position(|place| *place == question.metric)?;
        let group = self.groups.iter().position(|group| *group == among)?;
        let arms = self.found.get(group)?.get(metric)?;
        Some(compared(arms.get(question.treatment)?, arms.get(CONTROL)?))
    }

    /// A cohort and the rest of the units on a question, as [`Self::compare`].
    pub(crate) fn contrast(&self, [cohort, rest]: [Among; 2], question: Question) -> Option<Contrast> {
        Some(Contrast { cohort: self.compare(cohort, question)?, rest: self.compare(rest, question)?, together: None })
    }
}

/// The metrics that are quantiles, by their places.
fn percentiles(plan: &Plan) -> Result<Vec<(usize, Percentile)>, whom_stats::PercentileError> {
    let of_metrics = plan.metrics.iter().enumerate().filter_map(|(place, metric)| Some((place, metric.quantile?)));
    of_metrics.map(|(place, quantile)| Ok((place, Percentile::new(quantile.percentile)?))).collect()
}

fn compared(treatment: &FoundQuantile, control: &FoundQuantile) -> Comparison {
    let arm = |found: &FoundQuantile| Arm { units: found.units, mean: found.value };
    let both = treatment.arm.and_then(|treatment| Ok((treatment, control.arm?)));
    let effect = both.and_then(|(treatment, control)| Effect::of(treatment.against(&control)));
    Comparison {
        effect: effect.map_err(|reason| match reason {
            NotEstimable::NoVariance => NotEstimable::FlatQuantile,
            reason => reason,
        }),
        control: arm(control),
        treatment: arm(treatment),
        method: METHOD,
        adjusted: None,
        clusters: None,
        beside: None,
    }
}

#[cfg(test)]
mod tests;
