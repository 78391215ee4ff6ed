//! What could be found before anybody was exposed: `whom power --pre-period` meets numbers computed event by event by
//! `tests/reference/make_pre_period.py`, and what a simulated experiment then has.

use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use arrow::array::Int64Array;
use serde_json::Value;
use whom_simulate::{Calendar, Flaws, Population, Size};

use crate::program::{Answer, whom};
use crate::warehouse::{Sample, Warehouse, fresh_folder, repository, users, with_column};

/// How far apart two errors may be, in standard errors: least squares by another route.
const TOLERANCE: f64 = 1e-8;

/// `whom power` from days before the experiment of a file.
fn foreseen(pipeline: &Path, days: &str, units_of: &str, arguments: &[&str]) -> Answer {
    let mut command = whom();
    command.arg("power").arg(pipeline).args(["--pre-period", days, "--units-of", units_of]).args(arguments);
    Answer::of(&mut command)
}

/// The shop with windows of two days, so that days before the experiment have complete ones, and with a plain mean to plan for.
fn shop() -> Warehouse {
    let warehouse = Warehouse::copy(Sample::Shop);
    let text = fs::read_to_string(warehouse.pipeline()).expect("a pipeline file");
    fs::write(warehouse.pipeline(), text.replace("7d", "2d")).expect("a pipeline file");
    warehouse.edit("spend: { role: secondary,", "spend: { role: primary, desired: increase, matters: 1%,");
    warehouse
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("no number: {value}"))
}

#[test]
fn what_could_be_found_before_anybody_was_exposed_meets_the_events() {
    let warehouse = shop();
    let answer = foreseen(&warehouse.pipeline(), "2026-02-25..2026-02-28", "views", &["--quiet"]).expect_success();
    let planning = answer.last_line()["planning"].clone();
    let path = repository().join("tests/reference/pre_period_shop.csv");
    let expected = fs::read_to_string(path).expect("reference numbers");
    for line in expected.lines().skip(1) {
        assert_meets(&planning, line);
    }
    assert_eq!(expected.lines().count(), 11, "three metrics for everybody and in two cohorts, and a margin");
    let basis = "units of views first seen from 2026-02-25 to 2026-02-27";
    assert!(answer.stdout.contains(basis) && answer.stdout.contains("nobody was treated"), "{}", answer.stdout);
    assert!(warehouse.published().is_empty() && !warehouse.output().exists(), "nothing is left behind");

    let arguments = ["--quiet", "--threads", "1", "--pieces", "5", "--waiting-limit", "1B"];
    let again = foreseen(&warehouse.pipeline(), "2026-02-25..2026-02-28", "views", &arguments).expect_success();
    assert_eq!(again.stdout, answer.stdout, "in other pieces, on disk");
}

/// Asserts that the row of a line is as computed: units by variant, error, what is found, what matters and what finds it.
fn assert_meets(planning: &Value, line: &str) {
    let fields: Vec<&str> = line.split(',').collect();
    let [metric, subject, tests, control, treated, rest @ ..] = fields.as_slice() else { panic!("{line}") };
    let rest: Vec<f64> = rest.iter().map(|number| number.parse().expect("a number")).collect();
    let [std_err, at_80, at_90, matters, needed] = rest.as_slice() else { panic!("{line}") };
    let is_meant = |row: &&Value| {
        let found = &row["subject"];
        row["metric"] == *metric && (found == *subject || found["cohort"] == *subject)
    };
    let rows = planning["rows"].as_array().expect("rows");
    let row = rows.iter().find(is_meant).unwrap_or_else(|| panic!("no row: {line}"));
    let units = [control, treated].map(|units| units.parse::<u64>().expect("units"));
    assert_eq!(row["compared"], serde_json::json!(units), "the units of both variants: {line}");
    assert_eq!(row["tests"].to_string(), *tests, "{line}");
    let near = |name: &str, found: f64, expected: f64, tolerance: f64| {
        assert!((found / expected - 1.0).abs() < tolerance, "{name} is {found}, not {expected}: {line}");
    };
    near("std_err", number(&row["std_err"]), *std_err, TOLERANCE);
    near("matters", number(&row["matters"]), *matters, TOLERANCE);
    near("at 80 %", number(&row["detectable"][0]), *at_80, 1e-6);
    near("at 90 %", number(&row["detectable"][1]), *at_90, 1e-6);
    near("needed units", number(&row["needed_units"]), needed.ceil(), 2e-5 + 2.0 / needed);
    let days = number(&row["needed_units"]) * 3.0 / number(&planning["units_of_run"]);
    near("needed days", number(&row["needed_days"]), days.ceil(), f64::EPSILON);
}

