//! Confidence sequences: they meet the original file, and are only there where a plan asks for them.

use std::fs;

use crate::effects::Table;
use crate::program::Published;
use crate::warehouse::{Sample, Warehouse, repository};

/// Metric, variant, cohort and estimand of a row, with its sequence's bounds and p-value.
type Row = ([String; 4], [Option<f64>; 3]);

fn rows(published: &Published) -> Vec<Row> {
    let table = Table(published.table("effects.parquet"));
    let words = ["metric", "variant", "cohort", "estimand"].map(|name| table.words(name));
    let numbers = ["sequence_lower", "sequence_upper", "sequence_p_value"].map(|name| table.numbers(name));
    let row = |place: usize| (words.each_ref().map(|word| word[place].clone()), numbers.each_ref().map(|n| n[place]));
    (0..table.0.num_rows()).map(row).collect()
}

#[test]
fn the_sequences_of_hillstrom_meet_the_original_file() {
    let warehouse = Warehouse::copy(Sample::Hillstrom);
    warehouse.edit("validate: { level: 0.95,", "validate: { sequence_units: 60000, level: 0.95,");
    let published = warehouse.run(&[]);
    let found = rows(&published);
    let path = repository().join("tests/reference/sequences_hillstrom.csv");
    let expected = fs::read_to_string(path).expect("reference numbers");
    assert_eq!(expected.lines().skip(1).count(), 2, "two treatments");
    for line in expected.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let [metric, variant, cohort, estimand] = ["visit", fields[0], "all", "effect"].map(str::to_owned);
        let key = [metric, variant, cohort, estimand];
        let (_, numbers) = found.iter().find(|(of, _)| *of == key).expect("a row");
        for (number, text) in numbers.iter().zip(&fields[1..]) {
            let (number, expected) = (number.expect("a sequence"), text.parse::<f64>().expect("a number"));
            assert!((number - expected).abs() <= 1e-7 * expected.abs(), "{line}: {number}");
        }
    }
    let with: Vec<&Row> = found.iter().filter(|(_, numbers)| numbers[0].is_some()).collect();
    assert_eq!(with.len(), 6, "two treatments, for everybody and in two cohorts");
    assert!(with.iter().all(|([metric, _, _, estimand], _)| metric == "visit" && estimand == "effect"));
    let checks = published.json("result.json")["checks"].to_string();
    assert!(checks.contains("tested for every look"), "{checks}");
}

#[test]
fn a_plan_that_does_not_ask_has_none() {
    let published = Warehouse::copy(Sample::Tiny).run(&[]);
    assert!(rows(&published).iter().all(|(_, numbers)| numbers.iter().all(Option::is_none)));
}
