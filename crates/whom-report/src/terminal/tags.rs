//! The first look: the tags that change an effect most, beside how much they predict the metric.

use super::headed;
use super::palette::Palette;
use super::table::Table;
use crate::label;
use crate::number::{self, NO_NUMBER, Scale};
use crate::ranking::{RankedTag, TagRanking, TagRole};
use crate::results::Results;

/// Tags that are shown of each ranking.
const TAGS_SHOWN: usize = 5;

/// Rankings that are shown before the rest is counted.
const RANKINGS_SHOWN: usize = 4;

/// The first tags of each ranking; nothing if no tag is ranked.
pub(super) fn section(results: &Results, palette: Palette) -> Option<String> {
    let names = ["  tag", "effects ±", "adj. p", "lifts p", "control ±", "adj. p", "predicts"];
    let mut table = Table::new(names, true);
    let rankings: Vec<&TagRanking> = results.tag_rankings.iter().filter(|ranking| !ranking.tags.is_empty()).collect();
    for ranking in rankings.iter().take(RANKINGS_SHOWN) {
        add_to(&mut table, results, ranking);
    }
    if let Some(more @ 1..) = rankings.len().checked_sub(RANKINGS_SHOWN) {
        table.heading(format!("… {more} more in ranking.parquet"));
    }
    let remark = "exploratory, over all units: how far effects (and control's means) lie apart between a tag's levels";
    (!rankings.is_empty()).then(|| format!("{}\n{}", headed("FIRST LOOK", remark, palette), table.text()))
}

fn add_to(table: &mut Table<7>, results: &Results, ranking: &TagRanking) {
    let Some(metric) = results.metric(&ranking.metric) else { return };
    let scale = Scale::of_effects(metric);
    let unit = if scale.unit().is_empty() { String::new() } else { format!(" in{}", scale.unit()) };
    let names = format!("{} on {}", label::shortened(&ranking.variant, 20), label::shortened(&ranking.metric, 20));
    table.heading(format!("{names}{unit}"));
    for tag in ranking.tags.iter().take(TAGS_SHOWN) {
        table.cells(cells(tag, &scale.clone().without_unit()));
    }
    if let Some(more @ 1..) = ranking.tags.len().checked_sub(TAGS_SHOWN) {
        table.heading(format!("  … {more} more in ranking.parquet"));
    }
}

fn cells(tag: &RankedTag, scale: &Scale) -> [String; 7] {
    let size = |size: Option<f64>| size.map_or(NO_NUMBER.to_owned(), |size| scale.rough(size));
    let p_value = |p: Option<f64>| p.map_or(NO_NUMBER.to_owned(), number::p_value);
    [
        format!("  {}", label::plain(&tag.tag)),
        size(tag.modifying),
        p_value(tag.absolute.p_value_adjusted),
        p_value(tag.relative.p_value_adjusted),
        size(tag.prognostic),
        p_value(tag.prognostic_p_value_adjusted),
        role_words(tag.role).to_owned(),
    ]
}

fn role_words(role: TagRole) -> &'static str {
    match role {
        TagRole::Neither => "neither",
        TagRole::Prognostic => "metric",
        TagRole::EffectModifying => "effect",
        TagRole::Both => "both",
    }
}
