//! What groups that share households have to do with each other: cohorts, the levels of tags, and ranked groups. Numbers meet
//! `tests/reference/make_search_by_cluster.py`; where every household is of one, those of users.

use std::fs;

use serde_json::Value;

use crate::clusters::{ONCE, TOLERANCE, many};
use crate::clusters_searched::{alone, searched};
use crate::program::Published;
use crate::warehouse::repository;

/// A search with other halves, whose groups are ranked.
const HALVED: &str = "discover:\n  tree: { depth: 2, units_per_arm: 200, events_per_arm: 50, pruning_folds: 0 }\n  search_replicates: 0\n  resplits: 5\n\n";

/// The scatter of some groups on a scale, and of a tag what is told besides.
fn find<'r>(result: &'r Value, groups: &str, metric: &str, scale: &str) -> (&'r Value, Option<&'r Value>) {
    let of_metric = |rows: &'r Value| {
        let rows = rows.as_array().expect("rows").iter();
        rows.filter(|row| row["metric"] == metric).collect::<Vec<_>>()
    };
    if groups == "cohorts" {
        return (&of_metric(&result["cohort_scatter"])[0][scale], None);
    }
    let tags = of_metric(&result["tag_rankings"])[0]["tags"].as_array().expect("tags").iter();
    let tag = tags.into_iter().find(|tag| tag["tag"] == groups).expect("the tag");
    (&tag[scale], Some(tag))
}

fn close(found: &Value, expected: f64, tolerance: f64) -> bool {
    found.as_f64().is_some_and(|found| (found - expected).abs() <= tolerance * expected.abs().max(1e-6))
}

#[test]
fn cohorts_and_levels_that_share_households_scatter_as_the_matrices_have_it() {
    let result = searched(many).run(&[]).json("result.json");
    let path = repository().join("tests/reference/scatter_by_cluster.csv");
    let text = fs::read_to_string(path).expect("reference numbers");
    assert_eq!(text.lines().count(), 7);
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let [groups, metric, scale, numbers @ ..] = fields.as_slice() else { panic!("{line}") };
        // Ratios are adjusted in this file, and not by household.
        let metric = if *metric == "click_rate" { "click_rate_adjusted" } else { metric };
        let numbers: Vec<f64> = numbers.iter().filter_map(|number| number.parse().ok()).collect();
        let (found, tag) = find(&result, groups, metric, scale);
        let told = [
            (&found["cochran_q"], TOLERANCE),
            // The tail of F, to its last digits.
            (&found["p_value"], 1e-6),
            (&found["i_squared"], TOLERANCE),
            (&found["between"], 1e-6),
            (&found["between_interval"]["lower"], 1e-6),
            (&found["between_interval"]["upper"], 1e-6),
        ];
        let besides = ["modifying", "modifying_over_control", "prognostic_p_value", "prognostic"];
        let besides = tag.into_iter().flat_map(|tag| besides.map(|name| (&tag[name], TOLERANCE)));
        for (place, ((found, tolerance), expected)) in told.into_iter().chain(besides).zip(&numbers).enumerate() {
            assert!(close(found, *expected, tolerance), "{line}\n  number {place} is {found}");
        }
    }
}

/// Numbers of a part of a result with what they may be off by, without the p-values of tests that are others by household. The ends of an
/// interval, which has other degrees of freedom, may be off by a hundredth of its width.
fn numbers(value: &Value, path: &str, found: &mut Vec<(String, f64, f64)>) {
    let is_other = |name: &str| name.contains("p_value") || name == "p_differences" || name == "p_trend";
    match value {
        Value::Number(number) => {
            let number = number.as_f64().expect("a number");
            found.push((path.to_owned(), number, 1e-6 * number.abs().max(1e-3)));
        }
        Value::Object(ends) if ends.len() == 2 && ends.contains_key("lower") && ends.contains_key("upper") => {
            let ends = ["lower", "upper"].map(|end| ends[end].as_f64().expect("an end"));
            let tolerance = 0.01 * (ends[1] - ends[0]) + 1e-9;
            found.extend(ends.map(|end| (path.to_owned(), end, tolerance)));
        }
        Value::Array(values) => {
            values.iter().enumerate().for_each(|(place, value)| numbers(value, &format!("{path}/{place}"), found));
        }
        Value::Object(fields) => fields
            .iter()
            .filter(|(name, _)| !is_other(name))
            .for_each(|(name, value)| numbers(value, &format!("{path}/{name}"), found)),
        _ => {}
    }
}

#[test]
fn households_of_one_are_ranked_sliced_and_grouped_like_users() {
    let warehouse = alone();
    warehouse.edit(ONCE, HALVED).edit("  start: 2026-03-02", "  start: 2026-02-26");
    let parts = |published: &Published| {
        let result = published.json("result.json");
        let parts = ["/shrunken_effects", "/tag_rankings", "/cohort_scatter", "/slices", "/stability/resplits/groups"];
        parts.map(|part| {
            let mut found = Vec::new();
            numbers(result.pointer(part).unwrap_or_else(|| panic!("no {part}")), part, &mut found);
            assert!(!found.is_empty(), "{part}");
            found
        })
    };
    let expected = parts(&warehouse.run(&[]));
    warehouse.edit("unit: user_id\n", "unit: user_id\ncluster: household_id\n");
    let found = parts(&warehouse.run(&[]));
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found.len(), expected.len());
        for ((path, found, _), (_, expected, tolerance)) in found.iter().zip(expected) {
            assert!((found - expected).abs() <= *tolerance, "{path}: {found}, not {expected}");
        }
    }
}
