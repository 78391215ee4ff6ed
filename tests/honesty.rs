//! What must not matter does not: outcomes of units that do not discover leave every rule as it is, and snapshots of
//! the day of exposure or later leave everything as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, Float64Array, RecordBatch, StringArray};
use arrow::compute::{cast, filter_record_batch};
use arrow::datatypes::{DataType, Float64Type, TimeUnit, TimestampMicrosecondType};
use chrono::{DateTime, NaiveDate};
use chrono_tz::Tz;
use serde_json::Value;

use crate::effects::Table;
use crate::program::{Baseline, Published};
use crate::warehouse::{Sample, Warehouse};

#[test]
fn outcomes_of_the_measuring_fold_do_not_touch_the_tree_of_retention() {
    let baseline = &Baseline::of(Sample::Retention).published;
    let measuring = measuring_units(baseline);
    let warehouse = Warehouse::copy(Sample::Retention);
    warehouse.rewrite("outcomes.parquet", |_, rows| {
        let of_fold = is_among(&rows, "account_id", &measuring);
        with_numbers(&rows, "value", |row, value| if of_fold[row] { 200.0 - 3.0 * value } else { value })
    });
    let altered = warehouse.run(&[]);
    assert_eq!(rule(baseline), rule(&altered));
    assert_ne!(baseline.effects(), altered.effects(), "the outcomes were not altered");
}

#[test]
fn outcomes_of_the_measuring_fold_do_not_touch_the_tree_of_hillstrom() {
    let baseline = &Baseline::of(Sample::Hillstrom).published;
    let measuring = measuring_units(baseline);
    let warehouse = Warehouse::copy(Sample::Hillstrom);
    warehouse.rewrite("visits", |_, rows| {
        let keep: Vec<bool> = is_among(&rows, "customer_id", &measuring).iter().map(|of_fold| !of_fold).collect();
        filter_record_batch(&rows, &BooleanArray::from(keep)).expect("fewer rows")
    });
    let altered = warehouse.run(&[]);
    assert_eq!(rule(baseline), rule(&altered));
    assert_ne!(baseline.effects(), altered.effects(), "the outcomes were not altered");
}

#[test]
fn later_snapshots_of_hillstrom_change_no_byte() {
    later_snapshots_change_no_byte(&Snapshots {
        sample: Sample::Hillstrom,
        table: "customer_tags",
        unit: "customer_id",
        time_zone: chrono_tz::America::New_York,
    });
}

#[test]
fn later_snapshots_of_retention_change_no_byte() {
    later_snapshots_change_no_byte(&Snapshots {
        sample: Sample::Retention,
        table: "account_tags",
        unit: "account_id",
        time_zone: chrono_tz::Europe::Berlin,
    });
}

#[test]
fn later_snapshots_of_tiny_change_no_byte() {
    later_snapshots_change_no_byte(&Snapshots {
        sample: Sample::Tiny,
        table: "profiles",
        unit: "user_id",
        time_zone: chrono_tz::Europe::Berlin,
    });
}

/// A table of dated tags.
struct Snapshots {
    sample: Sample,
    table: &'static str,
    unit: &'static str,
    time_zone: Tz,
}

fn later_snapshots_change_no_byte(snapshots: &Snapshots) {
    let baseline = &Baseline::of(snapshots.sample).published;
    let exposed = exposure_days(baseline, snapshots.time_zone);
    let warehouse = Warehouse::copy(snapshots.sample);
    let mut altered = 0;
    warehouse.rewrite(snapshots.table, |path, rows| {
        let day = partition_day(path);
        let units = Table(rows.clone()).words(snapshots.unit);
        let later: Vec<bool> = units.iter().map(|unit| exposed.get(unit).is_some_and(|first| day >= *first)).collect();
        altered += later.iter().filter(|later| **later).count();
        garbled(&rows, snapshots.unit, &later)
    });
    assert!(altered > 0, "no snapshot was altered");
    baseline.assert_same_files(&warehouse.run(&["--keep-units"]), "with other snapshots from the exposure day on");
}

