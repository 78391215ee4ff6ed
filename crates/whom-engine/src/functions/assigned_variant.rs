//! `assigned_variant(unit, 'experiment', 'control', 0.5, 'treatment', 0.5, …)`: the variant that a hash gives a unit.

use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, StringArray};
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use whom_stats::HashedAssignment;

/// The function, after the unit and the experiment with the name and the weight of each variant. Units are hashed as those of
/// `bucket_of`, by another hash; NULL is in no variant.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct AssignedVariant {
    signature: Signature,
}

impl AssignedVariant {
    pub(super) fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for AssignedVariant {
    fn name(&self) -> &'static str {
        "assigned_variant"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let [unit, experiment, variants @ ..] = arguments else {
            return plan_err!("`assigned_variant` takes a unit, an experiment, and variants with their weights");
        };
        let unit = match unit {
            kind if kind.is_integer() => DataType::Int64,
            kind if kind.is_string() => DataType::Utf8,
            DataType::Dictionary(_, value) if value.is_string() => DataType::Utf8,
            _ => return plan_err!("`assigned_variant` takes an integer or a text as the unit"),
        };
        let (pairs, rest) = variants.as_chunks::<2>();
        let are_pairs = pairs.iter().all(|[name, weight]| name.is_string() && weight.is_numeric());
        if !experiment.is_string() || !are_pairs || !rest.is_empty() {
            return plan_err!("an experiment is a text, and variants are names before weights");
        }
        let variants = pairs.iter().flat_map(|_| [DataType::Utf8, DataType::Float64]);
        Ok([unit, DataType::Utf8].into_iter().chain(variants).collect())
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let variants = Variants::of(&args.args[1..])?;
        let units = args.args[0].to_array(args.number_rows)?;
        let names: StringArray = match units.data_type() {
            DataType::Int64 => {
                units.as_primitive::<Int64Type>().iter().map(|unit| variants.of_integer(unit?)).collect()
            }
            _ => units.as_string::<i32>().iter().map(|unit| variants.of_text(unit?)).collect(),
        };
        Ok(ColumnarValue::Array(Arc::new(names)))
    }
}

/// The variants of an experiment by their arms.
struct Variants<'a> {
    names: Vec<&'a str>,
    assignment: HashedAssignment,
}

impl<'a> Variants<'a> {
    fn of(arguments: &'a [ColumnarValue]) -> Result<Self> {
        let (mut texts, mut weights) = (Vec::new(), Vec::new());
        for argument in arguments {
            match argument {
                ColumnarValue::Scalar(ScalarValue::Utf8(Some(text))) => texts.push(text.as_str()),
                ColumnarValue::Scalar(ScalarValue::Float64(Some(weight))) => weights.push(*weight),
                _ => return plan_err!("the experiment, the names of variants and their weights must be literals"),
            }
        }
        let Some((experiment, names)) = texts.split_first() else {
            return plan_err!("`assigned_variant` takes an experiment");
        };
        Ok(Self { names: names.to_vec(), assignment: HashedAssignment::new(experiment, &weights) })
    }

    fn of_integer(&self, unit: i64) -> Option<&'a str> {
        self.names.get(self.assignment.arm_of_integer(unit)).copied()
    }

    fn of_text(&self, unit: &str) -> Option<&'a str> {
        self.names.get(self.assignment.arm_of_text(unit)).copied()
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{ArrayRef, Int64Array};
    use datafusion::arrow::compute::cast;

    use super::*;
    use crate::testing::{column_of, engine_with, refusal};

    async fn variants(units: ArrayRef) -> Vec<Option<String>> {
        let engine = engine_with("t", vec![("unit", units)]);
        let sql = "SELECT assigned_variant(unit, 'shop', 'control', 6e-1, 'new', 4e-1) AS variant FROM t";
        let found = column_of(&engine, sql).await;
        found.as_string::<i32>().iter().map(|variant| variant.map(str::to_owned)).collect()
    }

    #[tokio::test]
    async fn a_unit_has_one_variant_however_its_id_is_stored() {
        let assignment = HashedAssignment::new("shop", &[0.6, 0.4]);
        let name = |arm: usize| Some(["control", "new"][arm].to_owned());
        let ids = [0, 1, 7, 100, 127];
        let integers: ArrayRef = Arc::new(Int64Array::from(ids.to_vec()));
        let expected: Vec<_> = ids.iter().map(|id| name(assignment.arm_of_integer(*id))).collect();
        for kind in [DataType::Int8, DataType::Int64, DataType::UInt32] {
            assert_eq!(variants(cast(&integers, &kind).unwrap()).await, expected, "{kind}");
        }
        let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), Some("ä"), None, Some("user-12")]));
        let expected: Vec<_> =
            [Some("a"), Some("ä"), None, Some("user-12")].map(|id| name(assignment.arm_of_text(id?))).to_vec();
        for kind in [DataType::Utf8, DataType::Utf8View] {
            assert_eq!(variants(cast(&texts, &kind).unwrap()).await, expected, "{kind}");
        }
    }

    #[tokio::test]
    async fn what_is_no_unit_or_no_weight_is_refused() {
        assert!(
            refusal("SELECT assigned_variant(1.5, 'e', 'a', 1e0)").await.contains("an integer or a text as the unit")
        );
        assert!(refusal("SELECT assigned_variant(1, 'e', 'a')").await.contains("names before weights"));
    }
}
