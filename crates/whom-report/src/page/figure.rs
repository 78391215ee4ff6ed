//! Figures: numbers as people write them, each with the place where it stands in the result files.

use std::fmt;

use serde::Serialize;
use whom_stats::Interval;

use super::index::{Found, Indexed};
use super::table::Cell;
use crate::chart::Label;
use crate::effect::Estimand;
use crate::number::{self, NO_NUMBER, Scale};
use crate::results::MetricView;

/// The heading of numbers of clusters.
const CLUSTERS: &str = "clusters of control and treated";

/// The heading of what clusters are worth.
const CLUSTER_ERRORS: &str = "worth, and errors of few clusters";

/// The heading of confidence sequences.
const SEQUENCE: &str = "confidence sequence";

/// The columns of a table of effects that only some runs have.
pub(super) fn beside_columns(indexed: &Indexed<'_>) -> Vec<(&'static str, bool)> {
    let clusters = by_cluster(indexed).then_some([(CLUSTERS, true), (CLUSTER_ERRORS, true)]);
    clusters.into_iter().flatten().chain(in_sequence(indexed).then_some((SEQUENCE, true))).collect()
}

/// Whether rows have confidence sequences.
pub(super) fn in_sequence(indexed: &Indexed<'_>) -> bool {
    indexed.results.effects.iter().any(|row| row.sequence.is_some())
}

/// Whether rows tell numbers of clusters.
fn by_cluster(indexed: &Indexed<'_>) -> bool {
    indexed.results.effects.iter().any(|row| row.clusters_control.is_some())
}

/// A number in words, and the file, row and column that it is read from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Figure {
    pub(super) text: String,
    /// The attributes that name its place; empty for what stands in no table.
    pub(super) key: String,
}

/// A place in a result file.
#[derive(Clone, Debug)]
pub(super) struct Place {
    file: &'static str,
    row: usize,
    column: String,
}

impl Place {
    /// A column of a row of `effects.parquet`, or `statistic`, the estimate over its standard error.
    pub(super) fn of_effect(row: usize, column: &str) -> Self {
        Self { file: "effects", row, column: column.to_owned() }
    }

    /// A column of a row of `tags.parquet`.
    pub(super) fn of_tag(row: usize, column: &str) -> Self {
        Self { file: "tags", row, column: column.to_owned() }
    }

    /// A column of a row of `slices.parquet`.
    pub(super) fn of_slice(row: usize, column: &str) -> Self {
        Self { file: "slices", row, column: column.to_owned() }
    }

    /// A column of a row of `ranking.parquet`.
    pub(super) fn of_ranking(row: usize, column: &str) -> Self {
        Self { file: "ranking", row, column: column.to_owned() }
    }

    /// A column of a row of `models.parquet`.
    pub(super) fn of_model(row: usize, column: &str) -> Self {
        Self { file: "models", row, column: column.to_owned() }
    }

    /// A column of a row of `calibration.parquet`.
    pub(super) fn of_calibration(row: usize, column: &str) -> Self {
        Self { file: "calibration", row, column: column.to_owned() }
    }

    /// A column of a row of `predictions.parquet`.
    pub(super) fn of_prediction(row: usize, column: &str) -> Self {
        Self { file: "predictions", row, column: column.to_owned() }
    }

    /// A column of a row of `stability.parquet`.
    pub(super) fn of_stability(row: usize, column: &str) -> Self {
        Self { file: "stability", row, column: column.to_owned() }
    }

    /// A field of an entry of a list in `result.json` or `tree.json`: `global_tests[0].p_value`, in place of a file the list.
    pub(super) fn of_result(list: &'static str, entry: usize, field: &str) -> Self {
        Self { file: list, row: entry, column: field.to_owned() }
    }

    /// A column of a row of `cohorts.parquet`, `units:FOLD`, or a field of an entry of one of its lists: `profile[0].standardised`.
    pub(super) fn of_cohort(row: usize, column: &str) -> Self {
        Self { file: "cohorts", row, column: column.to_owned() }
    }
}

impl fmt::Display for Place {
    /// `effects[12].ci_lower`: the file without its ending, the row from 0, the column.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, row, column } = self;
        write!(formatter, "{file}[{row}].{column}")
    }
}

impl Figure {
    pub(super) fn at(place: &Place, text: String) -> Self {
        Self { text, key: format!("data-at=\"{place}\"") }
    }

    /// The same figure in a picture.
    pub(super) fn label(place: &Place, text: String) -> Label {
        Label::new(text).with("at", place.to_string())
    }
}

/// The bounds of an interval at their places, without the unit.
pub(super) fn bounds(scale: &Scale, interval: Interval, [lower, upper]: [Place; 2]) -> [(Place, String); 2] {
    let decimals = scale.decimals(Some(interval));
    let scale = scale.clone().without_unit();
    [(lower, scale.signed(interval.lower, decimals)), (upper, scale.signed(interval.upper, decimals))]
}

/// A number at its place, in words; the sign of absence where there is none.
pub(super) fn at(place: Place, number: Option<f64>, words: impl Fn(f64) -> String) -> (Place, String) {
    (place, number.map_or_else(|| NO_NUMBER.to_owned(), words))
}

/// The figures of one row of effects.
#[derive(Clone, Debug)]
pub(super) struct Figures<'a> {
    found: Found<'a>,
    /// Where a column of the row stands.
    place: fn(usize, &str) -> Place,
    scale: Scale,
    means: Scale,
}

