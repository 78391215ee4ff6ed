//! `bucket_of(unit)`: the bucket of a unit's id.

use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, Int32Array};
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use whom_stats::bucket::{bucket_of_integer, bucket_of_text};

/// The function. Integers hash as 64-bit integers and texts as UTF-8, whatever type carried them; NULL has no bucket.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct BucketOf {
    signature: Signature,
}

impl BucketOf {
    pub(super) fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for BucketOf {
    fn name(&self) -> &'static str {
        "bucket_of"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        match arguments {
            [kind] if kind.is_integer() => Ok(vec![DataType::Int64]),
            [DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View] => Ok(vec![DataType::Utf8]),
            _ => plan_err!("`bucket_of` takes an integer or a text"),
        }
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int32)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let units = args.args[0].to_array(args.number_rows)?;
        let buckets: Int32Array = match units.data_type() {
            DataType::Int64 => units
                .as_primitive::<Int64Type>()
                .iter()
                .map(|unit| unit.map(|unit| i32::from(bucket_of_integer(unit))))
                .collect(),
            _ => units.as_string::<i32>().iter().map(|unit| unit.map(|unit| i32::from(bucket_of_text(unit)))).collect(),
        };
        Ok(ColumnarValue::Array(Arc::new(buckets)))
    }
}
