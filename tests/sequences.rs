//! Confidence sequences: they meet the original file, hold alone until the last planned unit, and are only there where a plan asks for them.

use std::fs;

use crate::effects::Table;
use crate::program::Published;
use crate::warehouse::{Sample, Warehouse, repository};

/// Metric, variant, cohort and estimand of a row, its sequence's bounds and p-value, and which interval holds.
struct Row {
    key: [String; 4],
    sequence: [Option<f64>; 3],
    holds: String,
}

fn rows(published: &Published) -> Vec<Row> {
    let table = Table(published.table("effects.parquet"));
    let words = ["metric", "variant", "cohort", "estimand"].map(|name| table.words(name));
    let numbers = ["sequence_lower", "sequence_upper", "sequence_p_value"].map(|name| table.numbers(name));
    let holds = table.words("holds");
    let row = |place: usize| Row {
        key: words.each_ref().map(|word| word[place].clone()),
        sequence: numbers.each_ref().map(|numbers| numbers[place]),
        holds: holds[place].clone(),
    };
    (0..table.0.num_rows()).map(row).collect()
}

/// The sample as a nightly plan, which searches on none of the nights of these tests, and has a guardrail.
fn nightly() -> Warehouse {
    let warehouse = Warehouse::copy(Sample::Hillstrom);
    warehouse.edit("through: 2008-03-26 ", "through: \"${var.ds}\" ");
    warehouse.edit("  conversion:\n    role: secondary", "  conversion:\n    role: guardrail\n    limit: -10%");
    warehouse.edit(
        "validate: { level: 0.95,",
        "looks: { dates: [2008-05-01] }\nvalidate: { sequence_units: 40000, level: 0.95,",
    );
    warehouse
}

fn verdict(published: &Published) -> String {
    published.json("result.json")["verdict"].to_string()
}

#[test]
fn the_sequences_of_hillstrom_meet_the_original_file_and_hold_alone_until_the_last_planned_unit() {
    let warehouse = nightly();
    let early = warehouse.run(&["--set", "ds=2008-03-22"]);
    assert!(rows(&early).iter().filter(|row| row.sequence[0].is_some()).all(|row| row.holds == "sequence"));
    assert!(rows(&early).iter().any(|row| row.key[3] == "lift" && row.holds == "neither"));
    let told = verdict(&early);
    for words in ["Until the last planned unit has counted", "different from the rest at every look"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let published = warehouse.run(&["--set", "ds=2008-03-26"]);
    let found = rows(&published);
    let path = repository().join("tests/reference/sequences_hillstrom.csv");
    let expected = fs::read_to_string(path).expect("reference numbers");
    for line in expected.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let row = found.iter().find(|row| row.key.iter().eq(&fields[..4])).expect("a row");
        for (number, text) in row.sequence.iter().zip(&fields[4..]) {
            let (number, expected) = (number.expect("a sequence"), text.parse::<f64>().expect("a number"));
            assert!((number - expected).abs() <= 1e-7 * expected.abs(), "{line}: {number}");
        }
    }
    assert_eq!(found.iter().filter(|row| row.sequence[0].is_some()).count(), expected.lines().count() - 1);
    assert!(found.iter().all(|row| row.holds == "fixed_horizon"), "all planned units have counted");
    let told = verdict(&published);
    for words in ["All planned units have counted", "guardrail conversion holds at every look under Mens E-Mail"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let checks = published.json("result.json")["checks"].to_string();
    assert!(checks.contains("tested for every look"), "{checks}");
}

#[test]
fn a_plan_that_does_not_ask_has_none() {
    let published = Warehouse::copy(Sample::Tiny).run(&[]);
    let has_none = |row: &Row| row.sequence.iter().all(Option::is_none) && row.holds == "fixed_horizon";
    assert!(rows(&published).iter().all(has_none));
}
