//! Does it work on average?

use serde::Serialize;
use whom_stats::Interval;

use super::{Question, doubt};
use crate::effect::{EffectRow, Estimand};
use crate::label;
use crate::number::{self, Scale};
use crate::results::{Direction, MetricView, Results, Threshold};
use crate::word::words;

words! {
    /// What is known about an average effect.
    pub enum AverageOutcome {
        /// The metric goes up.
        Increase = "increase",
        /// The metric goes down.
        Decrease = "decrease",
        /// The interval lies inside plus-minus what matters.
        NoEffectThatMatters = "no_effect_that_matters",
        /// The interval holds both zero and an effect that matters.
        Underpowered = "underpowered",
        /// A one-sided test finds no effect in the wanted direction; the interval lies on the other side of zero.
        NotImproved = "not_improved",
        /// No effect is detected, and what matters is not declared or not comparable.
        Inconclusive = "inconclusive",
        /// There is no estimate.
        NotEstimable = "not_estimable",
    }
}

/// The verdict on one treatment's average effect on one primary metric.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AverageVerdict {
    /// The treatment.
    pub variant: String,
    /// The metric.
    pub metric: String,
    /// The outcome.
    pub outcome: AverageOutcome,
    /// Whether the effect has the wanted sign; `None` where no effect is detected.
    pub wanted: Option<bool>,
    /// The outcome in words.
    pub sentence: String,
}

/// What matters, and the interval to hold against it, on the same scale.
struct Matter<'a> {
    bound: f64,
    interval: Interval,
    scale: Scale,
    /// The row of the interval.
    row: &'a EffectRow,
}

impl<'a> Matter<'a> {
    fn of(results: &'a Results, question: Question<'_>, effect: &'a EffectRow) -> Option<Self> {
        let (bound, row, scale) = match question.metric.matters? {
            Threshold::Absolute(bound) => (bound, effect, Scale::of_effects(question.metric)),
            Threshold::Relative(bound) => {
                let lift = results.average(&question.metric.name, question.variant, Estimand::Lift)?;
                (bound, lift, Scale::of_lifts())
            }
        };
        Some(Self { bound, interval: row.interval?, scale, row })
    }

    /// Whether every effect in the interval matters.
    fn excludes_what_is_small(&self) -> bool {
        self.interval.lower >= self.bound || self.interval.upper <= -self.bound
    }

    fn in_words(&self) -> String {
        format!("±{}", self.scale.threshold(self.bound))
    }
}

pub(super) fn verdict(results: &Results, question: Question<'_>) -> Option<AverageVerdict> {
    let row = results.average(&question.metric.name, question.variant, Estimand::Effect)?;
    let matter = Matter::of(results, question, row);
    let outcome = outcome(row, matter.as_ref());
    let wanted = match outcome {
        AverageOutcome::Increase => Some(question.metric.desired == Direction::Increase),
        AverageOutcome::Decrease => Some(question.metric.desired == Direction::Decrease),
        _ => None,
    };
    let sentence = sentence(question, row, outcome, matter.as_ref()) + &assigned(results, question, row);
    let unreliable = row.unreliable.as_ref().or(matter.as_ref().and_then(|matter| matter.row.unreliable.as_ref()));
    let doubt = unreliable.map(|reason| doubt(reason)).unwrap_or_default();
    Some(AverageVerdict {
        variant: question.variant.to_owned(),
        metric: question.metric.name.clone(),
        outcome,
        wanted,
        sentence: sentence + &doubt,
    })
}

/// The share of those who were assigned from which the analysed ones stand for them.
const NEARLY_ALL: f64 = 0.99;

/// The effect over everybody who was assigned, where markedly fewer are analysed.
fn assigned(results: &Results, question: Question<'_>, row: &EffectRow) -> String {
    let found = results.average(&question.metric.name, question.variant, Estimand::EffectByFirstExposure);
    let units = |row: &EffectRow| Some((row.n_control? + row.n_variant?) as f64);
    let told = found.and_then(|all| {
        let is_told = units(row)? < NEARLY_ALL * units(all)?;
        let (estimate, interval) = (all.estimate?, all.interval?);
        let scale = Scale::of_effects(question.metric);
        let estimate = scale.signed(estimate, scale.decimals(Some(interval)));
        is_told.then(|| format!(" Over everybody who was assigned it is {estimate} ({}).", scale.bounds(interval)))
    });
    told.unwrap_or_default()
}

