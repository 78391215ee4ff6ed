//! Rows of effects: from an estimate to what a result file says of it.

use std::collections::BTreeMap;

use whom_report::{ClusterErrors, Correction, EffectRow, Estimand, Evidence, Family, Holds};
use whom_spec::plan::{Direction, Matters};
use whom_stats::{
    Alternative, Comparison as Values, ConfidenceSet, Desired, Estimate, Interval, Limit, NotEstimable, Reference,
    Simultaneous, Unreliable,
};

use crate::comparison::{Comparison, Contrast, Effect};
use crate::names;
use crate::study::{Question, Study};

/// What a row is about.
#[derive(Clone)]
pub(crate) struct Subject<'a> {
    pub(crate) study: &'a Study<'a>,
    pub(crate) question: Question,
    pub(crate) cohort: &'a str,
    pub(crate) evidence: Evidence,
    pub(crate) family: Family,
    /// What tests of effects and lifts are against.
    pub(crate) alternative: Alternative,
}

/// A row that waits for the correction of its family, with the estimate that its intervals are made of.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) row: EffectRow,
    pub(crate) estimate: Option<Estimate>,
    /// The values that Fieller's intervals are made of, in place of the estimate.
    fieller: Option<Values>,
}

/// Why a row has Fieller's method and no interval.
const UNBOUNDED: &str = "the interval is unbounded: the control's mean may be zero";

/// An estimate under the name of what it estimates.
struct Estimated<'a> {
    estimand: Estimand,
    method: &'a str,
    estimate: Result<Estimate, NotEstimable>,
    /// The arms behind it.
    arms: &'a Comparison,
    /// What its test is against.
    alternative: Alternative,
    /// What is told beside an error by cluster.
    cluster_errors: Option<ClusterErrors>,
    /// Why it is unreliable.
    unreliable: Option<String>,
}

