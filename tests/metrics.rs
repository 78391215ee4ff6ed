//! Ratios, pre-periods, covariates and caps meet numbers computed event by event by `tests/reference/make_metrics.py`.

use std::fs;

use crate::effects::Effect;
use crate::program::Published;
use crate::warehouse::{Sample, Warehouse, repository};

/// How far apart two numbers may be, in standard errors: least squares by another route.
const TOLERANCE: f64 = 1e-8;

#[test]
fn every_kind_of_metric_meets_the_events() {
    let published = Warehouse::copy(Sample::Shop).run(&[]);
    let faults = faults(&published, "metrics_shop.csv");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn levels_of_a_tag_adjust_like_the_columns_of_a_regression() {
    let warehouse = Warehouse::copy(Sample::Shop);
    warehouse.edit("device: categorical", "device: { categorical: { levels: 10 } }");
    let spend = "spend: { role: secondary, from: orders, value: amount, precision: 0.01, aggregate: sum, window: 7d";
    warehouse.edit(spend, &format!("{spend}, cuped: {{ tags: [age, device] }}"));
    let faults = faults(&warehouse.run(&[]), "levels_shop.csv");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn caps_that_were_found_are_told() {
    let result = Warehouse::copy(Sample::Shop).run(&[]).json("result.json");
    let of = |metric: &str| {
        let metrics = result["metrics"].as_array().expect("metrics");
        metrics.iter().find(|view| view["name"] == metric).expect("a metric")["cap"].clone()
    };
    let expected = fs::read_to_string(repository().join("tests/reference/caps_shop.csv")).expect("reference numbers");
    for line in expected.lines().skip(1) {
        let [metric, of_whom, declared, threshold, units, share] = fields(line);
        let number = |text: &str| text.parse::<f64>().expect("a number");
        let cap = of(metric);
        let at = &cap[of_whom];
        for (name, expected) in [("threshold", threshold), ("units", units), ("share", share)] {
            let (found, expected) = (at[name].as_f64().expect("a number"), number(expected));
            assert!((found - expected).abs() <= f64::EPSILON * expected, "{name} is {found}, not as in {line}");
        }
        assert_eq!(cap["declared"].to_string(), declared, "{line}");
    }
    assert!(of("spend").is_null(), "no cap was asked for");
}

fn fields<const COUNT: usize>(line: &str) -> [&str; COUNT] {
    let fields: Vec<&str> = line.split(',').collect();
    fields.try_into().unwrap_or_else(|fields| panic!("{COUNT} fields are expected: {fields:?}"))
}

/// What differs from the effects in a file of `tests/reference`.
pub(crate) fn faults(published: &Published, reference: &str) -> Vec<String> {
    let path = repository().join("tests/reference").join(reference);
    let expected = fs::read_to_string(path).expect("reference numbers");
    assert!(expected.lines().count() > 1, "{reference} is empty");
    let found = published.effects();
    expected.lines().skip(1).flat_map(|line| faults_of(line, &found)).collect()
}

/// What differs from the row that a line is about.
fn faults_of(line: &str, found: &[Effect]) -> Vec<String> {
    let fields: Vec<&str> = line.split(',').collect();
    let [metric, cohort, estimand, method, numbers @ ..] = fields.as_slice() else { panic!("too few fields: {line}") };
    let numbers: Vec<f64> = numbers.iter().map(|number| number.parse().expect("a number")).collect();
    let [n_control, n_variant, mean_control, mean_variant, estimate, std_err] = numbers.as_slice() else {
        panic!("too few numbers: {line}")
    };
    let is_meant = |row: &Effect| row.metric == *metric && row.cohort == *cohort && row.estimand == *estimand;
    let rows: Vec<&Effect> = found.iter().filter(|row| is_meant(row)).collect();
    let place = format!("{metric}, {cohort}, {estimand}");
    let [row] = rows.as_slice() else { return vec![format!("{place}: {} rows", rows.len())] };
    let error = std_err * if *estimand == "lift" { mean_control.abs() } else { 1.0 };
    let compared = [
        ("mean_control", row.mean_control, mean_control, error),
        ("mean_variant", row.mean_variant, mean_variant, error),
        ("estimate", row.estimate, estimate, *std_err),
        ("std_err", row.std_err, std_err, *std_err),
    ];
    let mut faults = Vec::new();
    if row.method != *method {
        faults.push(format!("{place}: by {}, not {method}", row.method));
    }
    if (row.n_control as f64, row.n_variant as f64) != (*n_control, *n_variant) {
        faults.push(format!("{place}: {} and {} units, not {n_control} and {n_variant}", row.n_control, row.n_variant));
    }
    for (name, found, expected, scale) in compared {
        if found.is_none_or(|found| (found - expected).abs() > TOLERANCE * scale) {
            faults.push(format!("{place}: {name} is {found:?}, not {expected}"));
        }
    }
    faults
}
