//! Metrics in their windows.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, BooleanArray, Decimal128Array};

use crate::status::Status;
use crate::testing::{
    Warehouse, by_unit, expected, exposures, instants, integers, metric, numbers, orders, pipeline, texts, units, whole,
};
use crate::unit_table::UnitTable;

const EXPOSED: &str = "2026-10-06T12:00:00";

/// Two units, exposed at the same instant; only `u` has orders.
fn warehouse(rows: &[(&str, &str, Option<f64>)]) -> Warehouse {
    let warehouse = Warehouse::exposing(&[("u", "a", EXPOSED), ("v", "b", EXPOSED)]);
    warehouse.write("orders.parquet", orders(rows));
    warehouse
}

async fn value(properties: &str, rows: &[(&str, &str, Option<f64>)]) -> Option<i64> {
    let table = warehouse(rows).units(&metric(properties)).await.unwrap();
    by_unit(&table, "metric m")["u"]
}

fn status(table: &UnitTable, unit: &str) -> Status {
    let place = units(table).iter().position(|known| known == unit).unwrap();
    whole(table).statuses("status of m").unwrap()[place]
}

#[tokio::test]
async fn a_window_holds_its_first_instant_and_not_its_last() {
    let edges = [
        ("u", "2026-10-06T13:59:59.999999", Some(1.0)),
        ("u", "2026-10-06T14:00:00", Some(10.0)), // exposure + delay
        ("u", "2026-10-07T13:59:59.999999", Some(100.0)),
        ("u", "2026-10-07T14:00:00", Some(1000.0)), // exposure + delay + window
        ("w", "2026-10-06T15:00:00", Some(5000.0)), // never exposed
    ];
    assert_eq!(value("value: amount, precision: 1, aggregate: sum, delay: 2h, window: 1d", &edges).await, Some(110));
    let at_exposure = [("u", EXPOSED, Some(1.0)), ("u", "2026-10-06T11:59:59.999999", Some(10.0))];
    assert_eq!(value("value: amount, precision: 1, aggregate: sum, window: 1d", &at_exposure).await, Some(1));
}

#[tokio::test]
async fn a_day_of_a_window_has_24_hours_when_clocks_change() {
    let warehouse = Warehouse::exposing(&[("u", "a", "2026-10-31T16:00:00")]);
    // Clocks go back in New York on 1 November: 24 hours later it is 11 in the morning.
    let rows = [("u", "2026-11-01T15:59:59", Some(1.0)), ("u", "2026-11-01T16:00:00", Some(10.0))];
    warehouse.write("orders.parquet", orders(&rows));
    let text = metric("value: amount, precision: 1, aggregate: sum, window: 1d")
        .replace("through: 2026-10-20", "through: 2026-11-20")
        .replace("end: 2026-10-10", "end: 2026-10-31");
    assert_eq!(by_unit(&warehouse.units(&text).await.unwrap(), "metric m")["u"], Some(1));
}

#[tokio::test]
async fn sum_count_any_and_mean_say_what_they_say() {
    let at = "2026-10-06T13:00:00";
    let rows = [("u", at, Some(0.5)), ("u", at, Some(0.25)), ("u", at, None), ("u", at, Some(1.0))];
    for (properties, expected) in [
        ("value: amount, precision: 0.01, aggregate: sum, window: 1d", 175),
        ("aggregate: count, window: 1d", 4),
        ("aggregate: count, where: amount is not null, window: 1d", 3),
        ("aggregate: any, window: 1d", 1),
        ("value: amount, precision: 0.01, aggregate: mean, window: 1d", 58),
        ("value: amount * 2 + 1, precision: 0.01, aggregate: sum, window: 1d", 650),
        ("aggregate: count, where: amount >= 0.5, window: 1d", 2),
    ] {
        assert_eq!(value(properties, &rows).await, Some(expected), "{properties}");
    }
}