impl Subject<'_> {
    /// The row of a difference in means.
    pub(crate) fn effect(&self, comparison: &Comparison) -> Draft {
        self.draft(Estimated {
            estimand: Estimand::Effect,
            method: comparison.method,
            estimate: difference(comparison),
            arms: comparison,
            alternative: self.alternative,
            cluster_errors: comparison.cluster_errors(Values::difference),
            unreliable: unreliable(comparison),
        })
    }

    /// A reason in words, which of a quantile tell no mean.
    fn worded(&self, reason: &str) -> String {
        let is_quantile = self.study.metric(self.question.metric).quantile.is_some();
        if is_quantile { reason.replace("mean", "quantile") } else { reason.to_owned() }
    }

    /// The row of an effect as it was before its adjustment, of a metric that has one.
    pub(crate) fn unadjusted(&self, comparison: &Comparison) -> Option<Draft> {
        let mut draft = self.effect(&comparison.unadjusted()?);
        draft.row.estimand = Estimand::UnadjustedEffect;
        Some(draft)
    }

    /// The row of how far a guardrail is on the good side of its limit, in the metric's unit: an exact linear combination,
    /// whose p-value is that of the one-sided hypothesis that the limit is broken. `None` without a limit.
    pub(crate) fn margin(&self, comparison: &Comparison) -> Option<Draft> {
        let metric = self.study.metric(self.question.metric);
        let limit = match **metric.limit.as_ref()? {
            Matters::Absolute(limit) => Limit::Absolute(limit),
            Matters::Relative(limit) => Limit::Relative(limit),
        };
        let desired = if metric.desired == Direction::Decrease { Desired::Decrease } else { Desired::Increase };
        let test = |values: &Values| values.non_inferiority(limit, desired, self.study.reference());
        let effect = comparison.effect.as_ref().map_err(|reason| *reason);
        let tested = effect.and_then(|effect| test(&effect.values));
        let mut draft = self.draft(Estimated {
            estimand: Estimand::Margin,
            method: "non_inferiority",
            estimate: tested.map(|tested| tested.margin),
            arms: comparison,
            alternative: Alternative::TwoSided,
            cluster_errors: comparison.cluster_errors(|values| test(values).map(|tested| tested.margin)),
            unreliable: tested.ok().and_then(|tested| tested.unreliable).map(|reason| reason.to_string()),
        });
        (draft.row.p_value, draft.row.alternative) = (tested.ok().map(|tested| tested.p_value), Alternative::Greater);
        Some(draft)
    }

    /// The row of a relative lift. No lift is the same hypothesis as no effect, so it carries that p-value.
    pub(crate) fn lift(&self, comparison: &Comparison) -> Draft {
        let effect = comparison.effect.as_ref().map_err(|reason| *reason);
        let lift = effect.and_then(Effect::lift);
        let mut draft = self.draft(Estimated {
            estimand: Estimand::Lift,
            method: "delta",
            estimate: lift.map(|lift| lift.relative),
            arms: comparison,
            alternative: self.alternative,
            cluster_errors: comparison.cluster_errors(|values| values.lift().map(|lift| lift.relative)),
            unreliable: lift.ok().and_then(|lift| lift.unreliable).map(|reason| reason.to_string()),
        });
        let p_value = |found: Estimate| found.p_value_of(self.alternative, self.study.reference());
        let p_value = difference(comparison).ok().map(p_value);
        draft.row.p_value = draft.row.estimate.and(p_value);
        if let (Ok(effect), Ok(Some(Unreliable::ControlMeanNearZero))) = (effect, lift.map(|lift| lift.unreliable)) {
            self.fieller(effect, &mut draft);
        }
        draft
    }

    /// Fieller's interval in place of the delta method's, where the control's value may be zero. It may have no end.
    fn fieller(&self, effect: &Effect, draft: &mut Draft) {
        let Ok(set) = effect.values.fieller(draft.row.level, self.study.reference()) else { return };
        let bounded = bounded(set);
        "fieller".clone_into(&mut draft.row.method);
        (draft.row.interval, draft.row.individual_interval) = (bounded, bounded);
        (draft.estimate, draft.fieller) = (None, Some(effect.values.clone()));
        if bounded.is_none() {
            draft.row.unreliable = Some(self.worded(UNBOUNDED));
        }
    }

    /// The row of a cohort's effect less that of the rest.
    pub(crate) fn contrast(&self, contrast: &Contrast) -> Draft {
        let in_the_rest = || unreliable(&contrast.rest).map(|reason| format!("in the rest: {reason}"));
        self.draft(Estimated {
            estimand: Estimand::Contrast,
            method: contrast.cohort.method,
            estimate: contrast.estimate(),
            arms: &contrast.cohort,
            alternative: Alternative::TwoSided,
            cluster_errors: contrast.cluster_errors(),
            unreliable: unreliable(&contrast.cohort).or_else(in_the_rest),
        })
    }

    /// The same question as a hint for the next experiment, which looks both ways.
    pub(crate) fn exploratory(&self) -> Self {
        let (evidence, family) = (Evidence::Exploratory, Family::Exploratory);
        Self { evidence, family, alternative: Alternative::TwoSided, ..self.clone() }
    }

    /// A row with its individual interval and p-value; corrections come later.
    fn draft(&self, estimated: Estimated<'_>) -> Draft {
        let Estimated { estimand, method, estimate, arms, alternative, cluster_errors, unreliable } = estimated;
        let (reference, validate) = (self.study.reference(), &self.study.plan.validate);
        let metric = self.study.metric(self.question.metric);
        let found = estimate.ok();
        let level = alternative.interval_level(validate.level);
        let individual = found.map(|found| found.interval(level, reference));
        let row = EffectRow {
            metric: metric.name.value.clone(),
            role: names::role(metric.role),
            variant: self.study.variant(self.question.treatment).to_owned(),
            cohort: self.cohort.to_owned(),
            evidence: self.evidence,
            family: self.family,
            estimand,
            method: method.to_owned(),
            reference: names::reference(validate.reference),
            estimate: found.map(|found| found.value),
            std_err: found.map(|found| found.std_err),
            interval: individual,
            individual_interval: individual,
            level,
            alternative,
            p_value: found.map(|found| found.p_value_of(alternative, reference)),
            p_value_adjusted: None,
            correction: Correction::None,
            unreliable: unreliable.map(|reason| self.worded(&reason)),
            not_estimable: estimate.err().map(|reason| self.worded(&reason.to_string())),
            n_control: Some(arms.control.units),
            n_variant: Some(arms.treatment.units),
            mean_control: arms.control.mean,
            mean_variant: arms.treatment.mean,
            variance_reduction: arms
                .adjusted
                .as_ref()
                .filter(|_| estimand == Estimand::Effect)
                .map(|found| found.variance_reduction),
            clusters_control: arms.clusters.map(|[control, _]| control),
            clusters_variant: arms.clusters.map(|[_, treatment]| treatment),
            cluster_errors: cluster_errors.filter(|_| found.is_some()),
            sequence: None,
            holds: Holds::FixedHorizon,
        };
        Draft { row, estimate: found, fieller: None }
    }
}

/// The interval of a set that has two ends.
fn bounded(set: ConfidenceSet) -> Option<Interval> {
    match set {
        ConfidenceSet::Bounded(interval) => Some(interval),
        ConfidenceSet::AtLeast(_)
        | ConfidenceSet::AtMost(_)
        | ConfidenceSet::Outside(_)
        | ConfidenceSet::Everything => None,
    }
}

fn unreliable(comparison: &Comparison) -> Option<String> {
    comparison.effect.as_ref().ok()?.unreliable().map(|reason| reason.to_string())
}

fn difference(comparison: &Comparison) -> Result<Estimate, NotEstimable> {
    comparison.effect.as_ref().map(|effect| effect.difference).map_err(|reason| *reason)
}

/// Which p-values of the bootstrap's maximum a row gets; intervals are those of the single step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// One critical value for all.
    Single,
    /// Smaller ones for what is left once others are found (Romano and Wolf 2005).
    Down,
}

