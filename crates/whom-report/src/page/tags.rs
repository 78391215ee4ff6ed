//! The first look, beside section 3: which tags change an effect, and each tag's own table behind a fold.

use serde::Serialize;

use super::figure::{self, Figure, Figures, Place};
use super::index::{Found, Indexed};
use super::picture::Picture;
use super::table::{Cell, Table};
use crate::chart::{Bar, Bars, Label};
use crate::effect::{EffectRow, Estimand};
use crate::label;
use crate::number::{self, NO_NUMBER, Scale};
use crate::ranking::{RankedTag, TagRanking, TagRole};
use crate::results::MetricView;
use crate::rule_words::condition_words;
use crate::tag_table::{TagLevel, TagTable};

/// Tags that are drawn of a ranking, and those whose tables are shown, the first of each ranking among them.
const DRAWN: usize = 10;
const SHOWN: usize = 12;

/// The first look: exploratory, over all units.
#[derive(Serialize)]
pub(super) struct TagsSection {
    rankings: Vec<RankingView>,
    tables: Vec<Table>,
    /// Tags whose tables are left to `tags.parquet`.
    more: usize,
}

/// The tags by how much they change the effect of one treatment on one metric.
#[derive(Serialize)]
struct RankingView {
    heading: String,
    picture: Option<Picture>,
    table: Table,
}

pub(super) fn section(indexed: &Indexed<'_>) -> Option<TagsSection> {
    let mut first = 0;
    let mut views = Vec::new();
    for ranking in &indexed.results.tag_rankings {
        views.extend(ranking_view(indexed, ranking, first));
        first += ranking.tags.len();
    }
    let more = indexed.results.tag_tables.len().saturating_sub(SHOWN);
    // By cluster there are tables and no ranking.
    let is_ranked = !indexed.results.tag_rankings.is_empty();
    let is_shown = if is_ranked { !views.is_empty() } else { !indexed.results.tag_tables.is_empty() };
    is_shown.then(|| TagsSection { rankings: views, tables: tables(indexed), more })
}

/// A ranking whose rows in `ranking.parquet` begin at `first`.
fn ranking_view(indexed: &Indexed<'_>, ranking: &TagRanking, first: usize) -> Option<RankingView> {
    let metric = indexed.results.metric(&ranking.metric)?;
    let (scale, heading) = (Scale::of_effects(metric), question(&ranking.variant, metric));
    let placed = || ranking.tags.iter().zip(first..);
    let tested = || placed().filter(|(tag, _)| tag.modifying.is_some());
    let bars = Bars {
        title: format!("Tags by how much they change the effect of {heading}"),
        axis: "how far effects lie apart between a tag’s levels, noise taken out".to_owned(),
        columns: vec!["effects ±".to_owned(), "adjusted p".to_owned()],
        rows: tested().take(DRAWN).map(|(tag, place)| bar(tag, place, &scale)).collect(),
        reach: tested().filter_map(|(tag, _)| tag.modifying).map(|size| scale.shown(size)).fold(0.0, f64::max),
    };
    let columns = [
        ("tag", false),
        ("effects ±", true),
        ("adjusted p", true),
        ("lifts, adjusted p", true),
        ("control’s means ±", true),
        ("control’s means, adjusted p", true),
        ("what is shown", false),
    ];
    let mut table = Table::new(format!("{heading}: every tag"), &columns);
    for (tag, place) in placed() {
        let size =
            |column, size| Cell::figure(figure::at(Place::of_ranking(place, column), size, |size| scale.rough(size)));
        let p_value = |column, p| Cell::figure(figure::at(Place::of_ranking(place, column), p, number::p_value));
        table.row([
            Cell::name(&tag.tag),
            size("modifying", tag.modifying),
            p_value("absolute_p_value_adjusted", tag.absolute.p_value_adjusted),
            p_value("relative_p_value_adjusted", tag.relative.p_value_adjusted),
            size("prognostic", tag.prognostic),
            p_value("prognostic_p_value_adjusted", tag.prognostic_p_value_adjusted),
            Cell::text(role_words(tag.role)),
        ]);
    }
    Some(RankingView { heading, picture: bars.picture(), table: table.if_any()? })
}

