//! `whom compile --portable`: DuckDB runs it as it stands, and it gives the unit table that a run publishes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Decimal128Array, Float64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::TimestampMicrosecondType;
use chrono::NaiveDate;

use crate::checker::assert_agrees;
use crate::program::{Answer, Baseline, Published, assert_text, whom};
use crate::quantiles::shop;
use crate::simulated::Shop;
use crate::stratified::within_countries;
use crate::warehouse::{Sample, Warehouse, repository};

#[test]
fn of_hillstrom() {
    same_as_the_sample(Sample::Hillstrom, "pipelines/hillstrom.yaml");
}

#[test]
fn of_retention() {
    same_as_the_sample(Sample::Retention, "pipelines/retention.yaml");
}

#[test]
fn of_tiny_with_wall_clocks_decimals_and_means() {
    same_as_the_sample(Sample::Tiny, "tests/data/tiny/tiny.yaml");
}

#[test]
fn of_the_shop_with_ratios_and_pre_periods() {
    same_as_the_sample(Sample::Shop, "tests/data/shop/shop.yaml");
}

#[test]
fn of_the_shop_with_quantiles_of_units_and_of_events() {
    let warehouse = shop();
    same(&warehouse.run(&["--keep-units"]), &warehouse.pipeline());
}

#[test]
fn of_the_shop_within_the_countries_of_first_exposures() {
    let warehouse = within_countries("  strata: { columns: [country], shares: realised }\n");
    same(&warehouse.run(&["--keep-units"]), &warehouse.pipeline());
}

#[test]
fn of_a_simulated_warehouse() {
    let shop = Shop::analysed();
    let folder = ["units.parquet", "result.json", "cohorts.parquet"].map(|name| shop.published(name));
    let files = folder.map(|path| (file_name(&path), fs::read(&path).expect("a published file")));
    let published = Published { files: files.into(), manifest: serde_json::Value::Null };
    same(&published, &shop.pipeline());
}

/// Numbers that lie in the middle between two steps, or seem to.
#[test]
fn of_values_that_are_hard_to_round() {
    let warehouse = Warehouse::copy(Sample::Tiny);
    warehouse.edit(
        "    value: rating                    # sometimes missing\n    precision: 2^-20",
        "    value: rating * 1.0\n    precision: 0.01",
    );
    warehouse.edit(
        "    value: amount                    # a decimal: its grid is its own scale\n",
        "    value: amount\n    precision: 0.1\n",
    );
    warehouse.rewrite("events.parquet", |_, rows| with_hard_numbers(&rows));
    let published = warehouse.run(&["--keep-units"]);
    same(&published, &warehouse.pipeline());
}

/// Every way to make one number of the events of a user.
#[test]
fn of_every_aggregate() {
    let warehouse = Warehouse::copy(Sample::Tiny);
    let more = "\ntags:\n  profile:";
    let metrics = [
        "last_rating: { role: secondary, from: events, value: rating, precision: 2^-20, aggregate: last, window: 3d }",
        "worst_rating: { role: secondary, from: events, value: rating, precision: 0.01, aggregate: min, window: 3d, missing: zero }",
        "largest: { role: secondary, from: events, value: amount, aggregate: max, window: 3d }",
        "kinds: { role: secondary, from: events, value: kind, aggregate: distinct, window: 3d }",
        "prices: { role: secondary, from: events, value: amount, aggregate: distinct, where: kind = 'purchase', window: 3d }",
    ];
    warehouse.edit(more, &format!("  {}\n{more}", metrics.join("\n  ")));
    same(&warehouse.run(&["--keep-units"]), &warehouse.pipeline());
}

/// Quotients and casts of integers, patterns, numbers that are not finite, units exposed before the start.
#[test]
fn of_words_that_engines_read_differently() {
    let warehouse = Warehouse::copy(Sample::Tiny);
    warehouse.edit("  end: 2026-02-05\n", "  end: 2026-02-05\n  lookback: 1d\n");
    warehouse.edit("start: 2026-02-02", "start: 2026-02-03");
    warehouse.edit("value: amount ", "value: CAST(amount - 30.5 AS BIGINT) / 3 ");
    warehouse.edit(
        "    where: kind = 'purchase'\n    window: 3d\n    desired: increase\n    limit",
        "    where: kind like 'p_r%' and 7 / 2 = 3\n    window: 3d\n    desired: increase\n    limit",
    );
    warehouse.edit("precision: 2^-20", "precision: 2^-20\n    non_finite: zero");
    warehouse.rewrite("events.parquet", |_, rows| {
        with_ratings(&rows, |row| match row % 50 {
            7 => f64::NAN,
            9 => f64::NEG_INFINITY,
            _ => row as f64 / 7.0,
        })
    });
    same(&warehouse.run(&["--keep-units"]), &warehouse.pipeline());
}

