//! The integers of a unit that passes and products see: measures, covariates, and what is made of them.

use serde::{Deserialize, Serialize};
use whom_stats::{ABSENT, Grid};

use crate::error::QueryError;
use crate::level::Level;
use crate::tag_values::TagValues;
use crate::unit_schema::UnitSchema;
use crate::unit_table::UnitRows;

/// The grid of the part of a ratio's numerator that its denominator does not explain: fine beside whole numbers, and wide
/// enough for sums of money.
pub(crate) const LINEARISED: u8 = 16;

/// A column of integers, one per unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ValueColumn {
    /// The grid of its values.
    pub(crate) grid: Grid,
    /// Where they come from.
    pub(crate) origin: Origin,
}

/// Where the values of a column come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Origin {
    /// A column of integers of the unit table.
    Measure(String),
    /// A numeric tag.
    Tag {
        /// Its name.
        name: String,
        /// Its column in the unit table.
        column: String,
    },
    /// 1 for the units of a level of a categorical tag, else 0.
    Level {
        /// The tag's column in the unit table.
        column: String,
        /// The level.
        level: Level,
    },
    /// An earlier column whose larger values count as a threshold.
    Capped {
        /// The column.
        of: usize,
        /// The threshold.
        threshold: i64,
    },
    /// n - R d of two earlier columns, which varies like the ratio does (the delta method).
    Linearised {
        /// The column of n.
        numerator: usize,
        /// The column of d.
        denominator: usize,
        /// R, in steps of this column per step of the denominator.
        ratio: f64,
        /// Steps of this column per step of the numerator.
        scale: f64,
    },
}

/// The values of all columns for some units, [`ABSENT`] where a unit has none.
///
/// # Errors
/// [`QueryError::Data`] for a value beyond the grid of its column; [`QueryError::Internal`] if the rows are not of the unit
/// table.
pub(crate) fn values(columns: &[ValueColumn], rows: &UnitRows) -> Result<Vec<Vec<i64>>, QueryError> {
    let mut values: Vec<Vec<i64>> = Vec::with_capacity(columns.len());
    for column in columns {
        let made = match &column.origin {
            Origin::Measure(name) => rows.metric(name)?,
            Origin::Tag { name, column: of } => tag_numbers(name, of, column.grid, rows)?,
            Origin::Level { column, level } => level.indicators(&rows.column(column)?)?,
            Origin::Capped { of, threshold } => {
                let capped = |value: &i64| if *value == ABSENT { ABSENT } else { (*value).min(*threshold) };
                values[*of].iter().map(capped).collect()
            }
            Origin::Linearised { numerator, denominator, ratio, scale } => {
                let pairs = values[*numerator].iter().zip(&values[*denominator]);
                pairs.map(|(above, below)| unexplained(*above, *below, *ratio, *scale)).collect::<Result<_, _>>()?
            }
        };
        values.push(made);
    }
    Ok(values)
}

/// The values of some units, and their buckets.
pub(crate) struct SomeValues {
    columns: Vec<Vec<i64>>,
    buckets: Vec<u16>,
}

impl SomeValues {
    /// Those of the analysed units in some rows.
    ///
    /// # Errors
    /// As [`values`].
    pub(crate) fn of(schema: &UnitSchema, rows: UnitRows) -> Result<Self, QueryError> {
        let rows = schema.analysed(rows)?;
        Ok(Self { columns: values(&schema.values, &rows)?, buckets: rows.buckets()? })
    }

    /// The values of a column that are there, with the buckets of their units.
    pub(crate) fn present(&self, column: usize) -> impl Iterator<Item = (i64, u16)> + '_ {
        let all = self.columns[column].iter().copied().zip(self.buckets.iter().copied());
        all.filter(|(value, _)| *value != ABSENT)
    }

    /// The values of two columns of units that have both, with their buckets.
    pub(crate) fn pairs(&self, one: usize, other: usize) -> impl Iterator<Item = (i64, i64, u16)> + '_ {
        let both = self.columns[one].iter().zip(&self.columns[other]).zip(&self.buckets);
        both.filter(|((one, other), _)| **one != ABSENT && **other != ABSENT)
            .map(|((one, other), bucket)| (*one, *other, *bucket))
    }
}

/// The values of a numeric tag on a grid, [`ABSENT`] where it is missing.
///
/// # Errors
/// [`QueryError::Data`] for a value beyond the grid; [`QueryError::Internal`] if the tag is not numeric.
pub(crate) fn tag_numbers(name: &str, column: &str, grid: Grid, rows: &UnitRows) -> Result<Vec<i64>, QueryError> {
    let column = rows.column(column)?;
    let TagValues::Numbers(numbers) = TagValues::of(&column)? else {
        return Err(QueryError::Internal(format!("the covariate `{name}` is not numeric")));
    };
    let beyond = |error| {
        QueryError::Data(format!(
            "the tag `{name}` cannot be a covariate: {error}; write it in a larger unit, such as thousands"
        ))
    };
    let value = |number: Option<f64>| number.map_or(Ok(ABSENT), |number| grid.to_grid(number).map_err(beyond));
    numbers.iter().map(value).collect()
}

/// n - R d on the grid, ties to even.
fn unexplained(above: i64, below: i64, ratio: f64, scale: f64) -> Result<i64, QueryError> {
    if above == ABSENT || below == ABSENT {
        return Ok(ABSENT);
    }
    let steps = (above as f64 * scale - ratio * below as f64).round_ties_even();
    if steps.abs() > whom_stats::MAX_GRID_VALUE as f64 {
        let message = "a ratio's numerator is too large to search on; declare a coarser `precision`, or leave it out of `discover.metrics`";
        return Err(QueryError::Data(message.to_owned()));
    }
    Ok(steps as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_denominator_explains_is_taken_off() {
        // A step of the numerator is a cent, of the result 2^-16: 3 cents less 0.5 a piece of 4 are -1.97.
        let scale = 65_536.0 / 100.0;
        assert_eq!(unexplained(3, 4, 0.5 * 65_536.0, scale).unwrap(), (-1.97_f64 * 65_536.0).round() as i64);
        assert_eq!(unexplained(ABSENT, 4, 1.0, 1.0).unwrap(), ABSENT);
        assert!(matches!(unexplained(1 << 45, 0, 0.0, 65_536.0), Err(QueryError::Data(_))));
    }
}
