//! Linear models: a table of coefficients each, behind a fold.

use serde::Serialize;

use super::figure::{self, Place};
use super::index::Indexed;
use super::table::{Cell, Table};
use crate::effect::Correction;
use crate::label;
use crate::model::{CalibrationRow, ModelCoefficient, ModelTerm, ModelView};
use crate::number::{self, NO_NUMBER, Scale};
use crate::results::MetricView;

/// Models whose tables are shown, and coefficients of each; `models.parquet` has all.
const SHOWN: usize = 12;
const ROWS: usize = 60;

/// The models.
#[derive(Serialize)]
pub(super) struct ModelsSection {
    models: Vec<ModelPart>,
    /// Models whose tables are left to `models.parquet`.
    more: usize,
}

#[derive(Serialize)]
struct ModelPart {
    heading: String,
    facts: String,
    table: Table,
    calibration: Option<Table>,
}

pub(super) fn section(indexed: &Indexed<'_>) -> Option<ModelsSection> {
    let models = &indexed.results.models;
    let (mut first, mut first_tenth) = (0, 0);
    let mut parts = Vec::new();
    for model in models.iter().take(SHOWN) {
        if let Some(metric) = indexed.results.metric(&model.metric) {
            parts.push(part(model, metric, (first, first_tenth)));
        }
        first += model.coefficients.len();
        first_tenth += model.calibration.len();
    }
    (!parts.is_empty()).then(|| ModelsSection { models: parts, more: models.len().saturating_sub(SHOWN) })
}

/// A model whose rows in `models.parquet` and `calibration.parquet` begin at `first`.
fn part(model: &ModelView, metric: &MetricView, first: (usize, usize)) -> ModelPart {
    let columns = [
        ("coefficient", false),
        ("estimate", true),
        ("standard error", true),
        ("p", true),
        ("adjusted p", true),
        ("", false),
    ];
    let heading = format!("{}: {}", label::plain(&model.name), label::plain(&model.metric));
    let more = match model.coefficients.len().saturating_sub(ROWS) {
        0 => String::new(),
        more => format!("; {more} more in models.parquet"),
    };
    let mut table = Table::new(format!("{heading}, every coefficient{more}"), &columns);
    for (row, place) in model.coefficients.iter().zip(first.0..).take(ROWS) {
        table.row(cells(row, metric, place));
    }
    let calibration = calibration(model, metric, first.1);
    ModelPart { heading, facts: facts(model), table, calibration }
}

/// Predicted and measured effects by tenth, whose rows begin at `first`.
fn calibration(model: &ModelView, metric: &MetricView, first: usize) -> Option<Table> {
    let columns =
        [("treatment", false), ("tenth", true), ("units", true), ("predicted", true), ("measured", true), ("", false)];
    let on = label::plain(&model.calibrated_on_in_words());
    let mut table =
        Table::new(format!("Predicted and measured effects where {on}, by tenth of the prediction"), &columns);
    for (row, place) in model.calibration.iter().zip(first..).take(ROWS) {
        table.row(tenth(row, metric, place));
    }
    table.if_any()
}

fn tenth(row: &CalibrationRow, metric: &MetricView, place: usize) -> [Cell; 6] {
    let scale = Scale::of_effects(metric);
    let decimals = scale.decimals(row.interval);
    let at = |column: &str| Place::of_calibration(place, column);
    let signed = |value| scale.signed(value, decimals);
    let count = |column: &str, units| (at(column), number::count(units));
    let bounds = row.interval.map(|interval| figure::bounds(&scale, interval, ["ci_lower", "ci_upper"].map(at)));
    let remark = row.not_estimable.as_deref().map(|reason| format!("not estimable: {reason}"));
    let remark = remark.or_else(|| row.unreliable.as_deref().map(|reason| format!("unreliable: {reason}")));
    [
        Cell::name(&row.variant),
        Cell::figure(count("tenth", row.tenth)),
        Cell::figure(count("n_control", row.n_control)).and_text(" and ").and_figure(count("n_variant", row.n_variant)),
        Cell::figure(figure::at(at("predicted"), Some(row.predicted), signed)),
        Cell::figure(figure::at(at("estimate"), row.estimate, signed)).and_below(bounds),
        Cell::default().and_note(label::plain(&remark.unwrap_or_default())),
    ]
}

fn cells(row: &ModelCoefficient, metric: &MetricView, place: usize) -> [Cell; 6] {
    let scale = if row.term == ModelTerm::Intercept { Scale::of_means(metric) } else { Scale::of_effects(metric) };
    let decimals = scale.decimals(row.interval);
    let at = |column: &str| Place::of_model(place, column);
    let is_mean = row.term == ModelTerm::Intercept;
    let words = |value| if is_mean { scale.plain(value, decimals) } else { scale.signed(value, decimals) };
    let estimate = figure::at(at("estimate"), row.estimate, words);
    let bounds = row.interval.map(|interval| figure::bounds(&scale, interval, ["ci_lower", "ci_upper"].map(at)));
    let p_value = |column: &str, p| Cell::figure(figure::at(at(column), p, number::p_value));
    let remark = row.not_estimable.as_deref().map(|reason| format!("not estimable: {reason}"));
    let remark = remark.or_else(|| row.unreliable.as_deref().map(|reason| format!("unreliable: {reason}")));
    [
        Cell::text(row.in_words()),
        Cell::figure(estimate).and_below(bounds),
        Cell::figure(figure::at(at("std_err"), row.std_err, |error| scale.rough(error))),
        p_value("p_value", row.p_value),
        p_value("p_value_adjusted", row.p_value_adjusted),
        Cell::default().and_note(label::plain(&remark.unwrap_or_default())),
    ]
}

/// What the model was fitted to, and how its errors were made.
fn facts(model: &ModelView) -> String {
    let count = number::count_or_none;
    let mut facts = vec![format!("{} units", count(model.units))];
    if model.left_out != Some(0) {
        facts.push(format!("{} left out, which lack something", count(model.left_out)));
    }
    let of_units = model.of_units_in_words();
    if !of_units.is_empty() {
        facts.push(format!("only where {}", label::plain(&of_units)));
    }
    let by_cluster = match (&model.cluster, model.effective_clusters) {
        (Some(cluster), effective) => format!(
            " by {} {} (worth {} equal ones)",
            count(model.clusters),
            label::plain(cluster),
            effective.map_or(NO_NUMBER.to_owned(), |effective| number::fixed(effective, 1))
        ),
        (None, _) => String::new(),
    };
    facts.push(format!("{} errors{by_cluster}, against {}", model.errors, model.reference));
    facts.push(format!("interactions: {}", corrected(model.correction)));
    facts.extend(model.r_squared.map(|share| format!("R² {}", number::fixed(share, 3))));
    facts.extend(model.not_estimable.as_deref().map(|reason| format!("not estimable: {}", label::plain(reason))));
    facts.join(" · ")
}

fn corrected(correction: Correction) -> &'static str {
    match correction {
        Correction::None => "not corrected",
        Correction::Holm => "p-values by Holm",
        Correction::Bonferroni => "p-values by Bonferroni",
        Correction::BenjaminiYekutieli => "p-values by Benjamini and Yekutieli",
        Correction::MaxT | Correction::RomanoWolf => "p-values by the bootstrap",
    }
}
