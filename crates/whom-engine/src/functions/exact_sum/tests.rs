use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::ipc::reader::StreamReader;
use datafusion::arrow::ipc::writer::StreamWriter;
use proptest::prelude::*;

use super::*;
use crate::testing::{column_of, engine_with};

fn integers(values: &[Option<i64>]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

/// A state as another process receives it.
fn sent(state: ArrayRef) -> ArrayRef {
    let batch = RecordBatch::try_from_iter_with_nullable([("state", state, true)]).unwrap();
    let mut bytes = Vec::new();
    let mut writer = StreamWriter::try_new(&mut bytes, &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    drop(writer);
    let received = StreamReader::try_new(bytes.as_slice(), None).unwrap().next().unwrap().unwrap();
    Arc::clone(received.column(0))
}

fn sums(array: &ArrayRef) -> Vec<Option<i64>> {
    array.as_primitive::<Int64Type>().iter().collect()
}

#[tokio::test]
async fn groups_are_added_up_over_batches() {
    let keys = integers(&[1, 2, 1, 2, 1, 2, 3, 1].map(Some));
    let values = integers(&[Some(1), Some(10), Some(2), None, Some(3), Some(30), None, Some(-10)]);
    let engine = engine_with("t", vec![("k", keys), ("v", values)]);
    let grouped = column_of(&engine, "SELECT exact_sum(v) FROM t GROUP BY k ORDER BY k").await;
    assert_eq!(sums(&grouped), [Some(-4), Some(40), None]);
    let filtered = column_of(&engine, "SELECT exact_sum(v) FILTER (WHERE v > 1) FROM t GROUP BY k ORDER BY k").await;
    assert_eq!(sums(&filtered), [Some(5), Some(40), None]);
    let all = column_of(&engine, "SELECT exact_sum(v) FROM t").await;
    assert_eq!(sums(&all), [Some(36)]);
    let none = column_of(&engine, "SELECT exact_sum(v) FROM t WHERE k > 9").await;
    assert_eq!(sums(&none), [None]);
}

#[tokio::test]
async fn a_sum_of_more_than_46_bits_is_refused_with_its_fix() {
    let values = integers(&[Some(i64::MAX), Some(i64::MAX), Some(-1)]);
    let engine = engine_with("t", vec![("v", values)]);
    let error = engine.query("SELECT exact_sum(v) FROM t").await.unwrap_err();
    assert!(matches!(error, crate::EngineError::Data(_)));
    insta::assert_snapshot!(error, @"a unit's value is 18446744073709551613 steps of its grid, more than the 35184372088831 that can be squared and added up exactly; declare a coarser `precision`");
}

#[tokio::test]
async fn parts_beyond_64_bits_may_cancel() {
    let values = integers(&[Some(i64::MAX), Some(i64::MAX), Some(-i64::MAX), Some(-i64::MAX), Some(5)]);
    let engine = engine_with("t", vec![("v", values)]);
    assert_eq!(sums(&column_of(&engine, "SELECT exact_sum(v) FROM t").await), [Some(5)]);
}

#[test]
fn the_edge_of_46_bits_is_still_a_value() {
    assert_eq!(to_value(i128::from(MAX_GRID_VALUE)).unwrap(), MAX_GRID_VALUE);
    assert_eq!(to_value(-i128::from(MAX_GRID_VALUE)).unwrap(), -MAX_GRID_VALUE);
    assert!(to_value(i128::from(MAX_GRID_VALUE) + 1).is_err());
}

#[test]
fn a_state_of_another_type_is_refused() {
    let mut one = OneGroup::default();
    assert!(one.merge_batch(&[integers(&[Some(1)])]).is_err());
}

proptest! {
    #[test]
    fn a_sum_is_that_of_wide_integers_however_it_is_split(
        rows in prop::collection::vec((prop::option::of(-(1_i64 << 40)..1 << 40), 0_usize..4, prop::option::of(any::<bool>())), 0..40),
        cut in 0_usize..40,
    ) {
        let mut expected = [None; 4];
        for (value, group, kept) in &rows {
            if let (Some(value), Some(true)) = (value, kept) {
                expected[*group] = Some(expected[*group].unwrap_or(0) + value);
            }
        }
        let cut = cut.min(rows.len());
        let mut whole = ManyGroups::default();
        whole.update_batch(&[integers(&[])], &[], None, 4).unwrap();
        for part in [&rows[..cut], &rows[cut..]] {
            let values = integers(&part.iter().map(|(value, _, _)| *value).collect::<Vec<_>>());
            let groups: Vec<usize> = part.iter().map(|(_, group, _)| *group).collect();
            let filter: BooleanArray = part.iter().map(|(_, _, kept)| *kept).collect();
            // One part travels as sums by group, the other as converted rows.
            let mut partial = ManyGroups::default();
            partial.update_batch(&[Arc::clone(&values)], &groups, Some(&filter), 4).unwrap();
            if part.len() % 2 == 0 {
                let state = partial.state(EmitTo::All).unwrap().remove(0);
                whole.merge_batch(&[sent(state)], &[0, 1, 2, 3], 4).unwrap();
            } else {
                let rows = partial.convert_to_state(&[values], Some(&filter)).unwrap().remove(0);
                whole.merge_batch(&[sent(rows)], &groups, 4).unwrap();
            }
        }
        prop_assert_eq!(sums(&whole.evaluate(EmitTo::All).unwrap()), expected.to_vec());
    }

    #[test]
    fn one_group_agrees_with_many(values in prop::collection::vec(prop::option::of(-(1_i64 << 40)..1 << 40), 0..20)) {
        let array = integers(&values);
        let (mut left, mut right) = (OneGroup::default(), OneGroup::default());
        left.update_batch(&[array]).unwrap();
        let state = left.state().unwrap().remove(0).to_array().unwrap();
        right.merge_batch(&[sent(state)]).unwrap();
        let expected = values.iter().flatten().copied().reduce(|sum, value| sum + value);
        prop_assert_eq!(right.evaluate().unwrap(), ScalarValue::Int64(expected));
        prop_assert_eq!(left.evaluate().unwrap(), ScalarValue::Int64(expected));
    }
}
