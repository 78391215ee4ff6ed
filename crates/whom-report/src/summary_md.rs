//! `summary.md`: what fits a chat message.

mod replication;
mod tags;

use crate::effect::{EffectRow, Estimand, Role};
use crate::label::{self, markdown};
use crate::number::{self, NO_NUMBER, Scale};
use crate::quantile::quantile_words;
use crate::results::{EffectKey, MetricView, Results};
use crate::terminal::{evidence_words, tally};
use crate::verdict::{CohortVerdict, Verdict};

/// Sentences, averages and cohorts that are told before the rest is counted; together at most forty lines.
const SENTENCES: usize = 10;
const AVERAGES: usize = 6;
const COHORTS: usize = 7;

/// Variants that are named with their units.
const VARIANTS: usize = 6;

/// Checks with something to object to that are named.
const CHECKS: usize = 3;

/// The text of `summary.md`. Names and levels are escaped, so that nothing in them is markup.
pub fn summary_md(results: &Results) -> String {
    let verdict = Verdict::of(results);
    let sections = [
        Some(format!("## {}\n\n{}", name(&results.experiment), facts(results))),
        Some(sentences(&verdict)),
        replication::section(results),
        averages(results),
        cohorts(results, &verdict),
        remarks(results),
        checks(results),
        Some(format!("Analysis `{}`", results.analysis.replace('`', "'"))),
    ];
    let sections: Vec<String> = sections.into_iter().flatten().collect();
    sections.join("\n\n") + "\n"
}

fn facts(results: &Results) -> String {
    let variants =
        results.variants.iter().map(|variant| format!("{} {}", name(&variant.name), number::count(variant.units)));
    let variants: Vec<String> = variants.take(VARIANTS).collect();
    format!("{} units through {}: {}", number::count(results.units()), markdown(&results.through), variants.join(", "))
}

fn sentences(verdict: &Verdict) -> String {
    let told: Vec<&str> = verdict.sentences().collect();
    let lines = told.iter().map(|sentence| format!("- {}", markdown(sentence)));
    with_rest(lines.collect(), SENTENCES, "- … and {} more in `result.json`")
}

/// A name that a user chose, as Markdown.
fn name(name: &str) -> String {
    markdown(&label::name(name))
}

/// So many lines, and a last one that counts what was left out.
fn with_rest(mut lines: Vec<String>, shown: usize, rest: &str) -> String {
    let hidden = lines.len().saturating_sub(shown);
    if hidden > 0 {
        lines.truncate(shown);
        lines.push(rest.replace("{}", &hidden.to_string()));
    }
    lines.join("\n")
}

fn averages(results: &Results) -> Option<String> {
    let primary_first =
        [Role::Primary, Role::Guardrail, Role::Secondary].into_iter().flat_map(|role| results.metrics_of(role));
    let rows: Vec<String> = primary_first
        .flat_map(|metric| results.treatments().map(move |variant| (metric, variant)))
        .filter_map(|(metric, variant)| {
            let row = results.average(&metric.name, &variant.name, Estimand::Effect)?;
            Some(average_row(metric, row))
        })
        .collect();
    (!rows.is_empty()).then(|| {
        let head =
            "| metric | variant | control | treated | effect | interval | adj. p |\n|---|---|--:|--:|--:|--:|--:|";
        format!("{head}\n{}", with_rest(rows, AVERAGES, "| … and {} more in `effects.parquet` | | | | | | |"))
    })
}

