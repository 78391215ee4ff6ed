use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, BooleanArray, Date32Array, Int64Array, RecordBatch, StringArray};
use proptest::prelude::*;
use whom_engine::{Rows, StoredRows};

use super::*;
use crate::flow::RowFlow;

/// A unit: cluster, arm, day, and whether it saw several variants.
type Unit = (Option<String>, i64, i32, bool);

fn piece(units: &[Unit]) -> Arc<StoredRows> {
    let columns: [(&str, ArrayRef); 4] = [
        ("cluster home", Arc::new(units.iter().map(|unit| unit.0.clone()).collect::<StringArray>())),
        ("arm", Arc::new(units.iter().map(|unit| Some(unit.1)).collect::<Int64Array>())),
        ("exposure_day", Arc::new(units.iter().map(|unit| Some(unit.2)).collect::<Date32Array>())),
        ("several_variants", Arc::new(units.iter().map(|unit| Some(unit.3)).collect::<BooleanArray>())),
    ];
    let rows = RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap();
    Arc::new(StoredRows::uncounted(Rows { schema: rows.schema(), batches: vec![rows] }))
}

fn counted(parts: u64, pieces: &[&[Unit]]) -> Result<(Clusters, ClusterTally), QueryError> {
    let pieces = pieces.iter().map(|units| piece(units)).collect();
    let table = UnitTable::new(pieces, RowFlow::default()).unwrap();
    let mut clusters = Clusters::new("home", "cluster home");
    let tally = count_in(parts, &mut clusters, 2, (&table, &AtomicBool::new(false)))?;
    Ok((clusters, tally))
}

fn units() -> impl Strategy<Value = Vec<Unit>> {
    let unit = (0..30_u8, 0..40_i32, prop::bool::weighted(0.05), prop::bool::weighted(0.05));
    let unit = unit.prop_map(|(home, day, strays, several)| {
        (Some(format!("home {home}")), i64::from(home % 2) ^ i64::from(strays), day, several)
    });
    prop::collection::vec(unit, 1..80)
}

proptest! {
    #[test]
    fn parts_pieces_and_order_change_nothing(units in units(), cut in 0..80_usize, parts in 2..9_u64) {
        let whole = counted(1, &[&units]).unwrap();
        let mut backwards = units.clone();
        backwards.reverse();
        let (one, other) = backwards.split_at(cut.min(units.len()));
        prop_assert_eq!(&whole, &counted(parts, &[one, other]).unwrap());
        let (clusters, tally) = whole;
        let homes: std::collections::BTreeSet<_> = units.iter().map(|unit| &unit.0).collect();
        prop_assert_eq!(tally.by_arm.iter().sum::<u64>() + tally.crossing, homes.len() as u64);
        for home in homes.into_iter().flatten() {
            let members: Vec<&Unit> = units.iter().filter(|unit| unit.0.as_ref() == Some(home)).collect();
            let crosses = members.iter().any(|unit| unit.3 || unit.1 != members[0].1);
            prop_assert_eq!(clusters.crossing.contains(home), crosses);
            prop_assert_eq!(clusters.cell(home).is_some(), !crosses);
        }
    }
}

#[test]
fn units_without_a_cluster_are_counted_in_the_refusal() {
    let unit = |name: Option<&str>| (name.map(str::to_owned), 0, 0, false);
    let units = [unit(Some("a")), unit(None), unit(Some(""))];
    let refusal = counted(1, &[&units]).unwrap_err().to_string();
    assert!(refusal.contains("2 of 3 units have no `home`"), "{refusal}");
}

#[test]
fn more_clusters_than_have_cells_are_counted_by_bucket() {
    let units = |count: usize| -> Vec<Unit> {
        (0..count).map(|home| (Some(format!("{home}")), home as i64 % 2, 0, false)).collect()
    };
    let cells = |count: usize| counted(2, &[&units(count)]).unwrap().0.buckets_of_cells().len();
    assert_eq!([MOST_CLUSTERS, MOST_CLUSTERS + 1].map(cells), [MOST_CLUSTERS, BUCKETS]);
}
