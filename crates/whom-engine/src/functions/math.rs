//! `exp`, `ln`, `log2`, `log10` and `power` by the `libm` crate, in place of DataFusion's.
//!
//! The standard library asks the platform for these, and platforms differ in the last bit; a user's expression must give
//! the same bytes everywhere.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, Float64Array};
use datafusion::arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

/// A function of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Curve {
    Exp,
    Ln,
    Log2,
    Log10,
}

impl Curve {
    fn name(self) -> &'static str {
        match self {
            Self::Exp => "exp",
            Self::Ln => "ln",
            Self::Log2 => "log2",
            Self::Log10 => "log10",
        }
    }

    fn at(self, value: f64) -> f64 {
        match self {
            Self::Exp => libm::exp(value),
            Self::Ln => libm::log(value),
            Self::Log2 => libm::log2(value),
            Self::Log10 => libm::log10(value),
        }
    }
}

/// `exp`, `ln`, `log2` or `log10`. NULL stays NULL; the logarithm of 0 is negative infinity and that of a negative
/// number NaN, which the metric's `non_finite` then decides about.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct OfOneNumber {
    curve: Curve,
    signature: Signature,
}

impl OfOneNumber {
    /// All of them.
    pub(super) fn all() -> [Self; 4] {
        [Curve::Exp, Curve::Ln, Curve::Log2, Curve::Log10]
            .map(|curve| Self { curve, signature: Signature::user_defined(Volatility::Immutable) })
    }
}

impl ScalarUDFImpl for OfOneNumber {
    fn name(&self) -> &'static str {
        self.curve.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        doubles(self.name(), arguments, 1)
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let values = args.args[0].to_array(args.number_rows)?;
        let values = values.as_primitive::<Float64Type>().iter();
        let answer: Float64Array = values.map(|value| value.map(|value| self.curve.at(value))).collect();
        Ok(ColumnarValue::Array(Arc::new(answer)))
    }
}

/// `power(base, exponent)`, also called `pow`. NULL if either is; 0 to a negative power is infinite.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Power {
    signature: Signature,
    aliases: [String; 1],
}

impl Power {
    pub(super) fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable), aliases: ["pow".to_owned()] }
    }
}

impl ScalarUDFImpl for Power {
    fn name(&self) -> &'static str {
        "power"
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        doubles(self.name(), arguments, 2)
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays: Vec<ArrayRef> =
            args.args.iter().map(|argument| argument.to_array(args.number_rows)).collect::<Result<_>>()?;
        let (bases, exponents) = (arrays[0].as_primitive::<Float64Type>(), arrays[1].as_primitive::<Float64Type>());
        let answer: Float64Array =
            bases.iter().zip(exponents).map(|(base, exponent)| Some(libm::pow(base?, exponent?))).collect();
        Ok(ColumnarValue::Array(Arc::new(answer)))
    }
}

/// Takes every argument as a double, if it is a number.
fn doubles(name: &str, arguments: &[DataType], count: usize) -> Result<Vec<DataType>> {
    if arguments.len() == count && arguments.iter().all(|kind| kind.is_numeric() || kind.is_null()) {
        return Ok(vec![DataType::Float64; count]);
    }
    plan_err!("`{name}` takes {count} number{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use std::any::Any;

    use datafusion::prelude::SessionContext;

    use super::*;
    use crate::testing::{column, refusal};

    async fn number(expression: &str) -> Option<f64> {
        column(&format!("SELECT {expression} AS v")).await.as_primitive::<Float64Type>().iter().next().unwrap()
    }

    #[test]
    fn our_functions_stand_in_for_those_of_datafusion() {
        let context = SessionContext::new();
        super::super::register(&context, &crate::filters::KeyFilters::default());
        let state = context.state();
        for name in ["exp", "ln", "log2", "log10"] {
            let function: &dyn Any = state.scalar_functions()[name].inner().as_ref();
            assert!(function.is::<OfOneNumber>(), "{name}");
        }
        for name in ["power", "pow"] {
            let function: &dyn Any = state.scalar_functions()[name].inner().as_ref();
            assert!(function.is::<Power>(), "{name}");
        }
    }

    #[tokio::test]
    async fn values_are_those_of_libm_to_the_last_bit() {
        for value in [0.1, 1.7, 2.5, 1e-300, 700.123, 12_345.678] {
            for (name, expected) in [
                ("exp", libm::exp(value)),
                ("ln", libm::log(value)),
                ("log2", libm::log2(value)),
                ("log10", libm::log10(value)),
            ] {
                let found = number(&format!("{name}(CAST('{value}' AS DOUBLE))")).await.unwrap();
                assert_eq!(found.to_bits(), expected.to_bits(), "{name}({value})");
            }
            let found = number(&format!("power(CAST('{value}' AS DOUBLE), 0.3)")).await.unwrap();
            assert_eq!(found.to_bits(), libm::pow(value, 0.3).to_bits(), "{value}");
        }
    }

    #[tokio::test]
    async fn integers_and_decimals_are_taken_as_doubles() {
        assert_eq!(number("pow(2, 10)").await, Some(1024.0));
        assert_eq!(number("log10(CAST(1000 AS DECIMAL(10, 2)))").await, Some(3.0));
    }

    #[tokio::test]
    async fn what_has_no_value_is_null_infinite_or_nan() {
        assert_eq!(number("ln(NULL)").await, None);
        assert_eq!(number("power(2.0, NULL)").await, None);
        assert_eq!(number("ln(0)").await, Some(f64::NEG_INFINITY));
        assert!(number("ln(-1)").await.unwrap().is_nan());
        assert_eq!(number("power(0, -1)").await, Some(f64::INFINITY));
    }

    #[tokio::test]
    async fn texts_are_refused() {
        assert!(refusal("SELECT ln('1')").await.contains("`ln` takes 1 number"));
        assert!(refusal("SELECT power(1, 'a')").await.contains("`power` takes 2 numbers"));
    }
}
