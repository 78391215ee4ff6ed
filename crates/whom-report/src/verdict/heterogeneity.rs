//! Do effects differ between users at all? The gate of all cohorts, in words.

use serde::Serialize;

use super::Question;
use crate::effect::Evidence;
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
    let again = match test.evidence {
        Evidence::Exploratory => "exploratory, as these units were looked at before; ",
        _ => "",
    };
    let sentence = match outcome {
        HeterogeneityOutcome::Detected => format!(
            "The effect of {variant} on {metric} differs between users ({again}global test, adjusted p {p}){}{}.",
            differing.map_or("", scale_words),
            if is_unnamed(results) { "; no split lasted through pruning, so no cohort is named" } else { "" }
        ),
        HeterogeneityOutcome::NotDetected => {
            format!(
                "No detectable heterogeneity in the effect of {variant} on {metric} ({again}adjusted p {p}){detectable}."
            )
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{self, WOMENS};
    use crate::verdict::Verdict;

    #[test]
    fn a_closed_gate_says_what_could_have_been_detected() {
        let verdict = Verdict::of(&fixture::hillstrom());
        let none = Verdict::of(&fixture::no_partition());
        assert_eq!(none.heterogeneity[0].outcome, HeterogeneityOutcome::NoCandidate);
        let sentences =
            verdict.heterogeneity.iter().chain(&none.heterogeneity).map(|verdict| verdict.sentence.as_str());
        insta::assert_snapshot!(sentences.collect::<Vec<_>>().join("\n"), @"
        No detectable heterogeneity in the effect of Mens E-Mail on visit (adjusted p 0.312); a cohort of 25% of the units differing from the rest by 2.1 pp could have been detected (80% power).
        The effect of Womens E-Mail on visit differs between users (global test, adjusted p <0.0001), in absolute and in relative terms.
        No detectable heterogeneity in the effect of Mens E-Mail on visit: no split was admissible, no candidate found; a cohort of 25% of the units differing from the rest by 2.1 pp could have been detected (80% power).
        No detectable heterogeneity in the effect of Womens E-Mail on visit: no split was admissible, no candidate found; a cohort of 25% of the units differing from the rest by 2.1 pp could have been detected (80% power).
        ");
    }

    /// The verdict on the heterogeneity of the women's campaign whose cohorts differ on these scales.
    fn on_scales(change: impl FnOnce(&mut Results)) -> HeterogeneityVerdict {
        let mut results = fixture::hillstrom();
        change(&mut results);
        let found = Verdict::of(&results).heterogeneity.into_iter().find(|verdict| verdict.variant == WOMENS);
        found.expect("a verdict")
    }

    #[test]
    fn effects_that_differ_in_absolute_terms_only_follow_the_baseline() {
        let on = |differing: DifferingScale| on_scales(|results| results.cohort_scatter[1].differing = differing);
        let baseline = on(DifferingScale::FollowsBaseline);
        assert_eq!(baseline.outcome, HeterogeneityOutcome::Detected, "the scale decides nothing");
        insta::assert_snapshot!(baseline.sentence, @"The effect of Womens E-Mail on visit differs between users (global test, adjusted p <0.0001); between cohorts in absolute terms only: no lift is shown to differ from the others, so effects follow the baseline.");
        let silent = [DifferingScale::Neither, DifferingScale::RelativeOnly].map(|scale| on(scale).sentence);
        assert!(silent.iter().all(|sentence| sentence.ends_with("(global test, adjusted p <0.0001).")), "{silent:?}");
    }

    #[test]
    fn what_was_not_tested_says_nothing_of_the_scale() {
        let verdict = on_scales(|results| {
            results.cohort_scatter[1].differing = DifferingScale::FollowsBaseline;
            results.cohort_scatter[1].relative.p_value = None;
        });
        assert_eq!(verdict.differing, None);
        assert!(!verdict.sentence.contains("baseline"));
    }

    #[test]
    fn a_second_look_is_said_to_be_exploratory() {
        let mut results = fixture::hillstrom();
        results.global_tests.iter_mut().for_each(|test| test.evidence = Evidence::Exploratory);
        let verdict = Verdict::of(&results);
        let sentences = verdict.heterogeneity.iter().map(|verdict| verdict.sentence.as_str());
        assert!(sentences.clone().count() == 2 && sentences.clone().all(|sentence| sentence.contains("exploratory")));
        assert!(!Verdict::of(&fixture::hillstrom()).heterogeneity[1].sentence.contains("exploratory"));
    }

    #[test]
    fn behind_a_closed_gate_no_scale_is_told() {
        let verdict = on_scales(|results| {
            results.global_tests[1].open = false;
            results.cohort_scatter[1].differing = DifferingScale::FollowsBaseline;
        });
        assert_eq!((verdict.outcome, verdict.differing), (HeterogeneityOutcome::NotDetected, None));
        assert!(!verdict.sentence.contains("baseline"));
    }
}
