//! The verdict on one treatment and primary metric in one sentence, and what to do, with the reason.
//!
//! The finding is about the average first and about differences between users second. What to do follows from both by
//! [`action`], whose order is the rule: data that a check objects to outweigh everything, a guardrail outweighs a gain, harm to
//! a cohort outweighs a gain on average, and only sealed or replicated evidence ships. Exploratory evidence decides nothing.

use serde::Serialize;
use whom_stats::CheckVerdict;

use super::Question;
use super::average::{AverageOutcome, AverageVerdict};
use super::cohort::{CohortVerdict, Standing};
use super::guardrail::{GuardrailOutcome, GuardrailVerdict};
use super::heterogeneity::{HeterogeneityOutcome, HeterogeneityVerdict};
use crate::effect::{EffectRow, Estimand, Evidence};
use crate::label;
use crate::results::Results;
use crate::scatter::DifferingScale;
use crate::word::words;

words! {
    /// What to do about a treatment.
    pub enum Action {
        /// A check failed: mend the data first.
        MendData = "mend_data",
        /// Ship it to everybody.
        Ship = "ship",
        /// Ship it to the cohorts that gain.
        ShipToSome = "ship_to_some",
        /// Confirm it first, on sealed evidence.
        Confirm = "confirm",
        /// Hold it: a guardrail does not.
        Hold = "hold",
        /// Do not ship it.
        DoNotShip = "do_not_ship",
        /// It is not worth shipping.
        Leave = "leave",
        /// Collect more data.
        Extend = "extend",
        /// Nothing follows.
        Undecided = "undecided",
    }
}

impl Action {
    /// The action in a few words.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::MendData => "Mend the data first",
            Self::Ship => "Ship",
            Self::ShipToSome => "Ship to those who gain",
            Self::Confirm => "Confirm before shipping",
            Self::Hold => "Hold",
            Self::DoNotShip => "Do not ship",
            Self::Leave => "Not worth shipping",
            Self::Extend => "Collect more data",
            Self::Undecided => "Undecided",
        }
    }
}

/// The verdict on one treatment and primary metric in one sentence.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Headline {
    /// The treatment.
    pub variant: String,
    /// The metric.
    pub metric: String,
    /// What was found.
    pub sentence: String,
    /// What to do.
    pub action: Action,
    /// Why.
    pub reason: String,
}

/// What the headline is read off.
pub(super) struct Findings<'a> {
    pub(super) results: &'a Results,
    pub(super) average: &'a AverageVerdict,
    pub(super) guardrails: &'a [GuardrailVerdict],
    pub(super) heterogeneity: &'a [HeterogeneityVerdict],
    pub(super) cohorts: &'a [CohortVerdict],
}

/// The headline of a question.
pub(super) fn headline(findings: &Findings<'_>, question: Question<'_>) -> Headline {
    let case = Case::of(findings, question);
    let (variant, metric) = (label::name(question.variant), label::name(&question.metric.name));
    let action = action(&case);
    Headline {
        variant: question.variant.to_owned(),
        metric: question.metric.name.clone(),
        sentence: format!("{}{}.", on_average(&case, &variant, &metric), between_users(&case)),
        action,
        reason: reason(&case, action),
    }
}

/// Everything that decides.
struct Case {
    outcome: AverageOutcome,
    wanted: Option<bool>,
    evidence: Evidence,
    is_reliable: bool,
    failed_check: Option<String>,
    guardrails: Vec<(GuardrailOutcome, bool)>,
    heterogeneity: Option<HeterogeneityOutcome>,
    /// The scales on which cohorts are shown to differ, where effects differ at all.
    differing: Option<DifferingScale>,
    cohorts: Vec<CohortVerdict>,
}

