//! Whether effects hold over weeks and slices: the tests, and the averages slice by slice.

use super::averages::tone;
use super::figure::{self, Place};
use super::for_whom::in_unit;
use super::picture::Picture;
use super::table::{Cell, Part, Table};
use crate::chart::{IntervalPicture, Label, LinePoint, Lines, Mark, Window};
use crate::effect::Estimand;
use crate::label;
use crate::number::{self, Scale};
use crate::results::{MetricView, Results, Threshold};
use crate::sliced::{SliceRow, SlicedBy, SlicedEffect, Steadiness};
use crate::verdict::{between, who};

/// Averages that are drawn by week.
const DRAWN: usize = 6;

/// Tests that are listed; the others stand in `slices.parquet`.
const TESTS_SHOWN: usize = 40;

/// The tests, those that find a change first, as many as can be read.
pub(super) fn tests(results: &Results) -> Option<Table> {
    let columns = [
        ("compared between", false),
        ("cohort", false),
        ("treatment", false),
        ("metric", false),
        ("change a week", true),
        ("trend, p", true),
        ("differences, p", true),
        ("adjusted p", true),
        ("outcome", false),
    ];
    let more = match placed(results).count().saturating_sub(TESTS_SHOWN) {
        0 => String::new(),
        more => format!("; {} more in slices.parquet", number::count(more as u64)),
    };
    let caption = format!(
        "Do effects hold over time and slices? Exploratory, corrected with the whole exploratory family (F3){more}"
    );
    let mut table = Table::new(caption, &columns);
    let (unstable, others): (Vec<Placed<'_>>, Vec<Placed<'_>>) =
        placed(results).partition(|placed| placed.row.is_unstable());
    for Placed { row, first } in unstable.into_iter().chain(others).take(TESTS_SHOWN) {
        let Some(metric) = results.metric(&row.metric) else { continue };
        let scale = Scale::of_effects(metric);
        let p_value = |column, p| Cell::figure(figure::at(Place::of_slice(first, column), p, number::p_value));
        let trend = |trend| scale.signed(trend, number::decimals(scale.shown(trend)));
        table.row([
            Cell::text(between(&row.sliced_by)),
            Cell::text(who(&row.cohort)),
            Cell::name(&row.variant),
            Cell::name(&row.metric),
            Cell::figure(figure::at(Place::of_slice(first, "trend"), row.trend, trend)),
            p_value("p_trend", row.p_trend),
            p_value("p_differences", row.p_differences),
            p_value("p_value_adjusted", row.p_value_adjusted),
            outcome(row),
        ]);
    }
    table.if_any()
}

/// A row with the place of its first slice in `slices.parquet`.
#[derive(Clone, Copy)]
struct Placed<'a> {
    row: &'a SlicedEffect,
    first: usize,
}

/// The rows that have slices.
fn placed(results: &Results) -> impl Iterator<Item = Placed<'_>> {
    let rows = results.slices.iter().scan(0, |next, row| {
        let first = *next;
        *next += row.slices.len();
        Some(Placed { row, first })
    });
    rows.filter(|placed| !placed.row.slices.is_empty())
}

fn outcome(row: &SlicedEffect) -> Cell {
    match row.found {
        Steadiness::NoChangeFound => Cell::mark("no change found", "calm"),
        Steadiness::Trend => Cell::mark("trend", "open"),
        Steadiness::Varies => Cell::mark("varies", "open"),
        Steadiness::NotTested => {
            let reason = row.not_tested.as_deref().map(|reason| format!(" {}", label::plain(reason)));
            Cell::mark("not tested", "calm").and_note(reason.unwrap_or_default())
        }
    }
}

/// Every average on a primary metric, slice by slice.
pub(super) fn averages(results: &Results) -> Option<Table> {
    let columns = [
        ("slice", false),
        ("control, units", true),
        ("treated, units", true),
        ("effect", true),
        ("interval by itself", true),
        ("", false),
        ("remark", false),
    ];
    let mut table = Table::new("Average effects on primary metrics by week of first exposure and by slice", &columns);
    for Placed { row, first } in placed(results).filter(|placed| placed.row.is_of_average()) {
        let Some(metric) = results.metric(&row.metric) else { continue };
        table.heading(format!("{}, {}", question(row), between(&row.sliced_by)));
        let marks: Vec<Mark> = row.slices.iter().filter_map(mark).collect();
        let negligible = metric.matters.and_then(|matters| match matters {
            Threshold::Absolute(size) => Some(size),
            Threshold::Relative(_) => None,
        });
        let window = Window::over(&marks, negligible, None);
        for (slice, place) in row.slices.iter().zip(first..) {
            table.row(cells(metric, (slice, place), &window));
        }
    }
    table.if_any()
}

/// The averages on primary metrics week by week, as lines with their bands; the first ones if there are many.
pub(super) fn by_week(results: &Results) -> Vec<Picture> {
    let weekly = results.slices.iter().filter(|row| row.is_of_average() && row.sliced_by == SlicedBy::Week);
    let drawn = weekly.filter_map(|row| weeks(results.metric(&row.metric)?, row, results).picture());
    drawn.take(DRAWN).collect()
}

fn weeks(metric: &MetricView, row: &SlicedEffect, results: &Results) -> Lines {
    let scale = Scale::of_effects(metric);
    let average = results.average(&row.metric, &row.variant, Estimand::Effect).and_then(|average| average.estimate);
    let shown = |value| scale.shown(value);
    let point = |slice: &SliceRow| LinePoint {
        label: Label::new(label::plain(&slice.slice)),
        value: slice.estimate.map(shown),
        band: slice.interval.map(|interval| (shown(interval.lower), shown(interval.upper))),
        faint: slice.unreliable.is_some(),
    };
    Lines {
        title: format!("{} by week of first exposure", question(row)),
        axis: format!("{}: effect{}, with the interval of each week by itself", question(row), in_unit(metric)),
        reference: average.map(|average| (shown(average), "all weeks".to_owned())),
        points: row.slices.iter().map(point).collect(),
    }
}

fn question(row: &SlicedEffect) -> String {
    format!("{} on {}", label::isolated(&row.variant), label::isolated(&row.metric))
}

fn mark(slice: &SliceRow) -> Option<Mark> {
    let outer = slice.interval.map(|interval| (interval.lower, interval.upper));
    Some(Mark { estimate: slice.estimate?, outer, inner: None })
}

fn cells(metric: &MetricView, (slice, place): (&SliceRow, usize), window: &Window) -> [Cell; 7] {
    let scale = Scale::of_effects(metric);
    let decimals = scale.decimals(slice.interval);
    let at = |column| Place::of_slice(place, column);
    let bounds = |interval| figure::bounds(&scale, interval, ["ci_lower", "ci_upper"].map(at));
    let picture = mark(slice).map(|mark| IntervalPicture { mark, tone: tone(mark, metric.desired) }.draw(window));
    let reason = slice.not_estimable.as_deref().or(slice.unreliable.as_deref());
    [
        Cell::name(&slice.slice),
        Cell::figure((at("n_control"), number::count_or_none(slice.n_control))),
        Cell::figure((at("n_variant"), number::count_or_none(slice.n_variant))),
        Cell::figure(figure::at(at("estimate"), slice.estimate, |estimate| scale.signed(estimate, decimals))),
        Cell::range(slice.interval.map(bounds)),
        picture.map_or_else(Cell::default, |svg| Cell::default().and(Part::Picture { svg })),
        Cell::text(reason.map(label::plain).unwrap_or_default()),
    ]
}
