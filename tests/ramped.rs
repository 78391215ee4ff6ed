//! A ramp: undeclared it refuses the run, declared its effects meet those of `tests/reference/make_ramp.py`.

use std::collections::BTreeSet;
use std::fs;

use arrow::array::{AsArray, BooleanArray, Float64Array, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};

use crate::effects::Effect;
use crate::program::Answer;
use crate::warehouse::{Sample, Warehouse, repository};

/// How far apart two numbers may be, in standard errors: least squares by another route.
const TOLERANCE: f64 = 1e-8;

/// 2026-03-04 in microseconds since 1970-01-01 UTC.
const SECOND_PERIOD: i64 = 1_772_582_400_000_000;

const SEARCH: &str = "discover:\n  tree: { depth: 2, units_per_arm: 200, events_per_arm: 50, pruning_folds: 0 }\n\n";

/// The shop whose new page was shown to few before 2026-03-04, and whose customers spend more from then on.
fn shop() -> Warehouse {
    let warehouse = Warehouse::copy(Sample::Shop);
    let mut late = BTreeSet::new();
    warehouse.rewrite("exposures.parquet", |_, rows| {
        let (users, variants) = (users(&rows), rows["variant"].as_string::<i32>().clone());
        let instants = rows["exposed_at"].as_primitive::<TimestampMicrosecondType>();
        let kept = (0..rows.num_rows()).map(|row| {
            let is_late = instants.value(row) >= SECOND_PERIOD;
            if is_late {
                late.insert(users[row]);
            }
            Some(is_late || variants.value(row) == "control" || users[row] % 9 == 0)
        });
        let kept: BooleanArray = kept.collect();
        filter_record_batch(&rows, &kept).expect("fewer rows")
    });
    warehouse.rewrite("orders.parquet", |_, rows| {
        let amounts = rows["amount"].as_primitive::<arrow::datatypes::Float64Type>();
        let paid = users(&rows).into_iter().zip(amounts);
        let amounts: Float64Array = paid
            .map(|(user, amount)| Some(amount.expect("an amount") + if late.contains(&user) { 60.0 } else { 0.0 }))
            .collect();
        let schema = rows.schema();
        let columns = schema.fields().iter().zip(rows.columns()).map(|(field, column)| {
            let changed: arrow::array::ArrayRef = std::sync::Arc::new(amounts.clone());
            if field.name() == "amount" { changed } else { column.clone() }
        });
        RecordBatch::try_new(rows.schema(), columns.collect()).expect("the same rows")
    });
    warehouse
}

fn users(rows: &RecordBatch) -> Vec<i64> {
    rows["user_id"].as_primitive::<Int64Type>().values().to_vec()
}

#[test]
fn an_undeclared_ramp_is_refused_and_the_message_says_how_to_declare_it() {
    let warehouse = shop();
    warehouse.edit("control: { weight: 0.6 }", "control: { weight: 0.737 }");
    warehouse.edit("new: { weight: 0.4 }", "new: { weight: 0.263 }");
    let answer = Answer::of(&mut warehouse.run_command::<&str>(&[]));
    assert_eq!(answer.code, Some(3), "{}", answer.stderr);
    assert!(answer.stderr.contains("split.allocation"), "{}", answer.stderr);
    assert!(warehouse.published().is_empty());
}

#[test]
fn a_declared_ramp_is_compared_within_its_periods() {
    let warehouse = shop();
    warehouse.edit("control: { weight: 0.6 }", "control: { weight: 0.931 }");
    warehouse.edit("new: { weight: 0.4 }", "new: { weight: 0.069 }");
    let allocation =
        "  end: 2026-03-05\n  allocation:\n    - { start: 2026-03-04, weights: { control: 0.6, new: 0.4 } }\n";
    warehouse.edit("  end: 2026-03-05\n", allocation).edit(SEARCH, "");
    let published = warehouse.run(&[]);
    let path = repository().join("tests/reference/ramp_shop.csv");
    let expected = fs::read_to_string(path).expect("reference numbers");
    let found = published.effects();
    let faults: Vec<String> = expected.lines().skip(1).flat_map(|line| faults_of(line, &found)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(published.json("result.json").to_string().contains("the period from 2026-03-04"));
    let again = warehouse.run(&["--threads", "1"]);
    published.assert_same_files(&again, "one thread");
}

/// What differs from the row that a line is about.
fn faults_of(line: &str, found: &[Effect]) -> Vec<String> {
    let fields: Vec<&str> = line.split(',').collect();
    let [metric, cohort, estimand, method, numbers @ ..] = fields.as_slice() else { panic!("too few fields: {line}") };
    let numbers: Vec<f64> = numbers.iter().map(|number| number.parse().expect("a number")).collect();
    let is_meant = |row: &&Effect| row.metric == *metric && row.cohort == *cohort && row.estimand == *estimand;
    let rows: Vec<&Effect> = found.iter().filter(is_meant).collect();
    let ([row], [n_control, n_variant, .., estimate, std_err]) = (rows.as_slice(), numbers.as_slice()) else {
        return vec![format!("{line}: {} rows", rows.len())];
    };
    let near =
        |found: Option<f64>, expected: f64| found.is_some_and(|found| (found - expected).abs() <= TOLERANCE * std_err);
    let is_same = row.method == *method
        && (row.n_control as f64, row.n_variant as f64) == (*n_control, *n_variant)
        && near(row.estimate, *estimate)
        && near(row.std_err, *std_err);
    if is_same { Vec::new() } else { vec![format!("{line}: found {row:?}")] }
}
