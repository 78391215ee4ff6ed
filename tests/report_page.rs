//! The page of a run: the same bytes again, and every number on it as the Parquet files have it.

use std::fs;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};

use crate::program::{Answer, Baseline, Published, whom};
use crate::warehouse::{Sample, Warehouse, fresh_folder};

#[test]
fn report_writes_the_page_of_a_run_again_byte_for_byte() {
    let warehouse = Warehouse::copy(Sample::Tiny);
    let published = warehouse.run(&[]);
    let page = published.text("report.html");
    let printed = Answer::of(whom().arg("report").arg(warehouse.pipeline())).expect_success().stdout;
    assert!(printed == page, "the page is not the same");
    let file = warehouse.root().join("again.html");
    let mut command = whom();
    command.arg("report").arg(warehouse.output()).args(["--run", "1", "--output"]).arg(&file);
    Answer::of(&mut command).expect_success();
    assert!(fs::read_to_string(file).expect("a page") == page, "the page is not the same");
}

#[test]
fn report_takes_templates_and_names_those_that_there_are() {
    let warehouse = Warehouse::copy(Sample::Tiny);
    warehouse.run(&[]);
    let templates = fresh_folder();
    let report = || Answer::of(whom().arg("report").arg(warehouse.pipeline()).arg("--template").arg(templates.path()));
    let empty = report();
    assert_eq!((empty.code, empty.stderr.contains("it is empty")), (Some(2), true), "{}", empty.stderr);
    fs::write(templates.path().join("methods.html"), "<p>as always</p>").expect("a template");
    assert!(report().expect_success().stdout.contains("<p>as always</p>"));
    fs::write(templates.path().join("methods.html"), "{{ page.nothing.at_all }}").expect("a template");
    let broken = report();
    assert_eq!((broken.code, broken.stderr.contains("methods.html")), (Some(2), true), "{}", broken.stderr);
    fs::write(templates.path().join("metods.html"), "").expect("a template");
    let unknown = report();
    assert_eq!((unknown.code, unknown.stderr.contains("`methods.html`")), (Some(2), true), "{}", unknown.stderr);
}

#[test]
fn every_placed_figure_of_hillstrom_is_that_of_its_place() {
    every_placed_figure_is_that_of_its_place(Sample::Hillstrom, 250);
}

#[test]
fn every_placed_figure_of_retention_is_that_of_its_place() {
    every_placed_figure_is_that_of_its_place(Sample::Retention, 150);
}

#[test]
fn every_placed_figure_of_star_is_that_of_its_place() {
    every_placed_figure_is_that_of_its_place(Sample::Star, 250);
}

fn every_placed_figure_is_that_of_its_place(sample: Sample, least: usize) {
    let published = &Baseline::of(sample).published;
    let page = published.text("report.html");
    let places = ["effects", "cohorts", "tags", "ranking", "slices", "stability"];
    let [effects, cohorts, tags, ranking, slices, stability] =
        places.map(|name| published.table(&format!("{name}.parquet")));
    let files = Files { published, effects, cohorts, tags, ranking, slices, stability };
    let shown = places.map(|file| figures(page, file)).concat();
    assert!(shown.len() >= least, "{} figures", shown.len());
    for file in ["effects", "cohorts", "tags", "ranking", "stability"] {
        assert!(shown.iter().any(|figure| figure.file == file), "no figure of {file}");
    }
    for figure in &shown {
        let expected = match figure.file {
            "effects" => files.row(&files.effects, figure),
            "tags" => files.row(&files.tags, figure),
            "slices" => files.row(&files.slices, figure),
            "stability" if figure.column.starts_with("ci_") => files.row(&files.stability, figure),
            "stability" => Expected { value: number(&files.stability, figure.row, &figure.column), fraction: false },
            "ranking" => Expected { value: number(&files.ranking, figure.row, &figure.column), fraction: false },
            _ => files.cohort(figure),
        };
        figure.assert_is(&expected);
    }
}

/// The lists of which figures are shown, with the document that holds them.
const LISTS: [(&str, &str); 6] = [
    ("result.json", "global_tests"),
    ("result.json", "detectable_differences"),
    ("result.json", "waterfall"),
    ("result.json", "checks"),
    ("tree.json", "trees"),
    ("tree.json", "importance"),
];

#[test]
fn every_placed_figure_of_a_list_is_that_of_its_entry() {
    let published = &Baseline::of(Sample::Hillstrom).published;
    for (document, list) in LISTS {
        let document = published.json(document);
        let shown = figures(published.text("report.html"), list);
        assert!(!shown.is_empty(), "no figure of {list}");
        for figure in shown {
            let entry = &document[list][figure.row];
            let names = figure.column.split(['.', '[', ']']).filter(|name| !name.is_empty());
            let value = match figure.column.as_str() {
                "statistic" => {
                    entry["slope"].as_f64().zip(entry["std_err"].as_f64()).map(|(slope, error)| slope / error)
                }
                _ => names
                    .fold(entry, |entry, name| {
                        name.parse::<usize>().map_or_else(|_| &entry[name], |place| &entry[place])
                    })
                    .as_f64(),
            };
            // A standard error beside its estimate is written without the unit, here percentage points.
            figure.assert_is(&Expected { value, fraction: figure.column.ends_with("].std_err") });
        }
    }
}