/// Every column but the unit's with nonsense in the chosen rows.
fn garbled(rows: &RecordBatch, unit: &str, chosen: &[bool]) -> RecordBatch {
    let schema = rows.schema();
    let columns = schema.fields().iter().zip(rows.columns()).map(|(field, column)| match field.data_type() {
        _ if field.name() == unit => Arc::clone(column),
        DataType::Utf8 => with_nonsense_words(column, chosen),
        kind => with_nonsense_numbers(column, kind, chosen),
    });
    RecordBatch::try_new(schema.clone(), columns.collect()).expect("the same columns")
}

fn with_nonsense_words(column: &ArrayRef, chosen: &[bool]) -> ArrayRef {
    let words = column.as_string::<i32>().iter().zip(chosen);
    Arc::new(words.map(|(word, chosen)| if *chosen { Some("nonsense") } else { word }).collect::<StringArray>())
}

fn with_nonsense_numbers(column: &ArrayRef, kind: &DataType, chosen: &[bool]) -> ArrayRef {
    let numbers = cast(column, &DataType::Float64).expect("numbers");
    let numbers = numbers.as_primitive::<Float64Type>().iter().zip(chosen);
    let numbers: Float64Array = numbers.map(|(number, chosen)| if *chosen { Some(99.0) } else { number }).collect();
    cast(&numbers, kind).expect("the same type")
}

/// Replaces a column of doubles; a missing value stays missing.
pub(crate) fn with_numbers(rows: &RecordBatch, name: &str, change: impl Fn(usize, f64) -> f64) -> RecordBatch {
    let index = rows.schema().index_of(name).expect("a column");
    let mut columns = rows.columns().to_vec();
    let numbers = columns[index].as_primitive::<Float64Type>().iter().enumerate();
    columns[index] = Arc::new(numbers.map(|(row, value)| Some(change(row, value?))).collect::<Float64Array>());
    RecordBatch::try_new(rows.schema(), columns).expect("the same columns")
}

pub(crate) fn measuring_units(published: &Published) -> BTreeSet<String> {
    let units: BTreeSet<String> = published.units_of_fold("measure").into_iter().collect();
    assert!(units.len() > 100, "{} units in the measuring fold", units.len());
    units
}

/// Whether each row's unit is one of `units`; a row without a unit is not.
pub(crate) fn is_among(rows: &RecordBatch, column: &str, units: &BTreeSet<String>) -> Vec<bool> {
    let ids = cast(rows.column_by_name(column).expect("a column of units"), &DataType::Utf8).expect("text");
    ids.as_string::<i32>().iter().map(|id| id.is_some_and(|id| units.contains(id))).collect()
}

/// The day of first exposure of each unit, on the experiment's calendar.
fn exposure_days(published: &Published, time_zone: Tz) -> BTreeMap<String, NaiveDate> {
    let table = Table(published.table("units.parquet"));
    let instants = table.0.column_by_name("first_exposure").expect("a column");
    let instants = cast(instants, &DataType::Timestamp(TimeUnit::Microsecond, None)).expect("instants");
    let instants = instants.as_primitive::<TimestampMicrosecondType>().values().to_vec();
    let day = |micros| {
        let instant = DateTime::from_timestamp_micros(micros).expect("an instant");
        instant.with_timezone(&time_zone).date_naive()
    };
    table.words("unit").into_iter().zip(instants.into_iter().map(day)).collect()
}

/// The day of a file in a folder `dt=YYYY-MM-DD`.
fn partition_day(path: &Path) -> NaiveDate {
    let folder = path.parent().and_then(Path::file_name).and_then(|name| name.to_str()).expect("a folder");
    folder.strip_prefix("dt=").and_then(|day| day.parse().ok()).expect("a folder of a day")
}

/// `tree.json` without what was measured on the measuring fold.
pub(crate) fn rule(published: &Published) -> Value {
    let mut document = published.json("tree.json");
    for tree in document["trees"].as_array_mut().expect("trees") {
        for node in tree["nodes"].as_array_mut().expect("nodes") {
            node.as_object_mut().expect("a node").remove("measuring").expect("what was measured");
        }
    }
    document
}
