use super::*;
use crate::columns::{ABSENT, CodeColumn, UnitColumnParts};
use crate::pass::ColumnShape;
use crate::routing::{CodeSet, Routing};
use crate::simulated::Draws;

const UNITS: usize = 3_000;

pub(crate) fn parts() -> UnitColumnParts {
    let mut draws = Draws::new(3);
    let mut column = |bound: u64| (0..UNITS).map(|_| draws.below(bound) as i64).collect::<Vec<_>>();
    let absent_at_zero =
        |values: Vec<i64>| values.into_iter().map(|value| if value == 0 { ABSENT } else { value }).collect();
    UnitColumnParts {
        arm_count: 3,
        arms: column(3).into_iter().map(|arm| arm as u8).collect(),
        buckets: column(1024).into_iter().map(|bucket| bucket as u16).collect(),
        codes: vec![CodeColumn::U8(column(4).into_iter().map(|code| code as u8).collect())],
        shapes: vec![ColumnShape { name: "tag".into(), codes: 4, ordered: true, missing: None }],
        metrics: vec![absent_at_zero(column(20)), column(1_000_000), absent_at_zero(column(5)), column(2)],
    }
}

pub(crate) fn groups() -> Vec<ProductGroup> {
    use ProductColumn::{IsAbsent, Value, ValueOrZero};
    [vec![Value(0), Value(1)], vec![Value(1), ValueOrZero(2), IsAbsent(2), Value(3)], vec![]]
        .map(|columns| ProductGroup { columns })
        .into()
}

/// Every unit on its own, slowly.
fn oracle(parts: &UnitColumnParts, cells: usize, cell_of: impl Fn(usize) -> usize) -> CellProducts {
    let groups = groups();
    let mut products = CellProducts::new(cells, parts.arm_count, &groups);
    for row in 0..UNITS {
        let value = |metric: usize| parts.metrics[metric][row];
        let (cell, bucket, arm) = (cell_of(row), usize::from(parts.buckets[row]), usize::from(parts.arms[row]));
        if cell >= cells {
            continue;
        }
        let place = (cell * BUCKETS + bucket) * parts.arm_count + arm;
        if value(0) != ABSENT {
            products.groups[0][place].push(&[value(0), value(1)]);
        }
        let (is_absent, filled) = if value(2) == ABSENT { (1, 0) } else { (0, value(2)) };
        products.groups[1][place].push(&[value(1), filled, is_absent, value(3)]);
        products.groups[2][place].push(&[]);
    }
    products
}

fn count(parts: &UnitColumnParts, grouping: &Grouping) -> Result<CellProducts, PassError> {
    cell_products(&UnitColumns::new(parts.clone()).unwrap(), grouping, &groups(), &AtomicBool::new(false))
}

fn codes(parts: &UnitColumnParts) -> Vec<u8> {
    match &parts.codes[0] {
        CodeColumn::U8(codes) => codes.clone(),
        CodeColumn::U16(_) => Vec::new(),
    }
}

#[test]
fn every_grouping_meets_the_oracle() {
    let parts = parts();
    let codes = codes(&parts);
    assert_eq!(count(&parts, &Grouping::Everybody), Ok(oracle(&parts, 1, |_| 0)));
    let three = Grouping::Codes { column: 0, codes: 3 };
    assert_eq!(count(&parts, &three), Ok(oracle(&parts, 3, |row| usize::from(codes[row]))), "code 3 is in no cell");
    let mut routing = Routing::root();
    routing.split(0, 0, CodeSet::from_iter([0, 2]));
    let leaves = Grouping::Leaves(routing);
    assert_eq!(count(&parts, &leaves), Ok(oracle(&parts, 2, |row| usize::from(codes[row] % 2))));
}

#[test]
fn parts_of_the_units_add_up_in_any_order() {
    let all = parts();
    let layout = std::sync::Arc::new(crate::columns::Layout::new(
        3,
        all.shapes.clone(),
        all.metrics.iter().map(|values| crate::columns::MetricRange::of(values)).collect(),
    ));
    let part = |keep: fn(usize) -> bool| {
        let rows: Vec<usize> = (0..UNITS).filter(|row| keep(*row)).collect();
        let codes = codes(&all);
        let parts = UnitColumnParts {
            arms: rows.iter().map(|row| all.arms[*row]).collect(),
            buckets: rows.iter().map(|row| all.buckets[*row]).collect(),
            codes: vec![CodeColumn::U8(rows.iter().map(|row| codes[*row]).collect())],
            metrics: all.metrics.iter().map(|values| rows.iter().map(|row| values[*row]).collect()).collect(),
            ..all.clone()
        };
        let units = UnitColumns::in_layout(parts, &layout).unwrap();
        cell_products(&units, &Grouping::Codes { column: 0, codes: 4 }, &groups(), &AtomicBool::new(false)).unwrap()
    };
    let (mut there, mut back) = (part(|row| row % 3 == 0), part(|row| row % 3 != 0));
    there.add(&part(|row| row % 3 != 0));
    back.add(&part(|row| row % 3 == 0));
    assert_eq!(there, back);
    assert_eq!(Ok(there), count(&all, &Grouping::Codes { column: 0, codes: 4 }));
}

#[test]
fn what_does_not_fit_the_units_is_refused_and_a_raised_flag_stops() {
    let units = UnitColumns::new(parts()).unwrap();
    let count = |grouping: &Grouping, metric: usize, cancelled: bool| {
        let group = ProductGroup { columns: vec![ProductColumn::Value(metric)] };
        cell_products(&units, grouping, &[group], &AtomicBool::new(cancelled)).map(|products| products.groups())
    };
    assert_eq!(count(&Grouping::Everybody, 3, false), Ok(1));
    assert_eq!(count(&Grouping::Everybody, 4, false), Err(PassError::Metric { metric: 4, metrics: 4 }));
    assert_eq!(
        count(&Grouping::Codes { column: 1, codes: 2 }, 0, false),
        Err(PassError::Column { column: 1, columns: 1 })
    );
    assert_eq!(count(&Grouping::Everybody, 0, true), Err(PassError::Cancelled));
    insta::assert_snapshot!(PassError::Metric { metric: 4, metrics: 4 }, @"the pass names metric 4; the units have 4");
}