#[tokio::test]
async fn min_max_and_last_are_values_of_events() {
    let rows = [
        ("u", "2026-10-06T15:00:00", Some(-0.25)),
        ("u", "2026-10-06T16:00:00", None),
        ("u", "2026-10-06T15:00:00", Some(0.5)), // at the same instant: the larger one is the last
        ("u", "2026-10-06T13:00:00", Some(3.0)),
        ("u", "2026-10-07T13:00:00", Some(90.0)), // after the window
    ];
    for (aggregate, expected) in [("min", -25), ("max", 300), ("last", 50)] {
        let properties = format!("value: amount, precision: 0.01, aggregate: {aggregate}, window: 1d");
        let table = warehouse(&rows).units(&metric(&properties)).await.unwrap();
        assert_eq!(by_unit(&table, "metric m"), expected_of(Some(expected), None), "{aggregate}");
        assert_eq!(status(&table, "v"), Status::Missing, "{aggregate}");
        let properties = format!("{properties}, missing: zero");
        let table = warehouse(&rows).units(&metric(&properties)).await.unwrap();
        assert_eq!(by_unit(&table, "metric m"), expected_of(Some(expected), Some(0)), "{aggregate}");
    }
}

/// The metric of `u`, who has orders, and of `v`, who has none.
fn expected_of(u: Option<i64>, v: Option<i64>) -> std::collections::BTreeMap<String, Option<i64>> {
    expected(&[("u", u), ("v", v)])
}

#[tokio::test]
async fn distinct_counts_each_value_once() {
    let warehouse = Warehouse::exposing(&[("u", "a", EXPOSED), ("v", "b", EXPOSED)]);
    let shops = [Some("x"), Some("y"), Some("x"), None, Some("X")];
    warehouse.write(
        "orders.parquet",
        vec![
            ("user", texts(shops.iter().map(|_| Some("u")))),
            ("at", instants(shops.iter().map(|_| "2026-10-06T13:00:00"))),
            ("shop", texts(shops)),
            ("number", integers(&[7, 7, 7, 8, 8])),
            ("amount", numbers(&[0.5, 0.25, 0.5, 1.0, 2.0])),
        ],
    );
    for (properties, of_u) in [
        ("value: shop, aggregate: distinct, window: 1d", 3),
        ("value: number, aggregate: distinct, window: 1d", 2),
        ("value: shop, aggregate: distinct, where: number = 7, window: 1d", 2),
        ("value: lower(shop), aggregate: distinct, window: 1d", 2),
        ("value: CAST(amount AS BIGINT), aggregate: distinct, window: 1d", 3),
    ] {
        let table = warehouse.units(&metric(properties)).await.unwrap();
        assert_eq!(by_unit(&table, "metric m"), expected_of(Some(of_u), Some(0)), "{properties}");
    }
    insta::assert_snapshot!(warehouse.refusal(&metric("value: amount, aggregate: distinct, window: 1d")).await, @r"
    error: different values cannot be told apart by floating-point numbers
      --> pipeline.yaml:18:44
       |
    18 |   m: { role: primary, from: orders, value: amount, aggregate: distinct, window: 1d, desired: increase, matters: 1% }
       |                                            ^^^^^^
       |
       = help: cast it, as in `CAST(x AS BIGINT)`
    ");
}

#[tokio::test]
async fn a_mean_goes_to_the_grid_ties_to_even() {
    let at = "2026-10-06T13:00:00";
    for (values, expected) in [([1.0, 2.0], 2), ([2.0, 3.0], 2), ([-1.0, -2.0], -2), ([1.0, 1.0], 1)] {
        let rows = values.map(|value| ("u", at, Some(value)));
        let properties = "value: amount, precision: 1, aggregate: mean, window: 1d";
        assert_eq!(value(properties, &rows).await, Some(expected), "{values:?}");
    }
}

#[tokio::test]
async fn the_grid_follows_the_type_unless_it_is_declared() {
    let warehouse = Warehouse::exposing(&[("u", "a", EXPOSED)]);
    let cents = Decimal128Array::from(vec![1999]).with_precision_and_scale(10, 2).unwrap();
    let flags: ArrayRef = Arc::new(BooleanArray::from(vec![true]));
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("user", texts([Some("u")])),
        ("at", instants(["2026-10-06T13:00:00"])),
        ("cents", Arc::new(cents)),
        ("whole", integers(&[7])),
        ("real", numbers(&[0.5])),
        ("flag", flags),
    ];
    warehouse.write("orders.parquet", columns);
    for (value, expected) in
        [("cents", 1999), ("whole", 7), ("real", 1 << 25), ("flag", 1), ("whole, precision: 2^-3", 56)]
    {
        let table = warehouse.units(&metric(&format!("value: {value}, aggregate: sum, window: 1d"))).await.unwrap();
        assert_eq!(by_unit(&table, "metric m")["u"], Some(expected), "{value}");
    }
}