fn average_row(metric: &MetricView, row: &EffectRow) -> String {
    let (effects, means) = (Scale::of_effects(metric), Scale::of_means(metric));
    let decimals = effects.decimals(row.interval);
    let mean = |mean: Option<f64>| mean.map_or(NO_NUMBER.to_owned(), |mean| means.plain(mean, decimals));
    let (effect, interval) = figures(&effects, Some(row));
    let p_value = row.p_value_adjusted.map_or(NO_NUMBER.to_owned(), number::p_value);
    let capped = if metric.cap.is_some() { " (capped)" } else { "" };
    let quantile = quantile_words(metric).map(|quantile| format!(" ({quantile})")).unwrap_or_default();
    let (metric_name, variant) = (name(&row.metric) + capped + &quantile, name(&row.variant));
    let (control, treated) = (mean(row.mean_control), mean(row.mean_variant));
    format!("| {metric_name} | {variant} | {control} | {treated} | {effect} | {interval} | {p_value} |")
}

/// The estimate and its simultaneous interval.
fn figures(scale: &Scale, row: Option<&EffectRow>) -> (String, String) {
    let estimate = row.and_then(|row| Some(scale.signed(row.estimate?, scale.decimals(row.interval))));
    let interval = row.and_then(|row| row.interval).map(|interval| scale.bounds(interval));
    (estimate.unwrap_or_else(|| NO_NUMBER.to_owned()), interval.unwrap_or_else(|| NO_NUMBER.to_owned()))
}

/// The cohorts that are claimed to differ; nothing if none is.
fn cohorts(results: &Results, verdict: &Verdict) -> Option<String> {
    let claims = verdict.cohorts.iter().filter(|verdict| verdict.standing.is_claim());
    let rows: Vec<String> = claims.filter_map(|verdict| cohort_row(results, verdict)).collect();
    (!rows.is_empty()).then(|| {
        let head =
            "| cohort | variant | metric | effect | interval | verdict | evidence |\n|---|---|---|--:|--:|---|---|";
        format!("{head}\n{}", with_rest(rows, COHORTS, "| … and {} more in `effects.parquet` | | | | | | |"))
    })
}

fn cohort_row(results: &Results, verdict: &CohortVerdict) -> Option<String> {
    let metric = results.metric(&verdict.metric)?;
    let key = EffectKey {
        metric: &verdict.metric,
        variant: &verdict.variant,
        cohort: &verdict.cohort,
        estimand: Estimand::Effect,
    };
    let (effect, interval) = figures(&Scale::of_effects(metric), results.effect(key));
    let cohort = results.discovered().iter().chain(&results.registered).find(|cohort| cohort.name == verdict.cohort)?;
    let (cohort_name, rule) = (name(&cohort.name), markdown(&cohort.definition.in_words()));
    let (variant, metric) = (name(&verdict.variant), name(&verdict.metric));
    let (standing, evidence) = (verdict.standing.in_words(), evidence_words(verdict.evidence));
    Some(format!("| {cohort_name}: {rule} | {variant} | {metric} | {effect} | {interval} | {standing} | {evidence} |"))
}

/// What stands beside the claims: a line each.
fn remarks(results: &Results) -> Option<String> {
    let lines: Vec<String> = [tags::lines(results), stability(results)].into_iter().flatten().collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// How often the cohorts return, in one line.
fn stability(results: &Results) -> Option<String> {
    let search = results.stability.search.as_ref().filter(|search| !search.cohorts.is_empty())?;
    let returned =
        search.cohorts.iter().map(|cohort| format!("{} in {}", name(&cohort.cohort), number::share(cohort.returned)));
    let told: Vec<String> = returned.take(COHORTS).collect();
    let rest = search.cohorts.len().saturating_sub(COHORTS);
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    Some(format!("- Cohorts that return in {} replicates of the search: {}{more}", search.replicates, told.join(", ")))
}

fn checks(results: &Results) -> Option<String> {
    if results.checks.is_empty() {
        return None;
    }
    let told = results.checks.iter().filter(|check| check.verdict.objects());
    let named: Vec<String> = told.take(CHECKS).map(|check| name(&check.name)).collect();
    let names = if named.is_empty() { String::new() } else { format!(" ({})", named.join(", ")) };
    Some(format!("Checks: {}{names}", tally(&results.checks)))
}

#[cfg(test)]
mod tests;
