//! Every number that carries a place is the number that stands there.

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use serde_json::Value;
use whom_stats::Look;

use super::*;
use crate::cohort::CohortView;
use crate::effect::EffectRow;

/// A figure as it stands on the page.
struct Shown {
    row: usize,
    column: String,
    text: String,
}

/// All figures with a place in a file, in pictures and tables.
fn figures(page: &str, file: &str) -> Vec<Shown> {
    let before = format!("data-at=\"{file}[");
    let shown = page.split(&before).skip(1).map(|rest| {
        let (row, rest) = rest.split_once("].").expect("a row");
        let (column, rest) = rest.split_once('"').expect("a column");
        let (_, rest) = rest.split_once('>').expect("an element");
        let content = rest.split("</text>").next().and_then(|rest| rest.split("</span>").next()).unwrap_or_default();
        let text = content.rsplit_once("</title>").map_or(content, |(_, text)| text);
        let text = text.replace("&lt;", "<");
        Shown { row: row.parse().expect("a number"), column: column.to_owned(), text }
    });
    shown.collect()
}

/// The number in a text and half a unit of its last digit; a percentage or percentage points as the fraction that it is.
fn read(text: &str) -> (f64, f64) {
    let digits: String =
        text.trim_start_matches('<').chars().map(|digit| if digit == '−' { '-' } else { digit }).collect();
    let digits: String = digits.chars().filter(|digit| *digit != ',').collect();
    let end = digits.find(|digit: char| !matches!(digit, '0'..='9' | '+' | '-' | '.')).unwrap_or(digits.len());
    let (number, unit) = digits.split_at(end);
    let decimals = number.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let half: f64 = format!("0.5e-{decimals}").parse().expect("half a digit");
    let value: f64 = number.parse().unwrap_or_else(|error| panic!("{text:?}: {error}"));
    let is_percent = unit.starts_with('%') || unit.starts_with(" pp");
    if is_percent { (value / 100.0, half / 100.0) } else { (value, half) }
}

impl Shown {
    /// Asserts that the text is the number to its last digit; `unitless` if it is a percentage that is written without its unit.
    fn assert_is(&self, expected: Option<f64>, unitless: bool) {
        let Self { row, column, text } = self;
        let Some(expected) = expected else {
            assert_eq!(text, "—", "{column} of row {row}");
            return;
        };
        let (mut value, mut half) = read(text);
        if unitless {
            (value, half) = (value / 100.0, half / 100.0);
        }
        let is_right =
            if text.starts_with('<') { expected < value } else { (value - expected).abs() <= half * (1.0 + 1e-9) };
        assert!(is_right, "{column} of row {row}: `{text}` is not {expected}");
    }
}

fn column(row: &EffectRow, column: &str) -> Option<f64> {
    match column {
        "estimate" => row.estimate,
        "ci_lower" => row.interval.map(|interval| interval.lower),
        "ci_upper" => row.interval.map(|interval| interval.upper),
        "ci_lower_individual" => row.individual_interval.map(|interval| interval.lower),
        "ci_upper_individual" => row.individual_interval.map(|interval| interval.upper),
        "p_value_adjusted" => row.p_value_adjusted,
        "mean_control" => row.mean_control,
        "mean_variant" => row.mean_variant,
        "n_control" => row.n_control.map(|units| units as f64),
        "n_variant" => row.n_variant.map(|units| units as f64),
        "clusters_control" => row.clusters_control.map(|clusters| clusters as f64),
        "clusters_variant" => row.clusters_variant.map(|clusters| clusters as f64),
        "clusters_effective" => row.cluster_errors.map(|errors| errors.effective_clusters),
        "clusters_degrees_of_freedom" => row.cluster_errors.map(|errors| errors.degrees_of_freedom),
        "clusters_std_err_cr1" => row.cluster_errors.map(|errors| errors.std_err_cr1),
        "std_err" => row.std_err,
        "sequence_lower" => row.sequence.map(|look| look.interval.lower),
        "sequence_upper" => row.sequence.map(|look| look.interval.upper),
        "statistic" => row.estimate.zip(row.std_err).map(|(estimate, std_err)| estimate / std_err),
        other => panic!("no column `{other}`"),
    }
}

/// Whether a bound, which is written without its unit, is that of a percentage.
fn is_percentage(results: &Results, row: &EffectRow, column: &str) -> bool {
    let metric = results.metric(&row.metric).expect("a metric");
    let is_bound = column.starts_with("ci_") || column.starts_with("sequence_");
    is_bound && (metric.proportion || row.estimand == crate::effect::Estimand::Lift)
}

