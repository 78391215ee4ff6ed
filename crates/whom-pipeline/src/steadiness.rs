//! Does it hold over time and slices? Everybody's effect and that of every cohort by week of first exposure and by each declared
//! slice, with a test of stability.
//!
//! The tests are exploratory (F3) and never feed a verdict. A slice whose effect is missing, or outside the range of its method,
//! is shown with the reason and takes no part in the test: a last week of a few units would otherwise decide it.

use std::collections::BTreeMap;

use whom_engine::EngineError;
use whom_forest::Cohort;
use whom_report::{Correction, EVERYBODY, Evidence, Family, Fold, SliceRow, SlicedEffect, Steadiness as Found};
use whom_spec::plan::{Metric, Role};
use whom_stats::{ArmSums, Estimate, NodeIndex, NotEstimable, Routing, StabilityTest, Steadiness};

use crate::comparison::{Comparison, Effect};
use crate::estimation::Estimation;
use crate::leaf_sums::LeafSums;
use crate::names;
use crate::slices::{Cut, Slicing};
use crate::study::{Question, Study};

/// The most cells that are counted at once: each has statistics of 1,024 buckets.
const MOST_CELLS: usize = 32;

/// Cohorts of one tree.
struct Population {
    tree: Routing,
    /// The leaves that are cut.
    leaves: Vec<NodeIndex>,
    groups: Vec<Group>,
}

/// Everybody or a cohort.
struct Group {
    name: String,
    /// Places among the leaves that are cut.
    leaves: Vec<usize>,
    fold: Fold,
}

/// Some slices of a population, to be counted.
struct Request {
    slicing: usize,
    population: usize,
    /// How many slices are counted; whoever is in another is in one further cell.
    slices: usize,
    cut: Cut,
}

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
/// of the declared partition on the measuring fold. Nothing where units were assigned by cluster: slices are compared unit by unit.
///
/// # Errors
/// [`EngineError::Cancelled`], or if the units cannot be read back.
pub(crate) async fn sliced_effects(
    study: &Study<'_>,
    tree: &Routing,
    cohorts: &[Cohort],
) -> Result<Uncorrected, EngineError> {
    if study.is_clustered() {
        return Ok(Uncorrected(Vec::new()));
    }
    let slicings = Slicing::all(study);
    let populations = populations(study, tree, cohorts);
    let is_asked = |metric: &Metric| metric.role != Role::Secondary && metric.quantile.is_none();
    let questions: Vec<Question> =
        study.questions().filter(|question| is_asked(study.metric(question.metric))).collect();
    let mut found = BTreeMap::<Place, Vec<Vec<Comparison>>>::new();
    let most = (MOST_CELLS / study.strata()).max(1);
    for batch in in_batches(requests(&slicings, &populations, most)) {
        let counted = LeafSums::of_each(study, batch.iter().map(|request| &request.cut.routing)).await?;
        for (request, counted) in batch.iter().zip(counted) {
            let population = &populations[request.population];
            for (at, group) in population.groups.iter().enumerate() {
                let slices = slices_of(study, group, (request, &counted), &questions);
                found.entry((request.slicing, request.population, at)).or_default().extend(slices);
            }
        }
    }
    let rows = found.into_iter().flat_map(|((slicing, population, at), slices)| {
        let (slicing, cohort) = (&slicings[slicing], &populations[population].groups[at].name);
        let row = |(asked, question): (usize, &Question)| {
            let effects = slices.iter().filter_map(|slice| slice.get(asked)).collect::<Vec<_>>();
            row(study, (*question, cohort), slicing, &effects)
        };
        questions.iter().enumerate().map(row).collect::<Vec<_>>()
    });
    Ok(Uncorrected(rows.collect()))
}

/// Slicing, population, and group of the population.
type Place = (usize, usize, usize);

