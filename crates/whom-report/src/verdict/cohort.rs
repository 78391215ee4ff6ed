//! For whom? The standing of each cohort, and the sentences about who gains and who loses.

use serde::Serialize;
use whom_stats::Interval;

use super::Question;
use crate::cohort::CohortView;
use crate::effect::{EVERYBODY, EffectRow, Estimand, Evidence, Family};
use crate::label;
use crate::number::Scale;
use crate::results::{Direction, EffectKey, Results};
use crate::word::words;

words! {
    /// Where a cohort stands on one treatment and metric.
    pub enum Standing {
        /// It differs from the rest, and its own simultaneous interval lies on the wanted side of zero.
        Gains = "gains",
        /// It differs from the rest, and its own simultaneous interval lies on the unwanted side of zero.
        Loses = "loses",
        /// It differs from the rest, and its own effect may be zero, or its test is one-sided and claims no harm.
        Different = "different",
        /// Its contrast with the rest does not pass.
        NotDifferent = "not_different",
        /// The global test is not open, so its contrast does not count.
        GateClosed = "gate_closed",
        /// It was not compared with the rest.
        NotCompared = "not_compared",
        /// It has no estimate.
        NotEstimable = "not_estimable",
    }
}

impl Standing {
    /// Whether the cohort is claimed to differ from the rest.
    pub fn is_claim(self) -> bool {
        matches!(self, Self::Gains | Self::Loses | Self::Different)
    }

    /// The standing as tables show it.
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Self::Gains => "gains",
            Self::Loses => "loses",
            Self::Different => "different",
            Self::NotDifferent | Self::GateClosed => "not proven",
            Self::NotCompared => "not compared",
            Self::NotEstimable => "no estimate",
        }
    }
}

/// The verdict on one cohort, treatment and primary metric.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CohortVerdict {
    /// The cohort.
    pub cohort: String,
    /// The treatment.
    pub variant: String,
    /// The metric.
    pub metric: String,
    /// Where it stands.
    pub standing: Standing,
    /// What that is evidence of.
    pub evidence: Evidence,
    /// Whether the rows behind it are inside the range of their methods.
    pub reliable: bool,
}

/// Cohorts that one sentence names before it counts the rest.
const COHORTS_NAMED: usize = 3;

pub(super) fn verdicts(results: &Results, question: Question<'_>) -> Vec<CohortVerdict> {
    let cohorts = results.discovered().iter().chain(&results.registered);
    cohorts.filter_map(|cohort| verdict(results, question, cohort)).collect()
}

fn verdict(results: &Results, question: Question<'_>, cohort: &CohortView) -> Option<CohortVerdict> {
    let effect = results.effect(key(question, &cohort.name, Estimand::Effect))?;
    let contrast = results.effect(key(question, &cohort.name, Estimand::Contrast));
    Some(CohortVerdict {
        cohort: cohort.name.clone(),
        variant: question.variant.to_owned(),
        metric: question.metric.name.clone(),
        standing: standing(results, question, effect, contrast),
        evidence: evidence(results, effect),
        reliable: effect.is_reliable() && contrast.is_none_or(EffectRow::is_reliable),
    })
}

/// What a claim about a cohort is evidence of. A finding that did not hold is no replicated evidence, whatever else its cohort
/// shows; it was declared, though, before these units were seen.
fn evidence(results: &Results, effect: &EffectRow) -> Evidence {
    let claim = (effect.cohort.as_str(), effect.variant.as_str(), effect.metric.as_str());
    let holds = results.replication.as_ref().is_none_or(|replication| replication.allows(claim));
    if effect.evidence == Evidence::Replicated && !holds { Evidence::Declared } else { effect.evidence }
}

fn key<'a>(question: Question<'a>, cohort: &'a str, estimand: Estimand) -> EffectKey<'a> {
    EffectKey { metric: &question.metric.name, variant: question.variant, cohort, estimand }
}

fn standing(results: &Results, question: Question<'_>, effect: &EffectRow, contrast: Option<&EffectRow>) -> Standing {
    let Some(interval) = effect.interval else { return Standing::NotEstimable };
    let Some(contrast) = contrast else { return Standing::NotCompared };
    if contrast.estimate.is_none() {
        return Standing::NotEstimable;
    }
    let counts = match contrast.family {
        Family::Confirmatory => true,
        Family::Discovered => {
            results.global_test(&question.metric.name, question.variant).is_some_and(|test| test.open)
        }
        Family::Exploratory | Family::Guardrail => return Standing::NotDifferent,
    };
    match (counts, contrast.is_significant()) {
        (false, _) => Standing::GateClosed,
        (true, false) => Standing::NotDifferent,
        (true, true) => match side(question.metric.desired, interval) {
            Standing::Loses if effect.alternative.is_one_sided() => Standing::Different,
            standing => standing,
        },
    }
}

