//! Is it safe? Non-inferiority of guardrails against their limits.

use serde::Serialize;

use super::{Question, doubt};
use crate::effect::{EffectRow, Estimand};
use crate::label;
use crate::number::Scale;
use crate::quantile::quantile_words;
use crate::results::{Direction, Results, Threshold};
use crate::word::words;

words! {
    /// What is known about a guardrail.
    pub enum GuardrailOutcome {
        /// The whole interval is better than the limit.
        Holds = "holds",
        /// The whole interval is worse than the limit.
        Broken = "broken",
        /// The interval reaches beyond the limit.
        NotShown = "not_shown",
        /// The guardrail has no limit, or no estimate.
        NotJudged = "not_judged",
    }
}

/// The verdict on one treatment and one guardrail.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GuardrailVerdict {
    /// The treatment.
    pub variant: String,
    /// The metric.
    pub metric: String,
    /// The outcome.
    pub outcome: GuardrailOutcome,
    /// Whether the row behind it is inside the range of its method.
    pub reliable: bool,
    /// The outcome in words.
    pub sentence: String,
}

pub(super) fn verdict(results: &Results, question: Question<'_>) -> Option<GuardrailVerdict> {
    let (estimand, limit, scale) = match question.metric.limit {
        Some(Threshold::Relative(limit)) => (Estimand::Lift, Some(limit), Scale::of_lifts()),
        Some(Threshold::Absolute(limit)) => (Estimand::Effect, Some(limit), Scale::of_effects(question.metric)),
        None => (Estimand::Effect, None, Scale::of_effects(question.metric)),
    };
    let row = results.average(&question.metric.name, question.variant, estimand)?;
    let margin = results.average(&question.metric.name, question.variant, Estimand::Margin);
    let outcome = outcome(margin.filter(|_| limit.is_some()));
    let (variant, metric) = (label::name(question.variant), label::name(&question.metric.name));
    let figures = match (row.individual_interval, limit) {
        (Some(interval), Some(limit)) => {
            let sign = if question.metric.desired == Direction::Increase { -1.0 } else { 1.0 };
            let limit = scale.threshold(sign * limit);
            format!(": the interval is {}{}, the limit {limit}", scale.bounds(interval), scale.unit())
        }
        (None, _) => ": it is not estimable".to_owned(),
        (_, None) => ": it declares no `limit`".to_owned(),
    };
    let unreliable = row.unreliable.as_deref().or(margin.and_then(|margin| margin.unreliable.as_deref()));
    let doubt = unreliable.map(doubt).unwrap_or_default();
    let words = match outcome {
        GuardrailOutcome::Holds => "holds",
        GuardrailOutcome::Broken => "is broken",
        GuardrailOutcome::NotShown => "is not shown to hold",
        GuardrailOutcome::NotJudged => "is not judged",
    };
    let quantile = quantile_words(question.metric).map(|quantile| format!(" ({quantile})")).unwrap_or_default();
    Some(GuardrailVerdict {
        variant: question.variant.to_owned(),
        metric: question.metric.name.clone(),
        outcome,
        reliable: row.is_reliable() && margin.is_none_or(EffectRow::is_reliable),
        sentence: format!("Guardrail {metric}{quantile} {words} under {variant}{figures}.{doubt}"),
    })
}

/// The whole interval of the margin on one side of nothing, or neither.
fn outcome(margin: Option<&EffectRow>) -> GuardrailOutcome {
    match margin.and_then(|margin| margin.individual_interval) {
        None => GuardrailOutcome::NotJudged,
        Some(interval) if interval.lower > 0.0 => GuardrailOutcome::Holds,
        Some(interval) if interval.upper < 0.0 => GuardrailOutcome::Broken,
        Some(_) => GuardrailOutcome::NotShown,
    }
}
