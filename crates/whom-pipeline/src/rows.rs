//! Rows of effects: from an estimate to what a result file says of it.

use whom_report::{Correction, EffectRow, Estimand, Evidence, Family, Interval};
use whom_stats::{Effect, Estimate, Lift, NotEstimable, Reference, Simultaneous};

use crate::study::{Question, Study};

/// What a row is about.
#[derive(Clone)]
pub(crate) struct Subject<'a> {
    pub(crate) study: &'a Study<'a>,
    pub(crate) question: Question,
    pub(crate) cohort: &'a str,
    pub(crate) evidence: Evidence,
    pub(crate) family: Family,
}

/// A row that waits for the correction of its family, with the estimate that its intervals are made of.
pub(crate) struct Draft {
    pub(crate) row: EffectRow,
    pub(crate) estimate: Option<Estimate>,
}

/// An estimate under the name of what it estimates.
pub(crate) struct Estimated<'a> {
    pub(crate) estimand: Estimand,
    pub(crate) method: &'a str,
    pub(crate) estimate: Result<Estimate, NotEstimable>,
    /// The effect behind it, for means, counts and reliability.
    pub(crate) effect: &'a Result<Effect, NotEstimable>,
    /// Why it is unreliable besides.
    pub(crate) unreliable: Option<String>,
}

impl Subject<'_> {
    /// A row with its individual interval and p-value; corrections come later.
    fn draft(&self, estimated: &Estimated<'_>) -> Draft {
        let (reference, reference_word) = self.study.references();
        let level = self.study.plan.validate.level;
        let metric = self.study.metric(self.question.metric);
        let estimate = estimated.estimate.as_ref().ok();
        let effect = estimated.effect.as_ref().ok();
        let individual = estimate.map(|estimate| interval(estimate.interval(level, reference)));
        let row = EffectRow {
            metric: metric.name.value.clone(),
            role: crate::names::role(metric.role),
            variant: self.study.variant(self.question.treatment).to_owned(),
            cohort: self.cohort.to_owned(),
            evidence: self.evidence,
            family: self.family,
            estimand: estimated.estimand,
            method: estimated.method.to_owned(),
            reference: reference_word,
            estimate: estimate.map(|estimate| estimate.value),
            std_err: estimate.map(|estimate| estimate.std_err),
            interval: individual,
            individual_interval: individual,
            level,
            p_value: estimate.map(|estimate| estimate.p_value(reference)),
            p_value_adjusted: None,
            correction: Correction::None,
            unreliable: estimated.unreliable.clone().or_else(|| unreliable(effect)),
            not_estimable: estimated.estimate.as_ref().err().map(ToString::to_string),
            n_control: effect.map_or(0, |effect| effect.control.units),
            n_variant: effect.map_or(0, |effect| effect.treatment.units),
            mean_control: effect.map(|effect| effect.control.mean),
            mean_variant: effect.map(|effect| effect.treatment.mean),
        };
        Draft { row, estimate: estimate.copied() }
    }

    /// The row of a difference in means.
    pub(crate) fn effect(&self, method: &str, effect: &Result<Effect, NotEstimable>) -> Draft {
        let estimate = effect.as_ref().map(|effect| effect.difference).map_err(Clone::clone);
        self.draft(&Estimated { estimand: Estimand::Effect, method, estimate, effect, unreliable: None })
    }

    /// The row of a relative lift. No lift is the same hypothesis as no effect, so it carries that p-value.
    pub(crate) fn lift(&self, effect: &Result<Effect, NotEstimable>) -> Draft {
        let lift: Result<Lift, NotEstimable> = effect.as_ref().map_err(Clone::clone).and_then(Effect::lift);
        let unreliable = lift.as_ref().ok().and_then(|lift| lift.unreliable.as_ref()).map(ToString::to_string);
        let estimate = lift.map(|lift| lift.relative);
        let mut draft =
            self.draft(&Estimated { estimand: Estimand::Lift, method: "delta", estimate, effect, unreliable });
        let (reference, _) = self.study.references();
        let p_value = effect.as_ref().ok().map(|effect| effect.difference.p_value(reference));
        draft.row.p_value = draft.row.estimate.and(p_value);
        draft
    }

    /// The row of a cohort's effect less that of the rest.
    pub(crate) fn contrast(&self, effects: &CohortEffects) -> Draft {
        let contrast = match (&effects.cohort, &effects.rest) {
            (Ok(cohort), Ok(rest)) => Ok(cohort.contrast(rest)),
            (Err(reason), _) | (_, Err(reason)) => Err(*reason),
        };
        let unreliable = unreliable(effects.rest.as_ref().ok()).map(|reason| format!("in the rest: {reason}"));
        let unreliable = self::unreliable(effects.cohort.as_ref().ok()).or(unreliable);
        self.draft(&Estimated {
            estimand: Estimand::Contrast,
            method: "welch",
            estimate: contrast,
            effect: &effects.cohort,
            unreliable,
        })
    }
}

