//! Does it hold over time and slices? Everybody's effect and that of every cohort by week of first exposure and by each declared
//! slice, with a test of stability.
//!
//! Where units were assigned with their cluster, errors are by cluster and the tests know that slices share clusters.
//!
//! The tests are exploratory (F3) and never feed a verdict. A slice whose effect is missing, or outside the range of its method,
//! is shown with the reason and takes no part in the test: a last week of a few units would otherwise decide it.

mod counted;
mod population;
mod request;

use std::collections::BTreeMap;

use whom_engine::EngineError;
use whom_forest::Cohort;
use whom_query::clusters::MOST_CLUSTERS;
use whom_report::{Correction, Evidence, Family, Fold, SliceRow, SlicedEffect, Steadiness as Found};
use whom_spec::plan::{Metric, Role};
use whom_stats::{ArmSums, ClusterEffect, Estimate, NotEstimable, Routing, Stability, StabilityTest, Steadiness};

use crate::comparison::{Comparison, Effect};
use crate::estimation::Estimation;
use crate::names;
use crate::slices::Slicing;
use crate::study::{Question, Study};

use counted::{Counted, SliceEffect};
use population::{Group, Population, populations};
use request::{Request, in_batches, requests};

/// The most cells that are counted at once: each has statistics of 1,024 buckets.
const MOST_CELLS: usize = 32;

/// The most that are counted at once where each has sums of up to 4,096 clusters.
pub(crate) const MOST_CELLS_BY_CLUSTER: usize = 16;

/// Bytes of what clusters add to effects that are held at once, unless those of one question are more.
pub(crate) const MOST_SCORES: usize = 64 << 20;

/// The rows of stability before their correction, with the p-value of each that was tested.
pub(crate) struct Uncorrected(Vec<SlicedEffect>);

impl Uncorrected {
    /// The p-values of the rows that were tested.
    pub(crate) fn p_values(&self) -> Vec<f64> {
        self.0.iter().filter_map(|row| row.p_value).collect()
    }

    /// The rows with their corrected p-values, which are given in the order of [`Self::p_values`].
    pub(crate) fn corrected(self, adjusted: Vec<f64>) -> Vec<SlicedEffect> {
        let mut adjusted = adjusted.into_iter();
        let correct = |row: SlicedEffect| {
            let p_value_adjusted = row.p_value.and_then(|_| adjusted.next());
            let is_proven = p_value_adjusted.is_some_and(|p| p < 1.0 - row.level);
            let found = match row.found {
                _ if row.p_value.is_some() && !is_proven => Found::NoChangeFound,
                Found::Trend if !shows_trend(&row, p_value_adjusted) => Found::Varies,
                found => found,
            };
            SlicedEffect { p_value_adjusted, found, ..row }
        };
        self.0.into_iter().map(correct).collect()
    }
}

/// Whether the trend itself is shown, and not only that slices differ: what is corrected is the smaller of the two p-values, and
/// that of the trend grows with the correction like this one.
fn shows_trend(row: &SlicedEffect, adjusted: Option<f64>) -> bool {
    let (Some(trend), Some(smaller), Some(adjusted)) = (row.p_trend, row.p_value, adjusted) else { return false };
    trend <= smaller || trend * (adjusted / smaller) < 1.0 - row.level
}

/// Every treatment on every primary metric and guardrail that is no quantile: over everybody, over each pre-registered cohort, and over the cohorts
/// of the declared partition on the measuring fold.
///
/// # Errors
/// [`EngineError::Cancelled`], or if the units cannot be read back.
pub(crate) async fn sliced_effects(
    study: &Study<'_>,
    tree: &Routing,
    cohorts: &[Cohort],
) -> Result<Uncorrected, EngineError> {
    let slicings = Slicing::all(study);
    let populations = populations(study, tree, cohorts);
    let is_asked = |metric: &Metric| metric.role != Role::Secondary && metric.quantile.is_none();
    let questions: Vec<Question> =
        study.questions().filter(|question| is_asked(study.metric(question.metric))).collect();
    let mut rows = Vec::new();
    for questions in questions.chunks(at_once(study, &slicings, &populations)) {
        let asked = Asked { study, slicings: &slicings, populations: &populations, questions };
        rows.extend(asked.rows().await?);
    }
    Ok(Uncorrected(rows))
}

