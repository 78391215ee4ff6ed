//! Section 4: every metric by every cohort, as effects in units of their standard error.

use serde::Serialize;

use super::figure::{Figure, Figures, Place};
use super::index::{Found, Indexed};
use super::picture::Picture;
use super::table::{Cell, Table};
use crate::chart::{HeatCell, HeatMap, HeatRow, Label};
use crate::cohort::CohortView;
use crate::effect::{EVERYBODY, Estimand, Evidence};
use crate::label;
use crate::number::{self, NO_NUMBER};
use crate::results::{Direction, EffectKey, MetricView};
use crate::terminal::evidence_words;
use crate::verdict::who;

/// A heat map for each treatment.
#[derive(Serialize)]
pub(super) struct MetricsSection {
    maps: Vec<MapView>,
}

#[derive(Serialize)]
struct MapView {
    heading: String,
    picture: Option<Picture>,
    table: Table,
}

pub(super) fn section(indexed: &Indexed<'_>) -> Option<MetricsSection> {
    let results = indexed.results;
    let cohorts: Vec<&CohortView> = results.registered.iter().chain(results.discovered()).collect();
    if cohorts.is_empty() {
        return None;
    }
    let map = |variant: &str| Map { indexed, variant, cohorts: &cohorts }.view();
    let maps = results.treatments().map(|variant| map(&variant.name)).collect();
    Some(MetricsSection { maps })
}

struct Map<'a> {
    indexed: &'a Indexed<'a>,
    variant: &'a str,
    cohorts: &'a [&'a CohortView],
}

impl Map<'_> {
    fn view(&self) -> MapView {
        let variant = label::isolated(self.variant);
        let metrics = &self.indexed.results.metrics;
        let columns: Vec<String> = metrics.iter().map(|metric| label::plain(&metric.name)).collect();
        let names = [EVERYBODY].into_iter().chain(self.cohorts.iter().map(|cohort| cohort.name.as_str()));
        let names: Vec<&str> = names.collect();
        let map = HeatMap {
            title: format!("Heat map: {variant}, every metric by every cohort, in standard errors"),
            columns: columns.iter().map(|name| Label::new(name.clone())).collect(),
            rows: names.iter().map(|name| self.row(name)).collect(),
        };
        let headings: Vec<(&str, bool)> =
            [("cohort", false)].into_iter().chain(columns.iter().map(|name| (name.as_str(), true))).collect();
        let mut table = Table::new(format!("{variant}: effects, and whether they are exploratory"), &headings);
        for name in &names {
            let cells = metrics.iter().map(|metric| self.cell(metric, name));
            table.row([Cell::text(who(name))].into_iter().chain(cells));
        }
        MapView { heading: variant, picture: map.picture(), table }
    }

    fn find(&self, metric: &MetricView, cohort: &str) -> Option<Found<'_>> {
        let estimand = Estimand::Effect;
        self.indexed.effect(EffectKey { metric: &metric.name, variant: self.variant, cohort, estimand })
    }

    fn row(&self, cohort: &str) -> HeatRow {
        let cells = self.indexed.results.metrics.iter().map(|metric| self.heat(metric, cohort)).collect();
        HeatRow { label: Label::new(who(cohort)), cells }
    }

    /// A cell's colour is that of the wanted or the unwanted direction.
    fn heat(&self, metric: &MetricView, cohort: &str) -> HeatCell {
        let Some(found) = self.find(metric, cohort) else { return HeatCell::default() };
        let row = found.row;
        let ratio = row.estimate.zip(row.std_err).map(|(estimate, std_err)| estimate / std_err);
        let Some(ratio) = ratio.filter(|ratio| ratio.is_finite()) else {
            return HeatCell { label: Label::new(NO_NUMBER), ..HeatCell::default() };
        };
        let sign = if metric.desired == Direction::Increase { 1.0 } else { -1.0 };
        let place = Place::of_effect(found.place, "statistic");
        HeatCell {
            value: Some(sign * ratio),
            label: Figure::label(&place, number::signed(ratio, 1)),
            hover: hover(metric, found),
            faint: row.evidence == Evidence::Exploratory,
        }
    }

    fn cell(&self, metric: &MetricView, cohort: &str) -> Cell {
        let Some(found) = self.find(metric, cohort) else { return Cell::text(NO_NUMBER) };
        let cell = Cell::figure(Figures::of(found, metric).estimate());
        if found.row.evidence == Evidence::Exploratory { cell.and_note(" expl.") } else { cell }
    }
}

/// What a cell tells when it is pointed at.
fn hover(metric: &MetricView, found: Found<'_>) -> String {
    let figures = Figures::of(found, metric);
    let interval = figures.bounds().map(|[lower, upper]| format!(" ({} to {})", lower.1, upper.1));
    let (estimate, interval) = (figures.estimate().1, interval.unwrap_or_default());
    format!("{estimate}{interval}, {}", evidence_words(found.row.evidence))
}
