//! Confidence sequences: they meet the original file, hold alone until the last planned unit, and are only there where a plan asks for them.

use std::fs;

use whom_stats::{ConfidenceSequence, Estimate};

use crate::clusters::households;
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

#[test]
fn by_household_sequences_are_made_of_errors_by_household() {
    let warehouse = households();
    warehouse.edit("    cap: { percentile: 0.99, of: non_zero }\n", "");
    warehouse.edit("validate: { bootstrap: 200 }", "validate: { bootstrap: 200, sequence_units: 5000 }");
    let published = warehouse.run(&[]);
    let table = Table(published.table("effects.parquet"));
    let [estimates, errors] = ["estimate", "std_err"].map(|name| table.numbers(name));
    let [control, variant] = ["n_control", "n_variant"].map(|name| table.counts(name));
    let (methods, rows) = (table.words("method"), rows(&published));
    let is_effect = |place: &usize| matches!(rows[*place].key[3].as_str(), "effect" | "contrast");
    let looked: Vec<usize> =
        (0..rows.len()).filter(|place| rows[*place].sequence[0].is_some() && is_effect(place)).collect();
    // Two metrics, for everybody and in two cohorts, and these against the rest.
    let sequence = ConfidenceSequence::of_family(0.95, 10, 5_000).expect("a level");
    for place in &looked {
        let key = &rows[*place].key;
        let everybody = rows.iter().position(|row| row.key == [&key[0], &key[1], "all", "effect"]).expect("an average");
        let value = estimates[*place].expect("an estimate");
        let std_err = errors[*place].expect("an error");
        let estimate = Estimate { value, std_err, degrees_of_freedom: f64::INFINITY };
        let units = (control[everybody] + variant[everybody]).cast_unsigned();
        let expected = sequence.look(&estimate, units).expect("a look").interval;
        for (found, expected) in rows[*place].sequence.iter().zip([expected.lower, expected.upper]) {
            assert!((found.expect("a bound") - expected).abs() < 1e-9 * std_err, "{key:?}");
        }
        assert!(methods[*place].starts_with("clustered"), "{key:?}: {}", methods[*place]);
    }
    assert!(
        looked.iter().any(|place| rows[*place].key[2] == "phones" && rows[*place].key[3] == "contrast"),
        "{}",
        looked.len()
    );
}