fn every_figure_is_that_of_its_place(results: &Results) -> usize {
    let shown = figures(&rendered(results), "effects");
    for figure in &shown {
        let row = results.effects.get(figure.row).expect("a row");
        figure.assert_is(column(row, &figure.column), is_percentage(results, row, &figure.column));
    }
    shown.len()
}

/// The place and the field of an entry of a list: `profile[0].standardised`.
fn entry<'a>(column: &'a str, list: &str) -> Option<(usize, &'a str)> {
    let (place, field) = column.strip_prefix(list)?.strip_prefix('[')?.split_once("].")?;
    Some((place.parse().ok()?, field))
}

#[test]
fn every_effect_on_the_page_is_that_of_its_row_and_column() {
    for results in [fixture::hillstrom(), fixture::registered(), fixture::underpowered(), fixture::opposite()] {
        assert!(every_figure_is_that_of_its_place(&results) > 40);
    }
    assert!(every_figure_is_that_of_its_place(&fixture::far_too_much()) > 4_000);
}

#[test]
fn every_number_of_clusters_is_that_of_its_row_and_column() {
    let mut results = fixture::registered();
    let rows = results.effects.len();
    for (row, clusters) in results.effects.iter_mut().zip(30..) {
        (row.clusters_control, row.clusters_variant) = (Some(clusters), Some(10 * clusters));
        row.cluster_errors = Some(fixture::CLUSTER_ERRORS);
    }
    results.effects[0].clusters_control = None;
    every_figure_is_that_of_its_place(&results);
    let shown = figures(&rendered(&results), "effects");
    let counted = shown.iter().filter(|figure| figure.column == "clusters_control").count();
    assert!(counted > 10 && counted < 2 * rows, "{counted} of {rows} rows");
    let errors = shown.iter().filter(|figure| figure.column == "clusters_std_err_cr1").count();
    assert!(errors > 2 && errors < counted, "of the rows with fewer than 50 clusters in an arm: {errors}");
    assert!(!rendered(&fixture::registered()).contains("clusters of control"));
}

#[test]
fn every_bound_of_a_confidence_sequence_is_that_of_its_row_and_column() {
    let mut results = fixture::registered();
    for row in &mut results.effects {
        row.sequence = row.interval.map(|interval| Look { interval, p_value: 0.5, critical_value: 3.0 });
    }
    every_figure_is_that_of_its_place(&results);
    let shown = figures(&rendered(&results), "effects");
    assert!(shown.iter().filter(|figure| figure.column == "sequence_lower").count() > 10);
    assert!(!rendered(&fixture::registered()).contains("confidence sequence"));
}

#[test]
fn every_figure_of_a_tag_is_that_of_its_row_and_column() {
    let results = fixture::far_too_much();
    let levels = results.tag_tables.iter().flat_map(|table| &table.levels);
    let rows: Vec<_> = levels.flat_map(|level| level.effects.iter().map(move |row| (level, row))).collect();
    let shown = figures(&rendered(&results), "tags");
    assert!(shown.len() > 300);
    for figure in shown {
        let (level, row) = rows.get(figure.row).expect("a row");
        let expected = match figure.column.as_str() {
            "units" => level.units.map(|units| units as f64),
            "share" => level.share,
            name => column(row, name),
        };
        figure.assert_is(expected, is_percentage(&results, row, &figure.column));
    }
}

#[test]
fn every_figure_of_a_slice_is_that_of_its_row_and_column() {
    let results = fixture::sliced();
    let rows: Vec<_> = results.slices.iter().flat_map(|row| row.slices.iter().map(move |slice| (row, slice))).collect();
    let shown = figures(&rendered(&results), "slices");
    assert!(shown.len() > 40, "{}", shown.len());
    for figure in shown {
        let (row, slice) = rows.get(figure.row).expect("a row");
        let expected = match figure.column.as_str() {
            "estimate" => slice.estimate,
            "ci_lower" => slice.interval.map(|interval| interval.lower),
            "ci_upper" => slice.interval.map(|interval| interval.upper),
            "n_control" => slice.n_control.map(|units| units as f64),
            "n_variant" => slice.n_variant.map(|units| units as f64),
            "trend" => row.trend,
            "p_trend" => row.p_trend,
            "p_differences" => row.p_differences,
            "p_value_adjusted" => row.p_value_adjusted,
            other => panic!("no column `{other}`"),
        };
        figure.assert_is(expected, figure.column.starts_with("ci_"));
    }
}

