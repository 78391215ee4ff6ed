//! A plan over cached days gives the unit table and the counts that it gives over the files.

use whom_store::{DayCache, Location, Stores};

use crate::cache::{Cache, TableReads};
use crate::testing::{Warehouse, by_unit, exposures, instants, integers, numbers, orders, pipeline, texts};

/// Orders with and without the column that a metric asks for, one day stored under a text that is a number elsewhere.
fn warehouse() -> Warehouse {
    let warehouse = Warehouse::new();
    for (day, rows) in [
        ("05", vec![("u", "a", "2026-10-05T12:00:00"), ("v", "b", "2026-10-05T13:00:00")]),
        (
            "06",
            vec![
                ("u", "a", "2026-10-06T12:00:00"),
                ("w", "c", "2026-10-06T13:00:00"),
                ("x", "", "2026-10-06T14:00:00"),
            ],
        ),
    ] {
        warehouse.write(&format!("split/dt=2026-10-{day}/a.parquet"), exposures(&rows));
    }
    let mut sold = orders(&[("u", "2026-10-05T14:00:00", Some(1.0)), ("v", "2026-10-05T15:00:00", Some(2.5))]);
    sold.push(("note", texts([Some("x"), None])));
    warehouse.write("orders/dt=2026-10-05/a.parquet", sold);
    warehouse.write(
        "orders/dt=2026-10-06/a.parquet",
        vec![
            ("user", texts([Some("u"), None])),
            ("at", instants(["2026-10-06T01:00:00", "2026-10-06T02:00:00"])),
            ("note", texts([None, Some("x")])),
        ],
    );
    // A day whose file has nothing that anybody asks for.
    warehouse.write("orders/dt=2026-10-07/a.parquet", vec![("other", integers(&[1, 2, 3]))]);
    for day in ["04", "05"] {
        let age = numbers(&[1.0, 2.0]);
        warehouse.write(
            &format!("tags/dt=2026-10-{day}/a.parquet"),
            vec![("user", texts([Some("u"), Some("v")])), ("age", age)],
        );
    }
    warehouse
}

const REST: &str = "facts:
  orders: { path: orders/, time: at, partition: dt, gaps: allowed }
  again: { path: ./orders, time: at, partition: dt, gaps: allowed, where: note is not null }
metrics:
  spend: { role: primary, from: orders, value: amount, precision: 0.01, aggregate: sum, window: 2d, desired: increase, matters: 1% }
  noted: { role: secondary, from: again, aggregate: count, window: 2d }
tags:
  known: { path: tags/, date: dt, as_of: day_before_first_exposure, at_most: 7d, gaps: allowed, columns: { age: numeric } }";

fn over_days() -> String {
    pipeline("  partition: dt\n  gaps: allowed\n  several_variants: first", REST)
        .replace("path: split.parquet", "path: split/")
}

fn cache(warehouse: &Warehouse) -> Cache {
    let location = Location::output("cache", warehouse.path()).unwrap();
    Cache::new(DayCache::create(&Stores::new(), &location, uuid::Uuid::nil()).unwrap())
}

/// A table, the files that were read of it, and its days that were made and reused.
type Told<'a> = (&'a str, usize, Option<(usize, usize)>);

/// Files read and days made and reused, by table.
fn told(reads: &[TableReads]) -> Vec<Told<'_>> {
    let days = |read: &TableReads| read.cache.map(|cache| (cache.filled, cache.reused));
    reads.iter().map(|read| (read.table.as_str(), read.source.files, days(read))).collect()
}

#[tokio::test]
async fn a_plan_over_cached_days_gives_what_it_gives_over_the_files() {
    let warehouse = warehouse();
    let expected = warehouse.units(&over_days()).await.unwrap();
    let (first, made) = warehouse.units_cached(&over_days(), &cache(&warehouse)).await.unwrap();
    // Three files of orders under two names; what one name made the other finds.
    assert_eq!(
        told(&made),
        [
            ("fact again", 3, Some((3, 0))),
            ("fact orders", 3, Some((3, 0))),
            ("split", 2, Some((2, 0))),
            ("tags known", 2, Some((2, 0)))
        ]
    );
    let (second, reused) = warehouse.units_cached(&over_days(), &cache(&warehouse)).await.unwrap();
    assert_eq!(
        told(&reused),
        [
            ("fact again", 0, Some((0, 3))),
            ("fact orders", 0, Some((0, 3))),
            ("split", 0, Some((0, 2))),
            ("tags known", 0, Some((0, 2)))
        ]
    );
    for table in [first, second] {
        assert_eq!(table.flow, expected.flow);
        for column in ["metric spend", "metric noted", "arm", "tag age"] {
            assert_eq!(by_unit(&table, column), by_unit(&expected, column), "{column}");
        }
    }
}

#[tokio::test]
async fn a_wider_plan_makes_its_days_anew_and_a_narrower_one_reads_them() {
    let warehouse = warehouse();
    let narrow = over_days()
        .replace("where: note is not null", "where: true")
        .replace("value: amount, precision: 0.01, aggregate: sum", "aggregate: count");
    let counts = |reads: Vec<TableReads>| reads[1].cache.map(|cache| (cache.filled, cache.reused));
    let (_, reads) = warehouse.units_cached(&narrow, &cache(&warehouse)).await.unwrap();
    assert_eq!(counts(reads), Some((3, 0)));
    let (_, reads) = warehouse.units_cached(&over_days(), &cache(&warehouse)).await.unwrap();
    assert_eq!(counts(reads), Some((2, 1)), "the day without any of the columns is the same");
    let (_, reads) = warehouse.units_cached(&narrow, &cache(&warehouse)).await.unwrap();
    assert_eq!(counts(reads), Some((0, 3)));
}