fn outcome(row: &EffectRow, matter: Option<&Matter<'_>>) -> AverageOutcome {
    let (Some(estimate), Some(interval)) = (row.estimate, row.interval) else {
        return AverageOutcome::NotEstimable;
    };
    match matter {
        Some(matter) if matter.interval.lies_within(matter.bound) => AverageOutcome::NoEffectThatMatters,
        _ if row.is_significant() && estimate > 0.0 => AverageOutcome::Increase,
        _ if row.is_significant() && estimate < 0.0 => AverageOutcome::Decrease,
        _ if row.alternative.is_one_sided() && interval.excludes_zero() => AverageOutcome::NotImproved,
        Some(_) if !interval.excludes_zero() => AverageOutcome::Underpowered,
        _ => AverageOutcome::Inconclusive,
    }
}

fn sentence(question: Question<'_>, row: &EffectRow, outcome: AverageOutcome, matter: Option<&Matter<'_>>) -> String {
    let subject = Subject::of(question);
    let Subject { variant, metric, .. } = &subject;
    match outcome {
        AverageOutcome::Increase => change(&subject, row, "increases", matter),
        AverageOutcome::Decrease => change(&subject, row, "decreases", matter),
        AverageOutcome::NoEffectThatMatters => {
            let nuance = if row.is_significant() { ", though it differs from zero" } else { "" };
            format!(
                "{variant} has no effect on {metric} that matters{nuance}: {}.",
                held_against(&subject, row, matter)
            )
        }
        AverageOutcome::Underpowered => {
            let held = held_against(&subject, row, matter);
            format!(
                "{variant} on {metric} is underpowered: {held}, so both no effect and one that matters are possible."
            )
        }
        AverageOutcome::NotImproved => format!(
            "{variant} is not shown to improve {metric}: {}, all on the unwanted side; a one-sided test claims no harm.",
            subject.evidence(row)
        ),
        AverageOutcome::Inconclusive => {
            let why = if question.metric.matters.is_none() {
                "`matters` is not declared, so whether an effect worth having is excluded cannot be said"
            } else {
                "its interval could not be held against `matters`"
            };
            format!("{variant} has no detected effect on {metric}: {}; {why}.", subject.evidence(row))
        }
        AverageOutcome::NotEstimable => {
            let reason = row.not_estimable.as_deref().unwrap_or("there is no interval");
            format!("The effect of {variant} on {metric} is not estimable: {}.", label::plain(reason))
        }
    }
}

/// The sentence of an increase or decrease.
fn change(subject: &Subject<'_>, row: &EffectRow, verb: &str, matter: Option<&Matter<'_>>) -> String {
    let Subject { variant, metric, view } = subject;
    let scale = Scale::of_effects(view);
    let size = row.estimate.map(|estimate| scale.plain(estimate.abs(), scale.decimals(row.interval)));
    let (size, evidence) = (size.unwrap_or_default(), subject.evidence(row));
    let wanted = if verb == "increases" { Direction::Increase } else { Direction::Decrease };
    let direction = if view.desired == wanted { "" } else { ", the unwanted direction" };
    let judgement = match matter {
        None if view.matters.is_none() => "; `matters` is not declared, so its size is not judged".to_owned(),
        Some(matter) if !matter.excludes_what_is_small() => {
            format!("; whether by as much as matters ({}) is open", matter.in_words())
        }
        _ => String::new(),
    };
    format!("{variant} {verb} {metric} by {size} ({evidence}){direction}{judgement}.")
}

/// The interval and what matters, on the scale in which the latter was declared.
fn held_against(subject: &Subject<'_>, row: &EffectRow, matter: Option<&Matter<'_>>) -> String {
    let Some(matter) = matter else { return subject.evidence(row) };
    let level = number::share(row.level);
    let unit = matter.scale.unit();
    format!(
        "the {level} interval is {}{unit}, what matters is {}",
        matter.scale.bounds(matter.interval),
        matter.in_words()
    )
}

/// The names of a question as they are written.
struct Subject<'a> {
    variant: String,
    metric: String,
    view: &'a MetricView,
}

impl<'a> Subject<'a> {
    fn of(question: Question<'a>) -> Self {
        Self {
            variant: label::name(question.variant),
            metric: label::name(&question.metric.name),
            view: question.metric,
        }
    }

    /// The interval and the p-value of a row: `95% interval +6.85 to +8.47, adjusted p <0.0001`.
    fn evidence(&self, row: &EffectRow) -> String {
        let scale = Scale::of_effects(self.view);
        let level = number::share(row.level);
        let bounds =
            row.interval.map(|interval| format!("{level} interval {}{}", scale.bounds(interval), scale.unit()));
        let sides = if row.alternative.is_one_sided() { "one-sided " } else { "" };
        let p_value = row.p_value_adjusted.map(|p| format!("adjusted {sides}p {}", number::p_value(p)));
        bounds.into_iter().chain(p_value).collect::<Vec<_>>().join(", ")
    }
}
