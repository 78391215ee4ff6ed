//! The findings of an earlier run in a chat message.

use super::{name, with_rest};
use crate::effect::Estimand;
use crate::number::{self, NO_NUMBER, Scale};
use crate::replication::{FindingPart, FindingView, verdict_words};
use crate::results::Results;

/// Rows that are told before the rest is counted.
const ROWS: usize = 8;

/// A row for each figure of each finding; nothing if this run measures none again.
pub(super) fn section(results: &Results) -> Option<String> {
    let findings = &results.replication.as_ref()?.findings;
    let rows: Vec<String> = findings
        .iter()
        .flat_map(|finding| finding.parts.iter().filter_map(move |part| row(results, finding, part)))
        .collect();
    (!rows.is_empty()).then(|| {
        let head = "| finding | found | now | expected | pooled | adj. p | verdict |\n|---|--:|--:|--:|--:|--:|---|";
        format!("{head}\n{}", with_rest(rows, ROWS, "| … and {} more in `result.json` | | | | | | |"))
    })
}

fn row(results: &Results, finding: &FindingView, part: &FindingPart) -> Option<String> {
    let scale = Scale::of_effects(results.metric(&finding.metric)?);
    let judged = part.judged.as_ref();
    let decimals = scale.decimals(judged.map(|judged| judged.pooled_interval));
    let figure = |value: Option<f64>| value.map_or(NO_NUMBER.to_owned(), |value| scale.signed(value, decimals));
    let expected = judged.map_or(NO_NUMBER.to_owned(), |judged| scale.bounds(judged.prediction));
    let p_value = judged.map_or(NO_NUMBER.to_owned(), |judged| number::p_value(judged.p_value_adjusted));
    let verdict = judged.map_or("not judged", |judged| verdict_words(judged.verdict));
    let what = if part.estimand == Estimand::Contrast { "against the rest" } else { part.estimand.as_str() };
    let (variant, metric, cohort) = (name(&finding.variant), name(&finding.metric), name(&finding.cohort));
    let (earlier, now, pooled) = (figure(part.earlier), figure(part.now), figure(judged.map(|judged| judged.pooled)));
    Some(format!(
        "| {cohort}: {variant} on {metric}, {what} | {earlier} | {now} | {expected} | {pooled} | {p_value} | {verdict} |"
    ))
}
