use std::collections::BTreeSet;
use std::path::Path;

use chrono::NaiveDate;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, DictionaryArray, Int64Array, StringArray};
use datafusion::arrow::datatypes::{Int32Type, Int64Type};
use tempfile::tempdir;
use uuid::Uuid;
use whom_store::{
    CachedDay, DayCache, DayRecord, Encoded, Location, PartitionDays, PinnedFiles, StoreError, Stores, TableKey,
};

use super::*;
use crate::day_facts::DayFacts;
use crate::session::Limits;
use crate::testing::{pin, write};

const DAY: &str = "2026-01-02";

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// A text that nothing compresses much.
fn scrambled(value: i64) -> String {
    format!("{:016x}", xxhash_rust::xxh3::xxh3_64(&value.to_le_bytes()))
}

/// A table of two days whose texts are stored as codes.
fn two_days(folder: &Path, rows: i64) {
    for (place, day) in ["2026-01-01", DAY].into_iter().enumerate() {
        let values = || (0..rows).map(|row| row * 2 + place as i64);
        let coded: DictionaryArray<Int32Type> = values().map(|value| if value % 3 == 0 { "x" } else { "y" }).collect();
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("v", Arc::new(Int64Array::from_iter_values(values()))),
            ("k", Arc::new(coded)),
            ("unused", Arc::new(StringArray::from_iter_values(values().map(scrambled)))),
        ];
        write(folder, &format!("orders/dt={day}/a.parquet"), columns);
    }
}

async fn listed(folder: &Path) -> PinnedFiles {
    let days = PartitionDays { column: "dt".to_owned(), first: day("2026-01-01"), last: day(DAY) };
    pin(&folder.join("orders"), Some(&days)).await
}

fn cache(folder: &Path) -> DayCache {
    let location = Location::output("cache", folder).unwrap();
    DayCache::create(&Stores::new(), &location, Uuid::nil()).unwrap()
}

fn engine(memory: usize) -> Engine {
    Engine::new(&Limits { memory, batch_size: 1000, ..Limits::default() }).unwrap()
}

/// Keeps a day of the table.
async fn keep(engine: &Engine, folder: &Path, columns: &[&str]) -> Result<CachedDay, EngineError> {
    let (listing, cache) = (listed(folder).await, cache(folder));
    let table = PinnedTable::open("t", &listing, Some("dt")).await?;
    let columns: Vec<String> = columns.iter().map(|column| (*column).to_owned()).collect();
    let key = TableKey::of(&listing.location, "dt").days(&listing).remove(1);
    let scan = engine.day_scan(&table, key.day, &columns).await?;
    let mut parts = Vec::new();
    for part in 0..scan.parts() {
        parts.push(scan.write(part, cache.part(&key, &columns).await?, Arc::default()).await?);
    }
    let facts = table.days().iter().find(|facts| facts.day == key.day).unwrap();
    let schema = Encoded::new(&facts.schema_bytes()?);
    let record = DayRecord { source: String::new(), schema, rows: facts.rows, columns, parts };
    Ok(cache.publish(&key, record).await?)
}

#[tokio::test]
async fn a_kept_day_has_the_rows_of_its_day_and_the_columns_that_were_asked_for() {
    let folder = tempdir().unwrap();
    two_days(folder.path(), 5_000);
    let kept = keep(&engine(1 << 30), folder.path(), &["k", "v"]).await.unwrap();
    assert_eq!(kept.record.parts.iter().map(|part| part.rows).sum::<u64>(), 5_000);
    let listing = cache(folder.path()).pinned(std::slice::from_ref(&kept));
    let facts = DayFacts::recorded(kept.day(), &kept.record).unwrap();
    let of_all: BTreeSet<&str> = facts.schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(of_all, BTreeSet::from(["k", "unused", "v"]), "what is not kept is known all the same");
    let known = facts.projected(&kept.record.columns);
    let table = PinnedTable::open_knowing("t", &listing, Some("dt"), &[known]).await.unwrap();
    assert_eq!(listing.read_so_far().bytes, 0, "no footer is read of what is known");
    assert!(table.bytes_of(["k", "v"]).0 > 0);
    let engine = engine(1 << 30);
    engine.add_pinned("t", Arc::new(table)).unwrap();
    let rows = engine.query("SELECT dt, v, k FROM t ORDER BY v").await.unwrap().to_batch().unwrap();
    let values = rows.column(1).as_primitive::<Int64Type>();
    assert_eq!(values.values().to_vec(), (0..5_000).map(|row| row * 2 + 1).collect::<Vec<i64>>());
    let texts = rows.column(2).as_string::<i32>();
    assert!(
        values.values().iter().zip(texts).all(|(value, text)| text == Some(if value % 3 == 0 { "x" } else { "y" }))
    );
    assert_eq!(rows.column(0).null_count(), 0);
}

