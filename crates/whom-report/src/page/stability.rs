//! Section 6, how stable the search is: what other samples of the same units would have found. Nothing is selected on it.

use serde::Serialize;

use super::picture::Picture;
use super::table::{Cell, Table};
use crate::chart::{Bar, Bars, Label};
use crate::label;
use crate::number::{self, NO_NUMBER, Scale};
use crate::results::Results;
use crate::stability::{ConsensusTree, OptimismRow, RankedGroupRow, ResplitStability, SearchStability};
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
    let pictures = search.into_iter().flat_map(|search| [splits(search), cohorts(search)]).flatten().collect();
    let of_search = search
        .into_iter()
        .flat_map(|search| [split_table(search), cohort_table(search), optimism_table(results, &search.optimism)]);
    let of_resplits = resplits.into_iter().flat_map(|resplits| {
        [detected_table(resplits), resplit_table(resplits), group_table(results, &resplits.groups)]
    });
    let tables = of_search.chain(of_resplits).flatten().collect();
    (!sentences.is_empty()).then_some(StabilitySection { sentences, pictures, tables })
}

fn searched(search: &SearchStability) -> Vec<String> {
    let basis = format!(
        "The whole search was repeated on {} bootstrap replicates of {} discovery units; {} of them found no split at all.",
        number::count(search.replicates),
        number::count(search.units),
        number::share(search.without_split)
    );
    [basis].into_iter().chain(search.consensus.as_ref().map(consensus)).collect()
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
        "{} other halvings of {} units discovered and measured anew; {none}. The halves overlap, so these counts describe and \
         are no probabilities.",
        number::count(resplits.splits),
        number::count(resplits.units),
    )
}

fn returning(title: &str, rows: impl Iterator<Item = (String, f64)>) -> Option<Picture> {
    let rows = rows.map(|(name, share)| Bar {
        label: Label::new(name),
        value: share,
        figures: vec![Label::new(number::share(share))],
        faint: false,
    });
    let (title, axis) = (title.to_owned(), title.to_owned());
    Bars { title, axis, columns: vec!["returns in".to_owned()], rows: rows.collect(), reach: 1.0 }.picture()
}

fn splits(search: &SearchStability) -> Option<Picture> {
    let rows = search.splits.iter().map(|split| (label::plain(&split.tag), split.near_share()));
    returning("splits that return with nearly the same cut", rows)
}

fn cohorts(search: &SearchStability) -> Option<Picture> {
    let rows = search.cohorts.iter().map(|cohort| (cohort_label(&cohort.cohort), cohort.returned));
    returning("cohorts that return", rows)
}

fn split_table(search: &SearchStability) -> Option<Table> {
    let columns = [
        ("node", true),
        ("tag", false),
        ("the tag returns", true),
        ("nearly the same cut", true),
        ("the same cut", true),
    ];
    let mut table = Table::new("How often each split returns in a replicate", &columns);
    for split in &search.splits {
        table.row([
            Cell::text(split.node.to_string()),
            Cell::name(&split.tag),
            Cell::text(number::share(split.tag_share())),
            Cell::text(number::share(split.near_share())),
            Cell::text(number::share(split.cut_share())),
        ]);
    }
    table.if_any()
}

fn cohort_table(search: &SearchStability) -> Option<Table> {
    let columns = [("cohort", false), ("returns", true), ("mean Jaccard index", true)];
    let mut table = Table::new("How often each cohort returns in a replicate", &columns);
    for cohort in &search.cohorts {
        table.row([Cell::name(&cohort.cohort), Cell::text(number::share(cohort.returned)), index(cohort.mean_jaccard)]);
    }
    table.if_any()
}

fn index(index: Option<f64>) -> Cell {
    Cell::text(index.map_or(NO_NUMBER.to_owned(), |index| number::fixed(index, 2)))
}

fn optimism_table(results: &Results, rows: &[OptimismRow]) -> Option<Table> {
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
    for row in rows {
        let Some(metric) = results.metric(&row.metric) else { continue };
        let scale = Scale::of_effects(metric);
        let effect = |effect: Option<f64>| {
            let text = effect.map(|effect| scale.signed(effect, number::decimals(scale.shown(effect))));
            Cell::text(text.unwrap_or_else(|| NO_NUMBER.to_owned()))
        };
        table.row([
            Cell::name(&row.variant),
            Cell::name(&row.metric),
            Cell::text(format!("{} {}", row.end, row.rank)),
            effect(row.in_bag),
            effect(row.out_of_bag),
            effect(row.optimism),
        ]);
    }
    table.if_any()
}

fn detected_table(resplits: &ResplitStability) -> Option<Table> {
    let columns = [("treatment", false), ("metric", false), ("halvings", true)];
    let mut table = Table::new("In how many halvings effects are found to differ between users", &columns);
    for row in &resplits.detected {
        table.row([Cell::name(&row.variant), Cell::name(&row.metric), Cell::text(number::count(row.halvings))]);
    }
    table.if_any()
}

fn resplit_table(resplits: &ResplitStability) -> Option<Table> {
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
    for row in &resplits.cohorts {
        table.row([
            Cell::name(&row.cohort),
            Cell::name(&row.variant),
            Cell::name(&row.metric),
            Cell::text(number::count(row.returned)),
            Cell::text(number::count(row.same_sign)),
            Cell::text(number::count(row.different)),
            index(row.mean_jaccard),
        ]);
    }
    table.if_any()
}

fn group_table(results: &Results, rows: &[RankedGroupRow]) -> Option<Table> {
    let columns = [
        ("treatment", false),
        ("metric", false),
        ("group by prediction", false),
        ("effect", true),
        ("interval", true),
        ("p", true),
    ];
    let mut table =
        Table::new("Whether the procedure orders units rightly: groups ranked by trees of the other half", &columns);
    for row in rows {
        let Some(metric) = results.metric(&row.metric) else { continue };
        let scale = Scale::of_effects(metric);
        let absent = || NO_NUMBER.to_owned();
        let group =
            row.group.map_or_else(|| "highest less lowest".to_owned(), |group| format!("{group} of {}", row.groups));
        let estimate = row.estimate.map(|estimate| scale.signed(estimate, scale.decimals(row.interval)));
        table.row([
            Cell::name(&row.variant),
            Cell::name(&row.metric),
            Cell::text(group),
            Cell::text(estimate.unwrap_or_else(absent)),
            Cell::text(row.interval.map_or_else(absent, |interval| scale.bounds(interval))),
            Cell::text(row.p_value.map_or_else(absent, number::p_value)),
        ]);
    }
    table.if_any()
}