/// Gives a row the interval and p-value of the bootstrap's maximum. A row that the bootstrap cannot judge is not estimable,
/// whatever its own estimate was.
pub(crate) fn simultaneous(draft: Draft, outcome: &Result<Simultaneous, NotEstimable>, step: Step) -> EffectRow {
    let correction = match step {
        Step::Single => Correction::MaxT,
        Step::Down => Correction::RomanoWolf,
    };
    let row = EffectRow { correction, ..draft.row };
    let p_value = |found: &Simultaneous| match step {
        Step::Single => found.p_adjusted,
        Step::Down => found.p_step_down,
    };
    match outcome {
        Ok(found) => EffectRow { interval: Some(found.interval), p_value_adjusted: Some(p_value(found)), ..row },
        Err(reason) => EffectRow {
            estimate: None,
            std_err: None,
            cluster_errors: None,
            interval: None,
            individual_interval: None,
            p_value: None,
            not_estimable: row.not_estimable.or_else(|| Some(reason.to_string())),
            ..row
        },
    }
}

/// Corrects rows by Holm, with Bonferroni's intervals, both over the estimable hypotheses among them.
///
/// A lift shares the hypothesis of its effect: it does not count, and takes that effect's corrected p-value.
pub(crate) fn holm(drafts: Vec<Draft>, reference: Reference) -> Vec<EffectRow> {
    with_bonferroni_intervals(drafts, reference, (whom_stats::Correction::Holm, Correction::Holm))
}

/// As [`holm`], with Bonferroni's p-values.
pub(crate) fn bonferroni(drafts: Vec<Draft>, reference: Reference) -> Vec<EffectRow> {
    with_bonferroni_intervals(drafts, reference, (whom_stats::Correction::Bonferroni, Correction::Bonferroni))
}

fn with_bonferroni_intervals(
    drafts: Vec<Draft>,
    reference: Reference,
    (by, correction): (whom_stats::Correction, Correction),
) -> Vec<EffectRow> {
    let Adjusted { rows: adjusted, tests, .. } = adjusted(&drafts, &[], by);
    let correct = |(draft, adjusted): (Draft, Option<f64>)| {
        let level = whom_stats::simultaneous_level(draft.row.level, tests);
        let row = EffectRow { correction, p_value_adjusted: adjusted, ..draft.row };
        let Some(values) = draft.fieller else {
            return EffectRow { interval: draft.estimate.map(|estimate| estimate.interval(level, reference)), ..row };
        };
        let interval = values.fieller(level, reference).ok().and_then(bounded);
        let unreliable = if interval.is_none() { Some(UNBOUNDED.to_owned()) } else { row.unreliable };
        EffectRow { interval, unreliable, ..row }
    };
    drafts.into_iter().zip(adjusted).map(correct).collect()
}

/// Corrects exploratory rows, and the p-values of other tests that are in their family, by Benjamini and Yekutieli; the rows'
/// intervals stay individual.
pub(crate) fn exploratory(drafts: Vec<Draft>, others: &[f64]) -> (Vec<EffectRow>, Vec<f64>) {
    let Adjusted { rows: adjusted, others, .. } = adjusted(&drafts, others, whom_stats::Correction::BenjaminiYekutieli);
    let correct = |(draft, adjusted): (Draft, Option<f64>)| EffectRow {
        correction: Correction::BenjaminiYekutieli,
        p_value_adjusted: adjusted,
        ..draft.row
    };
    (drafts.into_iter().zip(adjusted).map(correct).collect(), others)
}

/// The p-values of a family, corrected.
struct Adjusted {
    /// That of each row; `None` of a row that tests nothing.
    rows: Vec<Option<f64>>,
    /// Those of the other tests.
    others: Vec<f64>,
    /// Over how many hypotheses.
    tests: usize,
}

/// Corrects the p-values of rows and of other tests as one family.
///
/// A lift takes that of the effect on the same metric, treatment and cohort, and none if that effect stands in another
/// family.
fn adjusted(drafts: &[Draft], others: &[f64], correction: whom_stats::Correction) -> Adjusted {
    let own_p_value = |draft: &Draft| draft.row.p_value.filter(|_| draft.row.estimand != Estimand::Lift);
    let raw: Vec<f64> = drafts.iter().filter_map(own_p_value).chain(others.iter().copied()).collect();
    let mut corrected = correction.adjust(&raw).into_iter();
    let own: Vec<Option<f64>> = drafts.iter().map(|draft| own_p_value(draft).and_then(|_| corrected.next())).collect();
    let effects: BTreeMap<_, f64> = drafts
        .iter()
        .zip(&own)
        .filter(|(draft, _)| draft.row.estimand == Estimand::Effect)
        .filter_map(|(draft, adjusted)| Some((question_of(&draft.row), (*adjusted)?)))
        .collect();
    let adjusted = drafts.iter().zip(own).map(|(draft, own)| match draft.row.estimand {
        Estimand::Lift => draft.row.p_value.and(effects.get(&question_of(&draft.row)).copied()),
        _ => own,
    });
    Adjusted { rows: adjusted.collect(), others: corrected.collect(), tests: raw.len() }
}

/// The metric, treatment and cohort that a row is about.
fn question_of(row: &EffectRow) -> (&str, &str, &str) {
    (&row.metric, &row.variant, &row.cohort)
}

#[cfg(test)]
mod tests;
