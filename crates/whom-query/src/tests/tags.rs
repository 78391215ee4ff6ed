//! Tags as of the day before first exposure.

use datafusion::arrow::array::Array;

use crate::testing::{ANY_ORDER, Warehouse, numbers, orders, pipeline, texts, texts_by_unit, units, whole};
use crate::unit_table::UnitTable;

/// A unit that is first exposed on 8 October in New York (9 October in UTC), and one on the 6th.
fn warehouse() -> Warehouse {
    let warehouse = Warehouse::exposing(&[("u", "a", "2026-10-09T02:00:00"), ("v", "b", "2026-10-06T12:00:00")]);
    warehouse.write("orders.parquet", orders(&[("u", "2026-10-09T12:00:00", None)]));
    warehouse
}

fn snapshot(warehouse: &Warehouse, day: &str, rows: &[(&str, &str)]) {
    let columns =
        vec![("user", texts(rows.iter().map(|row| Some(row.0)))), ("plan", texts(rows.iter().map(|row| Some(row.1))))];
    warehouse.write(&format!("tags/dt={day}/part.parquet"), columns);
}

fn dated(at_most: &str) -> String {
    pipeline(
        "",
        &format!(
            "{ANY_ORDER}
tags:
  profile:
    path: tags/
    date: dt
    as_of: day_before_first_exposure
    at_most: {at_most}
    gaps: allowed
    columns: {{ plan: categorical }}
cohorts:
  paying: plan = 'paid' or plan = 'gold'"
        ),
    )
}

fn plan(table: &UnitTable, unit: &str) -> Option<String> {
    texts_by_unit(table, "tag plan")[unit].clone()
}

#[tokio::test]
async fn the_last_snapshot_before_the_day_of_exposure_counts() {
    let warehouse = warehouse();
    for (day, value) in [("05", "five"), ("06", "six"), ("07", "seven"), ("08", "eight"), ("09", "nine")] {
        snapshot(&warehouse, &format!("2026-10-{day}"), &[("u", value), ("v", value), ("stranger", value)]);
    }
    let table = warehouse.units(&dated("7d")).await.unwrap();
    assert_eq!((plan(&table, "u").as_deref(), plan(&table, "v").as_deref()), (Some("seven"), Some("five")));
    let tags = &table.flow.tags[0];
    // Later: 8 and 9 October for `u`, 6 to 9 for `v`. The 10th is the last exposure's, so the 9th is read.
    assert_eq!((tags.units, tags.later, tags.too_old), (2, 6, 0));
}

#[tokio::test]
async fn the_snapshot_of_the_exposure_day_is_never_used() {
    let warehouse = warehouse();
    snapshot(&warehouse, "2026-10-08", &[("u", "leak")]);
    let table = warehouse.units(&dated("7d")).await.unwrap();
    assert_eq!(plan(&table, "u"), None);
}

#[tokio::test]
async fn a_snapshot_may_be_as_old_as_declared_and_no_older() {
    for (day, found) in [("2026-10-05", Some("old")), ("2026-10-04", None)] {
        let warehouse = warehouse();
        snapshot(&warehouse, day, &[("u", "old")]);
        let table = warehouse.units(&dated("3d")).await.unwrap();
        assert_eq!(plan(&table, "u").as_deref(), found, "{day}");
        assert_eq!(table.flow.tags[0].too_old, u64::from(found.is_none()), "{day}");
    }
}

#[tokio::test]
async fn a_unit_without_a_tag_is_in_no_cohort() {
    let warehouse = warehouse();
    snapshot(&warehouse, "2026-10-05", &[("v", "paid")]);
    let table = warehouse.units(&dated("7d")).await.unwrap();
    let members = whole(&table).cohort("cohort paying").unwrap();
    assert_eq!(members.null_count(), 0);
    for (unit, member) in units(&table).iter().zip(&members) {
        assert_eq!(member, Some(unit == "v"), "{unit}");
    }
}

#[tokio::test]
async fn two_rows_of_a_unit_on_one_day_are_refused_unless_they_are_equal() {
    let warehouse = warehouse();
    snapshot(&warehouse, "2026-10-05", &[("v", "x"), ("v", "x")]);
    assert_eq!(plan(&warehouse.units(&dated("7d")).await.unwrap(), "v").as_deref(), Some("x"));
    snapshot(&warehouse, "2026-10-05", &[("v", "x"), ("v", "y")]);
    insta::assert_snapshot!(warehouse.refusal(&dated("7d")).await, @"1 unit has several rows that count in tag table `profile`, with different tags; keep one row per unit, and per day where rows have one");
}

#[tokio::test]
async fn a_static_table_has_one_row_per_unit() {
    let static_tags = pipeline(
        "",
        &format!(
            "{ANY_ORDER}
tags:
  home: {{ path: homes.parquet, static: true, columns: {{ city: categorical, rooms: numeric }} }}"
        ),
    );
    let homes = |rows: &[(&str, &str, f64)]| {
        vec![
            ("user", texts(rows.iter().map(|row| Some(row.0)))),
            ("city", texts(rows.iter().map(|row| Some(row.1)))),
            ("rooms", numbers(&rows.iter().map(|row| row.2).collect::<Vec<_>>())),
        ]
    };
    let warehouse = warehouse();
    warehouse.write("homes.parquet", homes(&[("u", "Ulm", 3.0), ("v", "Bern", f64::NAN), ("w", "Rom", 1.0)]));
    let table = warehouse.units(&static_tags).await.unwrap();
    assert_eq!(texts_by_unit(&table, "tag city")["v"].as_deref(), Some("Bern"));
    assert_eq!(whole(&table).column("tag rooms").unwrap().null_count(), 1, "a tag that is not a number is missing");
    let tags = &table.flow.tags[0];
    assert_eq!((tags.read, tags.units, tags.later, tags.too_old), (3, 2, 0, 0));
    warehouse.write("homes.parquet", homes(&[("u", "Ulm", 3.0), ("u", "Ulm", 4.0)]));
    insta::assert_snapshot!(warehouse.refusal(&static_tags).await, @"1 unit has several rows that count in tag table `home`, with different tags; keep one row per unit, and per day where rows have one");
}