impl<'a> Figures<'a> {
    pub(super) fn of(found: Found<'a>, metric: &MetricView) -> Self {
        let is_relative = found.row.estimand == Estimand::Lift;
        let scale = if is_relative { Scale::of_lifts() } else { Scale::of_effects(metric) };
        Self { found, place: Place::of_effect, scale, means: Scale::of_means(metric) }
    }

    /// The figures of a row of a one-tag table, whose place is that in `tags.parquet`.
    pub(super) fn of_tag(found: Found<'a>, metric: &MetricView) -> Self {
        Self { place: Place::of_tag, ..Self::of(found, metric) }
    }

    fn place(&self, column: &str) -> Place {
        (self.place)(self.found.place, column)
    }

    fn decimals(&self) -> usize {
        self.scale.decimals(self.found.row.interval)
    }

    /// The estimate with its unit, and the place of it.
    pub(super) fn estimate(&self) -> (Place, String) {
        let text = self.found.row.estimate.map(|estimate| self.scale.signed(estimate, self.decimals()));
        (self.place("estimate"), text.unwrap_or_else(|| NO_NUMBER.to_owned()))
    }

    /// The bounds of the simultaneous interval, without the unit.
    pub(super) fn bounds(&self) -> Option<[(Place, String); 2]> {
        Some(self.bounds_of(self.found.row.interval?, ["ci_lower", "ci_upper"]))
    }

    /// The bounds of the interval of this row by itself, without the unit.
    pub(super) fn individual_bounds(&self) -> Option<[(Place, String); 2]> {
        let columns = ["ci_lower_individual", "ci_upper_individual"];
        Some(self.bounds_of(self.found.row.individual_interval?, columns))
    }

    /// The bounds of the confidence sequence at this look, without the unit.
    pub(super) fn sequence_bounds(&self) -> Option<[(Place, String); 2]> {
        Some(self.bounds_of(self.found.row.sequence?.interval, ["sequence_lower", "sequence_upper"]))
    }

    fn bounds_of(&self, interval: Interval, columns: [&str; 2]) -> [(Place, String); 2] {
        bounds(&self.scale, interval, columns.map(|column| self.place(column)))
    }

    /// The corrected p-value.
    pub(super) fn adjusted_p(&self) -> (Place, String) {
        let text = self.found.row.p_value_adjusted.map_or(NO_NUMBER.to_owned(), number::p_value);
        (self.place("p_value_adjusted"), text)
    }

    /// The means of control and treatment.
    pub(super) fn means(&self) -> [(Place, String); 2] {
        let decimals = if self.found.row.estimand == Estimand::Lift { 2 } else { self.decimals() };
        let text = |mean: Option<f64>| mean.map_or(NO_NUMBER.to_owned(), |mean| self.means.plain(mean, decimals));
        let row = self.found.row;
        [("mean_control", row.mean_control), ("mean_variant", row.mean_variant)]
            .map(|(column, mean)| (self.place(column), text(mean)))
    }

    /// The clusters that hold the units of control and of the treatment; `None` where errors are not by cluster.
    fn clusters(&self) -> Option<[(Place, String); 2]> {
        let row = self.found.row;
        let of = |column, clusters: u64| (self.place(column), number::count(clusters));
        Some([of("clusters_control", row.clusters_control?), of("clusters_variant", row.clusters_variant?)])
    }

    /// The cells of [`beside_columns`].
    pub(super) fn beside_cells(&self, indexed: &Indexed<'_>) -> Vec<Cell> {
        let clusters = by_cluster(indexed).then(|| [self.clusters_cell(), self.cluster_errors_cell()]);
        let sequence = in_sequence(indexed).then(|| Cell::range(self.sequence_bounds()));
        clusters.into_iter().flatten().chain(sequence).collect()
    }

    /// The same as one cell of a table.
    fn clusters_cell(&self) -> Cell {
        let Some([control, treated]) = self.clusters() else { return Cell::text(NO_NUMBER) };
        Cell::figure(control).and_text(" and ").and_figure(treated)
    }

    /// What the clusters of both arms are worth, and where an arm has few of them both kinds of errors.
    fn cluster_errors_cell(&self) -> Cell {
        let row = self.found.row;
        let Some(errors) = row.cluster_errors else { return Cell::text(NO_NUMBER) };
        let of = |column, number| (self.place(column), number::fixed(number, 1));
        let cell = Cell::figure(of("clusters_effective", errors.effective_clusters))
            .and_text(" equal ones, ")
            .and_figure(of("clusters_degrees_of_freedom", errors.degrees_of_freedom))
            .and_text(" degrees of freedom");
        let Some(std_err) = row.std_err.filter(|_| row.has_few_clusters()) else { return cell };
        let of = |column, number| (self.place(column), self.scale.plain(number, self.decimals()));
        cell.and_text("; standard error ")
            .and_figure(of("std_err", std_err))
            .and_text(", of type CR1 ")
            .and_figure(of("clusters_std_err_cr1", errors.std_err_cr1))
    }

    /// Units of control and treatment.
    pub(super) fn units(&self) -> [(Place, String); 2] {
        let row = self.found.row;
        [("n_control", row.n_control), ("n_variant", row.n_variant)]
            .map(|(column, units)| (self.place(column), number::count_or_none(units)))
    }
}