/// Between the days lies a night in which clocks are set back, so that an hour of them is read twice.
#[test]
fn of_clocks_that_are_set_back() {
    const LATER: i64 = 264;
    let warehouse = Warehouse::copy(Sample::Tiny);
    for (day, later) in [
        ("start: 2026-02-02", "start: 2026-10-24"),
        ("end: 2026-02-05", "end: 2026-10-27"),
        ("through: 2026-02-12", "through: 2026-11-03"),
    ] {
        warehouse.edit(day, later);
    }
    for table in ["exposures.parquet", "events.parquet"] {
        warehouse.rewrite(table, |_, rows| days_later(&rows, LATER));
    }
    let folders: Vec<PathBuf> =
        fs::read_dir(warehouse.table("profiles")).expect("days").map(|day| day.expect("a day").path()).collect();
    for folder in folders {
        let day: NaiveDate = file_name(&folder).trim_start_matches("dt=").parse().expect("a day");
        let later = day + chrono::Duration::days(LATER);
        fs::rename(&folder, folder.with_file_name(format!("dt={later}"))).expect("a fresh name");
    }
    same(&warehouse.run(&["--keep-units"]), &warehouse.pipeline());
}

#[test]
fn the_sql_of_tiny() {
    let warehouse = Warehouse::copy(Sample::Tiny);
    let answer = Answer::of(&mut portable(&warehouse.pipeline())).expect_success();
    assert_text("tiny_portable", &warehouse.without_folder(&answer.stdout));
    assert!(warehouse.published().is_empty());
}

/// Ratings and amounts next to the middle of two steps of a cent, and of a dime.
fn with_hard_numbers(rows: &RecordBatch) -> RecordBatch {
    let count = rows.num_rows() as i64;
    let ratings = (0..count).map(|row| {
        let middle = (row as f64 + 0.5) / 100.0;
        [middle, middle.next_up(), middle.next_down(), -middle][row as usize % 4]
    });
    let amounts = (0..count).map(|row| i128::from(row) * 5 * if row % 3 == 0 { -1 } else { 1 });
    let schema = rows.schema();
    let columns = schema.fields().iter().zip(rows.columns()).map(|(field, column)| -> ArrayRef {
        match field.name().as_str() {
            "rating" => Arc::new(ratings.clone().collect::<Float64Array>()),
            "amount" => {
                let made: Decimal128Array = amounts.clone().map(Some).collect();
                Arc::new(made.with_data_type(column.data_type().clone()))
            }
            _ => Arc::clone(column),
        }
    });
    RecordBatch::try_new(schema.clone(), columns.collect()).expect("the same columns")
}

/// The same rows with a rating for each, by its place.
fn with_ratings(rows: &RecordBatch, rating: impl Fn(usize) -> f64) -> RecordBatch {
    let ratings: ArrayRef = Arc::new((0..rows.num_rows()).map(|row| Some(rating(row))).collect::<Float64Array>());
    let schema = rows.schema();
    let columns = schema.fields().iter().zip(rows.columns());
    let columns = columns.map(|(field, column)| if field.name() == "rating" { &ratings } else { column });
    RecordBatch::try_new(schema.clone(), columns.map(Arc::clone).collect()).expect("the same columns")
}

/// The same rows with every time so many days later on the clock.
fn days_later(rows: &RecordBatch, days: i64) -> RecordBatch {
    let later = |column: &ArrayRef| -> ArrayRef {
        match column.as_primitive_opt::<TimestampMicrosecondType>() {
            Some(times) => {
                let times: TimestampMicrosecondArray = times.unary(|time| time + days * 86_400_000_000);
                Arc::new(times)
            }
            None => Arc::clone(column),
        }
    };
    RecordBatch::try_new(rows.schema(), rows.columns().iter().map(later).collect()).expect("the same columns")
}

fn same_as_the_sample(sample: Sample, pipeline: &str) {
    same(&Baseline::of(sample).published, &repository().join(pipeline));
}

/// Asserts that DuckDB makes of a pipeline's SQL what was published.
fn same(published: &Published, pipeline: &Path) {
    let answer = Answer::of(&mut portable(pipeline)).expect_success();
    let folder = published.unpacked();
    let sql = folder.path().join("portable.sql");
    fs::write(&sql, answer.stdout).expect("a file");
    assert_agrees("check_portable_sql.py", &[&folder.path().to_string_lossy(), &sql.to_string_lossy()]);
}

fn portable(pipeline: &Path) -> Command {
    let mut command = whom();
    command.args(["compile", "--portable"]).arg(pipeline);
    command
}

fn file_name(path: &Path) -> String {
    path.file_name().expect("a name").to_string_lossy().into_owned()
}
