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
mod tests {
    use datafusion::arrow::array::{Decimal128Array, Float32Array, Float64Array, UInt64Array};
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{column_of, engine_with, refusal};

    async fn ask(values: ArrayRef, call: &str) -> Result<ArrayRef, String> {
        let engine = engine_with("t", vec![("v", values)]);
        let rows = engine.query(&format!("SELECT {call} AS answer FROM t")).await.map_err(|error| error.to_string())?;
        Ok(Arc::clone(rows.to_batch().unwrap().column(0)))
    }

    async fn placed(values: ArrayRef, grid: &str) -> Vec<Option<i64>> {
        let answer = ask(values, &format!("to_grid(v, '{grid}')")).await.unwrap();
        answer.as_primitive::<Int64Type>().iter().collect()
    }

    #[tokio::test]
    async fn floats_go_to_the_nearest_step_ties_to_even() {
        let values: ArrayRef = Arc::new(Float64Array::from(vec![0.5, 1.5, 2.5, -0.5, 29.99]));
        assert_eq!(placed(Arc::clone(&values), "1").await, [0, 2, 2, 0, 30].map(Some));
        assert_eq!(placed(values, "1e-2").await, [50, 150, 250, -50, 2999].map(Some));
        let single: ArrayRef = Arc::new(Float32Array::from(vec![0.375]));
        assert_eq!(placed(single, "2^-2").await, [Some(2)]);
    }

    #[tokio::test]
    async fn integers_and_booleans_are_exact() {
        let flags: ArrayRef = Arc::new(BooleanArray::from(vec![Some(true), Some(false), None]));
        assert_eq!(placed(flags, "1").await, [Some(1), Some(0), None]);
        let wide: ArrayRef = Arc::new(UInt64Array::from(vec![0, 35_184_372_088_831]));
        assert_eq!(placed(wide, "1").await, [Some(0), Some(35_184_372_088_831)]);
        let integers: ArrayRef = Arc::new(Int64Array::from(vec![-3]));
        assert_eq!(placed(integers, "2^-4").await, [Some(-48)]);
    }

    #[tokio::test]
    async fn decimals_never_become_floats() {
        let amounts = Decimal128Array::from(vec![1_005, -1_015, 12_345_678_901_235]).with_precision_and_scale(20, 3);
        let amounts: ArrayRef = Arc::new(amounts.unwrap());
        assert_eq!(placed(amounts, "1e-2").await, [100, -102, 1_234_567_890_124].map(Some));
    }

    #[tokio::test]
    async fn what_is_not_finite_is_null_on_the_grid_and_counted_beside() {
        let values: ArrayRef = Arc::new(Float64Array::from(vec![
            Some(1.0),
            None,
            Some(f64::NAN),
            Some(f64::INFINITY),
            Some(-f64::INFINITY),
        ]));
        assert_eq!(placed(Arc::clone(&values), "1").await, [Some(1), None, None, None, None]);
        let flags = ask(values, "not_finite(v)").await.unwrap();
        let flags: Vec<bool> = flags.as_boolean().values().iter().collect();
        assert_eq!(flags, [false, false, true, true, true]);
        let integers: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
        let flags = ask(integers, "not_finite(v)").await.unwrap();
        assert_eq!(flags.as_boolean().true_count(), 0);
    }

    #[tokio::test]
    async fn a_value_beyond_the_grid_is_refused_with_its_fix() {
        let values: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 1e9]));
        let message = ask(values, "to_grid(v, '2^-26')").await.unwrap_err();
        insta::assert_snapshot!(message, @"value 1000000000 lies beyond the range of plus or minus 524287.9999999851 of a grid with step 2^-26; declare a coarser `precision`");
        let wide: ArrayRef = Arc::new(UInt64Array::from(vec![u64::MAX]));
        let message = ask(wide, "to_grid(v, '1')").await.unwrap_err();
        insta::assert_snapshot!(message, @"value 18446744073709551615e-0 lies beyond the range of plus or minus 35184372088831 of a grid with step 1; declare a coarser `precision`");
    }

    #[tokio::test]
    async fn what_is_no_number_or_no_grid_is_refused() {
        assert!(refusal("SELECT to_grid('1', '1')").await.contains("must be a number or a boolean, not Utf8"));
        assert!(refusal("SELECT to_grid(1, '0.3')").await.contains("`0.3` is not a grid"));
        assert!(refusal("SELECT to_grid(1, '1e-99')").await.contains("`1e-99` is not a grid"));
    }

    #[tokio::test]
    async fn a_mean_goes_back_to_the_grid_ties_to_even() {
        let sums: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), Some(3), Some(-1), Some(-3), Some(7), None]));
        let engine = engine_with("t", vec![("s", sums)]);
        let answer = column_of(&engine, "SELECT grid_mean(s, 2) FROM t").await;
        let means: Vec<Option<i64>> = answer.as_primitive::<Int64Type>().iter().collect();
        assert_eq!(means, [Some(0), Some(2), Some(0), Some(-2), Some(4), None]);
        let nothing = column_of(&engine, "SELECT grid_mean(s, 0) FROM t").await;
        assert_eq!(nothing.null_count(), 6);
    }

    proptest! {
        #[test]
        fn a_mean_is_within_half_a_step(sum in -(1_i64 << 45)..1 << 45, count in 1_i64..1_000_000) {
            let found = i128::from(mean(sum, count).unwrap());
            let twice = 2 * (found * i128::from(count) - i128::from(sum)).abs();
            prop_assert!(twice < i128::from(count) || (twice == i128::from(count) && found % 2 == 0));
        }
    }
}
