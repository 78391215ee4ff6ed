//! The effects of the declared partition's cohorts, drawn to each other by a Bayesian model.

use rayon::prelude::*;
use whom_report::{Fold, ShrunkenEffect, ShrunkenEffects};
use whom_spec::plan::{Direction, Matters};
use whom_stats::{CellSums, ClusterEffect, Estimate, Hierarchy, Interval, NotEstimable, Posterior, Prior, Shrunken};

use crate::cohorts::MeasuredCohorts;
use crate::comparison::Effect;
use crate::study::{Question, Study};

/// The part of the metric's standard deviation that effects are expected to differ by, unless a larger one matters.
const PART_OF_DEVIATION: f64 = 0.1;

/// Normal effects about a normal population of cohorts.
const MODEL: &str = "normal_normal";

/// The shrunken effects of every question that was searched, on the measuring fold. Nothing where there is no cohort, and of no question
/// whose cohorts share clusters: the model takes their effects for independent.
pub(crate) fn shrunken_effects(
    cohorts: &MeasuredCohorts<'_>,
    questions: &[Question],
    everybody: &CellSums,
) -> Vec<ShrunkenEffects> {
    if cohorts.units().next().is_none() {
        return Vec::new();
    }
    let apart = questions.par_iter().filter(|question| !share_clusters(cohorts, **question));
    apart.map(|question| of_question(cohorts, *question, everybody)).collect()
}

/// Whether a cluster has units in several cohorts, or a group of clusters where there are too many to be told apart.
fn share_clusters(cohorts: &MeasuredCohorts<'_>, question: Question) -> bool {
    let effects: Vec<ClusterEffect> =
        cohorts.sharing(question).iter().filter_map(|cohort| cohort.difference().ok()).collect();
    let later = |place: usize| effects.iter().skip(place + 1);
    effects.iter().enumerate().any(|(place, one)| later(place).any(|other| one.shares_clusters(other)))
}

fn of_question(cohorts: &MeasuredCohorts<'_>, question: Question, everybody: &CellSums) -> ShrunkenEffects {
    let (study, metric) = (cohorts.study, cohorts.study.metric(question.metric));
    let named: Vec<(&str, Result<Effect, NotEstimable>)> =
        cohorts.contrasts(question).map(|(name, contrast)| (name, contrast.cohort.effect)).collect();
    let side = Side::of(metric.desired);
    let effects: Vec<Result<Estimate, NotEstimable>> = named
        .iter()
        .map(|(_, effect)| Ok(side.estimate(effect.as_ref().map_err(|reason| *reason)?.difference)))
        .collect();
    let level = study.plan.validate.level;
    let scale = scale(study, question, everybody);
    let found = scale.and_then(|scale| Hierarchy::of(&effects, Prior::Rayleigh { scale }, level));
    let mean = found.as_ref().ok().map(|found| side.posterior(found.mean));
    let posterior = found.as_ref().ok();
    ShrunkenEffects {
        variant: study.variant(question.treatment).to_owned(),
        metric: metric.name.value.clone(),
        evidence: study.discovered_evidence(),
        model: MODEL.to_owned(),
        prior: scale.ok().map(|scale| Prior::Rayleigh { scale }),
        level,
        mean: mean.map(|mean| mean.mean),
        mean_interval: mean.map(|mean| mean.interval),
        between: posterior.map(|found| found.between),
        between_interval: posterior.map(|found| found.between_interval),
        cohorts: posterior.map_or_else(Vec::new, |found| {
            named
                .iter()
                .zip(&found.cohorts)
                .map(|((name, effect), shrunken)| side.view(name, effect, shrunken))
                .collect()
        }),
        not_estimable: found.as_ref().err().map(ToString::to_string),
    }
}

/// The scale of the prior: the smallest effect that matters or a tenth of control's standard deviation, whichever is larger,
/// because too narrow a prior is worse than too wide a one. Both are without adjustment and those of the discovery fold, so that no effect that is
/// shrunken had a part in it.
fn scale(study: &Study<'_>, question: Question, everybody: &CellSums) -> Result<f64, NotEstimable> {
    let comparison = study.compare(everybody, Fold::Discover, question);
    let comparison = comparison.unadjusted().unwrap_or(comparison);
    let effect = comparison.effect?;
    let matters = match study.metric(question.metric).matters.as_ref().map(|matters| **matters) {
        Some(Matters::Absolute(amount)) => amount.abs(),
        Some(Matters::Relative(share)) => (share * effect.values.control).abs(),
        None => 0.0,
    };
    let [_, variance] = effect.variances();
    Ok(matters.max(PART_OF_DEVIATION * (variance * comparison.control.units as f64).sqrt()))
}

/// Which effects are the good ones: the model is asked for the largest, with the signs flipped where less is better.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Side {
    More,
    Less,
}

impl Side {
    fn of(desired: Direction) -> Self {
        match desired {
            Direction::Increase | Direction::None => Self::More,
            Direction::Decrease => Self::Less,
        }
    }

    fn estimate(self, estimate: Estimate) -> Estimate {
        match self {
            Self::More => estimate,
            Self::Less => Estimate { value: -estimate.value, ..estimate },
        }
    }

    fn posterior(self, posterior: Posterior) -> Posterior {
        let Interval { lower, upper } = posterior.interval;
        match self {
            Self::More => posterior,
            Self::Less => Posterior {
                mean: -posterior.mean,
                median: -posterior.median,
                interval: Interval { lower: -upper, upper: -lower },
                positive: 1.0 - posterior.positive,
            },
        }
    }

    fn view(
        self,
        name: &str,
        measured: &Result<Effect, NotEstimable>,
        shrunken: &Result<Shrunken, NotEstimable>,
    ) -> ShrunkenEffect {
        let found = shrunken.as_ref().ok();
        let effect = found.map(|found| self.posterior(found.effect));
        ShrunkenEffect {
            cohort: name.to_owned(),
            estimate: effect.map(|effect| effect.mean),
            std_dev: found.map(|found| found.std_dev),
            interval: effect.map(|effect| effect.interval),
            positive: effect.map(|effect| effect.positive),
            best: found.map(|found| found.largest),
            shrinkage: found.map(|found| found.shrinkage),
            unreliable: measured.as_ref().ok().and_then(Effect::unreliable).map(|reason| reason.to_string()),
            not_estimable: shrunken.as_ref().err().map(ToString::to_string),
        }
    }
}

#[cfg(test)]
mod tests;