#[tokio::test]
async fn a_window_that_is_still_open_is_excluded_or_included_as_declared() {
    let rows = [("u", "2026-10-06T13:00:00", Some(3.0))];
    let warehouse = warehouse(&rows);
    // `through` ends on 21 October at 4 o'clock UTC; windows of 14 days and 16 hours end then exactly.
    for (window, complete) in [("352h", true), ("353h", false)] {
        let properties = format!("value: amount, precision: 1, aggregate: sum, window: {window}");
        let table = warehouse.units(&metric(&properties)).await.unwrap();
        let (value, reason) = if complete { (Some(3), Status::Value) } else { (None, Status::IncompleteWindow) };
        assert_eq!((by_unit(&table, "metric m")["u"], status(&table, "u")), (value, reason), "{window}");
        let properties = format!("{properties}, incomplete_window: include");
        let table = warehouse.units(&metric(&properties)).await.unwrap();
        assert_eq!((by_unit(&table, "metric m")["u"], status(&table, "u")), (Some(3), Status::Value), "{window}");
    }
}

#[tokio::test]
async fn a_metric_that_no_rule_takes_units_out_of_is_there_for_all() {
    let rows = [("u", "2026-10-06T13:00:00", Some(3.0))];
    let table =
        warehouse(&rows).units(&metric("aggregate: any, window: 30d, incomplete_window: include")).await.unwrap();
    assert_eq!(by_unit(&table, "metric m"), expected(&[("u", Some(1)), ("v", Some(0))]));
    assert_eq!((status(&table, "u"), status(&table, "v")), (Status::Value, Status::Value));
}

#[tokio::test]
async fn rows_after_through_are_never_read() {
    let rows = [("u", "2026-10-21T03:59:59", Some(1.0)), ("u", "2026-10-21T04:00:00", Some(10.0))];
    let properties = "value: amount, precision: 1, aggregate: sum, window: 30d, incomplete_window: include";
    assert_eq!(value(properties, &rows).await, Some(1));
}

#[tokio::test]
async fn no_event_is_zero_missing_or_for_a_check_as_declared() {
    let rows = [("u", "2026-10-06T13:00:00", Some(3.0))];
    for (missing, value, reason) in
        [("zero", Some(0), Status::Value), ("drop_unit", None, Status::Missing), ("refuse", None, Status::Missing)]
    {
        let properties = format!("value: amount, precision: 1, aggregate: sum, window: 1d, missing: {missing}");
        let table = warehouse(&rows).units(&metric(&properties)).await.unwrap();
        assert_eq!((by_unit(&table, "metric m")["v"], status(&table, "v")), (value, reason), "{missing}");
        assert_eq!((by_unit(&table, "metric m")["u"], status(&table, "u")), (Some(3), Status::Value), "{missing}");
    }
}

#[tokio::test]
async fn an_event_without_a_value_is_no_value() {
    let rows = [("u", "2026-10-06T13:00:00", None)];
    let properties = "value: amount, precision: 1, aggregate: sum, window: 1d, missing: drop_unit";
    let table = warehouse(&rows).units(&metric(properties)).await.unwrap();
    assert_eq!(status(&table, "u"), Status::Missing);
}

