//! The units of an analysis as columns in memory: arms, buckets, tag codes and metric values.

use rayon::prelude::*;
use std::ops::Range;
use thiserror::Error;

use crate::bucket::BUCKETS;
use crate::grid::MAX_GRID_VALUE;
use crate::pass::ColumnShape;
use crate::routing::Code;

/// Stands for "no value" in a metric column: the unit counts in its arm but not in the metric's moments.
pub const ABSENT: i64 = i64::MIN;

/// The codes of one tag, one per unit, in the narrowest width that holds them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeColumn {
    /// Up to 256 codes.
    U8(Vec<u8>),
    /// Up to 65,536 codes.
    U16(Vec<u16>),
}

impl CodeColumn {
    /// The number of units.
    pub fn len(&self) -> usize {
        match self {
            Self::U8(codes) => codes.len(),
            Self::U16(codes) => codes.len(),
        }
    }

    /// Whether there is no unit.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The code of a row below [`CodeColumn::len`].
    #[inline]
    pub fn code(&self, row: usize) -> Code {
        match self {
            Self::U8(codes) => Code::from(codes[row]),
            Self::U16(codes) => codes[row],
        }
    }

    fn largest(&self) -> Option<Code> {
        match self {
            Self::U8(codes) => codes.par_iter().copied().max().map(Code::from),
            Self::U16(codes) => codes.par_iter().copied().max(),
        }
    }

    fn reordered(&self, order: &[u32]) -> Self {
        match self {
            Self::U8(codes) => Self::U8(reordered(codes, order)),
            Self::U16(codes) => Self::U16(reordered(codes, order)),
        }
    }
}

/// What [`UnitColumns`] are made of; every column has one entry per unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnitColumnParts {
    /// The number of arms, control included.
    pub arm_count: usize,
    /// The arm of each unit; control is 0.
    pub arms: Vec<u8>,
    /// The bucket of each unit.
    pub buckets: Vec<u16>,
    /// The tag columns.
    pub codes: Vec<CodeColumn>,
    /// What each tag column is, in the order of `codes`.
    pub shapes: Vec<ColumnShape>,
    /// The metric columns, on their grids; [`ABSENT`] for a unit without a value.
    pub metrics: Vec<Vec<i64>>,
}

/// Why columns do not make up a table of units.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum ColumnsError {
    /// A column is longer or shorter than the arms.
    #[error("column `{column}` has {found} rows where `arms` has {expected}; every column needs one entry per unit")]
    Length { column: String, expected: usize, found: usize },
    /// There are not as many shapes as tag columns.
    #[error("{columns} tag columns come with {shapes} shapes; give one shape per column")]
    Shapes { columns: usize, shapes: usize },
    /// More units than fit in memory's row numbers.
    #[error("{rows} units are more than fit in memory at once ({}); answer the pass from a stream", u32::MAX)]
    TooManyUnits { rows: usize },
    /// A unit's arm does not exist.
    #[error("arm {arm} does not exist among {arm_count} arms; arms count from 0, the control")]
    Arm { arm: u8, arm_count: usize },
    /// A unit's bucket does not exist.
    #[error("bucket {bucket} does not exist; buckets count from 0 to {}", BUCKETS - 1)]
    Bucket { bucket: u16 },
    /// A unit's code, or the code for missing, does not exist.
    #[error("tag `{column}` has code {code} but only {codes} codes; raise `codes` in its shape")]
    Code { column: String, code: Code, codes: usize },
    /// A metric's value is beyond the grid's range.
    #[error(
        "metric {metric} has grid value {value} beyond plus or minus {MAX_GRID_VALUE}; declare a coarser `precision`"
    )]
    Value { metric: usize, value: i64 },
}

/// The units in memory, checked once and held in the order of their buckets, whatever order they came in.
///
/// Metric values lie row by row: a unit's values are read together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitColumns {
    arm_count: usize,
    metric_count: usize,
    arms: Vec<u8>,
    codes: Vec<CodeColumn>,
    shapes: Vec<ColumnShape>,
    values: Vec<i64>,
    /// Rows of bucket b are `bucket_starts[b]..bucket_starts[b + 1]`.
    bucket_starts: Vec<usize>,
}

impl UnitColumns {
    /// Checks the parts and puts them in bucket order.
    ///
    /// # Errors
    /// Columns of different lengths, and arms, buckets, codes or values that do not exist.
    pub fn new(parts: UnitColumnParts) -> Result<Self, ColumnsError> {
        parts.check()?;
        let (order, bucket_starts) = bucket_order(&parts.buckets);
        let UnitColumnParts { arm_count, arms, codes, shapes, metrics, .. } = parts;
        let values = order.par_iter().flat_map_iter(|row| metrics.iter().map(|metric| metric[*row as usize])).collect();
        Ok(Self {
            arm_count,
            metric_count: metrics.len(),
            arms: reordered(&arms, &order),
            codes: codes.par_iter().map(|column| column.reordered(&order)).collect(),
            shapes,
            values,
            bucket_starts,
        })
    }

