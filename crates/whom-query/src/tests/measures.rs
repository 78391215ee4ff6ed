//! What metrics are made of: denominators, pre-periods, thresholds.

use std::sync::Arc;

use whom_stats::{ABSENT, Fold, Folds, bucket_of_text};

use crate::analysed::AnalysedUnits;
use crate::error::QueryError;
use crate::status::Status;
use crate::testing::{Warehouse, by_unit, expected, metric, orders, pipeline, room, units, whole};
use crate::unit_schema::UnitSchema;
use crate::values::values;

const EXPOSED: &str = "2026-10-06T12:00:00";

fn warehouse(rows: &[(&str, &str, Option<f64>)]) -> Warehouse {
    let warehouse = Warehouse::exposing(&[("u", "a", EXPOSED), ("v", "b", EXPOSED)]);
    warehouse.write("orders.parquet", orders(rows));
    warehouse
}

#[tokio::test]
async fn a_pre_period_ends_where_the_window_begins() {
    let rows = [
        ("u", "2026-10-04T11:59:59.999999", Some(1.0)),
        ("u", "2026-10-04T12:00:00", Some(10.0)), // two days before
        ("u", "2026-10-06T11:59:59.999999", Some(100.0)),
        ("u", EXPOSED, Some(1000.0)),
        ("v", "2026-10-06T12:00:01", Some(5000.0)),
    ];
    let table = warehouse(&rows)
        .units(&metric("value: amount, precision: 1, aggregate: sum, window: 1d, cuped: 2d"))
        .await
        .unwrap();
    assert_eq!(by_unit(&table, "metric m"), expected(&[("u", Some(1000)), ("v", Some(5000))]));
    assert_eq!(by_unit(&table, "metric m before exposure"), expected(&[("u", Some(110)), ("v", None)]));
    let of_v = units(&table).iter().position(|unit| unit == "v").unwrap();
    let statuses = whole(&table).statuses("status of m before exposure").unwrap();
    assert_eq!(statuses[of_v], Status::Missing, "no pre-period is not a pre-period of zero");
}

#[tokio::test]
async fn a_window_with_a_delay_leaves_the_pre_period_where_it_was() {
    let rows = [("u", "2026-10-06T11:00:00", Some(1.0)), ("u", "2026-10-06T12:30:00", Some(10.0))];
    let text = metric("value: amount, precision: 1, aggregate: sum, delay: 2h, window: 1d, cuped: 1d");
    let table = warehouse(&rows).units(&text).await.unwrap();
    assert_eq!(by_unit(&table, "metric m")["u"], Some(0));
    assert_eq!(by_unit(&table, "metric m before exposure")["u"], Some(1));
}

const RATIO: &str = "facts:
  orders: { path: orders.parquet, time: at }
metrics:
  m:
    role: primary
    window: 1d
    desired: increase
    matters: 1%
    numerator: { from: orders, aggregate: sum, value: amount, precision: 0.01 }
    denominator: { from: orders, aggregate: count, where: amount > 1 }";

#[tokio::test]
async fn both_sides_of_a_ratio_are_sums_over_one_window() {
    let at = "2026-10-06T13:00:00";
    let rows =
        [("u", at, Some(0.5)), ("u", at, Some(2.25)), ("u", "2026-10-08T13:00:00", Some(9.0)), ("v", at, Some(1.0))];
    let table = warehouse(&rows).units(&pipeline("", RATIO)).await.unwrap();
    assert_eq!(by_unit(&table, "metric m"), expected(&[("u", Some(275)), ("v", Some(100))]));
    assert_eq!(by_unit(&table, "metric denominator of m"), expected(&[("u", Some(1)), ("v", Some(0))]));
}

