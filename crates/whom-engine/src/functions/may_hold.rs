//! `may_hold('units', unit)` and `may_hold('snapshots of profile', unit, day)`: whether a row can matter, before its wide
//! columns are decoded.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::Array;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use crate::filters::KeyFilters;

/// The function. True for every key that the filter of that name was made of, and for about 1 % of the others; false for
/// NULL.
#[derive(Debug)]
pub(super) struct MayHold {
    signature: Signature,
    filters: KeyFilters,
}

impl MayHold {
    pub(super) fn new(filters: KeyFilters) -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable), filters }
    }
}

/// A session has one function of this name, over one set of filters.
impl PartialEq for MayHold {
    fn eq(&self, other: &Self) -> bool {
        self.signature == other.signature
    }
}

impl Eq for MayHold {}

impl Hash for MayHold {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.signature.hash(state);
    }
}

impl ScalarUDFImpl for MayHold {
    fn name(&self) -> &'static str {
        super::MAY_HOLD
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let unit = |kind: &DataType| if kind.is_integer() { DataType::Int64 } else { DataType::Utf8 };
        match arguments {
            [name, key] if name.is_string() => Ok(vec![DataType::Utf8, unit(key)]),
            [name, key, DataType::Date32] if name.is_string() => Ok(vec![DataType::Utf8, unit(key), DataType::Date32]),
            _ => plan_err!("`may_hold` takes the name of a filter, a unit and, for some filters, a day"),
        }
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let ColumnarValue::Scalar(ScalarValue::Utf8(Some(name))) = &args.args[0] else {
            return plan_err!("the name of a filter must be a literal");
        };
        let Some(filter) = self.filters.get(name) else {
            return plan_err!("there is no filter `{name}`");
        };
        let units = args.args[1].to_array(args.number_rows)?;
        let days = args.args.get(2).map(|days| days.to_array(args.number_rows)).transpose()?;
        let held = filter.holds(units.as_ref(), days.as_deref().map(|days| days as &dyn Array));
        let held = held.map_err(|error| DataFusionError::External(Box::new(error)))?;
        Ok(ColumnarValue::Array(Arc::new(held)))
    }
}