#[tokio::test]
async fn values_that_are_not_finite_follow_their_rule() {
    let at = "2026-10-06T13:00:00";
    let rows = [("u", at, Some(2.0)), ("u", at, Some(f64::NAN)), ("v", at, Some(1.0))];
    for (rule, value, reason) in [
        ("refuse", None, Status::NotFinite), // and a check ends the run
        ("drop_unit", None, Status::NotFinite),
        ("zero", Some(2), Status::NotFiniteAsZero),
    ] {
        let properties = format!("value: amount, precision: 1, aggregate: sum, window: 1d, non_finite: {rule}");
        let table = warehouse(&rows).units(&metric(&properties)).await.unwrap();
        assert_eq!((by_unit(&table, "metric m")["u"], status(&table, "u")), (value, reason), "{rule}");
        assert_eq!((by_unit(&table, "metric m")["v"], status(&table, "v")), (Some(1), Status::Value), "{rule}");
    }
}

#[tokio::test]
async fn what_is_not_finite_outside_the_window_concerns_nobody() {
    let rows = [("u", "2026-10-05T13:00:00", Some(f64::NAN)), ("u", "2026-10-06T13:00:00", Some(2.0))];
    assert_eq!(value("value: amount, precision: 1, aggregate: sum, window: 1d", &rows).await, Some(2));
}

#[tokio::test]
async fn a_value_beyond_its_grid_is_refused_with_table_and_fix() {
    let rows = [("u", "2026-10-06T13:00:00", Some(1e12))];
    let message = warehouse(&rows).refusal(&metric("value: amount, precision: 0.01, aggregate: sum, window: 1d")).await;
    insta::assert_snapshot!(message, @"in fact table `orders`: `amount` does not fit its grid: value 1000000000000 lies beyond the range of plus or minus 351843720888.31 of a grid with step 1e-2; declare a coarser `precision`");
}

/// Orders with keys: key, instant, value.
fn keyed(rows: &[(Option<&str>, &str, f64)]) -> Warehouse {
    let warehouse = Warehouse::exposing(&[("u", "a", EXPOSED)]);
    warehouse.write(
        "orders.parquet",
        vec![
            ("user", texts(rows.iter().map(|_| Some("u")))),
            ("at", instants(rows.iter().map(|row| row.1))),
            ("amount", numbers(&rows.iter().map(|row| row.2).collect::<Vec<_>>())),
            ("key", texts(rows.iter().map(|row| row.0))),
        ],
    );
    warehouse
}

/// Units of several pieces.
const UNITS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

fn unique() -> String {
    metric("value: amount, precision: 1, aggregate: sum, window: 1d").replace("time: at }", "time: at, unique: key }")
}

#[tokio::test]
async fn exact_repeats_count_once_and_are_counted() {
    let at = "2026-10-06T13:00:00";
    let warehouse = keyed(&[(Some("k"), at, 2.0), (Some("k"), at, 2.0), (Some("l"), at, 2.0)]);
    let table = warehouse.units(&unique()).await.unwrap();
    assert_eq!(by_unit(&table, "metric m"), expected(&[("u", Some(4))]));
    let orders = &table.flow.facts[0];
    assert_eq!((orders.read, orders.delivered, orders.events), (3, 3, 2));
}

