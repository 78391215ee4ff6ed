//! Section 6, how stable the search is: what other samples of the same units would have found. Nothing is selected on it.

use serde::Serialize;

use super::figure::{self, Figure, Place};
use super::picture::Picture;
use super::table::{Cell, Table};
use crate::chart::{Bar, Bars, Label};
use crate::label;
use crate::number::{self, Scale};
use crate::results::Results;
use crate::stability::{ConsensusTree, OptimismRow, RankedGroupRow, ResplitStability, SearchStability};
use crate::stability_table::{Looked, first_row};
use crate::verdict::cohort_label;

/// How stable the search is.
#[derive(Serialize)]
pub(super) struct StabilitySection {
    /// What was done, in sentences.
    sentences: Vec<String>,
    /// How often each split and each cohort returns.
    pictures: Vec<Picture>,
    /// The numbers behind.
    tables: Vec<Table>,
}

pub(super) fn section(results: &Results) -> Option<StabilitySection> {
    let stability = &results.stability;
    let (search, resplits) = (stability.search.as_ref(), stability.resplits.as_ref());
    let sentences = search.into_iter().flat_map(searched).chain(resplits.map(resplit)).collect::<Vec<_>>();
    let first = |looked| first_row(stability, looked);
    let (split, cohort, rank) = (first(Looked::Split), first(Looked::Cohort), first(Looked::Rank));
    let pictures = search.into_iter().flat_map(|search| [splits(search, split), cohorts(search, cohort)]).flatten();
    let pictures = pictures.collect();
    let of_search = search.into_iter().flat_map(|search| {
        let ranks = optimism_table(results, &search.optimism, rank);
        [split_table(search, split), cohort_table(search, cohort), ranks]
    });
    let of_resplits = resplits.into_iter().flat_map(|resplits| {
        let groups = group_table(results, &resplits.groups, first(Looked::RankedGroup));
        [
            detected_table(resplits, first(Looked::Detection)),
            resplit_table(resplits, first(Looked::CohortAgain)),
            groups,
        ]
    });
    let tables = of_search.chain(of_resplits).flatten().collect();
    (!sentences.is_empty()).then_some(StabilitySection { sentences, pictures, tables })
}

fn searched(search: &SearchStability) -> Vec<String> {
    let basis = format!(
        "The whole search was repeated on {} bootstrap replicates of {} discovery units{}; {} of them found no split at all.",
        number::count(search.replicates),
        number::count(search.units),
        sample_of(search.units, search.discovery_units),
        number::share(search.without_split)
    );
    [basis].into_iter().chain(search.consensus.as_ref().map(consensus)).collect()
}

/// What is said of units that stand for more.
fn sample_of(units: u64, all: u64) -> String {
    if units < all { format!(" (a sample of all {})", number::count(all)) } else { String::new() }
}

fn consensus(consensus: &ConsensusTree) -> String {
    let (similarity, declared) =
        (number::fixed(consensus.similarity, 2), number::fixed(consensus.declared_similarity, 2));
    if consensus.is_declared {
        return format!("The tree that is most like the others is the declared one (mean similarity {similarity}).");
    }
    format!(
        "The tree that is most like the others is another one (mean similarity {similarity}, the declared one {declared})."
    )
}

fn resplit(resplits: &ResplitStability) -> String {
    let none = match resplits.without_split {
        0 => "each found a split".to_owned(),
        none => format!("{} found no split", number::count(none)),
    };
    format!(
        "{} other halvings of {} units{} discovered and measured anew; {none}. The halves overlap, so these counts describe and \
         are no probabilities.",
        number::count(resplits.splits),
        number::count(resplits.units),
        sample_of(resplits.units, resplits.all_units),
    )
}

fn returning(title: &str, rows: impl Iterator<Item = (String, f64, Place)>) -> Option<Picture> {
    let rows = rows.map(|(name, share, place)| Bar {
        label: Label::new(name),
        value: share,
        figures: vec![Figure::label(&place, number::share(share))],
        faint: false,
    });
    let (title, axis) = (title.to_owned(), title.to_owned());
    Bars { title, axis, columns: vec!["returns in".to_owned()], rows: rows.collect(), reach: 1.0 }.picture()
}

fn splits(search: &SearchStability, first: usize) -> Option<Picture> {
    let place = |row| Place::of_stability(row, "split_nearly_returned");
    let rows = (first..).zip(&search.splits);
    let rows = rows.map(|(row, split)| (label::plain(&split.tag), split.near_share(), place(row)));
    returning("splits that return with nearly the same cut", rows)
}

fn cohorts(search: &SearchStability, first: usize) -> Option<Picture> {
    let place = |row| Place::of_stability(row, "returned");
    let rows = (first..).zip(&search.cohorts);
    let rows = rows.map(|(row, cohort)| (cohort_label(&cohort.cohort), cohort.returned, place(row)));
    returning("cohorts that return", rows)
}

