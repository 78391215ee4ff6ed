//! Linear models: a table of coefficients each, behind a fold.

use serde::Serialize;

use super::figure::{self, Place};
use super::index::Indexed;
use super::table::{Cell, Table};
use crate::effect::Correction;
use crate::label;
use crate::model::{CalibrationRow, ModelCoefficient, ModelTerm, ModelView};
use crate::number::{self, NO_NUMBER, Scale};
use crate::prediction::ModelPrediction;
use crate::results::MetricView;

/// Models whose tables are shown, and rows of each table; the files have all.
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
    predictions: Option<Table>,
    calibration: Option<Table>,
}

/// The rows of the files at which those of a model begin.
#[derive(Clone, Copy, Default)]
struct First {
    coefficient: usize,
    prediction: usize,
    tenth: usize,
}

pub(super) fn section(indexed: &Indexed<'_>) -> Option<ModelsSection> {
    let models = &indexed.results.models;
    let mut first = First::default();
    let mut parts = Vec::new();
    for model in models.iter().take(SHOWN) {
        if let Some(metric) = indexed.results.metric(&model.metric) {
            parts.push(part(model, metric, first));
        }
        first.coefficient += model.coefficients.len();
        first.prediction += model.predictions.len();
        first.tenth += model.calibration.len();
    }
    (!parts.is_empty()).then(|| ModelsSection { models: parts, more: models.len().saturating_sub(SHOWN) })
}

fn part(model: &ModelView, metric: &MetricView, first: First) -> ModelPart {
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
    for (row, place) in model.coefficients.iter().zip(first.coefficient..).take(ROWS) {
        table.row(cells(row, metric, place));
    }
    let predictions = predictions(model, metric, first.prediction);
    let calibration = calibration(model, metric, first.tenth);
    ModelPart { heading, facts: facts(model), table, predictions, calibration }
}

/// Predicted effects by profile, whose rows begin at `first`.
fn predictions(model: &ModelView, metric: &MetricView, first: usize) -> Option<Table> {
    let columns = [
        ("profile", false),
        ("treatment", false),
        ("effect", true),
        ("standard error", true),
        ("p", true),
        ("adjusted p", true),
        ("", false),
    ];
    let more = match model.predictions.len().saturating_sub(ROWS) {
        0 => String::new(),
        more => format!("; {more} more in predictions.parquet"),
    };
    let mut table = Table::new(
        format!("Effects that the model predicts, other tags at the average of its units; exploratory{more}"),
        &columns,
    );
    for (row, place) in model.predictions.iter().zip(first..).take(ROWS) {
        table.row(prediction(row, metric, place));
    }
    table.if_any()
}

fn prediction(row: &ModelPrediction, metric: &MetricView, place: usize) -> [Cell; 7] {
    let scale = Scale::of_effects(metric);
    let decimals = scale.decimals(row.interval);
    let at = |column: &str| Place::of_prediction(place, column);
    let bounds = row.interval.map(|interval| figure::bounds(&scale, interval, ["ci_lower", "ci_upper"].map(at)));
    let p_value = |column: &str, p| Cell::figure(figure::at(at(column), p, number::p_value));
    let told = if row.at.is_empty() { "the average unit".to_owned() } else { row.at_in_words() };
    [
        Cell::name(&row.profile).and_note(label::plain(&told)),
        Cell::name(&row.variant),
        Cell::figure(figure::at(at("estimate"), row.estimate, |value| scale.signed(value, decimals))).and_below(bounds),
        Cell::figure(figure::at(at("std_err"), row.std_err, |error| scale.rough(error))),
        p_value("p_value", row.p_value),
        p_value("p_value_adjusted", row.p_value_adjusted),
        Cell::default().and_note(remark(row.not_estimable.as_deref(), row.unreliable.as_deref())),
    ]
}

/// Why a row has no number, or one that may not hold.
fn remark(not_estimable: Option<&str>, unreliable: Option<&str>) -> String {
    let said = not_estimable.map(|reason| format!("not estimable: {reason}"));
    let said = said.or_else(|| unreliable.map(|reason| format!("unreliable: {reason}")));
    label::plain(&said.unwrap_or_default())
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
    [
        Cell::name(&row.variant),
        Cell::figure(count("tenth", row.tenth)),
        Cell::figure(count("n_control", row.n_control)).and_text(" and ").and_figure(count("n_variant", row.n_variant)),
        Cell::figure(figure::at(at("predicted"), Some(row.predicted), signed)),
        Cell::figure(figure::at(at("estimate"), row.estimate, signed)).and_below(bounds),
        Cell::default().and_note(remark(row.not_estimable.as_deref(), row.unreliable.as_deref())),
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
    [
        Cell::text(row.in_words()),
        Cell::figure(estimate).and_below(bounds),
        Cell::figure(figure::at(at("std_err"), row.std_err, |error| scale.rough(error))),
        p_value("p_value", row.p_value),
        p_value("p_value_adjusted", row.p_value_adjusted),
        Cell::default().and_note(remark(row.not_estimable.as_deref(), row.unreliable.as_deref())),
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
