//! `arm_of(variant, 'control', 'treatment', …)`: the number of the arm that a variant names.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, Int16Array, StringArray};
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

/// The function. Arms are numbered from 0 in the order of their names; NULL and every other variant is of no arm. Of words
/// each is looked up once.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ArmOf {
    signature: Signature,
}

impl ArmOf {
    pub(super) fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for ArmOf {
    fn name(&self) -> &'static str {
        "arm_of"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let [variant, names @ ..] = arguments else {
            return plan_err!("`arm_of` takes a variant and the names of arms");
        };
        if !names.iter().all(DataType::is_string) {
            return plan_err!("the names of arms must be texts");
        }
        let variant = match variant {
            DataType::Dictionary(key, value) if **value == DataType::Utf8 => {
                DataType::Dictionary(key.clone(), value.clone())
            }
            kind if kind.is_string() || kind.is_null() => DataType::Utf8,
            DataType::Dictionary(_, value) if value.is_string() => DataType::Utf8,
            other => return plan_err!("a variant is a text, not {other}"),
        };
        Ok(std::iter::once(variant).chain(names.iter().map(|_| DataType::Utf8)).collect())
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int16)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arms = Arms::named(&args.args[1..])?;
        let variants = args.args[0].to_array(args.number_rows)?;
        let found: ArrayRef = match variants.as_any_dictionary_opt() {
            Some(words) => take(&arms.of(words.values().as_string()), words.keys(), None)?,
            None => Arc::new(arms.of(variants.as_string())),
        };
        Ok(ColumnarValue::Array(found))
    }
}

/// The arms by the names of their variants.
struct Arms<'a>(HashMap<&'a str, i16>);

impl<'a> Arms<'a> {
    fn named(names: &'a [ColumnarValue]) -> Result<Self> {
        let mut arms = HashMap::new();
        for (arm, name) in (0..=i16::MAX).zip(names) {
            let ColumnarValue::Scalar(ScalarValue::Utf8(Some(name))) = name else {
                return plan_err!("the names of arms must be literals");
            };
            arms.entry(name.as_str()).or_insert(arm);
        }
        Ok(Self(arms))
    }

    fn of(&self, variants: &StringArray) -> Int16Array {
        variants.iter().map(|variant| self.0.get(variant?).copied()).collect()
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::compute::cast;
    use datafusion::arrow::datatypes::Int16Type;

    use super::*;
    use crate::testing::{column_of, engine_with, refusal};

    #[tokio::test]
    async fn a_variant_has_one_arm_however_it_is_stored() {
        let texts: ArrayRef =
            Arc::new(StringArray::from(vec![Some("b"), Some("a"), None, Some("c"), Some(""), Some("b")]));
        let words = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let views = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8View));
        for kind in [DataType::Utf8, DataType::Utf8View, words, views] {
            let engine = engine_with("t", vec![("v", cast(&texts, &kind).unwrap())]);
            let arms = column_of(&engine, "SELECT arm_of(v, 'a', 'b') AS arm FROM t").await;
            let arms: Vec<Option<i16>> = arms.as_primitive::<Int16Type>().iter().collect();
            assert_eq!(arms, [Some(1), Some(0), None, None, None, Some(1)], "{kind}");
        }
    }

    #[tokio::test]
    async fn what_is_no_text_is_refused() {
        assert!(refusal("SELECT arm_of(1, 'a')").await.contains("a variant is a text, not Int64"));
        assert!(refusal("SELECT arm_of('a', 1)").await.contains("the names of arms must be texts"));
    }
}
