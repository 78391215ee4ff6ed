//! Effects by week of first exposure and by slice meet numbers computed event by event by
//! `tests/reference/make_slices.py`, and by `make_slices_by_cluster.py` where users were assigned by household.

use std::fs;

use serde_json::Value;

use crate::clusters::households;
use crate::program::Published;
use crate::warehouse::{Sample, Warehouse, repository};

/// How far apart two numbers may be, in standard errors: least squares by another route.
const TOLERANCE: f64 = 1e-8;

/// The shop over two weeks, by device and by age.
fn sliced() -> Warehouse {
    let warehouse = Warehouse::copy(Sample::Shop);
    warehouse
        .edit("  start: 2026-03-02", "  start: 2026-02-26")
        .edit("\nvalidate:", "\nslices: [device, age]\n\nvalidate:");
    warehouse
}

/// The rows of stability, in `result.json`.
fn rows(published: &Published) -> Vec<Value> {
    published.json("result.json")["slices"].as_array().expect("rows of stability").clone()
}

fn slicing(row: &Value) -> &str {
    row["sliced_by"]["tag"].as_str().or(row["sliced_by"].as_str()).expect("what the units are sliced by")
}

/// Words and numbers of the lines of a file of reference numbers.
fn expected(name: &str, words: usize) -> Vec<(Vec<String>, Vec<f64>)> {
    let text = fs::read_to_string(repository().join("tests/reference").join(name)).expect("reference numbers");
    let line = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        let (named, numbers) = fields.split_at(words);
        let numbers = numbers.iter().map(|number| number.parse().expect("a number")).collect();
        (named.iter().map(|word| (*word).to_owned()).collect(), numbers)
    };
    text.lines().skip(1).map(line).collect()
}

/// The row of a slicing, metric and cohort.
fn find<'r>(rows: &'r [Value], by: &str, metric: &str, cohort: &str) -> &'r Value {
    let is_meant = |row: &&Value| slicing(row) == by && row["metric"] == metric && row["cohort"] == cohort;
    rows.iter().find(is_meant).unwrap_or_else(|| panic!("no row of {metric} in {cohort} by {by}"))
}

/// Holds slices against those of a file of reference numbers, and gives their number.
fn assert_slices(rows: &[Value], reference: &str) -> usize {
    let expected = expected(reference, 4);
    for (words, numbers) in &expected {
        let [by, number, metric, cohort] = words.as_slice() else { panic!("{words:?}") };
        let place: usize = number.parse().expect("a number");
        let slice = &find(rows, by, metric, cohort)["slices"][place - 1];
        let found = |name: &str| slice[name].as_f64().unwrap_or_else(|| panic!("{words:?}: no {name}: {slice}"));
        let [n_control, n_variant, mean_control, mean_variant, estimate, std_err] = numbers.as_slice() else {
            panic!("{numbers:?}")
        };
        assert_eq!((found("n_control"), found("n_variant")), (*n_control, *n_variant), "{words:?}");
        let compared = [
            ("mean_control", mean_control),
            ("mean_variant", mean_variant),
            ("estimate", estimate),
            ("std_err", std_err),
        ];
        for (name, expected) in compared {
            assert!(
                (found(name) - expected).abs() < TOLERANCE * std_err,
                "{words:?}: {name} is {}, not {expected}",
                found(name)
            );
        }
    }
    expected.len()
}

#[test]
fn every_slice_meets_the_events() {
    let rows = rows(&sliced().run(&[]));
    let expected = assert_slices(&rows, "slices_shop.csv");
    let of_three = |row: &&Value| ["all", "phones", "oldest"].iter().any(|cohort| row["cohort"] == *cohort);
    let slices: Vec<&Value> =
        rows.iter().filter(of_three).flat_map(|row| row["slices"].as_array().expect("slices")).collect();
    assert_eq!(slices.iter().filter(|slice| slice["estimate"].is_number()).count(), expected);
    assert!(slices.iter().all(|slice| slice["estimate"].is_number() != slice["not_estimable"].is_string()));
}

/// Holds tests of stability against those of a file, and says which of them: those in which all slices take part.
fn assert_tests(rows: &[Value], reference: &str) -> Vec<String> {
    let mut compared = Vec::new();
    for (words, numbers) in expected(reference, 3) {
        let [by, metric, cohort] = words.as_slice() else { panic!("{words:?}") };
        let row = find(rows, by, metric, cohort);
        let (p_value, [slope, std_err]) = (numbers[0], [numbers[1], numbers[2]]);
        let is_whole = row["slices"].as_array().expect("slices").iter().all(|slice| slice["unreliable"].is_null());
        if !is_whole {
            continue;
        }
        compared.push(format!("{by} {metric} {cohort}"));
        let found = |name: &str| row[name].as_f64().unwrap_or_else(|| panic!("{words:?}: no {name}"));
        if by == "week" {
            assert!((found("trend") - slope).abs() < TOLERANCE * std_err, "{words:?}");
            assert!((found("trend_std_err") - std_err).abs() < TOLERANCE * std_err, "{words:?}");
        } else {
            assert!(
                (found("p_differences") - p_value).abs() < 1e-8,
                "{words:?}: {} not {p_value}",
                found("p_differences")
            );
            assert!(row["trend"].is_null());
        }
    }
    compared
}

#[test]
fn trends_of_two_weeks_and_differences_between_slices_meet_scipy() {
    let compared = assert_tests(&rows(&sliced().run(&[])), "slices_tests_shop.csv");
    // Of the oldest, slices are outside the range of the method, and take no part.
    let of_clicks = ["week", "week", "device", "age", "age"].into_iter().zip(["all", "phones", "all", "all", "phones"]);
    assert_eq!(compared, of_clicks.map(|(by, cohort)| format!("{by} click_rate {cohort}")).collect::<Vec<_>>());
}

/// The same shop where users were assigned by household, and spend is a primary metric.
fn sliced_by_household() -> Warehouse {
    let warehouse = households();
    warehouse
        .edit("  start: 2026-03-02", "  start: 2026-02-26")
        .edit("\nvalidate:", "\nslices: [device, age]\n\nvalidate:")
        .edit("spend: { role: secondary,", "spend: { role: primary, desired: increase, matters: 1%,");
    warehouse
}

#[test]
fn slices_that_share_households_meet_the_matrices_with_their_covariance_whatever_the_threads() {
    let published = sliced_by_household().run(&[]);
    let found = rows(&published);
    assert_eq!(assert_slices(&found, "slices_by_cluster_shop.csv"), 34);
    let compared = assert_tests(&found, "slices_by_cluster_tests_shop.csv");
    assert_eq!(
        compared,
        [
            "week spend all",
            "week click_rate all",
            "week spend phones",
            "week click_rate phones",
            "device spend all",
            "device click_rate all",
            "age spend all",
            "age click_rate all",
            "age spend phones",
            "age click_rate phones",
        ]
    );
    let on_disk = ["--threads", "1", "--batch-size", "97", "--waiting-limit", "1B", "--pieces", "5"];
    sliced_by_household().run(&on_disk).assert_same_files(&published, "one thread and a disk");
}

#[test]
fn threads_batches_and_a_disk_change_no_slice() {
    let usual = sliced().run(&[]);
    let on_disk = ["--waiting-limit", "1B", "--pieces", "5", "--threads", "2"];
    for arguments in [["--threads", "1", "--batch-size", "97"].as_slice(), &on_disk] {
        sliced().run(arguments).assert_same_files(&usual, &arguments.join(" "));
    }
}