#[test]
fn errors_before_an_experiment_are_near_those_that_it_then_has() {
    let folder = fresh_folder();
    let root = folder.path().join("shop");
    let standard = whom_simulate::Warehouse::standard(Size::Tiny, 5);
    let calendar = Calendar { window_days: 5, history_days: 14, snapshots: 21, ..standard.calendar };
    // Who visits often would order often: units of the days before would be others than those of the experiment.
    let prognosis = Vec::new();
    let warehouse = whom_simulate::Warehouse { units: 6_000, calendar, prognosis, flaws: Flaws::default(), ..standard };
    let population = Population::new(warehouse).expect("a population");
    population.write(&root, NonZeroUsize::MIN, &|_| {}).expect("a warehouse");
    let pipeline = root.join("pipeline.yaml");
    let text = fs::read_to_string(&pipeline).expect("a pipeline file");
    fs::write(&pipeline, text.replace("\noutput:", "\nlooks: { dates: [2030-01-01] }\n\noutput:"))
        .expect("a pipeline file");

    let units = ["--units", "6000", "--quiet"];
    let before = foreseen(&pipeline, "2026-02-18..2026-02-25", "visits", &units).expect_success();
    Answer::of(whom().arg("run").arg(&pipeline).arg("--quiet")).expect_success();
    let then = Answer::of(whom().arg("power").arg(&pipeline).args(&units[..2])).expect_success();
    let rows = |answer: &Answer| answer.last_line()["planning"]["rows"].as_array().expect("rows").clone();
    let (before, then) = (rows(&before), rows(&then));
    assert_eq!(before.len(), then.len());
    for (before, then) in before.iter().zip(&then) {
        assert_eq!((&before["metric"], &before["subject"]), (&then["metric"], &then["subject"]));
        let ratio = number(&before["detectable"][0]) / number(&then["detectable"][0]);
        let tolerance = if before["subject"]["cohort"].is_null() { 0.05 } else { 0.15 };
        assert!((ratio - 1.0).abs() < tolerance, "{ratio}: {before} and {then}");
    }
}

#[test]
fn days_that_cannot_stand_for_the_experiment_are_refused() {
    let warehouse = shop();
    for (days, units_of, code, told) in [
        ("2026-02-25..2026-02-28", "view", 2, "did you mean `views`?"),
        ("2026-02-28..2026-02-25", "views", 2, "write the first day and the day after the last"),
        ("2026-02-25..2026-03-04", "views", 2, "the experiment starts on 2026-03-02"),
        ("2026-02-25..2026-03-01", "views", 2, "end the pre-period with `2026-02-25..2026-02-28`"),
        ("2026-01-05..2026-01-08", "views", 3, "nobody would have come"),
    ] {
        let answer = foreseen(&warehouse.pipeline(), days, units_of, &["--quiet"]);
        assert_eq!(answer.code, Some(code), "{days} of {units_of}: {}", answer.stderr);
        assert!(answer.stderr.contains(told), "{days} of {units_of}: {}", answer.stderr);
    }
    let little = ["--quiet", "--threads", "2", "--memory-limit", "100MiB"];
    let answer = foreseen(&warehouse.pipeline(), "2026-02-25..2026-02-28", "views", &little);
    assert_eq!((answer.code, answer.stderr.contains("--memory-limit")), (Some(5), true), "{}", answer.stderr);
    assert!(!warehouse.output().exists(), "nothing is left behind");
}

#[test]
fn what_is_too_small_to_be_shown_is_planned_for_nobody() {
    let warehouse = shop();
    warehouse.edit("  path: ../../../whom-out/shop/\n", "  path: ../../../whom-out/shop/\n  smallest_cell: 50\n");
    let answer = foreseen(&warehouse.pipeline(), "2026-02-25..2026-02-28", "views", &["--quiet"]).expect_success();
    let planning = answer.last_line()["planning"].clone();
    let rows = planning["rows"].as_array().expect("rows");
    let hidden: Vec<&Value> = rows.iter().filter(|row| row["std_err"].is_null()).collect();
    assert_eq!(hidden.len(), 3, "48 users are 97 years old: {hidden:?}");
    for row in hidden {
        assert_eq!(row["subject"]["cohort"], "oldest");
        assert!(row["compared"].is_null() && row["detectable"].is_null() && row["not_estimable"].is_string(), "{row}");
    }
}

#[test]
fn households_come_into_a_variant_together() {
    let warehouse = shop();
    let text = fs::read_to_string(warehouse.pipeline()).expect("a pipeline file");
    let text = text.replace(", cuped: 2d", "").replace("unit: user_id\n", "unit: user_id\ncluster: household_id\n");
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("cuped:"));
    fs::write(warehouse.pipeline(), lines.collect::<Vec<_>>().join("\n")).expect("a pipeline file");
    let days = "2026-02-25..2026-02-28";
    let answer = foreseen(&warehouse.pipeline(), days, "views", &["--quiet"]);
    assert!(answer.stderr.contains("no column `household_id` in fact table `views`"), "{}", answer.stderr);

    warehouse.rewrite("views.parquet", |_, rows| {
        let households = users(&rows).into_iter().map(|user| user / 7);
        with_column(&rows, "household_id", Arc::new(households.collect::<Int64Array>()))
    });
    // More than one household in 200 in both variants would end it.
    let answer = foreseen(&warehouse.pipeline(), days, "views", &["--quiet"]).expect_success();
    let planning = &answer.last_line()["planning"];
    let units: f64 = planning["rows"][0]["compared"].as_array().expect("units").iter().map(number).sum();
    assert_eq!(units, number(&planning["units_of_run"]), "nobody is left out");
}
