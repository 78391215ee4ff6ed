use std::path::Path;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, DictionaryArray, Float64Array, Int64Array, StringArray,
};
use datafusion::arrow::datatypes::{Date32Type, Int32Type, Int64Type};
use tempfile::tempdir;
use whom_store::{ErrorKind, PartitionDays};

use super::*;
use crate::rows::integer;
use crate::testing::{column_of, engine, open, pin, write};

fn integers(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn names(table: &PinnedTable) -> Vec<String> {
    table.schema().fields().iter().map(|field| field.name().clone()).collect()
}

/// Opens day folders under the partition column `dt`.
async fn open_days(folder: &Path) -> PinnedTable {
    let day = |text: &str| text.parse().unwrap();
    let days = PartitionDays { column: "dt".to_owned(), first: day("2026-01-01"), last: day("2026-01-31") };
    PinnedTable::open("t", &pin(folder, Some(&days)).await, Some("dt")).await.unwrap()
}

async fn refused(folder: &Path) -> String {
    let error = open(folder).await.map(|_| ()).unwrap_err();
    error.to_string().replace(&folder.display().to_string(), "FOLDER")
}

#[tokio::test]
async fn columns_go_by_name_and_a_missing_one_is_null() {
    let folder = tempdir().unwrap();
    write(folder.path(), "a.parquet", vec![("v", integers(&[1, 2])), ("k", texts(&["x", "y"]))]);
    write(folder.path(), "b.parquet", vec![("k", texts(&["z"])), ("extra", integers(&[7]))]);
    let table = PinnedTable::open("t", &pin(folder.path(), None).await, None).await.unwrap();
    assert_eq!(
        (names(&table), table.rows(), table.files().len()),
        (["extra", "k", "v"].map(String::from).into(), 3, 2)
    );
    let engine = open(folder.path()).await.unwrap();
    let values = column_of(&engine, "SELECT v FROM t ORDER BY k").await;
    assert_eq!(values.as_primitive::<Int64Type>().iter().collect::<Vec<_>>(), [Some(1), Some(2), None]);
}

#[tokio::test]
async fn texts_are_one_type_however_a_file_stores_them() {
    let folder = tempdir().unwrap();
    let coded: DictionaryArray<Int32Type> = ["a", "b", "a"].into_iter().collect();
    write(folder.path(), "a.parquet", vec![("k", Arc::new(coded) as ArrayRef)]);
    write(folder.path(), "b.parquet", vec![("k", texts(&["b", "c"]))]);
    let view = datafusion::arrow::compute::cast(&texts(&["c"]), &DataType::Utf8View).unwrap();
    write(folder.path(), "c.parquet", vec![("k", view)]);
    let engine = open(folder.path()).await.unwrap();
    let rows = engine.query("SELECT k, count(*) AS n FROM t GROUP BY k ORDER BY k").await.unwrap().to_batch().unwrap();
    assert_eq!(rows.column(0).as_string::<i32>().iter().flatten().collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(rows.column(1).as_primitive::<Int64Type>().values(), &[2, 2, 2]);
    let found = engine.query("SELECT count(*) AS n FROM t WHERE k = 'b'").await.unwrap();
    assert_eq!(integer(&found, "n").unwrap(), Some(2));
}

#[tokio::test]
async fn a_column_with_two_types_names_both_files() {
    let folder = tempdir().unwrap();
    write(folder.path(), "a.parquet", vec![("v", integers(&[1]))]);
    write(folder.path(), "b.parquet", vec![("v", Arc::new(Float64Array::from(vec![1.0])) as ArrayRef)]);
    insta::assert_snapshot!(refused(folder.path()).await, @"column `v` is Float64 in `FOLDER/b.parquet` but Int64 in `FOLDER/a.parquet`; write it with one type in all files");
}

#[tokio::test]
async fn a_truncated_file_is_named() {
    let folder = tempdir().unwrap();
    write(folder.path(), "a.parquet", vec![("v", integers(&[1, 2, 3]))]);
    let path = folder.path().join("a.parquet");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let message = refused(folder.path()).await;
    insta::assert_snapshot!(message, @"`FOLDER/a.parquet` is not a readable Parquet file: Invalid Parquet file. Corrupt footer; it may be truncated, or of another format: write it again");
}

#[tokio::test]
async fn a_damaged_page_is_an_error_of_the_input() {
    let folder = tempdir().unwrap();
    write(folder.path(), "a.parquet", vec![("v", integers(&(0..5_000).collect::<Vec<_>>()))]);
    let path = folder.path().join("a.parquet");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4..200].fill(0xff);
    std::fs::write(&path, bytes).unwrap();
    let engine = open(folder.path()).await.unwrap();
    let error = engine.query("SELECT v FROM t").await.unwrap_err();
    assert!(
        matches!(&error, EngineError::Input { problem, .. } if problem.starts_with("a Parquet file cannot be decoded")),
        "{error}"
    );
}

#[tokio::test]
async fn a_file_that_changed_after_it_was_pinned_is_transient() {
    let folder = tempdir().unwrap();
    write(folder.path(), "a.parquet", vec![("v", integers(&[1]))]);
    let engine = open(folder.path()).await.unwrap();
    std::thread::sleep(std::time::Duration::from_millis(5));
    write(folder.path(), "a.parquet", vec![("v", integers(&[1, 2]))]);
    let error = engine.query("SELECT v FROM t").await.unwrap_err();
    let EngineError::Store(store) = &error else { panic!("{error}") };
    assert_eq!(store.kind(), ErrorKind::Transient);
}

#[tokio::test]
async fn a_file_that_appeared_after_the_listing_is_never_read() {
    let folder = tempdir().unwrap();
    write(folder.path(), "a.parquet", vec![("v", integers(&[1]))]);
    let engine = open(folder.path()).await.unwrap();
    write(folder.path(), "b.parquet", vec![("v", integers(&[2]))]);
    assert_eq!(column_of(&engine, "SELECT v FROM t").await.len(), 1);
}

#[tokio::test]
async fn the_day_of_a_folder_is_a_column() {
    let folder = tempdir().unwrap();
    write(folder.path(), "dt=2026-01-02/a.parquet", vec![("v", integers(&[2]))]);
    write(folder.path(), "dt=2026-01-01/a.parquet", vec![("v", integers(&[1]))]);
    let table = open_days(folder.path()).await;
    assert_eq!(names(&table), ["v", "dt"]);
    let engine = engine();
    engine.add_pinned("t", Arc::new(table)).unwrap();
    let days = column_of(&engine, "SELECT dt FROM t WHERE dt > DATE '2026-01-01'").await;
    assert_eq!(days.as_primitive::<Date32Type>().values(), &[20_455]);
    let values = column_of(&engine, "SELECT v FROM t ORDER BY dt DESC").await;
    assert_eq!(values.as_primitive::<Int64Type>().values(), &[2, 1]);
}

#[tokio::test]
async fn the_folder_wins_over_a_column_of_its_name() {
    let folder = tempdir().unwrap();
    let stored: ArrayRef = Arc::new(Date32Array::from(vec![0]));
    write(folder.path(), "dt=2026-01-02/a.parquet", vec![("v", integers(&[2])), ("dt", stored)]);
    write(folder.path(), "dt=2026-01-03/a.parquet", vec![("dt", texts(&["other"])), ("v", integers(&[3]))]);
    let engine = engine();
    engine.add_pinned("t", Arc::new(open_days(folder.path()).await)).unwrap();
    let days = column_of(&engine, "SELECT dt FROM t ORDER BY v").await;
    assert_eq!(days.as_primitive::<Date32Type>().values(), &[20_455, 20_456]);
}

#[tokio::test]
async fn any_name_is_a_table_of_its_own() {
    let (one, other) = (tempdir().unwrap(), tempdir().unwrap());
    write(one.path(), "a.parquet", vec![("v", integers(&[1]))]);
    write(other.path(), "a.parquet", vec![("v", integers(&[1, 2]))]);
    let engine = engine();
    for (name, folder) in [("fact ä\"; x", &one), ("fact Ä\"; x", &other)] {
        let table = PinnedTable::open(name, &pin(folder.path(), None).await, None).await.unwrap();
        engine.add_pinned(name, Arc::new(table)).unwrap();
    }
    assert_eq!(column_of(&engine, "SELECT v FROM \"fact ä\"\"; x\"").await.len(), 1);
    assert_eq!(column_of(&engine, "SELECT v FROM \"fact Ä\"\"; x\"").await.len(), 2);
}