/// A hundred units whose order is worth their number, and the columns that are made of it.
async fn made(properties: &str) -> Result<(AnalysedUnits, Vec<Vec<i64>>), QueryError> {
    let names: Vec<String> = (0..100).map(|unit| format!("unit {unit}")).collect();
    let exposures: Vec<(&str, &str, &str)> =
        names.iter().enumerate().map(|(row, name)| (name.as_str(), ["a", "b"][row % 2], EXPOSED)).collect();
    let warehouse = Warehouse::exposing(&exposures);
    let amount = |row: usize| (row >= 40).then(|| (row - 40) as f64);
    let rows: Vec<(&str, &str, Option<f64>)> =
        names.iter().enumerate().map(|(row, name)| (name.as_str(), "2026-10-06T13:00:00", amount(row))).collect();
    warehouse.write("orders.parquet", orders(&rows));
    let text = metric(&format!("value: amount, precision: 1, aggregate: sum, window: 1d, {properties}"));
    let fitted = warehouse.fit(&text).await.unwrap();
    let table = Arc::new(warehouse.units(&text).await.unwrap());
    let schema = UnitSchema::new(&fitted.loaded.plan, &fitted.compiled)?;
    let units = AnalysedUnits::new(schema, Arc::clone(&table), &room(u64::MAX))?;
    let made = values(&units.schema.values, &whole(&table))?;
    Ok((units, made))
}

#[tokio::test]
async fn a_cap_is_the_rank_of_all_units_and_trees_see_that_of_the_discoverers() {
    // 0 for 41 units, then 1 to 59: the 90 % quantile of the 59 values that are not zero is the 54th, 54.
    let (units, made) = made("cap: { percentile: 0.9, of: non_zero }").await.unwrap();
    let [found] = units.caps.as_slice() else { panic!("one cap") };
    assert_eq!((found.all.threshold, found.all.capped), (54, 5));
    let folds = Folds::hashed("sample");
    let discovers = |row: &usize| folds.of(bucket_of_text(&format!("unit {row}"))) == Fold::Discover;
    let mut ranked: Vec<i64> = (41..100).filter(discovers).map(|row| row as i64 - 40).collect();
    ranked.sort_unstable();
    assert_eq!(found.discover.threshold, ranked[(ranked.len() * 9).div_ceil(10) - 1]);
    let outcome = &units.outcomes()[0];
    assert_eq!(outcome.uncapped, Some(0));
    for (column, threshold) in [(outcome.value, 54), (outcome.search, found.discover.threshold)] {
        let capped: Vec<i64> = made[0].iter().map(|value| (*value).min(threshold)).collect();
        assert_eq!(made[column], capped);
    }
}

#[tokio::test]
async fn a_percentile_that_caps_all_or_nothing_is_refused() {
    let refusal = |properties: &'static str| async move {
        match made(properties).await {
            Err(QueryError::Data(message)) => message,
            other => format!("{:?}", other.map(|(units, _)| units.caps)),
        }
    };
    let refusals = [
        refusal("cap: { percentile: 0.3 }").await,
        refusal("cap: { percentile: 0.999 }").await,
        refusal("cap: { value: 0.4 }").await,
    ];
    insta::assert_snapshot!(refusals.join("\n"));
    let (units, _) = made("cap: { value: 500 }").await.unwrap();
    assert_eq!(units.caps[0].all.capped, 0, "data grow: a declared threshold may lie above all of them");
}

#[tokio::test]
async fn nobody_is_linearised_without_both_sides() {
    let rows = [("u", "2026-10-06T13:00:00", Some(2.0))];
    let warehouse = warehouse(&rows);
    let text = pipeline("", &RATIO.replace("    window: 1d\n", "    window: 1d\n    missing: drop_unit\n"));
    let fitted = warehouse.fit(&text).await.unwrap();
    let table = Arc::new(warehouse.units(&text).await.unwrap());
    let schema = UnitSchema::new(&fitted.loaded.plan, &fitted.compiled).unwrap();
    let units = AnalysedUnits::new(schema, Arc::clone(&table), &room(u64::MAX)).unwrap();
    let made = values(&units.schema.values, &whole(&table)).unwrap();
    let absent = made[units.outcomes()[0].search].iter().filter(|value| **value == ABSENT).count();
    assert_eq!(absent, 1);
}
