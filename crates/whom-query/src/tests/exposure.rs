//! First exposures, units in several variants, and units that were exposed earlier.

use crate::testing::{
    ANY_ORDER, Warehouse, by_unit, expected, exposures, instants, orders, pipeline, texts, units, whole,
};
use crate::unit_table::UnitTable;

fn with_orders(warehouse: Warehouse) -> Warehouse {
    warehouse.write("orders.parquet", orders(&[("u", "2026-10-05T12:00:00", None)]));
    warehouse
}

async fn table(split: &str, rows: &[(&str, &str, &str)]) -> UnitTable {
    with_orders(Warehouse::exposing(rows)).units(&pipeline(split, ANY_ORDER)).await.unwrap()
}

#[tokio::test]
async fn the_first_exposure_decides_the_arm_whatever_the_order_of_rows() {
    let rows = [
        ("u", "b", "2026-10-07T12:00:00"),
        ("u", "a", "2026-10-06T12:00:00"),
        ("u", "b", "2026-10-06T12:00:01"),
        ("v", "b", "2026-10-06T12:00:00"),
        ("v", "b", "2026-10-06T12:00:00"),
    ];
    for rows in [rows.to_vec(), rows.into_iter().rev().collect()] {
        let table = table("", &rows).await;
        assert_eq!(by_unit(&table, "arm"), expected(&[("u", Some(0)), ("v", Some(1))]));
        let first = |text| chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_micros();
        let micros = by_unit(&table, "first_exposure");
        assert_eq!(micros["u"], Some(first("2026-10-06T12:00:00Z")));
        let several: Vec<Option<bool>> = whole(&table).several_variants().unwrap().iter().collect();
        let of = |unit: &str| units(&table).iter().position(|known| known == unit).unwrap();
        assert_eq!((several[of("u")], several[of("v")]), (Some(true), Some(false)));
    }
}

#[tokio::test]
async fn of_two_variants_at_the_same_instant_the_one_that_is_declared_first_counts() {
    for rows in [
        [("u", "b", "2026-10-06T12:00:00"), ("u", "a", "2026-10-06T12:00:00")],
        [("u", "a", "2026-10-06T12:00:00"), ("u", "b", "2026-10-06T12:00:00")],
    ] {
        assert_eq!(by_unit(&table("", &rows).await, "arm"), expected(&[("u", Some(0))]));
    }
}

#[tokio::test]
async fn the_days_of_the_experiment_are_those_of_its_time_zone() {
    let table = table(
        "",
        &[
            ("before", "a", "2026-10-05T03:59:59.999999"),
            ("first", "a", "2026-10-05T04:00:00"), // midnight in New York
            ("last", "a", "2026-10-11T03:59:59.999999"),
            ("after", "a", "2026-10-11T04:00:00"),
        ],
    )
    .await;
    let mut found = units(&table);
    found.sort();
    assert_eq!(found, ["first", "last"]);
    let days = by_unit(&table, "exposure_day");
    assert_eq!(days["last"].unwrap() - days["first"].unwrap(), 5);
}

#[tokio::test]
async fn rows_without_a_unit_or_variant_are_counted_and_dropped() {
    let warehouse = with_orders(Warehouse::new());
    let at = ["2026-10-06T12:00:00"; 6];
    warehouse.write(
        "split.parquet",
        vec![
            ("user", texts([Some("u"), None, Some("v"), Some("w"), Some("x"), Some("y")])),
            ("variant", texts([Some("a"), Some("a"), Some(""), None, Some("c"), Some("b")])),
            ("at", instants(at)),
            ("kept", texts([Some("y"), Some("y"), Some("y"), Some("y"), Some("y"), Some("n")])),
        ],
    );
    let table = warehouse.units(&pipeline("  where: kept = 'y'", ANY_ORDER)).await.unwrap();
    assert_eq!(units(&table), ["u"]);
    let split = &table.flow.split;
    assert_eq!((split.read, split.of_experiment, split.in_days, split.with_unit), (6, 5, 5, 4));
    assert_eq!((split.with_variant, split.of_variants), (2, 1));
    assert_eq!(split.unknown_variants, [("c".to_owned(), 1)].into());
    let steps = table.flow.steps();
    let split: Vec<_> = steps.iter().filter(|step| step.table.as_deref() == Some("split")).collect();
    for pair in split.windows(2) {
        assert_eq!(pair[0].kept, pair[1].kept + pair[1].dropped, "{}", pair[1].step);
    }
}

#[tokio::test]
async fn several_unknown_variants_are_named_by_frequency() {
    let mut rows = vec![("u", "a", "2026-10-06T12:00:00")];
    for (variant, times) in [("c", 3), ("d", 2), ("e", 2), ("f", 1), ("g", 1), ("h", 1)] {
        rows.extend(std::iter::repeat_n(("v", variant, "2026-10-06T12:00:00"), times));
    }
    let table = table("", &rows).await;
    let named: Vec<&str> = table.flow.split.unknown_variants.keys().map(String::as_str).collect();
    assert_eq!(named, ["c", "d", "e", "f", "g"]);
}

#[tokio::test]
async fn only_lookback_excludes_units_that_were_exposed_before_the_start() {
    let rows = [
        ("old", "a", "2026-10-03T04:00:00"), // exactly two days before the start
        ("old", "a", "2026-10-06T12:00:00"),
        ("older", "a", "2026-10-03T03:59:59"),
        ("older", "b", "2026-10-06T12:00:00"),
        ("gone", "a", "2026-10-04T12:00:00"), // never again: no unit of this experiment
        ("new", "b", "2026-10-06T12:00:00"),
    ];
    let mut without = units(&table("", &rows).await);
    without.sort();
    assert_eq!(without, ["new", "old", "older"]);
    let table = table("  lookback: 2d", &rows).await;
    let mut with = units(&table);
    with.sort();
    assert_eq!(with, ["new", "older"]);
    assert_eq!((table.flow.earlier_exposed, table.flow.units), (Some(1), 2));
}

#[tokio::test]
async fn integers_and_texts_are_ids_and_rows_go_by_bucket() {
    let ids = ["10", "9", "123", "7"];
    let rows: Vec<_> = ids.iter().map(|id| (*id, "a", "2026-10-06T12:00:00")).collect();
    let table = table("", &rows).await;
    let buckets = whole(&table).buckets().unwrap();
    assert!(buckets.is_sorted());
    for (unit, bucket) in units(&table).iter().zip(&buckets) {
        assert_eq!(*bucket, whom_stats::bucket::bucket_of_text(unit));
    }
    assert_eq!(exposures(&rows).len(), 3);
}
