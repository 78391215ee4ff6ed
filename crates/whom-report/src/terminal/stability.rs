//! How stable the search is, in a few lines.

use whom_stats::Interval;

use super::palette::Palette;
use super::paragraph::paragraph;
use super::{INDENT, WIDTH, headed};
use crate::label;
use crate::number::{self, Scale};
use crate::results::Results;
use crate::stability::{
    CohortStability, ConsensusTree, OptimismRow, RankEnd, ResplitCohort, ResplitStability, SearchStability,
    SplitStability,
};
use crate::verdict::cohort_label;

/// Splits and cohorts that are told before the rest is counted.
const SHOWN: usize = 6;

/// Treatments and metrics that are told of a cohort.
const QUESTIONS: usize = 3;

/// The section; nothing if nothing was looked at.
pub(super) fn section(results: &Results, palette: Palette) -> Option<String> {
    let stability = &results.stability;
    if stability.search.is_none() && stability.resplits.is_none() {
        return None;
    }
    let mut lines = vec![headed("STABILITY", "of the search, not of the effects; nothing is selected on it", palette)];
    let mut tell = |text: String| {
        let wrapped = paragraph(&text, WIDTH - INDENT.len() - 2).into_iter().enumerate();
        lines.extend(wrapped.map(|(index, line)| format!("{INDENT}{}{line}", if index == 0 { "" } else { "  " })));
    };
    if let Some(search) = &stability.search {
        tell(basis(search));
        told(search.splits.iter().map(split), "splits").for_each(&mut tell);
        told(search.cohorts.iter().map(cohort), "cohorts").for_each(&mut tell);
    }
    if let Some(resplits) = &stability.resplits {
        tell(halves(resplits));
        told(returned(resplits).into_iter(), "cohorts").for_each(&mut tell);
    }
    if let Some(search) = &stability.search {
        told(search.optimism.iter().filter_map(|row| optimism(results, row)), "rows").for_each(&mut tell);
        search.consensus.iter().map(consensus).for_each(&mut tell);
    }
    Some(lines.join("\n"))
}

/// So many texts, and one that counts those that were left out.
fn told<'a>(texts: impl Iterator<Item = String> + 'a, what: &str) -> impl Iterator<Item = String> + 'a {
    let texts: Vec<String> = texts.collect();
    let rest = texts.len().saturating_sub(SHOWN);
    let more = (rest > 0).then(|| format!("… and {rest} more {what} in `result.json`"));
    texts.into_iter().take(SHOWN).chain(more)
}

fn basis(search: &SearchStability) -> String {
    let SearchStability { replicates, units, discovery_units, without_split, .. } = search;
    let of = if units < discovery_units { format!(" of {}", number::count(*discovery_units)) } else { String::new() };
    let none = if *without_split > 0.0 {
        format!(", {} of them without a split", number::share(*without_split))
    } else {
        String::new()
    };
    format!("{replicates} replicates of the search on {}{of} discovery units{none}", number::count(*units))
}

fn split(split: &SplitStability) -> String {
    let name = label::name(&split.tag);
    let [tag, near, cut] = [split.tag_share(), split.near_share(), split.cut_share()].map(number::share);
    format!("split on {name} returns in {tag}; with nearly this cut in {near}, exactly in {cut}")
}

fn cohort(cohort: &CohortStability) -> String {
    let jaccard = cohort.mean_jaccard.map_or(number::NO_NUMBER.to_owned(), |mean| number::fixed(mean, 2));
    let returned = number::share(cohort.returned);
    format!("{} returns in {returned} (mean Jaccard {jaccard})", cohort_label(&cohort.cohort))
}

fn halves(resplits: &ResplitStability) -> String {
    let ResplitStability { splits, units, all_units, without_split, .. } = resplits;
    let of = if units < all_units {
        format!(" of {} of {} units", number::count(*units), number::count(*all_units))
    } else {
        String::new()
    };
    let none = if *without_split > 0 { format!(", {without_split} of them without a split") } else { String::new() };
    format!("{splits} other halves{of} to discover and measure{none}")
}

/// A line for each cohort, with what was found on every question.
fn returned(resplits: &ResplitStability) -> Vec<String> {
    let questions = resplits.detected.len().max(1);
    let line = |rows: &[ResplitCohort]| {
        let first = rows.first()?;
        let found: Vec<String> = rows.iter().take(QUESTIONS).map(|row| judged(row, rows.len())).collect();
        let (cohort, count) = (cohort_label(&first.cohort), first.returned);
        Some(format!("{cohort} returns in {count} of {}: {}", resplits.splits, found.join("; ")))
    };
    resplits.cohorts.chunks(questions).filter_map(line).collect()
}

fn judged(row: &ResplitCohort, questions: usize) -> String {
    let ResplitCohort { same_sign, different, .. } = row;
    let names = format!("{} on {} ", label::name(&row.variant), label::name(&row.metric));
    format!("{}same sign {same_sign}, different {different}", if questions > 1 { names } else { String::new() })
}

/// The first rank of either end; the others are in the file.
fn optimism(results: &Results, row: &OptimismRow) -> Option<String> {
    let (in_bag, out_of_bag) = (row.in_bag?, row.out_of_bag?);
    let scale = Scale::of_effects(results.metric(&row.metric)?);
    let decimals = scale.decimals(Some(Interval { lower: in_bag.min(out_of_bag), upper: in_bag.max(out_of_bag) }));
    let end = match row.end {
        RankEnd::Highest => "highest",
        RankEnd::Lowest => "lowest",
    };
    let names = format!("{} on {}", label::name(&row.variant), label::name(&row.metric));
    let (seen, unseen) = (scale.signed(in_bag, decimals), scale.signed(out_of_bag, decimals));
    (row.rank == 1).then(|| format!("{names}: {end} leaf of a replicate {seen}, on units it did not see {unseen}"))
}

fn consensus(consensus: &ConsensusTree) -> String {
    let similarity = number::fixed(consensus.similarity, 2);
    if consensus.is_declared {
        return format!("the declared tree is the replicates' consensus (mean similarity {similarity})");
    }
    let declared = number::fixed(consensus.declared_similarity, 2);
    let rules = consensus.rules.join("; ");
    format!(
        "the consensus of the replicates is another tree (mean similarity {similarity} against {declared}): {rules}"
    )
}
