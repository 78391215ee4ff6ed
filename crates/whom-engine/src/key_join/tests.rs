//! What the join gives, beside a slow one.

use datafusion::arrow::array::{Int64Array, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::physical_plan::displayable;
use proptest::prelude::*;

use crate::rows::Rows;
use crate::session::Engine;
use crate::testing::engine;

use super::*;

type Left = (Option<i64>, i64);
type Right = (Option<i64>, Option<i64>);

const JOIN: &str = "SELECT r.v AS v, l.k AS k, l.first AS first FROM l JOIN r ON r.k = l.k WHERE r.v >= l.first";

/// Keys as integers, or as texts.
fn keys(keys: Vec<Option<i64>>, kind: &DataType) -> ArrayRef {
    cast(&Int64Array::from(keys), kind).unwrap()
}

fn add(engine: &Engine, name: &str, columns: Vec<(&str, ArrayRef)>) {
    let columns = columns.into_iter().map(|(name, values)| (name, values, true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let batches = (0..batch.num_rows()).step_by(2).map(|row| batch.slice(row, 2.min(batch.num_rows() - row)));
    engine.add_rows(name, Rows { schema: batch.schema(), batches: batches.collect() }).unwrap();
}

fn tables(left: &[Left], right: &[Right], kind: &DataType) -> Engine {
    let engine = engine();
    let firsts: ArrayRef = Arc::new(left.iter().map(|(_, first)| Some(*first)).collect::<Int64Array>());
    add(&engine, "l", vec![("k", keys(left.iter().map(|(key, _)| *key).collect(), kind)), ("first", firsts)]);
    let values: ArrayRef = Arc::new(right.iter().map(|(_, value)| *value).collect::<Int64Array>());
    add(&engine, "r", vec![("k", keys(right.iter().map(|(key, _)| *key).collect(), kind)), ("v", values)]);
    engine
}

/// The answer as texts, a row after the other.
fn answer(rows: &Rows) -> Vec<String> {
    let batch = rows.to_batch().unwrap();
    let columns: Vec<ArrayRef> = batch.columns().iter().map(|column| cast(column, &DataType::Utf8).unwrap()).collect();
    let texts: Vec<&StringArray> = columns.iter().map(AsArray::as_string).collect();
    (0..batch.num_rows()).map(|row| texts.iter().map(|text| text.value(row)).collect::<Vec<_>>().join(" ")).collect()
}

/// Every pair of rows, looked at one by one, in the order of the right side.
fn slowly(left: &[Left], right: &[Right]) -> Vec<String> {
    let mut found = Vec::new();
    for (right_key, value) in right {
        for (left_key, first) in left {
            if let (Some(one), Some(other), Some(value)) = (left_key, right_key, value)
                && one == other
                && value >= first
            {
                found.push(format!("{value} {one} {first}"));
            }
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn it_gives_the_pairs_that_a_nested_loop_gives(
        left in prop::collection::btree_map(0_i64..8, -2_i64..3, 0..8),
        null in any::<bool>(),
        right in prop::collection::vec((prop::option::of(0_i64..10), prop::option::of(-3_i64..4)), 0..12),
    ) {
        let mut left: Vec<Left> = left.into_iter().map(|(key, first)| (Some(key), first)).collect();
        if null {
            left.extend([(None, 0), (None, 0)]);
        }
        for kind in [DataType::Int64, DataType::Utf8] {
            let engine = tables(&left, &right, &kind);
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let found = runtime.block_on(engine.query(JOIN)).unwrap();
            prop_assert_eq!(answer(&found), slowly(&left, &right));
        }
    }
}

#[tokio::test]
async fn it_stands_in_every_plan_of_an_inner_join_by_one_key() {
    let engine = tables(&[(Some(1), 0)], &[(Some(1), Some(1))], &DataType::Int64);
    let shown = |plan: Arc<dyn ExecutionPlan>| displayable(plan.as_ref()).indent(false).to_string();
    let plan = shown(engine.plan(JOIN).await.unwrap());
    assert!(plan.contains("KeyJoinExec: on=k@0 = k@0, filter="), "{plan}");
    let outer = shown(engine.plan("SELECT r.v FROM l LEFT JOIN r ON r.k = l.k").await.unwrap());
    assert!(outer.contains("HashJoinExec") && !outer.contains("KeyJoinExec"), "{outer}");
}

#[tokio::test]
async fn a_left_side_with_two_rows_of_a_key_is_refused() {
    let engine = tables(&[(Some(1), 0), (Some(1), 2)], &[(Some(1), Some(1))], &DataType::Int64);
    let refused = engine.query(JOIN).await.unwrap_err();
    assert!(matches!(refused, EngineError::Internal(_)), "{refused}");
}

#[tokio::test]
async fn a_left_side_beyond_the_memory_is_refused_as_such() {
    let limits = crate::session::Limits { memory: 1_000, ..crate::session::Limits::default() };
    let engine = Engine::new(&limits).unwrap();
    let many: ArrayRef = Arc::new(Int64Array::from_iter_values(0..1_000));
    add(&engine, "l", vec![("k", Arc::clone(&many)), ("first", Arc::clone(&many))]);
    add(&engine, "r", vec![("k", Arc::clone(&many)), ("v", many)]);
    let refused = engine.query(JOIN).await.unwrap_err();
    assert!(matches!(refused, EngineError::Resources(_)), "{refused}");
}