fn split_table(search: &SearchStability, first: usize) -> Option<Table> {
    let columns = [
        ("node", true),
        ("tag", false),
        ("the tag returns", true),
        ("nearly the same cut", true),
        ("the same cut", true),
    ];
    let mut table = Table::new("How often each split returns in a replicate", &columns);
    for (row, split) in (first..).zip(&search.splits) {
        table.row([
            Cell::text(split.node.to_string()),
            Cell::name(&split.tag),
            share(row, "split_tag_returned", split.tag_share()),
            share(row, "split_nearly_returned", split.near_share()),
            share(row, "split_returned", split.cut_share()),
        ]);
    }
    table.if_any()
}

fn cohort_table(search: &SearchStability, first: usize) -> Option<Table> {
    let columns = [("cohort", false), ("returns", true), ("mean Jaccard index", true)];
    let mut table = Table::new("How often each cohort returns in a replicate", &columns);
    for (row, cohort) in (first..).zip(&search.cohorts) {
        table.row([
            Cell::name(&cohort.cohort),
            share(row, "returned", cohort.returned),
            index(row, cohort.mean_jaccard),
        ]);
    }
    table.if_any()
}

fn share(row: usize, column: &str, share: f64) -> Cell {
    Cell::figure((Place::of_stability(row, column), number::share(share)))
}

fn halvings(row: usize, column: &str, halvings: u64) -> Cell {
    Cell::figure((Place::of_stability(row, column), number::count(halvings)))
}

fn index(row: usize, index: Option<f64>) -> Cell {
    Cell::figure(figure::at(Place::of_stability(row, "mean_jaccard"), index, |index| number::fixed(index, 2)))
}

fn optimism_table(results: &Results, rows: &[OptimismRow], first: usize) -> Option<Table> {
    let columns = [
        ("treatment", false),
        ("metric", false),
        ("leaf by estimate", false),
        ("on units that grew it", true),
        ("on units that did not", true),
        ("optimism", true),
    ];
    let mut table = Table::new(
        "How much the search flatters the leaves that it ranks first and last; of a ratio in the unit of its numerator",
        &columns,
    );
    for (place, row) in (first..).zip(rows) {
        let Some(metric) = results.metric(&row.metric) else { continue };
        let scale = Scale::of_effects(metric);
        let words = |effect| scale.signed(effect, number::decimals(scale.shown(effect)));
        let effect = |column, effect| Cell::figure(figure::at(Place::of_stability(place, column), effect, words));
        table.row([
            Cell::name(&row.variant),
            Cell::name(&row.metric),
            Cell::text(format!("{} {}", row.end, row.rank)),
            effect("in_bag", row.in_bag),
            effect("out_of_bag", row.out_of_bag),
            effect("optimism", row.optimism),
        ]);
    }
    table.if_any()
}

fn detected_table(resplits: &ResplitStability, first: usize) -> Option<Table> {
    let columns = [("treatment", false), ("metric", false), ("halvings", true)];
    let mut table = Table::new("In how many halvings effects are found to differ between users", &columns);
    for (place, row) in (first..).zip(&resplits.detected) {
        let found = halvings(place, "found_halvings", row.halvings);
        table.row([Cell::name(&row.variant), Cell::name(&row.metric), found]);
    }
    table.if_any()
}

fn resplit_table(resplits: &ResplitStability, first: usize) -> Option<Table> {
    let columns = [
        ("cohort", false),
        ("treatment", false),
        ("metric", false),
        ("returns", true),
        ("with the same sign", true),
        ("different again", true),
        ("mean Jaccard index", true),
    ];
    let mut table = Table::new("In how many halvings each cohort is found and judged the same", &columns);
    for (place, row) in (first..).zip(&resplits.cohorts) {
        table.row([
            Cell::name(&row.cohort),
            Cell::name(&row.variant),
            Cell::name(&row.metric),
            halvings(place, "found_halvings", row.returned),
            halvings(place, "same_sign_halvings", row.same_sign),
            halvings(place, "different_halvings", row.different),
            index(place, row.mean_jaccard),
        ]);
    }
    table.if_any()
}

fn group_table(results: &Results, rows: &[RankedGroupRow], first: usize) -> Option<Table> {
    let columns = [
        ("treatment", false),
        ("metric", false),
        ("group by prediction", false),
        ("effect", true),
        ("interval", true),
        ("p", true),
        ("adjusted p", true),
    ];
    let title = "Whether the procedure orders units rightly: groups ranked by trees of the other half; exploratory";
    let mut table = Table::new(title, &columns);
    for (place, row) in (first..).zip(rows) {
        let Some(metric) = results.metric(&row.metric) else { continue };
        let scale = Scale::of_effects(metric);
        let at = |column| Place::of_stability(place, column);
        let group =
            row.group.map_or_else(|| "highest less lowest".to_owned(), |group| format!("{group} of {}", row.groups));
        let estimate = |estimate| scale.signed(estimate, scale.decimals(row.interval));
        let bounds = |interval| figure::bounds(&scale, interval, ["ci_lower", "ci_upper"].map(at));
        table.row([
            Cell::name(&row.variant),
            Cell::name(&row.metric),
            Cell::text(group),
            Cell::figure(figure::at(at("estimate"), row.estimate, estimate)),
            Cell::range(row.interval.map(bounds)),
            Cell::figure(figure::at(at("p_value"), row.p_value, number::p_value)),
            Cell::figure(figure::at(at("p_value_adjusted"), row.p_value_adjusted, number::p_value)),
        ]);
    }
    table.if_any()
}
