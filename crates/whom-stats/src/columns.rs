//! The units of an analysis as columns in memory: arms, buckets, tag codes and metric values.

mod code_table;
mod codes;
mod join;
mod layout;
mod metric_range;
mod parts;

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use crate::bucket::BUCKETS;
use crate::packing::Packing;
use crate::pass::ColumnShape;

pub(crate) use code_table::CodeTable;
pub use codes::CodeColumn;
pub use layout::{Layout, resident_bytes};
pub use metric_range::MetricRange;
pub use parts::{ColumnsError, UnitColumnParts};

/// Stands for "no value" in a metric column: the unit counts in its arm but not in the metric's moments.
pub const ABSENT: i64 = i64::MIN;

/// Units that are packed together.
const BLOCK: usize = 1024;

/// The units in memory, checked once and held in the order of their buckets and arms, whatever order they came in.
///
/// A unit's metric values lie together, packed into a few words (the crate's `packing` says how).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitColumns {
    layout: Arc<Layout>,
    codes: CodeTable,
    /// A record of [`Packing::words`] per unit.
    records: Vec<u64>,
    /// Rows of bucket b and arm a are `starts[b * arms + a]..starts[b * arms + a + 1]`.
    starts: Vec<usize>,
}

/// Units as they lie in memory: whoever keeps these numbers, and the [`Layout`], can bring the units back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackedUnits<'a> {
    /// Where the units of each bucket and arm begin, and where the last ones end.
    pub starts: &'a [usize],
    /// The codes, [`Layout::code_bytes`] a unit.
    pub codes: &'a [u8],
    /// The metrics, [`Layout::record_words`] a unit.
    pub records: &'a [u64],
}

impl UnitColumns {
    /// Checks the parts and puts them in the order of buckets, and of arms within a bucket.
    ///
    /// # Errors
    /// Columns of different lengths, and arms, buckets, codes or values that do not exist.
    pub fn new(parts: UnitColumnParts) -> Result<Self, ColumnsError> {
        let layout = Arc::new(Layout::of(&parts));
        Self::arrange(parts, layout)
    }

    /// The same for a part of the units, in the layout of all of them.
    ///
    /// # Errors
    /// As [`Self::new`], and [`ColumnsError::Layout`] or [`ColumnsError::Range`] if the layout was made for other units.
    pub fn in_layout(parts: UnitColumnParts, layout: &Arc<Layout>) -> Result<Self, ColumnsError> {
        if parts.arm_count != layout.arm_count() || parts.shapes != layout.shapes() {
            return Err(ColumnsError::Layout);
        }
        if let Some(metric) = layout.first_beyond(&parts.metrics) {
            return Err(ColumnsError::Range { metric });
        }
        Self::arrange(parts, Arc::clone(layout))
    }

    fn arrange(parts: UnitColumnParts, layout: Arc<Layout>) -> Result<Self, ColumnsError> {
        parts.check()?;
        let (order, starts) = order(&parts);
        let UnitColumnParts { codes, metrics, .. } = parts;
        let packing = layout.packing();
        let records = packed(&metrics, packing, &order);
        let codes = CodeTable::new(layout.places.clone(), &codes, &order);
        Ok(Self { layout, codes, records, starts })
    }

    /// The number of units.
    pub fn rows(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    /// The number of arms, control included.
    pub fn arm_count(&self) -> usize {
        self.layout.arm_count()
    }

    /// The number of metrics.
    pub fn metric_count(&self) -> usize {
        self.packing().metrics()
    }

    /// What the tag columns are.
    pub fn shapes(&self) -> &[ColumnShape] {
        self.layout.shapes()
    }

    /// The buckets and arms that rows are ordered by.
    fn places(layout: &Layout) -> usize {
        BUCKETS * layout.arm_count()
    }

    /// The rows of a bucket below [`BUCKETS`] in an arm of these units.
    pub(crate) fn rows_of(&self, bucket: u16, arm: usize) -> Range<usize> {
        let place = usize::from(bucket) * self.arm_count() + arm;
        self.starts[place]..self.starts[place + 1]
    }

    pub(crate) fn codes(&self) -> &CodeTable {
        &self.codes
    }

    pub(crate) fn packing(&self) -> &Packing {
        self.layout.packing()
    }

    /// The packed metrics of a range of rows.
    pub(crate) fn records(&self, rows: Range<usize>) -> &[u64] {
        let words = self.packing().words();
        &self.records[rows.start * words..rows.end * words]
    }
}

/// The records of units in an order.
fn packed(metrics: &[Vec<i64>], packing: &Packing, order: &[u32]) -> Vec<u64> {
    let mut records = vec![0; order.len() * packing.words()];
    let blocks = records.par_chunks_mut(BLOCK * packing.words()).zip(order.par_chunks(BLOCK));
    blocks.for_each_init(Vec::new, |values, (records, rows)| {
        // Fresh memory that is read first is fetched twice.
        records.fill(0);
        for (metric, all) in metrics.iter().enumerate() {
            // First brought together, so that the processor waits for many of them at once.
            values.clear();
            values.extend(rows.iter().map(|row| all[*row as usize]));
            packing.pack(metric, values, records);
        }
        packing.pack_units(records);
    });
    records
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