/// So many questions at once that what clusters add to the effects of a slicing of a population may be held.
fn at_once(study: &Study<'_>, slicings: &[Slicing], populations: &[Population]) -> usize {
    if !study.is_clustered() {
        return usize::MAX;
    }
    let slices = slicings.iter().map(|slicing| slicing.slices.len()).max().unwrap_or(0);
    let groups = populations.iter().map(|population| population.groups.len()).max().unwrap_or(0);
    let scores = slices * groups * study.plan.split.variants.len() * MOST_CLUSTERS * size_of::<f64>();
    (MOST_SCORES / scores.max(1)).max(1)
}

/// Slicing, population, and group of the population.
type Place = (usize, usize, usize);

/// By place and slice, the questions on a group's units.
type Slices = BTreeMap<Place, Vec<Vec<SliceEffect>>>;

/// Some questions on every slice of every group.
struct Asked<'a> {
    study: &'a Study<'a>,
    slicings: &'a [Slicing],
    populations: &'a [Population],
    questions: &'a [Question],
}

impl Asked<'_> {
    /// What is found, in the order of slicings, populations, groups and questions.
    async fn rows(&self) -> Result<Vec<SlicedEffect>, EngineError> {
        let study = self.study;
        let most = if study.is_clustered() { MOST_CELLS_BY_CLUSTER } else { MOST_CELLS };
        let (mut rows, mut found) = (Vec::new(), Slices::new());
        for batch in in_batches(requests(self.slicings, self.populations, (most / study.strata()).max(1)), most) {
            // What is before the slicing and population at hand has all its slices.
            if let Some(Request { slicing, population, .. }) = batch.first() {
                let going_on = found.split_off(&(*slicing, *population, 0));
                rows.extend(self.of_found(std::mem::replace(&mut found, going_on)));
            }
            let is_measured = |group: &Group| group.fold != Fold::All;
            let has_measured = |request: &Request| self.populations[request.population].groups.iter().any(is_measured);
            let trees: Vec<_> = batch.iter().map(|request| (&request.cut.routing, has_measured(request))).collect();
            for (request, counted) in batch.iter().zip(Counted::of_each(study, &trees).await?) {
                for (at, group) in self.populations[request.population].groups.iter().enumerate() {
                    let slices = slices_of(study, group, (request, &counted), self.questions);
                    found.entry((request.slicing, request.population, at)).or_default().extend(slices);
                }
            }
        }
        rows.extend(self.of_found(found));
        Ok(rows)
    }

    fn of_found(&self, found: Slices) -> Vec<SlicedEffect> {
        let rows = found.into_iter().flat_map(|((slicing, population, at), slices)| {
            let (slicing, cohort) = (&self.slicings[slicing], &self.populations[population].groups[at].name);
            let row = |(asked, question): (usize, &Question)| {
                let effects = slices.iter().filter_map(|slice| slice.get(asked)).collect::<Vec<_>>();
                row(self.study, (*question, cohort), slicing, &effects)
            };
            self.questions.iter().enumerate().map(row).collect::<Vec<_>>()
        });
        rows.collect()
    }
}

/// By slice that was counted, every question on the units of a group. A slice that is too small for coefficients of its own takes
/// those of the whole group, and a group that is too small for some takes everybody's.
fn slices_of(
    study: &Study<'_>,
    group: &Group,
    (request, counted): (&Request, &Counted),
    questions: &[Question],
) -> Vec<Vec<SliceEffect>> {
    let buckets = study.buckets(group.fold);
    let of_leaves = || group.leaves.iter().filter_map(|leaf| request.cut.cells.get(*leaf));
    let whole = counted.over(&of_leaves().flatten().copied().collect::<Vec<_>>(), buckets);
    let everybody = [counted.sums.cells.pooled(buckets)];
    let estimation = |question: &Question| within(within(study.estimation(*question), &everybody), &whole);
    let estimations: Vec<Estimation<'_>> = questions.iter().map(estimation).collect();
    let slice = |slice: usize| {
        let cells: Vec<usize> = of_leaves().filter_map(|cells| cells.get(slice).copied()).collect();
        estimations.iter().map(|estimation| counted.compare((study, group.fold), &cells, estimation)).collect()
    };
    (0..request.slices).map(slice).collect()
}

