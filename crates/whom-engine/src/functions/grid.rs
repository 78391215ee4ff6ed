//! `to_grid(value, grid)` and `not_finite(value)`: values become integers in the scan.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int64Type};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use whom_stats::grid::{Grid, OffGrid};

use crate::error::RefusedValue;

/// `to_grid(value, '1e-2', 'amount')`: the value in steps of the grid, ties to even; the name is for messages and may be
/// left out. NULL and values that are not finite become
/// NULL (they are counted by [`NotFinite`]); a value beyond the grid's range is refused.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ToGrid {
    signature: Signature,
}

impl ToGrid {
    pub(super) fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for ToGrid {
    fn name(&self) -> &'static str {
        "to_grid"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        match arguments {
            [value, texts @ ..] if matches!(texts.len(), 1 | 2) && texts.iter().all(DataType::is_string) => {
                let texts = std::iter::repeat_n(DataType::Utf8, texts.len());
                Ok(std::iter::once(exact_type(value)?).chain(texts).collect())
            }
            _ => plan_err!("`to_grid` takes a number, the name of a grid, and what the number is called"),
        }
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let ColumnarValue::Scalar(ScalarValue::Utf8(Some(name))) = &args.args[1] else {
            return plan_err!("the grid of `to_grid` must be a literal");
        };
        let Some(grid) = named(name) else {
            return plan_err!("`{name}` is not a grid");
        };
        let values = args.args[0].to_array(args.number_rows)?;
        let on_grid = on_grid(&values, grid).map_err(|reason| refused(&reason, args.args.get(2)));
        Ok(ColumnarValue::Array(Arc::new(on_grid?)))
    }
}

/// The grid of a name as [`Grid`] displays it: `1`, `1e-2` or `2^-26`.
fn named(name: &str) -> Option<Grid> {
    if name == "1" {
        return Some(Grid::INTEGER);
    }
    match (name.strip_prefix("1e-"), name.strip_prefix("2^-")) {
        (Some(digits), _) => Grid::decimal(digits.parse().ok()?).ok(),
        (_, Some(bits)) => Grid::binary(bits.parse().ok()?).ok(),
        _ => None,
    }
}

/// The type in which a number is taken exactly.
fn exact_type(kind: &DataType) -> Result<DataType> {
    match kind {
        DataType::Boolean | DataType::Null => Ok(DataType::Int64),
        DataType::UInt64 => Ok(DataType::Decimal128(20, 0)),
        kind if kind.is_integer() => Ok(DataType::Int64),
        kind if kind.is_floating() => Ok(DataType::Float64),
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
            if *scale >= 0 =>
        {
            Ok(DataType::Decimal128(*precision, *scale))
        }
        other => plan_err!("a metric's value must be a number or a boolean, not {other}"),
    }
}

fn on_grid(values: &ArrayRef, grid: Grid) -> Result<Int64Array, OffGrid> {
    match values.data_type() {
        DataType::Float64 => values
            .as_primitive::<Float64Type>()
            .iter()
            .map(|value| value.filter(|value| value.is_finite()).map(|value| grid.to_grid(value)).transpose())
            .collect(),
        DataType::Decimal128(_, scale) => {
            let scale = scale.unsigned_abs();
            let decimals = values.as_primitive::<Decimal128Type>();
            decimals.iter().map(|value| value.map(|value| grid.decimal_to_grid(value, scale)).transpose()).collect()
        }
        _ => values
            .as_primitive::<Int64Type>()
            .iter()
            .map(|value| value.map(|value| grid.decimal_to_grid(i128::from(value), 0)).transpose())
            .collect(),
    }
}

/// The refusal of a value, under the name that the statement gives it.
fn refused(reason: &OffGrid, name: Option<&ColumnarValue>) -> DataFusionError {
    let message = match name {
        Some(ColumnarValue::Scalar(ScalarValue::Utf8(Some(name)))) => {
            format!("`{name}` does not fit its grid: {reason}")
        }
        _ => reason.to_string(),
    };
    DataFusionError::External(Box::new(RefusedValue(message)))
}

/// `grid_mean(sum, count)`: the mean of grid values, put back on the grid, ties to even. NULL without values.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct GridMean {
    signature: Signature,
}

impl GridMean {
    pub(super) fn new() -> Self {
        Self { signature: Signature::exact(vec![DataType::Int64, DataType::Int64], Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for GridMean {
    fn name(&self) -> &'static str {
        "grid_mean"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let sums = args.args[0].to_array(args.number_rows)?;
        let counts = args.args[1].to_array(args.number_rows)?;
        let (sums, counts) = (sums.as_primitive::<Int64Type>(), counts.as_primitive::<Int64Type>());
        let means: Int64Array = sums.iter().zip(counts).map(|(sum, count)| mean(sum?, count?)).collect();
        Ok(ColumnarValue::Array(Arc::new(means)))
    }
}

fn mean(sum: i64, count: i64) -> Option<i64> {
    let (quotient, remainder) = (sum.checked_div_euclid(count)?, sum.checked_rem_euclid(count)?);
    let up = match (2 * i128::from(remainder)).cmp(&i128::from(count)) {
        std::cmp::Ordering::Less => 0,
        std::cmp::Ordering::Equal => quotient.rem_euclid(2),
        std::cmp::Ordering::Greater => 1,
    };
    Some(quotient + up)
}

/// `not_finite(value)`: whether a number is NaN or infinite. NULL and integers are not.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct NotFinite {
    signature: Signature,
}

impl NotFinite {
    pub(super) fn new() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for NotFinite {
    fn name(&self) -> &'static str {
        "not_finite"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let values = args.args[0].to_array(args.number_rows)?;
        let answer: BooleanArray = if values.data_type().is_floating() {
            let floats = cast(&values, &DataType::Float64)?;
            let floats = floats.as_primitive::<Float64Type>();
            floats.iter().map(|value| Some(value.is_some_and(|value| !value.is_finite()))).collect()
        } else {
            std::iter::repeat_n(Some(false), values.len()).collect()
        };
        Ok(ColumnarValue::Array(Arc::new(answer)))
    }
}

#[cfg(test)]
mod tests;
