//! The first look and the heterogeneity of cohorts, a line each.

use super::{markdown, name};
use crate::number;
use crate::ranking::{TagRanking, TagRole};
use crate::results::Results;
use crate::scatter::{CohortScatter, Scatter};

/// Questions that are told before the rest is counted.
const QUESTIONS: usize = 4;

/// Tags that are named of each.
const TAGS: usize = 3;

/// Which tags change an effect, and how far apart the cohorts' effects lie; nothing if neither was asked.
pub(super) fn lines(results: &Results) -> Option<String> {
    let rankings: Vec<&TagRanking> = results.tag_rankings.iter().filter(|ranking| !ranking.tags.is_empty()).collect();
    let look = listed(&rankings, "ranking.parquet", |ranking| {
        format!("{} on {} by {}", name(&ranking.variant), name(&ranking.metric), modifiers(ranking))
    });
    let scatters: Vec<&CohortScatter> = results.cohort_scatter.iter().collect();
    let scatter = listed(&scatters, "result.json", |found| {
        let (absolute, relative) = (figures(&found.absolute), figures(&found.relative));
        format!("{} on {} {absolute}, lifts {relative}", name(&found.variant), name(&found.metric))
    });
    let lines = [
        look.map(|told| format!("- First look over all units, exploratory. Effects differ: {told}")),
        scatter.map(|told| format!("- I² between the cohorts of the partition, adjusted p: {told}")),
    ];
    let lines: Vec<String> = lines.into_iter().flatten().collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn listed<T>(found: &[&T], rest: &str, told: impl Fn(&T) -> String) -> Option<String> {
    let mut parts: Vec<String> = found.iter().take(QUESTIONS).map(|found| told(found)).collect();
    if let Some(more @ 1..) = found.len().checked_sub(QUESTIONS) {
        parts.push(format!("… and {more} more in `{rest}`"));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// The tags that are shown to change an effect.
fn modifiers(ranking: &TagRanking) -> String {
    let shown = || ranking.tags.iter().filter(|tag| matches!(tag.role, TagRole::EffectModifying | TagRole::Both));
    let named: Vec<String> = shown().take(TAGS).map(|tag| name(&tag.tag)).collect();
    match (named.is_empty(), shown().count().checked_sub(TAGS)) {
        (true, _) => "none that is proven".to_owned(),
        (false, Some(more @ 1..)) => format!("{} and {more} more", named.join(", ")),
        (false, _) => named.join(", "),
    }
}

fn figures(scatter: &Scatter) -> String {
    match (scatter.i_squared, scatter.p_value_adjusted) {
        (Some(i_squared), Some(p_value)) => {
            markdown(&format!("{} ({})", number::share(i_squared), number::p_value(p_value)))
        }
        _ => "not tested".to_owned(),
    }
}
