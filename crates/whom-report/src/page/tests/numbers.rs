//! Every number that carries a place is the number that stands there.

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
    let before = format!("data-{file}=\"");
    let shown = page.split(&before).skip(1).map(|rest| {
        let (row, rest) = rest.split_once('"').expect("a row");
        let (_, rest) = rest.split_once("data-column=\"").expect("a column");
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
        "statistic" => row.estimate.zip(row.std_err).map(|(estimate, std_err)| estimate / std_err),
        other => panic!("no column `{other}`"),
    }
}

/// Whether a bound, which is written without its unit, is that of a percentage.
fn is_percentage(results: &Results, row: &EffectRow, column: &str) -> bool {
    let metric = results.metric(&row.metric).expect("a metric");
    column.starts_with("ci_") && (metric.proportion || row.estimand == crate::effect::Estimand::Lift)
}

fn every_figure_is_that_of_its_place(results: &Results) -> usize {
    let shown = figures(&rendered(results), "effect-row");
    for Shown { row, column: name, text } in &shown {
        let row = results.effects.get(*row).expect("a row");
        match column(row, name) {
            None => assert_eq!(text, "—", "{name} of {row:?}"),
            Some(expected) => {
                let (mut value, mut half) = read(text);
                if is_percentage(results, row, name) {
                    (value, half) = (value / 100.0, half / 100.0);
                }
                if text.starts_with('<') {
                    assert!(expected < value, "{text}: {expected}");
                    continue;
                }
                let error = (value - expected).abs();
                assert!(error <= half * (1.0 + 1e-9), "{name}: `{text}` is not {expected}: {row:?}");
            }
        }
    }
    shown.len()
}

#[test]
fn every_effect_on_the_page_is_that_of_its_row_and_column() {
    for results in [fixture::hillstrom(), fixture::registered(), fixture::underpowered(), fixture::opposite()] {
        assert!(every_figure_is_that_of_its_place(&results) > 40);
    }
    assert!(every_figure_is_that_of_its_place(&fixture::far_too_much()) > 4_000);
}

#[test]
fn every_figure_of_a_tag_is_that_of_its_row_and_column() {
    let results = fixture::far_too_much();
    let levels = results.tag_tables.iter().flat_map(|table| &table.levels);
    let rows: Vec<_> = levels.flat_map(|level| level.effects.iter().map(move |row| (level, row))).collect();
    let shown = figures(&rendered(&results), "tag-row");
    assert!(shown.len() > 300);
    for Shown { row, column: name, text } in shown {
        let (level, row) = rows.get(row).expect("a row");
        let expected = match name.as_str() {
            "units" => level.units.map(|units| units as f64),
            "share" => level.share,
            name => column(row, name),
        };
        let (mut value, mut half) = read(&text);
        if is_percentage(&results, row, &name) {
            (value, half) = (value / 100.0, half / 100.0);
        }
        let expected = expected.expect("a number");
        assert!((value - expected).abs() <= half * (1.0 + 1e-9), "{name}: `{text}` is not {expected}: {row:?}");
    }
}

#[test]
fn every_figure_of_a_cohort_is_that_of_its_row_and_column() {
    let results = fixture::registered();
    let cohorts: Vec<&CohortView> = results.discovered().iter().chain(&results.registered).collect();
    let shown = figures(&rendered(&results), "cohort-row");
    assert!(shown.len() > 40);
    for Shown { row, column, text } in shown {
        let cohort = cohorts.get(row).expect("a cohort");
        let expected = if let Some(("units", fold)) = column.split_once(':') {
            let sizes = cohort.sizes.iter().filter(|size| size.fold.as_str() == fold);
            sizes.map(|size| size.units).sum::<Option<u64>>().map(|units| units as f64)
        } else {
            let (tag, field) = column.strip_prefix("profile[").and_then(|rest| rest.split_once("].")).expect("a tag");
            let tag = &cohort.profile[tag.parse::<usize>().expect("a place")];
            match field {
                "in_cohort" => tag.cohort,
                "everybody" => tag.everybody,
                "standardised" => tag.standardised,
                other => panic!("no field `{other}`"),
            }
        };
        match expected {
            None => assert_eq!(text, "—"),
            Some(expected) => {
                let (value, half) = read(&text);
                assert!((value - expected).abs() <= half * (1.0 + 1e-9), "{column}: `{text}` is not {expected}");
            }
        }
    }
}