/// A figure as it stands on the page, with the file, row and column that it names.
#[derive(Clone, Debug)]
struct Figure {
    file: &'static str,
    row: usize,
    column: String,
    text: String,
}

/// What a figure has to be, in the unit of its file.
struct Expected {
    value: Option<f64>,
    /// Whether it is a fraction that the page may show as a percentage without saying so.
    fraction: bool,
}

/// All figures of a file, in pictures and tables.
fn figures(page: &str, file: &'static str) -> Vec<Figure> {
    let figure = |rest: &str| {
        let (row, rest) = rest.split_once("].").expect("a row");
        let (column, rest) = rest.split_once('"').expect("a column");
        let (_, rest) = rest.split_once('>').expect("an element");
        let content = rest.split("</text>").next().and_then(|rest| rest.split("</span>").next()).expect("a text");
        let text = content.rsplit_once("</title>").map_or(content, |(_, text)| text).replace("&lt;", "<");
        Figure { file, row: row.parse().expect("a number"), column: column.to_owned(), text }
    };
    page.split(&format!("data-at=\"{file}[")).skip(1).map(figure).collect()
}

impl Figure {
    /// Asserts that the text is the number, to the last digit shown.
    fn assert_is(&self, expected: &Expected) {
        let Some(value) = expected.value else {
            assert_eq!(self.text, "—", "{self:?}");
            return;
        };
        let plain: String = self.text.trim_start_matches('<').replace('−', "-").replace(',', "");
        let end = plain.find(|digit: char| !matches!(digit, '0'..='9' | '+' | '-' | '.')).unwrap_or(plain.len());
        let (number, unit) = plain.split_at(end);
        let decimals = number.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        let half: f64 = format!("0.5e-{decimals}").parse().expect("half a digit");
        let shown: f64 = number.parse().unwrap_or_else(|error| panic!("{self:?}: {error}"));
        let is_percent = unit.starts_with('%') || unit.starts_with(" pp") || expected.fraction;
        let (shown, half) = if is_percent { (shown / 100.0, half / 100.0) } else { (shown, half) };
        let is_right =
            if self.text.starts_with('<') { value < shown } else { (shown - value).abs() <= half * (1.0 + 1e-9) };
        assert!(is_right, "{self:?} is {value}");
    }
}

/// The Parquet files of a run.
struct Files<'a> {
    published: &'a Published,
    effects: RecordBatch,
    cohorts: RecordBatch,
    tags: RecordBatch,
    ranking: RecordBatch,
    slices: RecordBatch,
    stability: RecordBatch,
}

/// A number of a table; nothing where it is null.
fn number(table: &RecordBatch, row: usize, column: &str) -> Option<f64> {
    let column = cast(table.column_by_name(column).expect("a column"), &DataType::Float64).expect("numbers");
    (!column.is_null(row)).then(|| column.as_primitive::<Float64Type>().value(row))
}

impl Files<'_> {
    /// A figure of a row of effects, in whichever file.
    fn row(&self, file: &RecordBatch, figure: &Figure) -> Expected {
        let number = |name: &str| number(file, figure.row, name);
        let word = |name: &str| {
            let column = file.column_by_name(name)?.as_string::<i32>();
            Some(column.value(figure.row).to_owned())
        };
        let metric = word("metric").expect("a metric");
        let value = match figure.column.as_str() {
            "statistic" => number("estimate").zip(number("std_err")).map(|(estimate, std_err)| estimate / std_err),
            column => number(column),
        };
        let is_fraction = self.is_proportion(&metric) || word("estimand").as_deref() == Some("lift");
        Expected { value, fraction: is_fraction && figure.column.starts_with("ci_") }
    }

    fn is_proportion(&self, metric: &str) -> bool {
        let result = self.published.json("result.json");
        let metrics = result["metrics"].as_array().expect("metrics");
        metrics.iter().find(|found| found["name"] == metric).expect("a metric")["proportion"] == true
    }

    fn cohort(&self, figure: &Figure) -> Expected {
        let entries = |name: &str| {
            let lists = self.cohorts.column_by_name(name).expect("a column").as_list::<i32>();
            lists.value(figure.row).as_struct().clone()
        };
        if let Some(("units", fold)) = figure.column.split_once(':') {
            let sizes = entries("sizes");
            let column = |name: &str| sizes.column_by_name(name).expect("a column").clone();
            let (folds, units) = (column("fold"), column("units"));
            let of_fold = folds.as_string::<i32>().iter().zip(units.as_primitive::<Int64Type>().values());
            let units = of_fold.filter(|(found, _)| *found == Some(fold)).map(|(_, units)| *units as f64).sum();
            return Expected { value: Some(units), fraction: false };
        }
        let (list, rest) = figure.column.split_once('[').expect("a list");
        let (place, name) = rest.split_once("].").expect("a place");
        let (entries, row) = (entries(list), place.parse::<usize>().expect("a place"));
        let column: ArrayRef = entries.column_by_name(name).expect("a column").clone();
        let value = (!column.is_null(row)).then(|| column.as_primitive::<Float64Type>().value(row));
        let is_bound = name.starts_with("ci_");
        let metric = || entries.column_by_name("metric").expect("a column").as_string::<i32>().value(row).to_owned();
        Expected { value, fraction: is_bound && self.is_proportion(&metric()) }
    }
}
