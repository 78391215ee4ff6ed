//! A ramp: undeclared it refuses the run, declared its effects meet those of `tests/reference/make_ramp.py`.

use std::collections::BTreeSet;

use arrow::array::{AsArray, BooleanArray, Float64Array, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::TimestampMicrosecondType;

use crate::metrics::faults;
use crate::program::Answer;
use crate::warehouse::{Sample, Warehouse, users};

/// 2026-03-04 in microseconds since 1970-01-01 UTC.
const SECOND_PERIOD: i64 = 1_772_582_400_000_000;

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
    warehouse.edit("  end: 2026-03-05\n", allocation);
    warehouse.edit("pruning_folds: 0 }", "pruning_folds: 0 }\n  search_replicates: 10\n  resplits: 2");
    let published = warehouse.run(&[]);
    assert_eq!(published.manifest["run"]["details"]["look"], 1, "a ramp is searched like any other experiment");
    let faults = faults(&published, "ramp_shop.csv");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(published.json("result.json").to_string().contains("the period from 2026-03-04"));
    let again = warehouse.run(&["--threads", "1"]);
    published.assert_same_files(&again, "one thread");
}