/// A cohort's effect and that of the rest of the units.
pub(crate) struct CohortEffects {
    pub(crate) cohort: Result<Effect, NotEstimable>,
    pub(crate) rest: Result<Effect, NotEstimable>,
}

fn unreliable(effect: Option<&Effect>) -> Option<String> {
    effect.and_then(|effect| effect.unreliable.as_ref()).map(ToString::to_string)
}

pub(crate) fn interval(interval: whom_stats::Interval) -> Interval {
    Interval { lower: interval.lower, upper: interval.upper }
}

/// Gives a row the interval and p-value of the bootstrap's maximum.
pub(crate) fn simultaneous(draft: Draft, outcome: &Result<Simultaneous, NotEstimable>) -> EffectRow {
    let mut row = draft.row;
    row.correction = Correction::MaxT;
    match outcome {
        Ok(simultaneous) => {
            row.interval = Some(interval(simultaneous.interval));
            row.p_value_adjusted = Some(simultaneous.p_adjusted);
        }
        Err(reason) => {
            row.interval = None;
            row.not_estimable = row.not_estimable.or_else(|| Some(reason.to_string()));
        }
    }
    row
}

/// Corrects rows by Holm, with Bonferroni's intervals, both over the estimable hypotheses among them.
///
/// A lift shares the hypothesis of the effect before it: it does not count, and takes that effect's corrected p-value.
pub(crate) fn holm(drafts: Vec<Draft>, reference: Reference) -> Vec<EffectRow> {
    let (adjusted, tests) = adjusted(&drafts, whom_stats::Correction::Holm);
    let correct = |(draft, adjusted): (Draft, Option<f64>)| {
        let level = whom_stats::simultaneous_level(draft.row.level, tests);
        EffectRow {
            correction: Correction::Holm,
            p_value_adjusted: adjusted,
            interval: draft.estimate.map(|estimate| interval(estimate.interval(level, reference))),
            ..draft.row
        }
    };
    drafts.into_iter().zip(adjusted).map(correct).collect()
}

/// Corrects exploratory rows by Benjamini and Yekutieli; their intervals stay individual.
pub(crate) fn exploratory(drafts: Vec<Draft>) -> Vec<EffectRow> {
    let (adjusted, _) = adjusted(&drafts, whom_stats::Correction::BenjaminiYekutieli);
    let correct = |(draft, adjusted): (Draft, Option<f64>)| EffectRow {
        correction: Correction::BenjaminiYekutieli,
        p_value_adjusted: adjusted,
        ..draft.row
    };
    drafts.into_iter().zip(adjusted).map(correct).collect()
}

/// The corrected p-value of each row, and over how many hypotheses.
fn adjusted(drafts: &[Draft], correction: whom_stats::Correction) -> (Vec<Option<f64>>, usize) {
    let hypotheses = drafts.iter().filter(|draft| draft.row.estimand != Estimand::Lift);
    let raw: Vec<f64> = hypotheses.filter_map(|draft| draft.row.p_value).collect();
    let mut corrected = correction.adjust(&raw).into_iter();
    let mut latest = None;
    let adjusted = drafts
        .iter()
        .enumerate()
        .map(|(place, draft)| {
            if draft.row.estimand != Estimand::Lift {
                latest = draft.row.p_value.and_then(|_| corrected.next());
            } else if place == 0 || !is_same_question(&drafts[place - 1].row, &draft.row) {
                latest = None;
            }
            draft.row.p_value.and(latest)
        })
        .collect();
    (adjusted, raw.len())
}

/// Whether two rows are about one metric, treatment and cohort. A lift whose effect stands in another family has no
/// corrected p-value in this one.
fn is_same_question(one: &EffectRow, other: &EffectRow) -> bool {
    (&one.metric, &one.variant, &one.cohort) == (&other.metric, &other.variant, &other.cohort)
}

#[cfg(test)]
mod tests;
