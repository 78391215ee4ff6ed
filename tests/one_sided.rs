//! One-sided tests: their p-values and intervals meet the original file, and they claim nothing on the other side.

use std::fs;

use crate::effects::Table;
use crate::program::Published;
use crate::warehouse::{Sample, Warehouse, repository};

/// The campaign with one-sided tests of its visits.
fn one_sided(desired: &str) -> Published {
    let warehouse = Warehouse::copy(Sample::Hillstrom);
    let asked = format!("    desired: {desired}\n    test: one_sided\n    matters: 5%");
    warehouse.edit("    desired: increase\n    matters: 5%", &asked);
    warehouse.run(&[])
}

/// What differs from the rows of the reference.
fn faults(published: &Published, direction: &str) -> Vec<String> {
    let table = Table(published.table("effects.parquet"));
    let words = ["metric", "variant", "cohort", "estimand", "family"].map(|name| table.words(name));
    let numbers = ["p_value", "p_value_adjusted", "ci_lower", "ci_upper"].map(|name| table.numbers(name));
    let (alternative, level) = (table.words("alternative"), table.numbers("level"));
    let expected = fs::read_to_string(repository().join("tests/reference/one_sided_hillstrom.csv")).expect("numbers");
    let lines = expected.lines().filter(|line| line.starts_with(direction));
    assert_eq!(lines.clone().count(), 10, "of two treatments three effects and two contrasts");
    let fault = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        let key = ["visit", fields[1], fields[2], fields[3], "F1"];
        let row = (0..alternative.len()).find(|row| words.iter().zip(key).all(|(words, word)| words[*row] == word));
        let row = row.unwrap_or_else(|| panic!("no row for {line}"));
        let against = if fields[3] == "effect" { (direction, 0.9) } else { ("two_sided", 0.95) };
        let is_same = |(column, text): (&Vec<Option<f64>>, &&str)| {
            let (found, expected) = (column[row].expect("a number"), text.parse::<f64>().expect("a number"));
            (found - expected).abs() <= 1e-6 * expected.abs()
        };
        let is_right = (alternative[row].as_str(), level[row]) == (against.0, Some(against.1))
            && numbers.iter().zip(&fields[4..]).all(is_same);
        (!is_right).then(|| format!("{line}: {:?}", numbers.each_ref().map(|column| column[row])))
    };
    lines.filter_map(fault).collect()
}

#[test]
fn tests_of_an_increase_meet_the_original_file() {
    let published = one_sided("increase");
    let faults = faults(&published, "greater");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let summary = published.text("summary.md");
    assert!(summary.contains("increases visit"), "{summary}");
}

#[test]
fn a_test_of_a_decrease_claims_no_increase() {
    let published = one_sided("decrease");
    let faults = faults(&published, "less");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let verdict = &published.json("result.json")["verdict"];
    for average in verdict["averages"].as_array().expect("averages") {
        assert_eq!(average["outcome"], "not_improved", "{average}");
    }
    let declared = ["bought_womens", "bought_mens_only"];
    for cohort in verdict["cohorts"].as_array().expect("cohorts") {
        let is_declared = declared.iter().any(|name| cohort["cohort"] == *name);
        assert!(!is_declared || cohort["standing"] != "loses", "{cohort}");
    }
}