fn bar(tag: &RankedTag, place: usize, scale: &Scale) -> Bar {
    let size = figure::at(Place::of_ranking(place, "modifying"), tag.modifying, |size| scale.rough(size));
    let p_place = Place::of_ranking(place, "absolute_p_value_adjusted");
    let p_value = figure::at(p_place, tag.absolute.p_value_adjusted, number::p_value);
    Bar {
        label: Label::new(label::plain(&tag.tag)),
        value: scale.shown(tag.modifying.unwrap_or(0.0)),
        figures: [size, p_value].map(|(place, text)| Figure::label(&place, text)).to_vec(),
        faint: !matches!(tag.role, TagRole::EffectModifying | TagRole::Both),
    }
}

fn role_words(role: TagRole) -> &'static str {
    match role {
        TagRole::Neither => "nothing",
        TagRole::Prognostic => "it predicts the metric",
        TagRole::EffectModifying => "it changes the effect",
        TagRole::Both => "it changes the effect and predicts the metric",
    }
}

fn question(variant: &str, metric: &MetricView) -> String {
    format!("{} on {}", label::isolated(variant), label::isolated(&metric.name))
}

/// The tables of the tags that lead a ranking, those first that lead it most.
fn tables(indexed: &Indexed<'_>) -> Vec<Table> {
    let rankings = &indexed.results.tag_rankings;
    let rank = |tag: &str| {
        let places = rankings.iter().filter_map(|ranking| ranking.tags.iter().position(|ranked| ranked.tag == tag));
        places.min().unwrap_or(usize::MAX)
    };
    let mut first = 0;
    let mut tags: Vec<(usize, usize, &TagTable)> = Vec::new();
    for of_tag in &indexed.results.tag_tables {
        tags.push((rank(&of_tag.tag), first, of_tag));
        first += of_tag.levels.iter().map(|level| level.effects.len()).sum::<usize>();
    }
    tags.sort_by_key(|(rank, ..)| *rank);
    tags.into_iter().take(SHOWN).map(|(_, first, of_tag)| table(indexed, of_tag, first)).collect()
}

/// The table of a tag, whose rows in `tags.parquet` begin at `first`.
fn table(indexed: &Indexed<'_>, of_tag: &TagTable, first: usize) -> Table {
    let effects = |level: &TagLevel| {
        level.effects.iter().filter(|row| row.estimand == Estimand::Effect).cloned().collect::<Vec<EffectRow>>()
    };
    let questions = of_tag.levels.first().map(effects).unwrap_or_default();
    let names: Vec<String> =
        questions.iter().filter_map(|row| Some(question(&row.variant, indexed.results.metric(&row.metric)?))).collect();
    let fixed = [("level", false), ("units", true), ("share", true)];
    let columns: Vec<(&str, bool)> = fixed.into_iter().chain(names.iter().map(|name| (name.as_str(), true))).collect();
    let is_protected = if of_tag.protected { ", protected" } else { "" };
    let mut table = Table::new(format!("{}{is_protected}", label::isolated(&of_tag.tag)), &columns);
    let mut place = first;
    for level in &of_tag.levels {
        let mut cells = vec![
            Cell::text(condition_words(&level.condition)),
            Cell::figure((Place::of_tag(place, "units"), number::count_or_none(level.units))),
            Cell::figure((Place::of_tag(place, "share"), level.share.map_or(NO_NUMBER.to_owned(), number::share))),
        ];
        for (index, row) in level.effects.iter().enumerate() {
            let Some(metric) = indexed.results.metric(&row.metric) else { continue };
            if row.estimand == Estimand::Effect {
                let figures = Figures::of_tag(Found { place: place + index, row }, metric);
                cells.push(Cell::figure(figures.estimate()).and_below(figures.bounds()));
            }
        }
        place += level.effects.len();
        table.row(cells);
    }
    table
}