impl Case {
    fn of(findings: &Findings<'_>, question: Question<'_>) -> Self {
        let Findings { results, average, .. } = findings;
        let row = results.average(&question.metric.name, question.variant, Estimand::Effect);
        let is_asked = |variant: &str, metric: &str| variant == question.variant && metric == question.metric.name;
        let guardrails = findings.guardrails.iter().filter(|verdict| verdict.variant == question.variant);
        let mut verdicts = findings.heterogeneity.iter();
        let heterogeneity = verdicts.find(|verdict| is_asked(&verdict.variant, &verdict.metric));
        let failed = results.checks.iter().find(|check| check.verdict == CheckVerdict::Failed);
        Self {
            outcome: average.outcome,
            wanted: average.wanted,
            evidence: row.map_or(Evidence::Exploratory, |row| row.evidence),
            is_reliable: row.is_some_and(EffectRow::is_reliable),
            failed_check: failed.map(|check| check.name.clone()),
            guardrails: guardrails.map(|verdict| (verdict.outcome, verdict.reliable)).collect(),
            heterogeneity: heterogeneity.map(|verdict| verdict.outcome),
            differing: heterogeneity.and_then(|verdict| verdict.differing),
            cohorts: findings
                .cohorts
                .iter()
                .filter(|verdict| is_asked(&verdict.variant, &verdict.metric))
                .cloned()
                .collect(),
        }
    }

    fn stands(&self, standing: Standing) -> impl Iterator<Item = &CohortVerdict> {
        self.cohorts.iter().filter(move |verdict| verdict.standing == standing)
    }

    /// Cohorts of a standing that something follows from.
    fn counts(&self, standing: Standing) -> impl Iterator<Item = &CohortVerdict> {
        self.stands(standing).filter(|verdict| verdict.evidence != Evidence::Exploratory && verdict.reliable)
    }

    /// Whether a cohort loses, reliably or not: harm is avoided before it is certain.
    fn is_harmful(&self) -> bool {
        self.stands(Standing::Loses).any(|verdict| verdict.evidence != Evidence::Exploratory)
    }

    /// Whether a cohort is claimed to differ, and whether all such claims are exploratory.
    fn claim(&self) -> Option<bool> {
        let claims = self.cohorts.iter().filter(|verdict| verdict.standing.is_claim());
        let evidence: Vec<Evidence> = claims.map(|verdict| verdict.evidence).collect();
        let is_hint = evidence.iter().all(|evidence| *evidence == Evidence::Exploratory);
        (!evidence.is_empty()).then_some(is_hint)
    }

    fn is_safe(&self) -> bool {
        self.guardrails.iter().all(|(outcome, reliable)| *outcome == GuardrailOutcome::Holds && *reliable)
    }
}

/// What follows from a case.
fn action(case: &Case) -> Action {
    let some_ship = case.counts(Standing::Gains).any(|verdict| verdict.evidence.may_ship());
    let some_gain = case.counts(Standing::Gains).next().is_some();
    let some_lose = case.is_harmful();
    if case.failed_check.is_some() {
        return Action::MendData;
    }
    match (case.outcome, case.wanted) {
        (AverageOutcome::NotEstimable, _) => Action::Undecided,
        (_, Some(true)) if !case.is_safe() => Action::Hold,
        (_, Some(true)) if some_lose && some_ship => Action::ShipToSome,
        (_, Some(true)) if some_lose || !case.is_reliable || !case.evidence.may_ship() => Action::Confirm,
        (_, Some(true)) => Action::Ship,
        _ if some_gain && !case.is_safe() => Action::Hold,
        _ if some_ship => Action::ShipToSome,
        _ if some_gain => Action::Confirm,
        (_, Some(false)) | (AverageOutcome::NotImproved, _) => Action::DoNotShip,
        (AverageOutcome::NoEffectThatMatters, _) => Action::Leave,
        (AverageOutcome::Underpowered, _) => Action::Extend,
        _ => Action::Undecided,
    }
}

