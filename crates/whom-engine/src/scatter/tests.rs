use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use datafusion::arrow::array::{ArrayRef, Int64Array, StringArray};
use datafusion::arrow::datatypes::Int64Type;

use datafusion::arrow::array::AsArray;
use whom_stats::bucket::{bucket_of_integer, bucket_of_text};

use super::*;
use crate::session::{Engine, Limits};
use crate::testing::{engine_with, open_with, write};

fn pieces(count: usize) -> Pieces {
    Pieces::new(NonZeroUsize::new(count).unwrap())
}

fn integers(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

/// The rows of each piece, in memory.
fn loaded(pieces: &[StoredRows]) -> Vec<Rows> {
    pieces.iter().map(|piece| piece.load().unwrap()).collect()
}

fn units_of(rows: &Rows) -> Vec<i64> {
    rows.batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec()).collect()
}

#[tokio::test]
async fn every_row_goes_to_the_piece_of_its_unit() {
    let engine = engine_with("t", vec![("unit", integers((0..500).chain(0..500)))]);
    let scattered = engine.scatter("SELECT unit FROM t", pieces(7), None).await.unwrap();
    let mut seen = Vec::new();
    for (piece, rows) in loaded(&scattered.pieces).iter().enumerate() {
        let units = units_of(rows);
        assert!(units.iter().all(|unit| pieces(7).of_bucket(bucket_of_integer(*unit)) == piece));
        seen.extend(units);
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..500).flat_map(|unit| [unit, unit]).collect::<Vec<_>>());
}

#[tokio::test]
async fn rows_that_stop_on_the_way_are_counted_by_step() {
    let units: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(2), Some(3), Some(3)]));
    let engine = engine_with("t", vec![("unit", units), ("step", integers([2, 1, 0, 2, 2]))]);
    let step = Some(Step { column: "step", kept: 2, count: 3, first: None });
    let scattered = engine.scatter("SELECT unit, step FROM t", pieces(2), step).await.unwrap();
    assert_eq!(scattered.steps, [1, 1, 3]);
    assert_eq!(scattered.pieces[0].schema().fields().len(), 1, "the step is needed no longer");
    let mut kept: Vec<i64> = loaded(&scattered.pieces).iter().flat_map(units_of).collect();
    kept.sort_unstable();
    assert_eq!(kept, [1, 3, 3]);
}

#[tokio::test]
async fn texts_and_nulls_have_their_place_or_none() {
    let units: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None, Some("b")]));
    let engine = engine_with("t", vec![("unit", units)]);
    let scattered = engine.scatter("SELECT unit FROM t", pieces(4), None).await.unwrap();
    assert_eq!(loaded(&scattered.pieces).iter().map(Rows::len).sum::<usize>(), 2);
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
        let rows: Vec<i64> = loaded(&scattered.pieces).iter().flat_map(units_of).collect();
        assert_eq!(rows.len(), 500, "{threads} threads");
        assert_eq!(rows.into_iter().collect::<BTreeSet<_>>().len(), 500, "{threads} threads");
    }
}

#[tokio::test]
async fn rows_of_pieces_are_put_together_by_another_column() {
    let keys: ArrayRef = Arc::new(StringArray::from(vec!["k", "l", "k", "m"]));
    let engine = engine_with("t", vec![("unit", integers([1, 2, 3, 4])), ("key", keys)]);
    let by_unit = engine.scatter("SELECT unit, key FROM t", pieces(4), None).await.unwrap().pieces;
    let regrouping = engine.regrouping(pieces(4));
    for rows in loaded(&by_unit) {
        let schema = Arc::new(rows.schema.project(&[1]).unwrap());
        let batches = rows.batches.iter().map(|batch| batch.project(&[1]).unwrap()).collect();
        regrouping.add(Rows { schema, batches }).unwrap();
    }
    let by_key = loaded(&regrouping.finish().unwrap());
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

/// Units and words by piece, in order, and the bytes on disk.
async fn scattered_within(limits: &Limits) -> Result<(Vec<Vec<(i64, String)>>, u64), EngineError> {
    let folder = tempfile::tempdir().unwrap();
    let words =
        || Arc::new(StringArray::from_iter_values((0..10_000).map(|unit| format!("w{}", unit % 97)))) as ArrayRef;
    for file in 0..4_i64 {
        let units = integers(file * 10_000..(file + 1) * 10_000);
        write(folder.path(), &format!("{file}.parquet"), vec![("unit", units), ("word", words())]);
    }
    let engine = open_with(folder.path(), limits).await.unwrap();
    let scattered = engine.scatter("SELECT unit, word FROM t", pieces(16), None).await?;
    let pieces = loaded(&scattered.pieces);
    let rows = pieces.iter().map(|rows| {
        let words = rows.batches.iter().flat_map(|batch| batch.column(1).as_string::<i32>().iter().flatten());
        let mut rows: Vec<_> = units_of(rows).into_iter().zip(words.map(str::to_owned)).collect();
        rows.sort_unstable();
        rows
    });
    Ok((rows.collect(), scattered.pieces.iter().map(StoredRows::spilled_bytes).sum()))
}

#[tokio::test]
async fn rows_that_do_not_fit_into_memory_lie_on_disk() {
    let threads = NonZeroUsize::new(2).unwrap();
    let (all, nothing) = scattered_within(&Limits { threads, ..Limits::default() }).await.unwrap();
    assert_eq!((all.iter().map(Vec::len).sum::<usize>(), nothing), (40_000, 0));
    for (rows, buffer) in [(0, 0), (100_000, 0), (100_000, 50_000), (0, 1 << 20)] {
        let limits = Limits { rows, buffer, threads, ..Limits::default() };
        let (same, spilled) = scattered_within(&limits).await.unwrap();
        assert!(same == all && spilled > 0, "{rows} {buffer}: {spilled}");
    }
}

#[tokio::test]
async fn what_fits_neither_into_memory_nor_on_disk_is_an_error_of_resources() {
    let limits = Limits { rows: 0, buffer: 0, spill_limit: Some(10_000), ..Limits::default() };
    let refused = scattered_within(&limits).await.unwrap_err();
    assert!(matches!(refused, EngineError::Resources(_)), "{refused}");
}

#[tokio::test]
async fn what_cannot_be_put_anywhere_is_a_bug_of_ours() {
    let engine = Engine::new(&Limits::default()).unwrap();
    let step = Some(Step { column: "step", kept: 0, count: 1, first: None });
    for (sql, step) in [("SELECT 0.5 AS unit", None), ("SELECT 1 AS unit", step), ("SELECT 1 AS unit, 3 AS step", step)]
    {
        let refused = engine.scatter(sql, pieces(2), step).await.unwrap_err();
        assert!(matches!(refused, EngineError::Internal(_)), "{sql}: {refused}");
    }
}