fn populations(study: &Study<'_>, tree: &Routing, cohorts: &[Cohort]) -> Vec<Population> {
    let leaves: Vec<NodeIndex> = tree.leaves().collect();
    let everybody = Group { name: EVERYBODY.to_owned(), leaves: (0..leaves.len()).collect(), fold: Fold::All };
    let discovered = cohorts.iter().map(|cohort| Group {
        name: cohort.name.clone(),
        leaves: vec![cohort.cell],
        fold: Fold::Measure,
    });
    let groups = std::iter::once(everybody).chain(discovered).collect();
    let mut populations = vec![Population { tree: tree.clone(), leaves, groups }];
    for (place, cohort) in study.plan.cohorts.iter().enumerate() {
        let mut tree = Routing::root();
        let members = tree.split(0, study.units.cohort_column(place), [1].into_iter().collect());
        let groups = vec![Group { name: cohort.name.value.clone(), leaves: vec![0], fold: Fold::All }];
        populations.extend(members.map(|(members, _)| Population { tree, leaves: vec![members], groups }));
    }
    populations
}

/// Every slicing of every population, in stretches of slices that are not too many leaves.
fn requests(slicings: &[Slicing], populations: &[Population], most: usize) -> Vec<Request> {
    let mut requests = Vec::new();
    for (place, slicing) in slicings.iter().enumerate() {
        for (number, population) in populations.iter().enumerate() {
            let stretch = (most / population.leaves.len().max(1)).max(1);
            let count = slicing.slices.len();
            requests.extend((0..count).step_by(stretch).map(|first| {
                let slices = first..count.min(first + stretch);
                let cut = slicing.cut(&population.tree, &population.leaves, slices.clone());
                Request { slicing: place, population: number, slices: slices.len(), cut }
            }));
        }
    }
    requests
}

/// The requests in their order, as many at once as are not too many cells.
fn in_batches(requests: Vec<Request>) -> Vec<Vec<Request>> {
    let mut batches: Vec<(usize, Vec<Request>)> = Vec::new();
    for request in requests {
        let cells = request.cut.routing.leaves().count();
        match batches.last_mut() {
            Some((counted, batch)) if *counted + cells <= MOST_CELLS => {
                *counted += cells;
                batch.push(request);
            }
            _ => batches.push((cells, vec![request])),
        }
    }
    batches.into_iter().map(|(_, batch)| batch).collect()
}

/// By slice that was counted, every question on the units of a group. A slice that is too small for coefficients of its own takes
/// those of the whole group, and a group that is too small for some takes everybody's.
fn slices_of(
    study: &Study<'_>,
    group: &Group,
    (request, counted): (&Request, &LeafSums),
    questions: &[Question],
) -> Vec<Vec<Comparison>> {
    let buckets = study.buckets(group.fold);
    let of_leaves = || group.leaves.iter().filter_map(|leaf| request.cut.cells.get(*leaf));
    let whole = counted.over(&of_leaves().flatten().copied().collect::<Vec<_>>(), buckets);
    let everybody = [counted.cells.pooled(buckets)];
    let estimation = |question: &Question| within(within(study.estimation(*question), &everybody), &whole);
    let estimations: Vec<Estimation<'_>> = questions.iter().map(estimation).collect();
    let slice = |slice: usize| {
        let cells: Vec<usize> = of_leaves().filter_map(|cells| cells.get(slice).copied()).collect();
        let sums = counted.over(&cells, buckets);
        estimations.iter().map(|estimation| Comparison::of_strata(&sums, estimation)).collect()
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
    effects: &[&Comparison],
) -> SlicedEffect {
    let level = study.plan.validate.level;
    let compared: Vec<Result<Estimate, NotEstimable>> = effects.iter().map(|effect| compared(effect)).collect();
    let tested = StabilityTest { ordered: slicing.is_ordered(), level }.run(&compared);
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
        slices: named.map(|(slice, effect)| slice_row(study, slice.name.clone(), effect)).collect(),
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
