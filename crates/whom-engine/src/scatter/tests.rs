use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use datafusion::arrow::array::{ArrayRef, Int64Array, StringArray};
use datafusion::arrow::datatypes::Int64Type;

use super::*;
use crate::session::{Engine, Limits};
use crate::testing::{engine_with, open_with, write};

fn pieces(count: usize) -> Pieces {
    Pieces::new(NonZeroUsize::new(count).unwrap())
}

fn integers(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

fn units_of(rows: &Rows) -> Vec<i64> {
    rows.batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec()).collect()
}

#[tokio::test]
async fn every_row_goes_to_the_piece_of_its_unit() {
    let engine = engine_with("t", vec![("unit", integers((0..500).chain(0..500)))]);
    let scattered = engine.scatter("SELECT unit FROM t", pieces(7), None).await.unwrap();
    let mut seen = Vec::new();
    for (piece, rows) in scattered.into_pieces().iter().enumerate() {
        let units = units_of(rows);
        assert!(units.iter().all(|unit| pieces(7).of_bucket(bucket_of_integer(*unit)) == piece));
        assert!(rows.batches.iter().all(|batch| batch.num_rows() <= 3), "batches keep the session's size");
        seen.extend(units);
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..500).flat_map(|unit| [unit, unit]).collect::<Vec<_>>());
}

#[tokio::test]
async fn rows_that_stop_on_the_way_are_counted_by_step() {
    let units: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(2), Some(3), Some(3)]));
    let engine = engine_with("t", vec![("unit", units), ("step", integers([2, 1, 0, 2, 2]))]);
    let step = Some(Step { column: "step", kept: 2, count: 3 });
    let scattered = engine.scatter("SELECT unit, step FROM t", pieces(2), step).await.unwrap();
    assert_eq!(scattered.steps, [1, 1, 3]);
    assert_eq!(scattered.schema.fields().len(), 1, "the step is needed no longer");
    let mut kept: Vec<i64> = scattered.into_pieces().iter().flat_map(units_of).collect();
    kept.sort_unstable();
    assert_eq!(kept, [1, 3, 3]);
}

#[tokio::test]
async fn texts_and_nulls_have_their_place_or_none() {
    let units: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None, Some("b")]));
    let engine = engine_with("t", vec![("unit", units)]);
    let scattered = engine.scatter("SELECT unit FROM t", pieces(4), None).await.unwrap();
    assert_eq!(scattered.into_pieces().iter().map(Rows::len).sum::<usize>(), 2);
}

#[tokio::test]
async fn files_are_shared_among_threads_and_every_row_is_read_once() {
    let folder = tempfile::tempdir().unwrap();
    for file in 0..5_i64 {
        write(folder.path(), &format!("{file}.parquet"), vec![("unit", integers(file * 100..file * 100 + 100))]);
    }
    for threads in [1, 2, 3, 8] {
        let limits = Limits { threads: NonZeroUsize::new(threads).unwrap(), ..Limits::default() };
        let engine = open_with(folder.path(), &limits).await.unwrap();
        let scattered = engine.scatter("SELECT unit FROM t", pieces(3), None).await.unwrap();
        let rows: Vec<i64> = scattered.into_pieces().iter().flat_map(units_of).collect();
        assert_eq!(rows.len(), 500, "{threads} threads");
        assert_eq!(rows.into_iter().collect::<BTreeSet<_>>().len(), 500, "{threads} threads");
    }
}

#[tokio::test]
async fn rows_of_pieces_are_put_together_by_another_column() {
    let keys: ArrayRef = Arc::new(StringArray::from(vec!["k", "l", "k", "m"]));
    let engine = engine_with("t", vec![("unit", integers([1, 2, 3, 4])), ("key", keys)]);
    let by_unit = engine.scatter("SELECT unit, key FROM t", pieces(4), None).await.unwrap().into_pieces();
    let keys = by_unit.iter().map(|rows| Rows {
        schema: Arc::new(rows.schema.project(&[1]).unwrap()),
        batches: rows.batches.iter().map(|batch| batch.project(&[1]).unwrap()).collect(),
    });
    let by_key = engine.regroup(&keys.collect::<Vec<_>>(), pieces(4)).unwrap().into_pieces();
    let counts: Vec<usize> = ["k", "l", "m"]
        .iter()
        .map(|key| {
            let batches = &by_key[pieces(4).of_bucket(bucket_of_text(key))].batches;
            let keys = batches.iter().flat_map(|batch| batch.column(0).as_string::<i32>().iter().flatten());
            keys.filter(|found| found == key).count()
        })
        .collect();
    assert_eq!(counts, [2, 1, 1]);
}

#[tokio::test]
async fn what_does_not_fit_in_memory_is_an_error_of_resources() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a.parquet", vec![("unit", integers(0..10_000))]);
    let engine = open_with(folder.path(), &Limits { memory: 1_000, ..Limits::default() }).await.unwrap();
    let refused = engine.scatter("SELECT unit FROM t", pieces(2), None).await.unwrap_err();
    assert!(matches!(refused, EngineError::Resources(_)), "{refused}");
}

#[tokio::test]
async fn what_cannot_be_put_anywhere_is_a_bug_of_ours() {
    let engine = Engine::new(&Limits::default()).unwrap();
    let step = Some(Step { column: "step", kept: 0, count: 1 });
    for (sql, step) in [("SELECT 0.5 AS unit", None), ("SELECT 1 AS unit", step), ("SELECT 1 AS unit, 3 AS step", step)]
    {
        let refused = engine.scatter(sql, pieces(2), step).await.unwrap_err();
        assert!(matches!(refused, EngineError::Internal(_)), "{sql}: {refused}");
    }
}
