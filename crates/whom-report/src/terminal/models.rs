//! Linear models: what tags add to effects, the clearest first, and the effects that are predicted.

use whom_stats::Interval;

use super::headed;
use super::palette::Palette;
use super::table::Table;
use crate::label;
use crate::model::{ModelCoefficient, ModelTerm, ModelView};
use crate::number::{self, NO_NUMBER, Scale};
use crate::prediction::ModelPrediction;
use crate::results::{MetricView, Results};

/// Models that are shown, and coefficients and predictions of each.
const MODELS_SHOWN: usize = 4;
const ROWS_SHOWN: usize = 6;

/// The interactions of each model, or the effects of one without tags; nothing without a model.
pub(super) fn section(results: &Results, palette: Palette) -> Option<String> {
    let mut table = Table::new(["  coefficient", "estimate", "± error", "p", "adj. p"], true);
    for model in results.models.iter().take(MODELS_SHOWN) {
        let Some(metric) = results.metric(&model.metric) else { continue };
        add_to(&mut table, model, metric);
    }
    if let Some(more @ 1..) = results.models.len().checked_sub(MODELS_SHOWN) {
        table.heading(format!("… {more} more in models.parquet"));
    }
    let remark = "exploratory: what a tag adds to an effect, by least squares; all coefficients are in models.parquet";
    (!results.models.is_empty()).then(|| format!("{}\n{}", headed("LINEAR MODELS", remark, palette), table.text()))
}

fn add_to(table: &mut Table<5>, model: &ModelView, metric: &MetricView) {
    let scale = Scale::of_effects(metric);
    let unit = if scale.unit().is_empty() { String::new() } else { format!(" in{}", scale.unit()) };
    let (name, of) = (label::shortened(&model.name, 20), label::shortened(&model.metric, 20));
    let units = number::count_or_none(model.units);
    table.heading(format!("{name}: {of}{unit} · {units} units · {}", model.errors));
    if model.not_estimable.is_some() {
        table.heading("  not estimable; models.parquet says why".to_owned());
        return;
    }
    let of_term = |term| model.coefficients.iter().filter(move |row| row.term == term);
    let has_tags = of_term(ModelTerm::Interaction).next().is_some();
    let mut rows: Vec<&ModelCoefficient> =
        of_term(if has_tags { ModelTerm::Interaction } else { ModelTerm::Variant }).collect();
    let clarity = |row: &&ModelCoefficient| row.p_value.unwrap_or(2.0);
    rows.sort_by(|one, other| clarity(one).total_cmp(&clarity(other)));
    for row in rows.iter().take(ROWS_SHOWN) {
        table.cells(cells(row, &scale.clone().without_unit()));
    }
    if let Some(more @ 1..) = rows.len().checked_sub(ROWS_SHOWN) {
        table.heading(format!("  … {more} more in models.parquet"));
    }
    for row in model.predictions.iter().take(ROWS_SHOWN) {
        table.cells(predicted(row, &scale.clone().without_unit()));
    }
    if let Some(more @ 1..) = model.predictions.len().checked_sub(ROWS_SHOWN) {
        table.heading(format!("  … {more} more in predictions.parquet"));
    }
}

fn predicted(row: &ModelPrediction, scale: &Scale) -> [String; 5] {
    let name = format!("  {} at {}", label::name(&row.variant), label::name(&row.profile));
    with_numbers(
        name,
        scale,
        &Numbers {
            estimate: row.estimate,
            interval: row.interval,
            std_err: row.std_err,
            p_values: [row.p_value, row.p_value_adjusted],
        },
    )
}

/// The numbers of a row.
struct Numbers {
    estimate: Option<f64>,
    interval: Option<Interval>,
    std_err: Option<f64>,
    p_values: [Option<f64>; 2],
}

fn cells(row: &ModelCoefficient, scale: &Scale) -> [String; 5] {
    with_numbers(
        format!("  {}", row.in_words()),
        scale,
        &Numbers {
            estimate: row.estimate,
            interval: row.interval,
            std_err: row.std_err,
            p_values: [row.p_value, row.p_value_adjusted],
        },
    )
}

fn with_numbers(name: String, scale: &Scale, numbers: &Numbers) -> [String; 5] {
    let decimals = scale.decimals(numbers.interval);
    let number = |number: Option<f64>, words: &dyn Fn(f64) -> String| number.map_or(NO_NUMBER.to_owned(), words);
    [
        name,
        number(numbers.estimate, &|value| scale.signed(value, decimals)),
        number(numbers.std_err, &|error| scale.plain(error, decimals)),
        number(numbers.p_values[0], &number::p_value),
        number(numbers.p_values[1], &number::p_value),
    ]
}

#[cfg(test)]
mod tests {
    use crate::terminal::Colour;
    use crate::{fixture, terminal_summary};

    #[test]
    fn interactions_and_predictions_of_each_model_are_shown_and_what_is_not_estimable_is_said() {
        let text = terminal_summary(&fixture::modelled(), Colour::Never);
        let section = text.split("\n\n").find(|section| section.starts_with("LINEAR MODELS")).expect("a section");
        insta::assert_snapshot!(section);
        assert!(section.lines().all(|line| line.chars().count() <= 80));
        assert!(!terminal_summary(&fixture::hillstrom(), Colour::Never).contains("LINEAR MODELS"));
    }
}
