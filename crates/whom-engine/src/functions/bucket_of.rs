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
            [kind] if kind.is_string() => Ok(vec![DataType::Utf8]),
            [DataType::Dictionary(_, value)] if value.is_string() => Ok(vec![DataType::Utf8]),
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

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::ArrayRef;
    use datafusion::arrow::array::{Int64Array, StringArray};
    use datafusion::arrow::compute::cast;

    use super::*;
    use crate::testing::{column_of, engine_with, refusal};

    async fn buckets(units: ArrayRef) -> Vec<Option<i32>> {
        let engine = engine_with("t", vec![("unit", units)]);
        let found = column_of(&engine, "SELECT bucket_of(unit) AS bucket FROM t").await;
        found.as_primitive::<datafusion::arrow::datatypes::Int32Type>().iter().collect()
    }

    #[tokio::test]
    async fn an_integer_has_one_bucket_whatever_its_width() {
        let ids = [0, 1, 7, 100, 127];
        let units: ArrayRef = Arc::new(Int64Array::from(ids.to_vec()));
        let expected: Vec<Option<i32>> = ids.iter().map(|id| Some(i32::from(bucket_of_integer(*id)))).collect();
        for kind in [
            DataType::Int8,
            DataType::Int16,
            DataType::Int32,
            DataType::Int64,
            DataType::UInt8,
            DataType::UInt16,
            DataType::UInt32,
        ] {
            assert_eq!(buckets(cast(&units, &kind).unwrap()).await, expected, "{kind}");
        }
    }

    #[tokio::test]
    async fn a_text_has_one_bucket_whatever_its_encoding() {
        let ids = ["", "a", "ä\u{1F600}", "user-12345"];
        let units: ArrayRef = Arc::new(StringArray::from(ids.to_vec()));
        let expected: Vec<Option<i32>> = ids.iter().map(|id| Some(i32::from(bucket_of_text(id)))).collect();
        let dictionary = DataType::Dictionary(Box::new(DataType::Int16), Box::new(DataType::Utf8));
        for kind in [DataType::Utf8, DataType::LargeUtf8, DataType::Utf8View, dictionary] {
            assert_eq!(buckets(cast(&units, &kind).unwrap()).await, expected, "{kind}");
        }
    }

    #[tokio::test]
    async fn no_unit_has_no_bucket() {
        assert_eq!(buckets(Arc::new(Int64Array::from(vec![None]))).await, [None]);
        assert_eq!(buckets(Arc::new(StringArray::from(vec![None::<&str>]))).await, [None]);
    }

    #[tokio::test]
    async fn other_types_are_refused() {
        assert!(refusal("SELECT bucket_of(1.5)").await.contains("`bucket_of` takes an integer or a text"));
    }
}
