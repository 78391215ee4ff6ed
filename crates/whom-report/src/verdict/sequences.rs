//! What a run says before the experiment is over, where its plan asks for confidence sequences: of averages, of who differs from the rest, and
//! of guardrails.

use whom_stats::Look;

use super::{Question, questions};
use crate::effect::{EffectRow, Estimand, Holds, Role};
use crate::label;
use crate::number::{self, Scale};
use crate::results::{EffectKey, Results};

/// Cohorts that a sentence names before it counts the others.
const COHORTS_NAMED: usize = 3;

/// What the confidence sequences of each question say, in the order of averages, cohorts and guardrails.
pub(super) fn warnings(results: &Results) -> Vec<String> {
    let primary = || questions(results, Role::Primary);
    let averages = primary().filter_map(|question| average(results, question));
    let cohorts = primary().filter_map(|question| cohorts(results, question));
    let guardrails = questions(results, Role::Guardrail).filter_map(|question| guardrail(results, question));
    averages.chain(cohorts).chain(guardrails).collect()
}

fn average(results: &Results, question: Question<'_>) -> Option<String> {
    let row = results.average(&question.metric.name, question.variant, Estimand::Effect)?;
    let look = row.sequence?;
    let reason =
        if look.interval.contains(0.0) { "holds zero: no reason to stop" } else { "excludes zero at every look" };
    let when = if row.holds == Holds::FixedHorizon {
        "All planned units have counted, so that the other intervals hold if nobody would have stopped for them before"
    } else {
        "Until the last planned unit has counted, no other interval is a reason to stop"
    };
    Some(format!("{when}: the confidence sequence of {}, {}, {reason}.", subject(question), figures(question, look)))
}

/// Which pre-registered cohorts may be called different from the rest whenever one looks.
fn cohorts(results: &Results, question: Question<'_>) -> Option<String> {
    let (metric, variant, estimand) = (question.metric.name.as_str(), question.variant, Estimand::Contrast);
    let contrast = |cohort: &str| {
        let row = results.effect(EffectKey { metric, variant, cohort, estimand })?;
        Some((super::cohort_label(&row.cohort), row.sequence?, row.holds))
    };
    let found: Vec<(String, Look, Holds)> =
        results.registered.iter().filter_map(|cohort| contrast(&cohort.name)).collect();
    let is_last = found.first()?.2 == Holds::FixedHorizon;
    let (different, others): (Vec<_>, Vec<_>) = found.iter().partition(|(_, look, _)| !look.interval.contains(0.0));
    let told =
        different.iter().take(COHORTS_NAMED).map(|(cohort, look, _)| format!("{cohort}, {}", figures(question, *look)));
    let mut told: Vec<String> = told.collect();
    told.extend(
        different.len().checked_sub(COHORTS_NAMED).filter(|more| *more > 0).map(|more| format!("and {more} more")),
    );
    let subject = subject(question);
    let differ = match (told.is_empty(), others.len()) {
        (true, _) => "none of the declared cohorts".to_owned(),
        (false, 0) => told.join("; "),
        (false, others) => format!("{}; not the other {others}", told.join("; ")),
    };
    let rest = if is_last { "" } else { "; nothing else that is said of declared cohorts is to be acted on yet" };
    Some(format!("By confidence sequences different from the rest at every look, {subject}: {differ}{rest}."))
}

fn guardrail(results: &Results, question: Question<'_>) -> Option<String> {
    let margin: &EffectRow = results.average(&question.metric.name, question.variant, Estimand::Margin)?;
    let look = margin.sequence?;
    let says = match (look.interval.lower > 0.0, look.interval.upper < 0.0) {
        (true, _) => "holds at every look",
        (_, true) => "is broken at every look, a reason to stop,",
        _ => "is neither shown to hold nor to be broken",
    };
    let (variant, metric) = (label::name(question.variant), label::name(&question.metric.name));
    Some(format!(
        "By the confidence sequence of its margin, {}, guardrail {metric} {says} under {variant}.",
        figures(question, look)
    ))
}

fn subject(question: Question<'_>) -> String {
    format!("{} on {}", label::name(question.variant), label::name(&question.metric.name))
}

/// `+0.2 to +0.9 pp, p 0.0012`.
fn figures(question: Question<'_>, look: Look) -> String {
    let scale = Scale::of_effects(question.metric);
    format!("{}{}, p {}", scale.bounds(look.interval), scale.unit(), number::p_value(look.p_value))
}

#[cfg(test)]
mod tests;
