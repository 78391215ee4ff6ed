//! Plans that do not fit their tables, each with its message.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, TimestampMicrosecondArray, UInt64Array};

use crate::testing::{ANY_ORDER, Warehouse, instants, integers, metric, orders, pipeline, texts};

const EXPOSED: &str = "2026-10-06T12:00:00";

fn warehouse() -> Warehouse {
    let warehouse = Warehouse::exposing(&[("u", "a", EXPOSED)]);
    warehouse.write("orders.parquet", orders(&[("u", EXPOSED, Some(1.0))]));
    warehouse
}

fn local(values: &[&str]) -> ArrayRef {
    let micros = |text: &&str| chrono::DateTime::parse_from_rfc3339(&format!("{text}Z")).unwrap().timestamp_micros();
    Arc::new(TimestampMicrosecondArray::from(values.iter().map(micros).collect::<Vec<_>>()))
}

#[tokio::test]
async fn ids_of_two_classes_are_refused_with_their_fix() {
    let warehouse = warehouse();
    warehouse.write("orders.parquet", vec![("user", integers(&[1])), ("at", instants([EXPOSED]))]);
    insta::assert_snapshot!(warehouse.refusal(&pipeline("", ANY_ORDER)).await, @r"
    error: unit `user` is an integer in fact table `orders` but a text in the split
     --> pipeline.yaml:3:7
      |
    3 | unit: user
      |       ^^^^
      |
      = help: write the id with one type in all tables
    ");
}

#[tokio::test]
async fn ids_that_no_class_holds_are_refused() {
    let warehouse = warehouse();
    let wide: ArrayRef = Arc::new(UInt64Array::from(vec![1]));
    warehouse
        .write("split.parquet", vec![("user", wide), ("variant", texts([Some("a")])), ("at", instants([EXPOSED]))]);
    insta::assert_snapshot!(warehouse.refusal(&pipeline("", ANY_ORDER)).await, @r"
    error: unit `user` is an unsigned 64-bit integer in the split
     --> pipeline.yaml:3:7
      |
    3 | unit: user
      |       ^^^^
      |
      = help: write it as a signed 64-bit integer or as a text
    ");
}

#[tokio::test]
async fn times_without_a_zone_need_one_declared() {
    let warehouse = warehouse();
    warehouse.write("orders.parquet", vec![("user", texts([Some("u")])), ("at", local(&[EXPOSED]))]);
    insta::assert_snapshot!(warehouse.refusal(&pipeline("", ANY_ORDER)).await, @r"
    error: the times in `at` of fact table `orders` say nothing of their time zone
      --> pipeline.yaml:16:41
       |
    16 |   orders: { path: orders.parquet, time: at }
       |                                         ^^
       |
       = help: declare it: `time: { column: at, time_zone: UTC }`
    ");
}

#[tokio::test]
async fn a_local_time_that_clocks_skip_is_refused() {
    let warehouse = warehouse();
    warehouse.write("orders.parquet", vec![("user", texts([Some("u")])), ("at", local(&["2026-03-08T02:30:00"]))]);
    let text = pipeline("", ANY_ORDER)
        .replace("orders.parquet, time: at", "orders.parquet, time: { column: at, time_zone: America/New_York }")
        .replace("start: 2026-10-05", "start: 2026-03-05");
    insta::assert_snapshot!(warehouse.refusal(&text).await, @"in fact table `orders`: the time 2026-03-08 02:30:00 does not exist in America/New_York, where clocks skip it; write times with their zone, or declare the zone they are in");
}

#[tokio::test]
async fn a_text_is_no_time_and_no_value() {
    let warehouse = warehouse();
    let columns = vec![("user", texts([Some("u")])), ("at", texts([Some("today")])), ("amount", texts([Some("9")]))];
    warehouse.write("orders.parquet", columns);
    let message = warehouse.refusal(&metric("value: amount, aggregate: sum, window: 1d")).await;
    insta::assert_snapshot!(message, @r"
    error: a value is a number, this is a text
      --> pipeline.yaml:18:44
       |
    18 |   m: { role: primary, from: orders, value: amount, aggregate: sum, window: 1d, desired: increase, matters: 1% }
       |                                            ^^^^^^
       |
       = help: cast it, as in `CAST(x AS DOUBLE)`

    error: `at` of fact table `orders` is a text, not a time
      --> pipeline.yaml:16:41
       |
    16 |   orders: { path: orders.parquet, time: at }
       |                                         ^^
       |
       = help: write it as a timestamp
    ");
}

#[tokio::test]
async fn every_problem_is_shown_at_once() {
    let warehouse = warehouse();
    let text = pipeline(
        "  where: country = 'DE'",
        "facts:
  orders: { path: orders.parquet, time: happened }
metrics:
  m: { role: primary, from: orders, value: amuont, aggregate: sum, window: 1d, desired: increase, matters: 1% }
tags:
  home: { path: orders.parquet, static: true, columns: { amount: numeric, city: categorical } }
cohorts:
  rich: wealth > 3",
    );
    insta::assert_snapshot!(warehouse.refusal(&text).await, @r"
    error: there is no column `country` in the split
      --> pipeline.yaml:14:10
       |
    14 |   where: country = 'DE'
       |          ^^^^^^^^^^^^^^ used here
       |
       = help: valid names are `at`, `user` and `variant`

    error: there is no column `amuont` in fact table `orders`
      --> pipeline.yaml:18:44
       |
    18 |   m: { role: primary, from: orders, value: amuont, aggregate: sum, window: 1d, desired: increase, matters: 1% }
       |                                            ^^^^^^ used here
       |
       = help: did you mean `amount`? valid names are `amount`, `at` and `user`

    error: there is no column `happened` in fact table `orders`
      --> pipeline.yaml:16:41
       |
    16 |   orders: { path: orders.parquet, time: happened }
       |                                         ^^^^^^^^ named here
       |
       = help: valid names are `amount`, `at` and `user`

    error: there is no column `city` in tag table `home`
      --> pipeline.yaml:20:75
       |
    20 |   home: { path: orders.parquet, static: true, columns: { amount: numeric, city: categorical } }
       |                                                                           ^^^^ named here
       |
       = help: valid names are `amount`, `at` and `user`
    ");
}

#[tokio::test]
async fn a_day_that_is_missing_is_named() {
    let warehouse = warehouse();
    for day in ["2026-10-06", "2026-10-08"] {
        warehouse.write(&format!("orders/dt={day}/a.parquet"), orders(&[("u", EXPOSED, None)]));
    }
    let text = pipeline("", ANY_ORDER)
        .replace("orders.parquet, time: at", "orders/, time: at, partition: dt")
        .replace("end: 2026-10-10", "end: 2026-10-06")
        .replace("through: 2026-10-20", "through: 2026-10-08");
    insta::assert_snapshot!(warehouse.refusal(&text).await, @r"
    error: fact table `orders` lacks the days 2026-10-05, 2026-10-07
      --> pipeline.yaml:16:19
       |
    16 |   orders: { path: orders/, time: at, partition: dt }
       |                   ^^^^^^^ no data in `dt=2026-10-05`
       |
       = note: the days from 2026-10-05 to 2026-10-08 are read
       = help: wait until they are written (`--not-ready=skip` ends with exit code 99 meanwhile), or declare `gaps: allowed` for the table
    ");
    assert_eq!(warehouse.refusal(&text.replace("partition: dt", "partition: dt, gaps: allowed")).await, "accepted");
    for day in ["2026-10-05", "2026-10-07"] {
        warehouse.write(&format!("orders/dt={day}/a.parquet"), orders(&[("u", EXPOSED, None)]));
    }
    warehouse.remove("orders/dt=2026-10-08");
    insta::assert_snapshot!(warehouse.refusal(&text).await, @r"
    error: fact table `orders` lacks the day 2026-10-08
      --> pipeline.yaml:16:19
       |
     4 | through: 2026-10-08
       |          ---------- the last day that is needed
    ...
    16 |   orders: { path: orders/, time: at, partition: dt }
       |                   ^^^^^^^ no data in `dt=2026-10-08`
       |
       = note: the days from 2026-10-05 to 2026-10-08 are read
       = help: wait until they are written (`--not-ready=skip` ends with exit code 99 meanwhile), or declare `gaps: allowed` for the table
    ");
}

#[tokio::test]
async fn a_partition_of_another_name_is_shown() {
    let warehouse = warehouse();
    warehouse.write("orders/day=2026-10-06/a.parquet", orders(&[("u", EXPOSED, Some(1.0))]));
    let text =
        pipeline("", ANY_ORDER).replace("orders.parquet, time: at", "orders/, time: at, partition: dt, gaps: allowed");
    insta::assert_snapshot!(warehouse.refusal(&text).await, @r"
    error: fact table `orders` lacks the days 2026-10-05, 2026-10-06, 2026-10-07, 2026-10-08, 2026-10-09 and 3 more
      --> pipeline.yaml:16:19
       |
    16 |   orders: { path: orders/, time: at, partition: dt, gaps: allowed }
       |                   ^^^^^^^ no data in `dt=2026-10-05`
       |
       = note: the days from 2026-10-05 to 2026-10-12 are read
       = note: the folder holds `day=2026-10-06`
       = help: wait until they are written (`--not-ready=skip` ends with exit code 99 meanwhile); with `gaps: allowed`, one of them is enough
    ");
}

#[tokio::test]
async fn a_tag_with_a_problem_makes_no_cohort_wrong() {
    let warehouse = warehouse();
    warehouse.write("home.parquet", vec![("user", texts([Some("u")])), ("city", texts([Some("Oslo")]))]);
    let tags = "tags: { home: { path: home.parquet, static: true, columns: { city: numeric } } }\ncohorts: { north: city > 3 }\n";
    insta::assert_snapshot!(warehouse.refusal(&pipeline("", &format!("{ANY_ORDER}\n{tags}"))).await, @r"
    error: tag `city` of tag table `home` is a text, not a number
      --> pipeline.yaml:19:62
       |
    19 | tags: { home: { path: home.parquet, static: true, columns: { city: numeric } } }
       |                                                              ^^^^
       |
       = help: declare it `categorical`
    ");
}
