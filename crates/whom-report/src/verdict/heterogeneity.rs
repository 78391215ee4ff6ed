//! Do effects differ between users at all? The gate of all cohorts, in words.

use serde::Serialize;

use super::Question;
use crate::heterogeneity::{DetectableDifference, GlobalTestRow};
use crate::label;
use crate::number::{self, Scale};
use crate::results::{MetricView, Results};
use crate::scatter::DifferingScale;
use crate::word::words;

words! {
    /// What the global test says.
    pub enum HeterogeneityOutcome {
        /// Effects differ: the cohorts' contrasts count.
        Detected = "detected",
        /// No heterogeneity that could be proven.
        NotDetected = "not_detected",
        /// No split was admissible.
        NoCandidate = "no_candidate",
    }
}

/// The verdict on the heterogeneity of one treatment's effect on one primary metric.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HeterogeneityVerdict {
    /// The treatment.
    pub variant: String,
    /// The metric.
    pub metric: String,
    /// The outcome.
    pub outcome: HeterogeneityOutcome,
    /// The scales on which the cohorts' effects are shown to differ, where effects differ at all: a remark on the outcome.
    pub differing: Option<DifferingScale>,
    /// The outcome in words.
    pub sentence: String,
}

/// The share whose detectable difference is told; the other shares are in the results.
const SHARE_TOLD: f64 = 0.25;

pub(super) fn verdict(results: &Results, question: Question<'_>) -> Option<HeterogeneityVerdict> {
    let test = results.global_test(&question.metric.name, question.variant)?;
    let outcome = outcome(test);
    let (variant, metric) = (label::name(question.variant), label::name(&question.metric.name));
    let p = number::p_value(test.p_value_adjusted);
    let detectable = detectable(results, question).map(|told| format!("; {told}")).unwrap_or_default();
    let differing = differing(results, question, outcome);
    let sentence = match outcome {
        HeterogeneityOutcome::Detected => format!(
            "The effect of {variant} on {metric} differs between users (global test, adjusted p {p}){}{}.",
            differing.map_or("", scale_words),
            if is_unnamed(results) { "; no split lasted through pruning, so no cohort is named" } else { "" }
        ),
        HeterogeneityOutcome::NotDetected => {
            format!("No detectable heterogeneity in the effect of {variant} on {metric} (adjusted p {p}){detectable}.")
        }
        HeterogeneityOutcome::NoCandidate => format!(
            "No detectable heterogeneity in the effect of {variant} on {metric}: no split was admissible, no candidate \
             found{detectable}."
        ),
    };
    Some(HeterogeneityVerdict {
        variant: question.variant.to_owned(),
        metric: question.metric.name.clone(),
        outcome,
        differing,
        sentence,
    })
}

/// The scales on which cohorts differ, once the global test has said that effects do.
fn differing(results: &Results, question: Question<'_>, outcome: HeterogeneityOutcome) -> Option<DifferingScale> {
    let scatter = results.cohort_scatter(&question.metric.name, question.variant)?;
    let tested = scatter.absolute.p_value.is_some() && scatter.relative.p_value.is_some();
    (outcome == HeterogeneityOutcome::Detected && tested).then_some(scatter.differing)
}

/// What the scales add to the sentence. Where cohorts are not shown to differ in absolute terms they say nothing of the scale.
fn scale_words(differing: DifferingScale) -> &'static str {
    match differing {
        DifferingScale::Both => ", in absolute and in relative terms",
        DifferingScale::FollowsBaseline => {
            "; between cohorts in absolute terms only: no lift is shown to differ from the others, so effects follow the \
             baseline"
        }
        DifferingScale::Neither | DifferingScale::RelativeOnly => "",
    }
}

/// Whether the search ended without cohorts.
fn is_unnamed(results: &Results) -> bool {
    results.partition.is_some() && results.discovered().is_empty()
}

fn outcome(test: &GlobalTestRow) -> HeterogeneityOutcome {
    if !test.has_candidate() {
        HeterogeneityOutcome::NoCandidate
    } else if test.open {
        HeterogeneityOutcome::Detected
    } else {
        HeterogeneityOutcome::NotDetected
    }
}

fn detectable(results: &Results, question: Question<'_>) -> Option<String> {
    let of_question =
        |row: &&DetectableDifference| row.metric == question.metric.name && row.variant == question.variant;
    let rows = || results.detectable_differences.iter().filter(of_question);
    let row = rows().find(|row| row.share == SHARE_TOLD).or_else(|| rows().next())?;
    detectable_words(row, question.metric)
}

/// A detectable difference in words; `None` where it is unknown.
fn detectable_words(row: &DetectableDifference, metric: &MetricView) -> Option<String> {
    let difference = Scale::of_effects(metric).rough(row.difference?);
    let (share, power) = (number::share(row.share), number::share(row.power));
    Some(format!(
        "a cohort of {share} of the units differing from the rest by {difference} could have been detected ({power} power)"
    ))
}