    /// The number of units.
    pub fn rows(&self) -> usize {
        self.arms.len()
    }

    /// The number of arms, control included.
    pub fn arm_count(&self) -> usize {
        self.arm_count
    }

    /// The number of metrics.
    pub fn metric_count(&self) -> usize {
        self.metric_count
    }

    /// What the tag columns are.
    pub fn shapes(&self) -> &[ColumnShape] {
        &self.shapes
    }

    /// The rows of a bucket below [`BUCKETS`].
    pub(crate) fn rows_of(&self, bucket: u16) -> Range<usize> {
        self.bucket_starts[usize::from(bucket)]..self.bucket_starts[usize::from(bucket) + 1]
    }

    #[inline]
    pub(crate) fn arm(&self, row: usize) -> usize {
        usize::from(self.arms[row])
    }

    pub(crate) fn column(&self, column: usize) -> &CodeColumn {
        &self.codes[column]
    }

    #[inline]
    pub(crate) fn values(&self, row: usize) -> &[i64] {
        &self.values[row * self.metric_count..(row + 1) * self.metric_count]
    }
}

impl UnitColumnParts {
    fn check(&self) -> Result<(), ColumnsError> {
        self.check_lengths()?;
        let rows = self.arms.len();
        if u32::try_from(rows).is_err() {
            return Err(ColumnsError::TooManyUnits { rows });
        }
        if let Some(&arm) = self.arms.iter().find(|arm| usize::from(**arm) >= self.arm_count) {
            return Err(ColumnsError::Arm { arm, arm_count: self.arm_count });
        }
        if let Some(&bucket) = self.buckets.iter().find(|bucket| usize::from(**bucket) >= BUCKETS) {
            return Err(ColumnsError::Bucket { bucket });
        }
        self.check_codes()?;
        self.check_values()
    }

    fn check_lengths(&self) -> Result<(), ColumnsError> {
        if self.codes.len() != self.shapes.len() {
            return Err(ColumnsError::Shapes { columns: self.codes.len(), shapes: self.shapes.len() });
        }
        let tags = self.shapes.iter().zip(&self.codes).map(|(shape, codes)| (shape.name.clone(), codes.len()));
        let metrics =
            self.metrics.iter().enumerate().map(|(metric, values)| (format!("metric {metric}"), values.len()));
        let expected = self.arms.len();
        match std::iter::once(("buckets".to_owned(), self.buckets.len()))
            .chain(tags)
            .chain(metrics)
            .find(|(_, found)| *found != expected)
        {
            Some((column, found)) => Err(ColumnsError::Length { column, expected, found }),
            None => Ok(()),
        }
    }

    fn check_codes(&self) -> Result<(), ColumnsError> {
        for (shape, column) in self.shapes.iter().zip(&self.codes) {
            let largest = column.largest().max(shape.missing);
            if let Some(code) = largest.filter(|code| usize::from(*code) >= shape.codes) {
                return Err(ColumnsError::Code { column: shape.name.clone(), code, codes: shape.codes });
            }
        }
        Ok(())
    }

    fn check_values(&self) -> Result<(), ColumnsError> {
        let range = -MAX_GRID_VALUE..=MAX_GRID_VALUE;
        for (metric, values) in self.metrics.iter().enumerate() {
            if let Some(&value) = values.iter().find(|value| **value != ABSENT && !range.contains(value)) {
                return Err(ColumnsError::Value { metric, value });
            }
        }
        Ok(())
    }
}

/// The rows sorted by bucket, and where each bucket starts.
fn bucket_order(buckets: &[u16]) -> (Vec<u32>, Vec<usize>) {
    let mut starts = vec![0; BUCKETS + 1];
    for bucket in buckets {
        starts[usize::from(*bucket) + 1] += 1;
    }
    for bucket in 0..BUCKETS {
        starts[bucket + 1] += starts[bucket];
    }
    let mut next = starts.clone();
    let mut order = vec![0; buckets.len()];
    for (row, bucket) in buckets.iter().enumerate() {
        let place = &mut next[usize::from(*bucket)];
        order[*place] = row as u32;
        *place += 1;
    }
    (order, starts)
}

fn reordered<T: Copy + Send + Sync>(column: &[T], order: &[u32]) -> Vec<T> {
    order.par_iter().map(|row| column[*row as usize]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn units_lie_in_bucket_order() {
        let units = UnitColumns::new(parts()).unwrap();
        assert_eq!((units.rows_of(3), units.rows_of(9), units.rows_of(1023)), (0..1, 1..3, 3..3));
        assert_eq!(units.values(0), [ABSENT, 2]);
        assert_eq!(units.values(2), [-30, 3]);
        assert_eq!(units.column(0).code(1), 0);
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