/// The first half of the sentence.
fn on_average(case: &Case, variant: &str, metric: &str) -> String {
    match (case.outcome, case.wanted) {
        (AverageOutcome::NotEstimable, _) => format!("The effect of {variant} on {metric} cannot be estimated"),
        (AverageOutcome::NoEffectThatMatters, _) => {
            format!("{variant} makes no difference to {metric} on average that matters")
        }
        (AverageOutcome::Underpowered, _) => {
            format!("Too few units to tell whether {variant} moves {metric} on average by as much as matters")
        }
        (AverageOutcome::NotImproved, _) => format!("{variant} is not shown to improve {metric} on average"),
        (AverageOutcome::Inconclusive, _) => format!("No effect of {variant} on {metric} could be shown on average"),
        (AverageOutcome::Increase, Some(false)) => format!("{variant} increases {metric}, the unwanted direction"),
        (AverageOutcome::Decrease, Some(false)) => format!("{variant} decreases {metric}, the unwanted direction"),
        (AverageOutcome::Increase, _) => format!("{variant} increases {metric} on average"),
        (AverageOutcome::Decrease, _) => format!("{variant} decreases {metric} on average"),
    }
}

/// The second half of the sentence; empty where nobody looked for differences.
fn between_users(case: &Case) -> &'static str {
    let both = case.counts(Standing::Gains).next().is_some() && case.counts(Standing::Loses).next().is_some();
    match (case.claim(), case.heterogeneity) {
        _ if both => ", but it works for some users and harms others",
        (Some(true), _) => ", and its effect may differ between users, which is exploratory",
        (Some(false), _) if case.differing == Some(DifferingScale::FollowsBaseline) => {
            ", and its effect differs between users only as it follows their baseline"
        }
        (Some(false), _) => ", and its effect differs between users",
        (None, Some(HeterogeneityOutcome::Detected)) => {
            ", and its effect differs between users, though no cohort could be told apart"
        }
        (None, Some(_)) => ", and no difference between users could be proven",
        (None, None) => "",
    }
}

/// Why an action follows.
fn reason(case: &Case, action: Action) -> String {
    match action {
        Action::MendData => {
            let name = case.failed_check.as_deref().map(label::name).unwrap_or_default();
            format!("The check “{name}” failed, so no number here can be trusted.")
        }
        Action::Ship => format!("The gain rests on {} evidence, and no guardrail objects.", case.evidence),
        Action::ShipToSome => "The gain of these cohorts rests on sealed or replicated evidence; the others do not \
                               gain, or lose."
            .to_owned(),
        Action::Confirm => confirm(case),
        Action::Hold => "A guardrail is broken, or is not shown to hold.".to_owned(),
        Action::DoNotShip if case.outcome == AverageOutcome::NotImproved => {
            "Its interval lies on the unwanted side of zero; the one-sided test claims no harm.".to_owned()
        }
        Action::DoNotShip => "On average it moves the metric in the unwanted direction.".to_owned(),
        Action::Leave => {
            "Whatever effect there is, it is smaller than the smallest that anyone would act on.".to_owned()
        }
        Action::Extend => {
            "Both no effect and one that matters are possible; that is not the same as no effect.".to_owned()
        }
        Action::Undecided => match case.outcome {
            AverageOutcome::NotEstimable => "There is no estimate to decide by.".to_owned(),
            _ => "Whether an effect worth having is excluded cannot be said.".to_owned(),
        },
    }
}

fn confirm(case: &Case) -> String {
    if case.is_harmful() {
        return "A cohort loses; who should be spared needs a test of its own.".to_owned();
    }
    if case.wanted != Some(true) {
        return "A cohort gains, on evidence that is not sealed; a test of its own would show it.".to_owned();
    }
    if !case.is_reliable {
        return "The estimate is outside the range in which its method is reliable.".to_owned();
    }
    format!(
        "The gain on average rests on {} evidence, not on a plan that was registered before the first exposure.",
        case.evidence
    )
}