#[tokio::test]
async fn last_and_distinct_see_each_event_once() {
    let warehouse = Warehouse::exposing(&[("u", "a", EXPOSED), ("v", "b", EXPOSED)]);
    let (early, late) = ("2026-10-06T13:00:00", "2026-10-06T15:00:00");
    let rows = [
        ("k", late, 0.5, Some("x")),
        ("l", early, 3.0, Some("y")),
        ("l", early, 3.0, Some("y")),
        ("k", late, 0.5, Some("x")),
        ("m", late, 0.25, Some("x")), // at the same instant: the larger one is the last
        ("n", early, 9.0, None),
        ("n", early, 9.0, None),
    ];
    warehouse.write(
        "orders.parquet",
        vec![
            ("user", texts(rows.iter().map(|_| Some("u")))),
            ("at", instants(rows.iter().map(|row| row.1))),
            ("amount", numbers(&rows.map(|row| row.2))),
            ("shop", texts(rows.iter().map(|row| row.3))),
            ("key", texts(rows.iter().map(|row| Some(row.0)))),
        ],
    );
    for (properties, of_u, of_v) in [
        ("value: amount, precision: 0.01, aggregate: last, window: 1d", 50, None),
        ("value: amount, precision: 0.01, aggregate: last, where: shop is null, window: 1d", 900, None),
        ("value: shop, aggregate: distinct, window: 1d", 2, Some(0)),
        ("value: CAST(amount * 4 AS BIGINT), aggregate: distinct, window: 1d", 4, Some(0)),
    ] {
        let text = metric(properties).replace("time: at }", "time: at, unique: key }");
        let table = warehouse.units(&text).await.unwrap();
        assert_eq!(by_unit(&table, "metric m"), expected_of(Some(of_u), of_v), "{properties}");
        let orders = &table.flow.facts[0];
        assert_eq!((orders.read, orders.delivered, orders.events), (7, 7, 4), "{properties}");
    }
}

#[tokio::test]
async fn repeats_that_differ_and_rows_without_a_key_are_refused() {
    let at = "2026-10-06T13:00:00";
    let differs = keyed(&[(Some("k"), at, 2.0), (Some("k"), at, 3.0)]).refusal(&unique()).await;
    insta::assert_snapshot!(differs, @"fact table `orders` repeats a key of its `unique` column with different content in 1 row; keep one row per key, or leave `unique` out if the column does not name an event");
    let moved = keyed(&[(Some("k"), at, 2.0), (Some("k"), "2026-10-06T14:00:00", 2.0)]).refusal(&unique()).await;
    assert_eq!(moved, differs);
    let of_two_units = keyed(&[(Some("k"), at, 2.0)]);
    of_two_units.write("split.parquet", exposures(&UNITS.map(|unit| (unit, "a", EXPOSED))));
    of_two_units.write("orders.parquet", {
        let mut columns = orders(&UNITS.map(|unit| (unit, at, Some(2.0))));
        columns.push(("key", texts(UNITS.map(|_| Some("k")))));
        columns
    });
    insta::assert_snapshot!(of_two_units.refusal(&unique()).await, @"fact table `orders` repeats a key of its `unique` column with different content in 7 rows; keep one row per key, or leave `unique` out if the column does not name an event");
    let without = keyed(&[(Some("k"), at, 2.0), (None, at, 3.0)]).refusal(&unique()).await;
    insta::assert_snapshot!(without, @"fact table `orders` has no value in its `unique` column in 1 row; fill it, or leave `unique` out");
}

#[tokio::test]
async fn metrics_of_one_table_keep_their_own_windows() {
    let warehouse = warehouse(&[
        ("u", "2026-10-06T13:00:00", Some(1.0)),
        ("u", "2026-10-08T13:00:00", Some(10.0)),
        ("u", "2026-10-10T13:00:00", Some(100.0)),
    ]);
    let table = warehouse
        .units(&pipeline(
            "",
            "facts:
  orders: { path: orders.parquet, time: at }
metrics:
  early: { role: primary, from: orders, value: amount, precision: 1, aggregate: sum, window: 1d, desired: increase, matters: 1% }
  late: { role: secondary, from: orders, value: amount, precision: 1, aggregate: sum, delay: 2d, window: 2d }
  all: { role: secondary, from: orders, aggregate: count, window: 5d }",
        ))
        .await
        .unwrap();
    for (name, value) in [("early", 1), ("late", 10), ("all", 3)] {
        assert_eq!(by_unit(&table, &format!("metric {name}"))["u"], Some(value), "{name}");
        assert_eq!(by_unit(&table, &format!("metric {name}"))["v"], Some(0), "{name}");
    }
}