/// An estimation that knows the coefficients of a whole, of all its strata together.
fn within<'e>(estimation: Estimation<'e>, whole: &[ArmSums]) -> Estimation<'e> {
    let Some((first, others)) = whole.split_first().filter(|_| estimation.outcome.is_adjusted()) else {
        return Estimation { parent: None, ..estimation };
    };
    let mut sum = first.clone();
    for stratum in others {
        sum.add(stratum);
    }
    let parent = Comparison::of(&sum, &estimation).coefficients();
    Estimation { parent, ..estimation }
}

fn row(
    study: &Study<'_>,
    (question, cohort): (Question, &str),
    slicing: &Slicing,
    effects: &[&SliceEffect],
) -> SlicedEffect {
    let level = study.plan.validate.level;
    let tested = tested(StabilityTest { ordered: slicing.is_ordered(), level }, effects);
    let metric = study.metric(question.metric);
    let found = match tested.as_ref().map(|tested| tested.found) {
        Ok(Steadiness::NoChangeFound) => Found::NoChangeFound,
        Ok(Steadiness::Trend) => Found::Trend,
        Ok(Steadiness::Varies) => Found::Varies,
        Err(_) => Found::NotTested,
    };
    let trend = tested.as_ref().ok().and_then(|tested| tested.trend);
    let p_differences = tested.as_ref().ok().map(|tested| tested.p_differences);
    let p_trend = tested.as_ref().ok().and_then(|tested| tested.p_trend);
    let named = slicing.slices.iter().zip(effects);
    SlicedEffect {
        sliced_by: slicing.by.clone(),
        metric: metric.name.value.clone(),
        role: names::role(metric.role),
        variant: study.variant(question.treatment).to_owned(),
        cohort: cohort.to_owned(),
        evidence: Evidence::Exploratory,
        family: Family::Exploratory,
        level,
        slices: named.map(|(slice, effect)| slice_row(study, slice.name.clone(), &effect.comparison)).collect(),
        found,
        not_tested: tested.as_ref().err().map(ToString::to_string),
        p_differences,
        trend: trend.map(|trend| trend.value),
        trend_std_err: trend.map(|trend| trend.std_err),
        p_trend,
        p_value: p_differences.into_iter().chain(p_trend).reduce(f64::min),
        p_value_adjusted: None,
        correction: Correction::BenjaminiYekutieli,
    }
}

/// The test of stability over the slices in which the method holds; the others keep their place.
fn tested(test: StabilityTest, effects: &[&SliceEffect]) -> Result<Stability, NotEstimable> {
    if effects.iter().any(|effect| effect.by_cluster.is_some()) {
        let by_cluster: Vec<Result<&ClusterEffect, NotEstimable>> = effects
            .iter()
            .map(|effect| {
                compared(&effect.comparison)?;
                effect.by_cluster.as_ref().ok_or(NotEstimable::NotCounted)?.as_ref().map_err(|reason| *reason)
            })
            .collect();
        return test.run_by_cluster(&by_cluster);
    }
    test.run(&effects.iter().map(|effect| compared(&effect.comparison)).collect::<Vec<_>>())
}

/// What a slice gives to the test: its effect, if the method holds there.
fn compared(effect: &Comparison) -> Result<Estimate, NotEstimable> {
    let effect = effect.effect.as_ref().map_err(|reason| *reason)?;
    if effect.unreliable().is_some() { Err(NotEstimable::OneGroup) } else { Ok(effect.difference) }
}

fn slice_row(study: &Study<'_>, slice: String, effect: &Comparison) -> SliceRow {
    let found = effect.effect.as_ref().ok();
    let interval = |estimate: Estimate| estimate.interval(study.plan.validate.level, study.reference());
    SliceRow {
        slice,
        estimate: found.map(|found| found.difference.value),
        std_err: found.map(|found| found.difference.std_err),
        interval: found.map(|found| interval(found.difference)),
        unreliable: found.and_then(Effect::unreliable).map(|reason| reason.to_string()),
        not_estimable: effect.effect.as_ref().err().map(ToString::to_string),
        n_control: Some(effect.control.units),
        n_variant: Some(effect.treatment.units),
        mean_control: effect.control.mean,
        mean_variant: effect.treatment.mean,
    }
}

#[cfg(test)]
mod tests;