#[tokio::test]
async fn footers_of_known_days_are_not_read_and_say_the_same() {
    let folder = tempdir().unwrap();
    two_days(folder.path(), 100);
    let (all, some) = (listed(folder.path()).await, listed(folder.path()).await);
    let opened = PinnedTable::open("t", &all, Some("dt")).await.unwrap();
    assert_eq!(all.read_so_far().files, 2);
    let known = PinnedTable::open_knowing("t", &some, Some("dt"), &opened.days()[..1]).await.unwrap();
    assert_eq!(some.read_so_far().files, 1);
    assert_eq!((known.schema(), known.rows(), known.days()), (opened.schema(), opened.rows(), opened.days()));
    assert_eq!((known.rows_of_largest_day(), known.bytes_of(["v"])), (100, opened.bytes_of(["v"])));
}

#[tokio::test]
async fn a_column_that_changes_its_type_is_refused_in_the_same_words() {
    let folder = tempdir().unwrap();
    two_days(folder.path(), 10);
    let before = PinnedTable::open("t", &listed(folder.path()).await, Some("dt")).await.unwrap();
    write(folder.path(), &format!("orders/dt={DAY}/b.parquet"), vec![("v", Arc::new(StringArray::from(vec!["one"])))]);
    let refused = |opened: Result<PinnedTable, EngineError>| opened.unwrap_err().to_string();
    let listing = listed(folder.path()).await;
    let knowing = PinnedTable::open_knowing("t", &listing, Some("dt"), &before.days()[..1]).await;
    assert_eq!(refused(knowing), refused(PinnedTable::open("t", &listing, Some("dt")).await));
}

#[tokio::test]
async fn a_source_that_changed_since_it_was_listed_makes_no_day() {
    let folder = tempdir().unwrap();
    two_days(folder.path(), 100);
    let (listing, cache) = (listed(folder.path()).await, cache(folder.path()));
    let table = PinnedTable::open("t", &listing, Some("dt")).await.unwrap();
    let key = TableKey::of(&listing.location, "dt").days(&listing).remove(1);
    let scan = engine(1 << 30).day_scan(&table, key.day, &["v".to_owned()]).await.unwrap();
    two_days(folder.path(), 101);
    let part = cache.part(&key, &["v".to_owned()]).await.unwrap();
    let error = scan.write(0, part, Arc::default()).await.unwrap_err();
    assert!(matches!(error, EngineError::Store(StoreError::InputChanged { .. })), "{error}");
}

#[tokio::test]
async fn making_a_day_can_be_stopped() {
    let folder = tempdir().unwrap();
    two_days(folder.path(), 100);
    let (listing, cache) = (listed(folder.path()).await, cache(folder.path()));
    let table = PinnedTable::open("t", &listing, Some("dt")).await.unwrap();
    let key = TableKey::of(&listing.location, "dt").days(&listing).remove(1);
    let scan = engine(1 << 30).day_scan(&table, key.day, &["v".to_owned()]).await.unwrap();
    let part = cache.part(&key, &["v".to_owned()]).await.unwrap();
    let stopped = scan.write(0, part, Arc::new(AtomicBool::new(true))).await;
    assert!(matches!(stopped, Err(EngineError::Cancelled)));
}

/// A day of any length is written within a pool of 16 MiB, row group by row group.
#[tokio::test]
async fn a_long_day_is_never_held_as_a_whole() {
    let folder = tempdir().unwrap();
    two_days(folder.path(), 1_000_000);
    let kept = keep(&engine(16 << 20), folder.path(), &["unused", "v"]).await.unwrap();
    let [part] = kept.record.parts.as_slice() else { panic!("{:?}", kept.record.parts) };
    let [all, largest] = part.columns["unused"];
    assert!(all > 2 * largest, "{all} bytes in row groups of at most {largest}");
}
