use std::collections::BTreeMap;

use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::{Field, Schema, TimeUnit};
use proptest::prelude::*;

use super::*;

const STEP: StepPlace = StepPlace { column: 4, kept: 1, count: 3, first: Some(PLACES) };
const PLACES: SeenPlaces = SeenPlaces { instant: 2, arm: 1, several: 3 };

/// A unit, an arm, an instant and a step.
type Row = (i64, i16, i64, i64);

/// What is known of each unit, of those that count, and all others that are kept.
type Known = (BTreeMap<i64, (i64, i16, bool)>, Vec<Row>);

fn schema() -> SchemaRef {
    let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let kinds = [DataType::Int64, DataType::Int16, instant, DataType::Boolean, DataType::Int64];
    let names = ["unit", "arm", "exposed_at", "several", "step"];
    Arc::new(Schema::new(
        names.into_iter().zip(kinds).map(|(name, kind)| Field::new(name, kind, true)).collect::<Vec<_>>(),
    ))
}

fn batch(rows: &[Row]) -> RecordBatch {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| row.0).collect::<Int64Array>()),
        Arc::new(rows.iter().map(|row| row.1).collect::<Int16Array>()),
        Arc::new(TimestampMicrosecondArray::from_iter_values(rows.iter().map(|row| row.2)).with_timezone("UTC")),
        Arc::new(BooleanArray::from(vec![false; rows.len()])),
        Arc::new(rows.iter().map(|row| row.3).collect::<Int64Array>()),
    ];
    RecordBatch::try_new(schema(), columns).unwrap()
}

/// Rows that went through a reader's memory, and the steps it counted.
fn put_together(rows: &[Row], batch_size: usize) -> (Vec<RecordBatch>, Vec<u64>) {
    let kept = Arc::new(schema().project(&[0, 1, 2, 3]).unwrap());
    let mut together = Together::new(&kept, PLACES, STEP, batch_size);
    let mut on: Vec<RecordBatch> = rows.chunks(7).flat_map(|rows| together.add(batch(rows)).unwrap()).collect();
    let (rest, steps) = together.finish().unwrap();
    on.extend(rest);
    (on, steps)
}

/// What batches say of units; instants from 1,000 on are those of rows that are kept and do not count.
fn known(batches: &[RecordBatch]) -> Known {
    let (mut seen, mut others) = (BTreeMap::<i64, Seen>::new(), Vec::new());
    for batch in batches {
        let (units, arms) = (batch.column(0).as_primitive::<Int64Type>(), batch.column(1).as_primitive::<Int16Type>());
        let instants = batch.column(2).as_primitive::<TimestampMicrosecondType>();
        let several = batch.column(3).as_boolean();
        for row in 0..batch.num_rows() {
            if instants.value(row) >= 1_000 {
                others.push((units.value(row), arms.value(row), instants.value(row), 2));
            } else {
                let next = Seen::of(instants.value(row), arms.value(row), several.value(row));
                seen.entry(units.value(row)).or_insert(Seen::NOTHING).merge(next);
            }
        }
    }
    others.sort_unstable();
    (seen.into_iter().map(|(unit, seen)| (unit, (seen.at(), seen.arm(), seen.several()))).collect(), others)
}

fn expected(rows: &[Row]) -> Known {
    let mut seen = BTreeMap::<i64, Vec<(i64, i16)>>::new();
    rows.iter().filter(|row| row.3 == 1).for_each(|row| seen.entry(row.0).or_default().push((row.2, row.1)));
    let first = |(unit, mut rows): (i64, Vec<(i64, i16)>)| {
        rows.sort_unstable();
        (unit, (rows[0].0, rows[0].1, rows.iter().any(|row| row.1 != rows[0].1)))
    };
    let mut others: Vec<Row> = rows.iter().filter(|row| row.3 == 2).copied().collect();
    others.sort_unstable();
    (seen.into_iter().map(first).collect(), others)
}

proptest! {
    #[test]
    fn whatever_is_put_together_the_first_exposures_stay_the_same(
        rows in prop::collection::vec((0_i64..12, 0_i16..3, 0_i64..6, 0_i64..3), 0..80),
        batch_size in 1_usize..20,
    ) {
        let rows: Vec<Row> =
            rows.into_iter().map(|row| (row.0, row.1, row.2 + if row.3 == 2 { 1_000 } else { 0 }, row.3)).collect();
        let (batches, steps) = put_together(&rows, batch_size);
        prop_assert_eq!(known(&batches), expected(&rows));
        let counted: Vec<u64> = (0..3).map(|step| rows.iter().filter(|row| row.3 == step).count() as u64).collect();
        prop_assert_eq!(steps, counted);
    }
}

#[test]
fn units_that_share_a_place_are_not_mixed_and_near_rows_become_one() {
    let rows: Vec<Row> = (0..1_000_000).map(|row| (row / 2, (row % 2) as i16, row % 7, 1)).collect();
    let (batches, _) = put_together(&rows, 8_192);
    let sent: usize = batches.iter().map(RecordBatch::num_rows).sum();
    assert_eq!(sent, 500_000, "two rows that follow each other are one");
    let (seen, _) = known(&batches);
    assert!(seen.len() == 500_000 && seen.values().all(|(_, _, several)| *several));
}

#[test]
fn a_step_that_is_none_is_a_bug_of_ours() {
    let kept = Arc::new(schema().project(&[0, 1, 2, 3]).unwrap());
    let mut together = Together::new(&kept, PLACES, STEP, 8);
    assert!(matches!(together.add(batch(&[(1, 0, 5, 3)])), Err(EngineError::Internal(_))));
}
