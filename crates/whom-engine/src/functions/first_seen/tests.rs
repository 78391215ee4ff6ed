use std::collections::BTreeMap;

use datafusion::arrow::array::{Int64Array, RecordBatch};
use datafusion::arrow::datatypes::Int64Type;
use datafusion::arrow::ipc::reader::StreamReader;
use datafusion::arrow::ipc::writer::StreamWriter;
use proptest::prelude::*;

use super::*;
use crate::testing::{column_of, engine_with};

/// What a unit saw: first instant, arm, whether several.
type Found = Option<(i64, i64, bool)>;

fn columns(rows: &[(Option<i64>, Option<i16>)]) -> Vec<ArrayRef> {
    let instants: TimestampMicrosecondArray = rows.iter().map(|row| row.0).collect();
    let arms: Int16Array = rows.iter().map(|row| row.1).collect();
    let one_each = BooleanArray::from(vec![false; rows.len()]);
    vec![Arc::new(instants.with_timezone("UTC")), Arc::new(arms), Arc::new(one_each)]
}

fn found(array: &ArrayRef) -> Vec<Found> {
    let seen = array.as_struct();
    let (first, arms) =
        (seen.column(0).as_primitive::<TimestampMicrosecondType>(), seen.column(1).as_primitive::<Int64Type>());
    let several = seen.column(2).as_boolean();
    (0..seen.len())
        .map(|row| seen.is_valid(row).then(|| (first.value(row), arms.value(row), several.value(row))))
        .collect()
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

/// What rows say of each of some groups, seen at once.
fn expected(rows: &[(Option<i64>, Option<i16>, usize)], groups: usize) -> Vec<Found> {
    (0..groups)
        .map(|group| {
            let seen = rows.iter().filter(|row| row.2 == group).filter_map(|row| Some((row.0?, i64::from(row.1?))));
            let mut seen: Vec<(i64, i64)> = seen.collect();
            seen.sort_unstable();
            let several = seen.iter().any(|row| row.1 != seen[0].1);
            seen.first().map(|first| (first.0, first.1, several))
        })
        .collect()
}

#[tokio::test]
async fn the_first_row_of_a_unit_decides_and_ties_go_to_the_first_arm() {
    let rows = [
        (Some(7), Some(2)),
        (Some(3), Some(1)),
        (Some(3), Some(0)),
        (None, Some(0)),
        (Some(9), None),
        (Some(5), Some(4)),
    ];
    let mut table = vec![("unit", Arc::new(Int64Array::from(vec![1, 1, 1, 2, 2, 3])) as ArrayRef)];
    table.extend(["at", "arm", "several"].into_iter().zip(columns(&rows)));
    let engine = engine_with("t", table);
    let grouped = column_of(&engine, "SELECT first_seen(at, arm, several) FROM t GROUP BY unit ORDER BY unit").await;
    assert_eq!(found(&grouped), [Some((3, 0, true)), None, Some((5, 4, false))]);
    let filtered = column_of(
        &engine,
        "SELECT first_seen(at, arm, several) FILTER (WHERE arm > 0) FROM t GROUP BY unit ORDER BY unit",
    )
    .await;
    assert_eq!(found(&filtered), [Some((3, 1, true)), None, Some((5, 4, false))]);
    let all = column_of(&engine, "SELECT first_seen(at, arm, several) FROM t").await;
    assert_eq!(found(&all), [Some((3, 0, true))]);
    let none = column_of(&engine, "SELECT first_seen(at, arm, several) FROM t WHERE unit > 9").await;
    assert_eq!(found(&none), [None]);
}

#[test]
fn many_groups_survive_the_way_to_another_process() {
    let units: Vec<usize> = (0..200_000).collect();
    let rows: Vec<(Option<i64>, Option<i16>)> =
        units.iter().map(|unit| (Some(*unit as i64 * 3), Some((unit % 3) as i16))).collect();
    let (mut one, mut other) = (ManyGroups::default(), ManyGroups::default());
    one.update_batch(&columns(&rows), &units, None, units.len()).unwrap();
    let state = one.state(EmitTo::All).unwrap().remove(0);
    other.merge_batch(&[sent(state)], &units, units.len() + 1).unwrap();
    let seen = found(&other.evaluate(EmitTo::All).unwrap());
    assert_eq!(seen.len(), units.len() + 1);
    assert!(
        seen[..units.len()]
            .iter()
            .zip(&units)
            .all(|(seen, unit)| *seen == Some((*unit as i64 * 3, (unit % 3) as i64, false)))
    );
    assert_eq!(seen.last(), Some(&None));
}

#[test]
fn a_state_of_another_type_is_refused() {
    let mut one = OneGroup::default();
    assert!(one.merge_batch(&[Arc::new(Int64Array::from(vec![1]))]).is_err());
}

proptest! {
    #[test]
    fn rows_say_the_same_in_any_order_and_however_they_are_split(
        rows in prop::collection::vec((prop::option::weighted(0.9, 0_i64..6), prop::option::weighted(0.9, 0_i16..3), 0_usize..4), 0..40),
        cuts in prop::collection::vec(any::<bool>(), 40),
    ) {
        let expected = expected(&rows, 4);
        let mut parts: BTreeMap<bool, Vec<_>> = BTreeMap::new();
        rows.iter().zip(cuts).for_each(|(row, part)| parts.entry(part).or_default().push(*row));
        let mut whole = ManyGroups::default();
        whole.update_batch(&columns(&[]), &[], None, 4).unwrap();
        for (converted, part) in parts.into_iter().rev() {
            let values = columns(&part.iter().map(|row| (row.0, row.1)).collect::<Vec<_>>());
            let groups: Vec<usize> = part.iter().map(|row| row.2).collect();
            let mut partial = ManyGroups::default();
            if converted {
                let states = partial.convert_to_state(&values, None).unwrap().remove(0);
                whole.merge_batch(&[sent(states)], &groups, 4).unwrap();
            } else {
                partial.update_batch(&values, &groups, None, 4).unwrap();
                let state = partial.state(EmitTo::All).unwrap().remove(0);
                whole.merge_batch(&[sent(state)], &[0, 1, 2, 3], 4).unwrap();
            }
        }
        prop_assert_eq!(found(&whole.evaluate(EmitTo::All).unwrap()), expected);
    }

    #[test]
    fn one_group_agrees_with_many(rows in prop::collection::vec((prop::option::of(0_i64..6), prop::option::of(0_i16..3)), 0..20)) {
        let (mut left, mut right) = (OneGroup::default(), OneGroup::default());
        left.update_batch(&columns(&rows)).unwrap();
        right.merge_batch(&[sent(left.state().unwrap().remove(0).to_array().unwrap())]).unwrap();
        let rows: Vec<_> = rows.iter().map(|row| (row.0, row.1, 0)).collect();
        for mut group in [left, right] {
            prop_assert_eq!(found(&group.evaluate().unwrap().to_array().unwrap()), expected(&rows, 1));
        }
    }
}