#[test]
fn every_figure_of_a_ranking_is_that_of_its_row_and_column() {
    let results = fixture::hillstrom();
    let rows: Vec<_> = results.tag_rankings.iter().flat_map(|ranking| &ranking.tags).collect();
    let shown = figures(&rendered(&results), "ranking");
    assert!(shown.len() > 10, "{}", shown.len());
    for figure in shown {
        let tag = rows.get(figure.row).expect("a row");
        let expected = match figure.column.as_str() {
            "modifying" => tag.modifying,
            "prognostic" => tag.prognostic,
            "absolute_p_value_adjusted" => tag.absolute.p_value_adjusted,
            "relative_p_value_adjusted" => tag.relative.p_value_adjusted,
            "prognostic_p_value_adjusted" => tag.prognostic_p_value_adjusted,
            other => panic!("no column `{other}`"),
        };
        figure.assert_is(expected, false);
    }
}

#[test]
fn every_figure_of_stability_is_that_of_its_row_and_column() {
    let results = fixture::hillstrom();
    let batch = crate::stability_batch(&results.stability).expect("a batch");
    let shown = figures(&rendered(&results), "stability");
    assert!(shown.len() > 60, "{}", shown.len());
    for figure in shown {
        let column = batch.column_by_name(&figure.column).unwrap_or_else(|| panic!("no column `{}`", figure.column));
        let column = cast(column, &DataType::Float64).expect("numbers");
        let expected = (!column.is_null(figure.row)).then(|| column.as_primitive::<Float64Type>().value(figure.row));
        figure.assert_is(expected, figure.column.starts_with("ci_"));
    }
}

/// The lists of `result.json` of which figures are shown.
const LISTS: [&str; 6] =
    ["global_tests", "cohort_scatter", "detectable_differences", "confirming_tests", "waterfall", "checks"];

/// Those of `tree.json`.
const TREES: [&str; 2] = ["trees", "importance"];

/// What stands at a place in a document: `parts[0].judged.pooled`.
fn at<'a>(entry: &'a Value, path: &str) -> &'a Value {
    let names = path.split(['.', '[', ']']).filter(|name| !name.is_empty());
    names.fold(entry, |entry, name| name.parse::<usize>().map_or_else(|_| &entry[name], |place| &entry[place]))
}

/// Asserts that the figures of a list are those of its entries; how many there are.
fn list_is_as_told(results: &Results, list: &str) -> usize {
    let document = if TREES.contains(&list) { crate::tree_json(results) } else { crate::result_json(results) };
    let document: Value = serde_json::from_str(&document.expect("a document")).expect("JSON");
    let shown = figures(&rendered(results), list);
    for figure in &shown {
        let entry = &at(&document, list)[figure.row];
        let expected = match figure.column.as_str() {
            "statistic" => entry["slope"].as_f64().zip(entry["std_err"].as_f64()).map(|(slope, error)| slope / error),
            "detects" => entry["detects"].as_f64().map(f64::abs),
            path => at(entry, path).as_f64(),
        };
        let is_bound = matches!(figure.column.rsplit('.').next(), Some("lower" | "upper"));
        // Standard errors beside an estimate are written without its unit.
        figure.assert_is(expected, is_bound || figure.column.ends_with("].std_err"));
    }
    shown.len()
}

#[test]
fn every_figure_of_a_node_is_that_of_its_entry() {
    for list in TREES {
        assert!(list_is_as_told(&fixture::hillstrom(), list) > 2, "no figure of {list}");
        list_is_as_told(&fixture::far_too_much(), list);
    }
}

#[test]
fn every_figure_of_a_test_a_check_and_a_step_is_that_of_its_entry() {
    let results = fixture::hillstrom();
    for list in LISTS {
        assert!(list_is_as_told(&results, list) > 1, "no figure of {list}");
    }
    for results in [fixture::registered(), fixture::underpowered(), fixture::far_too_much(), fixture::hostile()] {
        let shown: usize = LISTS.iter().map(|list| list_is_as_told(&results, list)).sum();
        assert!(shown > 10, "{shown}");
    }
}

#[test]
fn every_figure_of_a_finding_is_that_of_its_entry() {
    assert!(list_is_as_told(&fixture::replicated(), "replication.findings") > 10);
}

