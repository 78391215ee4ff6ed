//! What units in memory are made of, and whether it makes sense.

use thiserror::Error;

use super::ABSENT;
use super::codes::CodeColumn;
use crate::bucket::BUCKETS;
use crate::grid::MAX_GRID_VALUE;
use crate::pass::ColumnShape;
use crate::routing::Code;

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
    /// A layout was made for other columns.
    #[error("the units have other arms or tags than their layout")]
    Layout,
    /// A layout was made for other values.
    #[error("metric {metric} has values beyond the range of its layout; make the layout from all units")]
    Range { metric: usize },
    /// Units that were kept elsewhere came back in another number.
    #[error("{rows} units came back with {codes} bytes of codes and {words} words of metrics")]
    Packed { rows: usize, codes: usize, words: usize },
    /// A whole of no part.
    #[error("there is no part to join")]
    NoPart,
    /// Parts of different layouts.
    #[error("the parts have different layouts; lay them out by that of all units")]
    Layouts,
    /// Parts whose buckets do not follow each other.
    #[error("the parts are not in the order of their buckets")]
    PartsOutOfOrder,
}

impl UnitColumnParts {
    pub(super) fn check(&self) -> Result<(), ColumnsError> {
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
