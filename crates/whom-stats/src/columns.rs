//! The units of an analysis as columns in memory: arms, buckets, tag codes and metric values.

mod code_table;
mod codes;
mod parts;

use std::ops::Range;

use rayon::prelude::*;

use crate::bucket::BUCKETS;
use crate::packing::Packing;
use crate::pass::ColumnShape;

pub(crate) use code_table::CodeTable;
pub use codes::CodeColumn;
pub use parts::{ColumnsError, UnitColumnParts};

/// Stands for "no value" in a metric column: the unit counts in its arm but not in the metric's moments.
pub const ABSENT: i64 = i64::MIN;

/// The units in memory, checked once and held in the order of their buckets and arms, whatever order they came in.
///
/// A unit's metric values lie together, packed into a few words (the crate's `packing` says how).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitColumns {
    arm_count: usize,
    codes: CodeTable,
    shapes: Vec<ColumnShape>,
    packing: Packing,
    /// A record of [`Packing::words`] per unit.
    records: Vec<u64>,
    /// Rows of bucket b and arm a are `starts[b * arms + a]..starts[b * arms + a + 1]`.
    starts: Vec<usize>,
}

impl UnitColumns {
    /// Checks the parts and puts them in the order of buckets, and of arms within a bucket.
    ///
    /// # Errors
    /// Columns of different lengths, and arms, buckets, codes or values that do not exist.
    pub fn new(parts: UnitColumnParts) -> Result<Self, ColumnsError> {
        parts.check()?;
        let (order, starts) = order(&parts);
        let UnitColumnParts { arm_count, codes, shapes, metrics, .. } = parts;
        let packing = Packing::of(&metrics);
        let mut records = vec![0; order.len() * packing.words()];
        records.par_chunks_mut(packing.words()).zip(&order).for_each(|(record, row)| {
            packing.pack(metrics.iter().map(|values| values[*row as usize]), record);
        });
        let codes = CodeTable::new(&codes, &order);
        Ok(Self { arm_count, codes, shapes, packing, records, starts })
    }

    /// The number of units.
    pub fn rows(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    /// The number of arms, control included.
    pub fn arm_count(&self) -> usize {
        self.arm_count
    }

    /// The number of metrics.
    pub fn metric_count(&self) -> usize {
        self.packing.metrics()
    }

    /// What the tag columns are.
    pub fn shapes(&self) -> &[ColumnShape] {
        &self.shapes
    }

    /// The rows of a bucket below [`BUCKETS`] in an arm of these units.
    pub(crate) fn rows_of(&self, bucket: u16, arm: usize) -> Range<usize> {
        let place = usize::from(bucket) * self.arm_count + arm;
        self.starts[place]..self.starts[place + 1]
    }

    pub(crate) fn codes(&self) -> &CodeTable {
        &self.codes
    }

    pub(crate) fn packing(&self) -> &Packing {
        &self.packing
    }

    /// The packed metrics of a range of rows.
    pub(crate) fn records(&self, rows: Range<usize>) -> &[u64] {
        let words = self.packing.words();
        &self.records[rows.start * words..rows.end * words]
    }
}

/// The rows sorted by bucket and arm, and where each arm of each bucket starts.
fn order(parts: &UnitColumnParts) -> (Vec<u32>, Vec<usize>) {
    let place = |row: usize| usize::from(parts.buckets[row]) * parts.arm_count + usize::from(parts.arms[row]);
    let mut starts = vec![0; BUCKETS * parts.arm_count + 1];
    for row in 0..parts.arms.len() {
        starts[place(row) + 1] += 1;
    }
    for place in 1..starts.len() {
        starts[place] += starts[place - 1];
    }
    let mut next = starts.clone();
    let mut order = vec![0; parts.arms.len()];
    for row in 0..parts.arms.len() {
        let next = &mut next[place(row)];
        order[*next] = row as u32;
        *next += 1;
    }
    (order, starts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::MAX_GRID_VALUE;

    fn parts() -> UnitColumnParts {
        UnitColumnParts {
            arm_count: 2,
            arms: vec![0, 1, 1],
            buckets: vec![9, 3, 9],
            codes: vec![CodeColumn::U8(vec![0, 1, 2])],
            shapes: vec![ColumnShape { name: "device".into(), codes: 3, ordered: false, missing: Some(2) }],
            metrics: vec![vec![10, ABSENT, -30], vec![1, 2, 3]],
        }
    }

    #[test]
    fn units_lie_in_the_order_of_buckets_and_arms() {
        let units = UnitColumns::new(parts()).unwrap();
        assert_eq!((units.rows_of(3, 1), units.rows_of(9, 0), units.rows_of(9, 1)), (0..1, 1..2, 2..3));
        assert_eq!((units.rows_of(3, 0), units.rows_of(1023, 1), units.rows()), (0..0, 3..3, 3));
        assert_eq!([0, 1, 2].map(|row| units.codes().code(row, 0)), [1, 0, 2]);
    }

    #[test]
    fn each_fault_has_its_message() {
        let message = |spoil: fn(&mut UnitColumnParts)| {
            let mut parts = parts();
            spoil(&mut parts);
            UnitColumns::new(parts).unwrap_err().to_string()
        };
        let messages = [
            message(|parts| parts.arms[1] = 2),
            message(|parts| parts.buckets[0] = 1024),
            message(|parts| parts.codes[0] = CodeColumn::U16(vec![0, 7, 1])),
            message(|parts| parts.shapes[0].missing = Some(3)),
            message(|parts| parts.shapes.clear()),
            message(|parts| parts.metrics[1].truncate(2)),
            message(|parts| parts.metrics[0][0] = MAX_GRID_VALUE + 1),
        ];
        insta::assert_snapshot!(messages.join("\n"), @r"
        arm 2 does not exist among 2 arms; arms count from 0, the control
        bucket 1024 does not exist; buckets count from 0 to 1023
        tag `device` has code 7 but only 3 codes; raise `codes` in its shape
        tag `device` has code 3 but only 3 codes; raise `codes` in its shape
        1 tag columns come with 0 shapes; give one shape per column
        column `metric 1` has 2 rows where `arms` has 3; every column needs one entry per unit
        metric 0 has grid value 35184372088832 beyond plus or minus 35184372088831; declare a coarser `precision`
        ");
    }
}
