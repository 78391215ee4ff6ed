//! What to do next. Shipping is advised on sealed or replicated evidence only; everything else earns a test.

use whom_stats::CheckVerdict;

use super::average::AverageVerdict;
use super::cohort::{CohortVerdict, Standing, cohort_label};
use super::guardrail::{GuardrailOutcome, GuardrailVerdict};
use crate::effect::{Estimand, Evidence};
use crate::label;
use crate::number::{self, Scale};
use crate::results::Results;

/// Confirming tests that are told; the others are in the results.
const TESTS_TOLD: usize = 3;

pub(super) fn sentences(
    results: &Results,
    averages: &[AverageVerdict],
    guardrails: &[GuardrailVerdict],
    cohorts: &[CohortVerdict],
) -> Vec<String> {
    let is_safe = |variant: &str| {
        let mut of_variant = guardrails.iter().filter(|verdict| verdict.variant == variant);
        of_variant.all(|verdict| verdict.outcome == GuardrailOutcome::Holds && verdict.reliable)
    };
    if let Some(check) = results.checks.iter().find(|check| check.verdict == CheckVerdict::Failed) {
        return vec![format!("Act on nothing here before the check {} is mended.", label::name(&check.name))];
    }
    let harms = |average: &AverageVerdict| {
        let of_average =
            |verdict: &&CohortVerdict| verdict.variant == average.variant && verdict.metric == average.metric;
        let mut losing = cohorts.iter().filter(of_average).filter(|verdict| verdict.standing == Standing::Loses);
        losing.any(|verdict| verdict.evidence != Evidence::Exploratory)
    };
    let everybody = averages
        .iter()
        .filter(|average| !harms(average))
        .filter_map(|verdict| ship_to_everybody(results, verdict, is_safe));
    let confirmed = cohorts.iter().filter_map(|verdict| ship_to_cohort(verdict, is_safe));
    let tests = cohorts.iter().filter_map(|verdict| confirm(results, verdict)).take(TESTS_TOLD);
    let mut advice: Vec<String> = everybody.chain(confirmed).chain(tests).collect();
    if cohorts.iter().any(|verdict| verdict.evidence == Evidence::Exploratory && verdict.standing.is_claim()) {
        advice.push(
            "These units were looked at before: treat their cohorts as exploratory until fresh units measure them."
                .to_owned(),
        );
    }
    advice
}

fn ship_to_everybody(results: &Results, verdict: &AverageVerdict, is_safe: impl Fn(&str) -> bool) -> Option<String> {
    let row = results.average(&verdict.metric, &verdict.variant, Estimand::Effect)?;
    let ships =
        verdict.wanted == Some(true) && row.evidence.may_ship() && row.is_reliable() && is_safe(&verdict.variant);
    ships.then(|| {
        let (variant, metric) = (label::name(&verdict.variant), label::name(&verdict.metric));
        format!("Ship {variant}: the gain in {metric} rests on {} evidence.", row.evidence)
    })
}

fn ship_to_cohort(verdict: &CohortVerdict, is_safe: impl Fn(&str) -> bool) -> Option<String> {
    let ships = verdict.standing == Standing::Gains
        && verdict.evidence.may_ship()
        && verdict.reliable
        && is_safe(&verdict.variant);
    ships.then(|| {
        let (variant, metric) = (label::name(&verdict.variant), label::name(&verdict.metric));
        let cohort = cohort_label(&verdict.cohort);
        format!("Ship {variant} to {cohort}: the gain in {metric} rests on {} evidence.", verdict.evidence)
    })
}

/// The test that would confirm a held-out claim.
fn confirm(results: &Results, verdict: &CohortVerdict) -> Option<String> {
    if verdict.evidence != Evidence::HeldOut || !matches!(verdict.standing, Standing::Gains | Standing::Loses) {
        return None;
    }
    let (variant, metric) = (label::name(&verdict.variant), label::name(&verdict.metric));
    let cohort = cohort_label(&verdict.cohort);
    let test = results
        .confirming_tests
        .iter()
        .find(|test| test.cohort == verdict.cohort && test.variant == verdict.variant && test.metric == verdict.metric);
    let size = test.and_then(|test| {
        let effect = Scale::of_effects(results.metric(&verdict.metric)?).rough(test.detects.abs());
        let (units, power) = (number::count(test.units_per_arm), number::share(test.power));
        Some(format!(": {units} units of it per arm detect an effect of {effect} with {power} power"))
    });
    Some(format!(
        "Before acting, confirm {variant} on {metric} in {cohort}{}.",
        size.unwrap_or_else(|| " on fresh units".to_owned())
    ))
}