fn side(desired: Direction, interval: Interval) -> Standing {
    match (interval.excludes_zero(), (interval.lower > 0.0) == (desired == Direction::Increase)) {
        (false, _) => Standing::Different,
        (true, true) => Standing::Gains,
        (true, false) => Standing::Loses,
    }
}

/// The sentences about one treatment and metric.
pub(super) fn sentences(results: &Results, question: Question<'_>, verdicts: &[CohortVerdict]) -> Vec<String> {
    let standing_at = |standing: Standing| -> Vec<String> {
        verdicts
            .iter()
            .filter(|verdict| {
                verdict.variant == question.variant
                    && verdict.metric == question.metric.name
                    && verdict.standing == standing
            })
            .map(|verdict| mention(results, question, verdict))
            .collect()
    };
    let (gain, lose) = (standing_at(Standing::Gains), standing_at(Standing::Loses));
    let different = standing_at(Standing::Different);
    let (variant, metric) = (label::name(question.variant), label::name(&question.metric.name));
    let mut sentences = Vec::new();
    if !gain.is_empty() && !lose.is_empty() {
        sentences.push(format!("{variant} on {metric} works for some and harms others."));
    }
    if !gain.is_empty() {
        sentences.push(format!("{variant} on {metric}, who gains: {}.", listed(&gain)));
    }
    if !lose.is_empty() {
        sentences.push(format!("{variant} on {metric}, who loses: {}.", listed(&lose)));
    }
    if !different.is_empty() {
        sentences.push(format!(
            "{variant} on {metric}, different from the rest, their own effect not told from zero: {}.",
            listed(&different)
        ));
    }
    let open = results.global_test(&question.metric.name, question.variant).is_some_and(|test| test.open);
    if open && sentences.is_empty() && results.discovered().len() > 1 {
        let is_withheld = results.withheld.as_ref().is_some_and(|withheld| !withheld.cohorts.is_empty());
        let cohort = if is_withheld { "cohort that may be shown" } else { "single cohort" };
        sentences.push(format!("{variant} on {metric}: no {cohort} could be told apart from the rest."));
    }
    sentences
}

fn listed(mentions: &[String]) -> String {
    let named = mentions.iter().take(COHORTS_NAMED).map(String::as_str).collect::<Vec<_>>().join("; ");
    match mentions.len().checked_sub(COHORTS_NAMED) {
        Some(rest) if rest > 0 => format!("{named}; and {rest} more"),
        _ => named,
    }
}

/// A cohort as a sentence names it: `cohort 1 (womens is 1), +7.31 pp (+5.9 to +8.7)`.
fn mention(results: &Results, question: Question<'_>, verdict: &CohortVerdict) -> String {
    let cohorts = || results.discovered().iter().chain(&results.registered);
    let rule = cohorts().find(|cohort| cohort.name == verdict.cohort).map(|cohort| cohort.definition.in_words());
    let figures = results.effect(key(question, &verdict.cohort, Estimand::Effect)).and_then(|row| {
        let scale = Scale::of_effects(question.metric);
        let interval = row.interval?;
        Some(format!(", {} ({})", scale.signed(row.estimate?, scale.decimals(row.interval)), scale.bounds(interval)))
    });
    let doubt = if verdict.reliable { "" } else { ", unreliable" };
    format!("{} ({}){}{doubt}", cohort_label(&verdict.cohort), rule.unwrap_or_default(), figures.unwrap_or_default())
}

/// Whom a row is about: a cohort, or everybody.
pub(crate) fn who(cohort: &str) -> String {
    if cohort == EVERYBODY { "everybody".to_owned() } else { cohort_label(cohort) }
}

/// A cohort's name, preceded by the word unless the name has it already.
pub(crate) fn cohort_label(name: &str) -> String {
    let name = label::name(name);
    if name == EVERYBODY || name.to_lowercase().contains("cohort") { name } else { format!("cohort {name}") }
}
