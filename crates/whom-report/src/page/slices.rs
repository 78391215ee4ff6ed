//! Whether effects hold over weeks and slices: the tests, and the averages slice by slice.

use super::averages::tone;
use super::table::{Cell, Part, Table};
use crate::chart::{IntervalPicture, Mark, Window};
use crate::label;
use crate::number::{self, NO_NUMBER, Scale};
use crate::results::{MetricView, Results, Threshold};
use crate::sliced::{SliceRow, SlicedEffect, Steadiness};
use crate::verdict::{between, who};

/// The tests, those that find a change first.
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
    let caption = "Do effects hold over time and slices? Exploratory, corrected with the whole exploratory family (F3)";
    let mut table = Table::new(caption, &columns);
    let (unstable, others): (Vec<&SlicedEffect>, Vec<&SlicedEffect>) =
        results.slices.iter().partition(|row| row.is_unstable());
    for row in unstable.into_iter().chain(others) {
        let Some(metric) = results.metric(&row.metric) else { continue };
        let scale = Scale::of_effects(metric);
        let p_value = |p: Option<f64>| Cell::text(p.map_or(NO_NUMBER.to_owned(), number::p_value));
        let trend = row.trend.map(|trend| scale.signed(trend, number::decimals(scale.shown(trend))));
        let cohort = who(&row.cohort);
        table.row([
            Cell::text(between(&row.sliced_by)),
            Cell::text(cohort),
            Cell::name(&row.variant),
            Cell::name(&row.metric),
            Cell::text(trend.unwrap_or_else(|| NO_NUMBER.to_owned())),
            p_value(row.p_trend),
            p_value(row.p_differences),
            p_value(row.p_value_adjusted),
            outcome(row),
        ]);
    }
    table.if_any()
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
    for row in results.slices.iter().filter(|row| row.is_of_average()) {
        let Some(metric) = results.metric(&row.metric) else { continue };
        let (variant, name) = (label::plain(&row.variant), label::plain(&row.metric));
        table.heading(format!("{variant} on {name}, {}", between(&row.sliced_by)));
        let marks: Vec<Mark> = row.slices.iter().filter_map(mark).collect();
        let negligible = metric.matters.and_then(|matters| match matters {
            Threshold::Absolute(size) => Some(size),
            Threshold::Relative(_) => None,
        });
        let window = Window::over(&marks, negligible, None);
        row.slices.iter().for_each(|slice| table.row(cells(metric, slice, &window)));
    }
    table.if_any()
}

fn mark(slice: &SliceRow) -> Option<Mark> {
    let outer = slice.interval.map(|interval| (interval.lower, interval.upper));
    Some(Mark { estimate: slice.estimate?, outer, inner: None })
}

fn cells(metric: &MetricView, slice: &SliceRow, window: &Window) -> [Cell; 7] {
    let scale = Scale::of_effects(metric);
    let decimals = scale.decimals(slice.interval);
    let picture = mark(slice).map(|mark| IntervalPicture { mark, tone: tone(mark, metric.desired) }.draw(window));
    let estimate = slice.estimate.map(|estimate| scale.signed(estimate, decimals));
    let reason = slice.not_estimable.as_deref().or(slice.unreliable.as_deref());
    [
        Cell::name(&slice.slice),
        Cell::text(number::count_or_none(slice.n_control)),
        Cell::text(number::count_or_none(slice.n_variant)),
        Cell::text(estimate.unwrap_or_else(|| NO_NUMBER.to_owned())),
        Cell::text(slice.interval.map_or_else(|| NO_NUMBER.to_owned(), |interval| scale.bounds(interval))),
        picture.map_or_else(Cell::default, |svg| Cell::default().and(Part::Picture { svg })),
        Cell::text(reason.map(label::plain).unwrap_or_default()),
    ]
}
