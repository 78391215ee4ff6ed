//! How stable the search is, in a few lines.

use whom_stats::Interval;

use super::palette::Palette;
use super::paragraph::paragraph;
use super::{INDENT, WIDTH, headed};
use crate::label;
use crate::number::{self, Scale};
use crate::results::Results;
use crate::stability::{
    ConsensusTree, DetectedAgain, OptimismRow, RankEnd, RankedGroupRow, ResplitCohort, ResplitStability,
    SearchStability,
};

/// Splits and cohorts that are told before the rest is counted.
const SHOWN: usize = 8;

/// Treatments and metrics that are told of.
const QUESTIONS: usize = 3;

/// The section; nothing if nothing was looked at.
pub(super) fn section(results: &Results, palette: Palette) -> Option<String> {
    let stability = &results.stability;
    if stability.search.is_none() && stability.resplits.is_none() {
        return None;
    }
    let mut lines = vec![headed("STABILITY", "of the search, not of the effects; nothing is selected on it", palette)];
    let searched = stability.search.iter().flat_map(|search| of_search(results, search));
    let resplit = stability.resplits.iter().flat_map(|resplits| of_resplits(results, resplits));
    for text in searched.chain(resplit) {
        let wrapped = paragraph(&text, WIDTH - INDENT.len() - 2).into_iter().enumerate();
        lines.extend(wrapped.map(|(index, line)| format!("{INDENT}{}{line}", if index == 0 { "" } else { "  " })));
    }
    Some(lines.join("\n"))
}

fn of_search(results: &Results, search: &SearchStability) -> Vec<String> {
    let SearchStability { replicates, units, discovery_units, without_split, .. } = search;
    let of = if units < discovery_units { format!(" of {}", number::count(*discovery_units)) } else { String::new() };
    let none = number::share(*without_split);
    let basis = format!("{replicates} replicates of the search on {}{of} discovery units", number::count(*units));
    let mut lines = vec![format!("{basis}; without a split: {none}")];
    let splits = search.splits.iter().map(|split| (split.tag.as_str(), number::share(split.near_share())));
    lines.extend(listed("splits that return with nearly the same cut", splits));
    let cohorts = search.cohorts.iter().map(|cohort| (cohort.cohort.as_str(), number::share(cohort.returned)));
    lines.extend(listed("cohorts that return", cohorts));
    lines.extend(search.optimism.iter().filter_map(|row| optimism(results, row)).take(QUESTIONS));
    lines.extend(search.consensus.iter().map(consensus));
    lines
}

fn of_resplits(results: &Results, resplits: &ResplitStability) -> Vec<String> {
    let ResplitStability { splits, units, all_units, without_split, .. } = resplits;
    let of = if units < all_units {
        format!(" of {} of {} units", number::count(*units), number::count(*all_units))
    } else {
        String::new()
    };
    let mut lines =
        vec![format!("{splits} other halves{of} to discover and measure; without a split: {without_split}")];
    let first = resplits.detected.first();
    let returned = first.into_iter().flat_map(|question| of_question(resplits, question));
    lines.extend(listed("cohorts that return", returned.map(|row| (row.cohort.as_str(), row.returned.to_string()))));
    let names =
        |question: &DetectedAgain| format!("{} on {}", label::name(&question.variant), label::name(&question.metric));
    let named: Vec<(String, &DetectedAgain)> = resplits.detected.iter().map(|one| (names(one), one)).collect();
    let detected = named.iter().map(|(names, question)| (names.as_str(), question.halvings.to_string()));
    lines.extend(listed("heterogeneity detected", detected));
    for (names, question) in named.iter().take(QUESTIONS) {
        let different = of_question(resplits, question).filter(|row| row.different > 0);
        let different = different.map(|row| (row.cohort.as_str(), row.different.to_string()));
        lines.extend(listed(&format!("different again, {names}"), different));
    }
    lines.extend(resplits.groups.iter().filter_map(|row| ranked(results, row)).take(QUESTIONS));
    lines
}

/// The highest ranked group against the lowest; the groups one by one are in the file.
fn ranked(results: &Results, row: &RankedGroupRow) -> Option<String> {
    let (estimate, interval) = (row.estimate?, row.interval?);
    let scale = Scale::of_effects(results.metric(&row.metric)?);
    let effect = scale.signed(estimate, scale.decimals(Some(interval)));
    let names = format!("{} on {}", label::name(&row.variant), label::name(&row.metric));
    let what = format!("{names}, highest less lowest of {} groups that the other half's trees rank", row.groups);
    let tested = row.p_value_adjusted.map(|p| format!(", adjusted p {}", number::p_value(p)));
    let tested = tested.unwrap_or_default();
    row.group.is_none().then(|| format!("{what}: {effect} ({}{tested}), exploratory", scale.bounds(interval)))
}

fn of_question<'r>(
    resplits: &'r ResplitStability,
    question: &'r DetectedAgain,
) -> impl Iterator<Item = &'r ResplitCohort> {
    resplits.cohorts.iter().filter(|row| row.variant == question.variant && row.metric == question.metric)
}

/// `what: one in 48%, two in 31%`, the first of them; nothing if there is none.
fn listed<'a>(what: &str, figures: impl Iterator<Item = (&'a str, String)>) -> Option<String> {
    let figures: Vec<String> = figures.map(|(name, figure)| format!("{} in {figure}", label::name(name))).collect();
    let rest = figures.len().saturating_sub(SHOWN);
    let more = if rest > 0 { format!(", … {rest} more in result.json") } else { String::new() };
    let told: Vec<String> = figures.into_iter().take(SHOWN).collect();
    (!told.is_empty()).then(|| format!("{what}: {}{more}", told.join(", ")))
}

/// The highest leaf; the others are in the file.
fn optimism(results: &Results, row: &OptimismRow) -> Option<String> {
    let (in_bag, out_of_bag) = (row.in_bag?, row.out_of_bag?);
    let scale = Scale::of_effects(results.metric(&row.metric)?);
    let decimals = scale.decimals(Some(Interval { lower: in_bag.min(out_of_bag), upper: in_bag.max(out_of_bag) }));
    let names = format!("{} on {}", label::name(&row.variant), label::name(&row.metric));
    let (seen, unseen) = (scale.signed(in_bag, decimals), scale.signed(out_of_bag, decimals));
    let is_highest = row.end == RankEnd::Highest && row.rank == 1;
    is_highest.then(|| format!("{names}, highest leaf of a replicate: {seen}, on units it did not see {unseen}"))
}

fn consensus(consensus: &ConsensusTree) -> String {
    let similarity = number::fixed(consensus.similarity, 2);
    if consensus.is_declared {
        return format!("consensus tree: the declared one (mean similarity {similarity})");
    }
    let declared = number::fixed(consensus.declared_similarity, 2);
    let rest = consensus.rules.len().saturating_sub(SHOWN);
    let more = if rest > 0 { format!("; … {rest} more in result.json") } else { String::new() };
    let rules: Vec<&str> = consensus.rules.iter().take(SHOWN).map(String::as_str).collect();
    let rules = rules.join("; ");
    format!("consensus tree: another one (mean similarity {similarity}, the declared one {declared}): {rules}{more}")
}