#[test]
fn every_figure_of_a_cohort_is_that_of_its_row_and_column() {
    let results = fixture::registered();
    let cohorts: Vec<&CohortView> = results.discovered().iter().chain(&results.registered).collect();
    let shown = figures(&rendered(&results), "cohorts");
    assert!(shown.len() > 40);
    for figure in shown {
        let cohort = cohorts.get(figure.row).expect("a cohort");
        let expected = if let Some(("units", fold)) = figure.column.split_once(':') {
            let sizes = cohort.sizes.iter().filter(|size| size.fold.as_str() == fold);
            sizes.map(|size| size.units).sum::<Option<u64>>().map(|units| units as f64)
        } else if let Some((model, field)) = entry(&figure.column, "shrunken") {
            let models = results.shrunken_effects.iter();
            let mut found = models.filter_map(|model| model.cohorts.iter().find(|found| found.cohort == cohort.name));
            let found = found.nth(model).expect("a model");
            match field {
                "estimate" => found.estimate,
                "ci_lower" => found.interval.map(|interval| interval.lower),
                "ci_upper" => found.interval.map(|interval| interval.upper),
                "shrinkage" => found.shrinkage,
                "positive" => found.positive,
                "best" => found.best,
                other => panic!("no field `{other}`"),
            }
        } else {
            let (tag, field) = entry(&figure.column, "profile").expect("a tag");
            let tag = &cohort.profile[tag];
            match field {
                "in_cohort" => tag.cohort,
                "everybody" => tag.everybody,
                "standardised" => tag.standardised,
                other => panic!("no field `{other}`"),
            }
        };
        figure.assert_is(expected, figure.column.contains("ci_"));
    }
}

#[test]
fn every_figure_of_a_model_is_that_of_its_row_and_column() {
    let results = fixture::modelled();
    let rows: Vec<_> = results.models.iter().flat_map(|model| &model.coefficients).collect();
    let shown = figures(&rendered(&results), "models");
    assert!(shown.len() > 40, "{}", shown.len());
    for figure in shown {
        let row = rows.get(figure.row).expect("a row");
        let expected = match figure.column.as_str() {
            "estimate" => row.estimate,
            "std_err" => row.std_err,
            "ci_lower" => row.interval.map(|interval| interval.lower),
            "ci_upper" => row.interval.map(|interval| interval.upper),
            "p_value" => row.p_value,
            "p_value_adjusted" => row.p_value_adjusted,
            other => panic!("no column `{other}`"),
        };
        figure.assert_is(expected, figure.column.starts_with("ci_"));
    }
}

#[test]
fn every_figure_of_a_prediction_is_that_of_its_row_and_column() {
    let results = fixture::modelled();
    let rows: Vec<_> = results.models.iter().flat_map(|model| &model.predictions).collect();
    let shown = figures(&rendered(&results), "predictions");
    assert_eq!(shown.len(), 16);
    for figure in shown {
        let row = rows.get(figure.row).expect("a row");
        let expected = match figure.column.as_str() {
            "estimate" => row.estimate,
            "std_err" => row.std_err,
            "ci_lower" => row.interval.map(|interval| interval.lower),
            "ci_upper" => row.interval.map(|interval| interval.upper),
            "p_value" => row.p_value,
            "p_value_adjusted" => row.p_value_adjusted,
            other => panic!("no column `{other}`"),
        };
        figure.assert_is(expected, figure.column.starts_with("ci_"));
    }
}

#[test]
fn every_figure_of_a_calibration_is_that_of_its_row_and_column() {
    let results = fixture::modelled();
    let rows: Vec<_> = results.models.iter().flat_map(|model| &model.calibration).collect();
    let shown = figures(&rendered(&results), "calibration");
    assert_eq!(shown.len(), 21);
    for figure in shown {
        let row = rows.get(figure.row).expect("a row");
        let expected = match figure.column.as_str() {
            "tenth" => Some(row.tenth as f64),
            "n_control" => Some(row.n_control as f64),
            "n_variant" => Some(row.n_variant as f64),
            "predicted" => Some(row.predicted),
            "estimate" => row.estimate,
            "ci_lower" => row.interval.map(|interval| interval.lower),
            "ci_upper" => row.interval.map(|interval| interval.upper),
            other => panic!("no column `{other}`"),
        };
        figure.assert_is(expected, figure.column.starts_with("ci_"));
    }
}
