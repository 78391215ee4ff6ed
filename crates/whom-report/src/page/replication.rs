//! Beside section 3, in a replication: what an earlier run found, and whether it holds on these units.

use serde::Serialize;
use whom_stats::{Interval, ReplicationVerdict};

use super::figure::{self, Place};
use super::for_whom::in_unit;
use super::index::Indexed;
use super::picture::Picture;
use super::table::{Cell, Table};
use super::words::estimand_words;
use crate::chart::{Forest, ForestGroup, ForestRow, Label, Mark, Tone};
use crate::label;
use crate::number::{self, NO_NUMBER, Scale};
use crate::replication::{FindingPart, FindingView, ReplicationView, verdict_words};
use crate::results::{EffectKey, MetricView};
use crate::verdict::cohort_label;

/// The findings of an earlier run, then and now.
#[derive(Serialize)]
pub(super) struct ReplicationSection {
    sentences: Vec<String>,
    /// By metric: where each new estimate lies, and where it was to be expected.
    pictures: Vec<Picture>,
    table: Option<Table>,
}

pub(super) fn section(indexed: &Indexed<'_>) -> Option<ReplicationSection> {
    let replication = indexed.results.replication.as_ref()?;
    let picture = |metric| picture(metric, replication);
    Some(ReplicationSection {
        sentences: replication.sentences(indexed.results),
        pictures: indexed.results.metrics.iter().filter_map(picture).collect(),
        table: table(indexed, replication),
    })
}

fn picture(metric: &MetricView, replication: &ReplicationView) -> Option<Picture> {
    let scale = Scale::of_effects(metric);
    let findings = replication.findings.iter().filter(|finding| finding.metric == metric.name);
    let rows = findings.flat_map(|finding| finding.parts.iter().filter_map(|part| row(finding, part, &scale)));
    let forest = Forest {
        title: format!("Findings on {}, measured again", label::isolated(&metric.name)),
        axis: format!(
            "effect on {} now{}; line: where it was to be expected",
            label::isolated(&metric.name),
            in_unit(metric)
        ),
        reference: None,
        columns: vec!["found".to_owned(), "now".to_owned(), "verdict".to_owned()],
        groups: vec![ForestGroup { heading: String::new(), rows: rows.collect() }],
    };
    forest.picture()
}

fn row(finding: &FindingView, part: &FindingPart, scale: &Scale) -> Option<ForestRow> {
    let (judged, now, earlier) = (part.judged.as_ref()?, part.now?, part.earlier?);
    let shown = |value: f64| scale.shown(value);
    let decimals = scale.decimals(Some(judged.pooled_interval));
    let figure = |value: f64| Label::new(scale.signed(value, decimals));
    let outer = (shown(judged.prediction.lower), shown(judged.prediction.upper));
    Some(ForestRow {
        label: Label::new(cohort_label(&finding.cohort)),
        detail: Label::new(format!("{}: {}", label::isolated(&finding.variant), estimand_words(part.estimand))),
        mark: Some(Mark { estimate: shown(now), outer: Some(outer), inner: None }),
        cells: vec![figure(earlier), figure(now), Label::new(verdict_words(judged.verdict))],
        tone: if part.unreliable.is_some() { Tone::Faint } else { tone(judged.verdict) },
    })
}

fn tone(verdict: ReplicationVerdict) -> Tone {
    match verdict {
        ReplicationVerdict::Replicated => Tone::Plus,
        ReplicationVerdict::OtherSize | ReplicationVerdict::Undecided => Tone::Plain,
        ReplicationVerdict::NotReplicated | ReplicationVerdict::Reversed => Tone::Minus,
    }
}

fn table(indexed: &Indexed<'_>, replication: &ReplicationView) -> Option<Table> {
    let columns = [
        ("cohort", false),
        ("treatment", false),
        ("metric", false),
        ("estimand", false),
        ("found", true),
        ("now", true),
        ("expected between", true),
        ("adjusted p", true),
        ("both together", true),
        ("interval of both", true),
        ("verdict", false),
    ];
    let mut table =
        Table::new("Every finding, then and now; p-values are of the new units, corrected by Holm", &columns);
    for (place, finding) in replication.findings.iter().enumerate() {
        let Some(metric) = indexed.results.metric(&finding.metric) else { continue };
        for (number, part) in finding.parts.iter().enumerate() {
            let at = |field: &str| Place::of_result("replication.findings", place, &format!("parts[{number}].{field}"));
            table.row(cells(indexed, (finding, part), &Scale::of_effects(metric), at));
        }
        if finding.parts.is_empty() {
            table.row(not_measured(finding));
        }
    }
    table.if_any()
}

fn cells(
    indexed: &Indexed<'_>,
    (finding, part): (&FindingView, &FindingPart),
    scale: &Scale,
    at: impl Fn(&str) -> Place,
) -> Vec<Cell> {
    let judged = part.judged.as_ref();
    let decimals = scale.decimals(judged.map(|judged| judged.pooled_interval));
    let words = |value: f64| scale.signed(value, decimals);
    let figure = |field, value, words: &dyn Fn(f64) -> String| Cell::figure(figure::at(at(field), value, words));
    let range = |field: &str, interval: Option<Interval>| {
        let places = ["lower", "upper"].map(|end| at(&format!("{field}.{end}")));
        Cell::range(interval.map(|interval| figure::bounds(scale, interval, places)))
    };
    let reason = part.not_judged.as_deref().or(part.unreliable.as_deref());
    let verdict = Cell::text(judged.map_or("not judged", |judged| verdict_words(judged.verdict)));
    let key = EffectKey {
        metric: &finding.metric,
        variant: &finding.variant,
        cohort: &finding.cohort,
        estimand: part.estimand,
    };
    let now = match indexed.effect(key) {
        Some(found) => Cell::figure(figure::at(Place::of_effect(found.place, "estimate"), part.now, words)),
        None => figure("now", part.now, &words),
    };
    let mut cells = names(finding).to_vec();
    cells.extend([
        Cell::text(estimand_words(part.estimand)),
        figure("earlier", part.earlier, &words),
        now,
        range("judged.prediction", judged.map(|judged| judged.prediction)),
        figure("judged.p_value_adjusted", judged.map(|judged| judged.p_value_adjusted), &number::p_value),
        figure("judged.pooled", judged.map(|judged| judged.pooled), &words),
        range("judged.pooled_interval", judged.map(|judged| judged.pooled_interval)),
        reason.map_or_else(|| verdict.clone(), |reason| verdict.clone().and_note(format!(" {}", label::plain(reason)))),
    ]);
    cells
}

fn not_measured(finding: &FindingView) -> Vec<Cell> {
    let reason = finding.not_measured.as_deref().map(label::plain).unwrap_or_default();
    let mut cells = names(finding).to_vec();
    cells.extend((0..7).map(|_| Cell::text(NO_NUMBER)));
    cells.push(Cell::text("not judged").and_note(format!(" {reason}")));
    cells
}

fn names(finding: &FindingView) -> [Cell; 3] {
    [Cell::text(cohort_label(&finding.cohort)), Cell::name(&finding.variant), Cell::name(&finding.metric)]
}
