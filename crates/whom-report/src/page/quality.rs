//! Section 7: the way from rows read to units analysed, and what the checks say.

use serde::Serialize;
use whom_stats::{Check, CheckVerdict};

use super::figure::{self, Place};
use super::index::Indexed;
use super::picture::Picture;
use super::table::{Cell, Table};
use crate::chart::{Fall, Label, Waterfall};
use crate::label;
use crate::number;
use crate::terminal::tally;
use crate::waterfall::WaterfallStep;

/// Parts of a check that are listed before the rest is counted.
const PARTS: usize = 100;

/// The quality of the data.
#[derive(Serialize)]
pub(super) struct QualitySection {
    waterfall: Option<Picture>,
    steps: Option<Table>,
    /// How many checks had which outcome.
    tally: String,
    /// Those that object to something.
    objections: Option<Table>,
    /// All of them.
    checks: Option<Table>,
    /// The parts of the checks that have any: tags, variants.
    parts: Vec<Table>,
}

pub(super) fn section(indexed: &Indexed<'_>) -> QualitySection {
    let results = indexed.results;
    let falls = results.waterfall.iter().map(fall).collect();
    let placed = || results.checks.iter().enumerate();
    let objecting = placed().filter(|(_, check)| check.verdict.objects());
    let others = placed().filter(|(_, check)| !check.verdict.objects());
    let waterfall = Waterfall { title: "From rows read to units analysed".to_owned(), falls };
    QualitySection {
        waterfall: waterfall.picture(),
        steps: steps(&results.waterfall),
        tally: tally(&results.checks),
        objections: checks("Checks that object", objecting.clone()),
        checks: checks("All checks of the data", objecting.chain(others)),
        parts: placed().filter_map(parts).collect(),
    }
}

fn fall(step: &WaterfallStep) -> Fall {
    let dropped = match (step.dropped, step.reason.as_str()) {
        (None | Some(0), _) => String::new(),
        (Some(dropped), "") => format!(", −{}", number::count(dropped)),
        (Some(dropped), reason) => format!(", −{}: {}", number::count(dropped), label::plain(reason)),
    };
    Fall {
        label: Label::new(step_name(step)),
        kept: step.kept.unwrap_or(0) as f64,
        dropped: step.dropped.unwrap_or(0) as f64,
        figures: Label::new(format!("{}{dropped}", number::count_or_none(step.kept))),
    }
}

fn step_name(step: &WaterfallStep) -> String {
    let table = step.table.as_deref().map(|table| format!("{}: ", label::isolated(table))).unwrap_or_default();
    format!("{table}{}", label::plain(&step.step))
}

fn steps(waterfall: &[WaterfallStep]) -> Option<Table> {
    let columns = [("step", false), ("kept", true), ("dropped", true), ("why", false)];
    let mut table = Table::new("From rows read to units analysed", &columns);
    for (place, step) in waterfall.iter().enumerate() {
        let at = |field| Place::of_result("waterfall", place, field);
        table.row([
            Cell::text(step_name(step)),
            Cell::figure((at("kept"), number::count_or_none(step.kept))),
            Cell::figure((at("dropped"), number::count_or_none(step.dropped))),
            Cell::name(&step.reason),
        ]);
    }
    table.if_any()
}

/// Checks with their places.
fn checks<'a>(caption: &str, checks: impl Iterator<Item = (usize, &'a Check)>) -> Option<Table> {
    let columns = [("check", false), ("outcome", false), ("p", true), ("threshold", true), ("what was seen", false)];
    let mut table = Table::new(caption, &columns).stacked();
    for (place, check) in checks {
        let at = |field| Place::of_result("checks", place, field);
        let mut seen = Cell::name(&check.detail);
        if let Some(fix) = &check.fix {
            seen = seen.and_note(format!(" Fix: {}", label::plain(fix)));
        }
        table.row([
            Cell::name(&check.name),
            outcome(check.verdict),
            Cell::figure(figure::at(at("p_value"), check.p_value, number::p_value)),
            Cell::figure(figure::at(at("threshold"), check.threshold, number::value)),
            seen,
        ]);
    }
    table.if_any()
}

fn outcome(verdict: CheckVerdict) -> Cell {
    match verdict {
        CheckVerdict::Passed => Cell::mark("passed", "good"),
        CheckVerdict::Warning => Cell::mark("warning", "open"),
        CheckVerdict::Failed => Cell::mark("failed", "bad"),
        CheckVerdict::NotApplicable => Cell::mark("not applicable", "calm"),
    }
}

fn parts((place, check): (usize, &Check)) -> Option<Table> {
    let columns = [("part", false), ("outcome", false), ("p", true), ("what was seen", false)];
    let mut table = Table::new(label::plain(&check.name), &columns);
    let placed = || check.parts.iter().enumerate();
    let objecting = placed().filter(|(_, part)| part.verdict.objects());
    let others = placed().filter(|(_, part)| !part.verdict.objects());
    for (number, part) in objecting.chain(others).take(PARTS) {
        let at = Place::of_result("checks", place, &format!("parts[{number}].p_value"));
        table.row([
            Cell::name(&part.subject),
            outcome(part.verdict),
            Cell::figure(figure::at(at, part.p_value, number::p_value)),
            Cell::name(&part.detail),
        ]);
    }
    table.if_any()
}
