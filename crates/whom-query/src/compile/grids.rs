//! The grids of metrics: which one, and what it can do to a value.

use datafusion::arrow::datatypes::DataType;
use whom_spec::Diagnostic;
use whom_spec::plan::{Aggregate, GridBase, Measure, Precision};
use whom_stats::{Grid, GridError};

use crate::expression::Resolved;

/// The grid: declared, or given by the type of the value, never read off the data.
pub(super) fn grid_of(metric: &Measure<'_>, value: Option<&Resolved>) -> Result<Grid, Diagnostic> {
    if !metric.aggregate.is_graded() {
        return Ok(Grid::INTEGER);
    }
    let refused = |error: &dyn std::fmt::Display| Diagnostic::error(error.to_string()).at(metric.of.span);
    if let Some(Precision { base, exponent }) = metric.precision {
        let digits = u8::try_from(exponent).map_err(|error| refused(&error))?;
        return match base {
            GridBase::Ten => Grid::decimal(digits),
            GridBase::Two => Grid::binary(digits),
        }
        .map_err(|error| refused(&error));
    }
    let by_type =
        value.map_or(Ok(Grid::INTEGER), |value| grid_of_type(&value.kind)).map_err(|error| refused(&error))?;
    Ok(if metric.aggregate == Aggregate::Mean && by_type == Grid::INTEGER { Grid::FLOAT } else { by_type })
}

/// The grid of numbers of a type.
pub(super) fn grid_of_type(kind: &DataType) -> Result<Grid, GridError> {
    match kind {
        DataType::Decimal32(_, scale) | DataType::Decimal64(_, scale) | DataType::Decimal128(_, scale)
            if *scale >= 0 =>
        {
            Grid::decimal(scale.unsigned_abs())
        }
        kind if kind.is_floating() => Ok(Grid::FLOAT),
        _ => Ok(Grid::INTEGER),
    }
}

/// Whether a number of this type can lie between the steps of a grid.
pub(super) fn may_round(kind: &DataType, grid: Grid) -> bool {
    match kind {
        DataType::Decimal32(_, scale) | DataType::Decimal64(_, scale) | DataType::Decimal128(_, scale) => {
            Grid::decimal(scale.unsigned_abs()).ok() != Some(grid)
        }
        kind => kind.is_floating(),
    }
}

/// The column of a unit's values that are not zero on the grid of a metric.
pub(crate) fn not_zero_column(metric: &str) -> String {
    format!("not zero in {metric}")
}

/// The column of a unit's values that the grid of a metric rounds to zero.
pub(crate) fn rounded_to_zero_column(metric: &str) -> String {
    format!("rounded to zero in {metric}")
}
