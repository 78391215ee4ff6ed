use datafusion::arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};

use super::*;
use crate::rows::integer;
use crate::testing::{column_of, engine, engine_with};

fn one(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

#[tokio::test]
async fn what_changes_anything_is_refused() {
    let engine = engine_with("t", vec![("v", one(&[1]))]);
    for sql in [
        "CREATE TABLE x AS SELECT 1",
        "CREATE EXTERNAL TABLE x STORED AS PARQUET LOCATION '/tmp/x'",
        "CREATE VIEW x AS SELECT 1",
        "DROP TABLE t",
        "INSERT INTO t VALUES (1)",
        "DELETE FROM t",
        "UPDATE t SET v = 2",
        "COPY t TO '/tmp/x.parquet'",
        "SET datafusion.execution.batch_size = 1",
        "SELECT 1; SELECT 2",
    ] {
        assert!(engine.plan(sql).await.is_err(), "{sql}");
    }
    assert_eq!(engine.query("SELECT v FROM t").await.unwrap().len(), 1);
}

#[tokio::test]
async fn names_keep_their_case() {
    let engine = engine_with("T", vec![("Id", one(&[1])), ("id", one(&[2]))]);
    assert_eq!(integer(&engine.query("SELECT Id FROM T").await.unwrap(), "Id").unwrap(), Some(1));
    assert_eq!(integer(&engine.query("SELECT id FROM T").await.unwrap(), "id").unwrap(), Some(2));
    assert!(engine.query("SELECT id FROM t").await.is_err());
}

#[tokio::test]
async fn a_name_is_known_once_until_it_is_removed() {
    let engine = engine();
    let rows = engine.query("SELECT CAST(1 AS BIGINT) AS v").await.unwrap();
    engine.add_rows("a \"b\"", rows.clone()).unwrap();
    assert_eq!(
        engine.add_rows("a \"b\"", rows.clone()).unwrap_err().to_string(),
        "table `a \"b\"` is registered already"
    );
    engine.remove("a \"b\"").unwrap();
    assert_eq!(engine.remove("a \"b\"").unwrap_err().to_string(), "table `a \"b\"` is not registered");
    engine.add_rows("a \"b\"", rows).unwrap();
    assert_eq!(column_of(&engine, "SELECT v FROM \"a \"\"b\"\"\"").await.len(), 1);
}

/// An aggregation emits its groups as slices of one buffer, which must not be counted once for each of them.
#[tokio::test]
async fn rows_in_many_slices_take_the_memory_of_one_buffer() {
    let batch = RecordBatch::try_from_iter([("v", one(&vec![7; 10_000]))]).unwrap();
    let batches = (0..100).map(|place| batch.slice(place * 100, 100)).collect();
    let rows = Rows { schema: batch.schema(), batches };
    assert_eq!(rows.bytes(), 80_000);
    let engine = Engine::new(&Limits { rows: 100_000, ..Limits::default() }).unwrap();
    let kept = engine.store().keep(rows.clone()).unwrap();
    assert!(engine.store().keep(rows.clone()).unwrap().in_memory().is_none(), "there is no room for them twice");
    drop(kept);
    assert!(engine.store().keep(rows).unwrap().in_memory().is_some());
}

/// Rows of 1.6 MB in 25 parts, each of which would count the whole buffer of 40 MB altogether; nothing may go to disk.
#[tokio::test]
async fn a_sort_counts_the_parts_of_a_buffer_and_not_the_buffer_for_each() {
    let engine = Engine::new(&Limits { memory: 16 << 20, spill_limit: Some(0), ..Limits::default() }).unwrap();
    let batch = RecordBatch::try_from_iter([("v", one(&(0..200_000).rev().collect::<Vec<_>>()))]).unwrap();
    engine.add_rows("t", Rows { schema: batch.schema(), batches: vec![batch] }).unwrap();
    let sorted = engine.query("SELECT v FROM t ORDER BY v").await.unwrap();
    assert_eq!((integer(&sorted, "v").unwrap(), sorted.len()), (Some(0), 200_000));
}

#[tokio::test]
async fn rows_on_disk_are_a_table_like_any_other() {
    let engine = Engine::new(&Limits { rows: 0, ..Limits::default() }).unwrap();
    let batch = RecordBatch::try_from_iter([("v", one(&[1, 2, 3])), ("w", one(&[4, 5, 6]))]).unwrap();
    let rows = Rows { schema: batch.schema(), batches: vec![batch.clone(), batch] };
    let kept = Arc::new(engine.store().keep(rows).unwrap());
    assert!(kept.spilled_bytes() > 0);
    engine.add_stored("t", kept).unwrap();
    let answer = engine.query("SELECT exact_sum(w) AS sum FROM t WHERE v > 1").await.unwrap();
    assert_eq!(integer(&answer, "sum").unwrap(), Some(22));
}

#[tokio::test]
async fn an_empty_answer_keeps_its_columns() {
    let engine = engine_with("t", vec![("v", one(&[1]))]);
    let rows = engine.query("SELECT v FROM t WHERE v > 1").await.unwrap();
    assert!(rows.is_empty());
    assert_eq!(rows.to_batch().unwrap().schema().field(0).name(), "v");
    assert!(integer(&rows, "v").is_err());
    engine.add_rows("nothing", rows).unwrap();
    assert!(engine.query("SELECT v FROM nothing").await.unwrap().is_empty());
}

#[tokio::test]
async fn only_64_bit_integers_are_read_as_integers() {
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["a"]));
    let engine = engine_with("t", vec![("v", texts)]);
    let rows = engine.query("SELECT v, CAST(NULL AS BIGINT) AS n FROM t").await.unwrap();
    assert!(integer(&rows, "v").is_err() && integer(&rows, "x").is_err());
    assert_eq!(integer(&rows, "n").unwrap(), None);
}
