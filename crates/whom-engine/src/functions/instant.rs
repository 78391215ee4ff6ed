//! `instant(local, zone)`: the instant at which clocks of a time zone show a local time.
//!
//! A cast could say the same, but the optimiser moves casts across comparisons as if zones were labels, and then compares
//! wall clocks with instants. It cannot see through this function.

use std::sync::Arc;

use chrono::{DateTime, LocalResult, TimeZone};
use chrono_tz::Tz;
use datafusion::arrow::array::{AsArray, TimestampMicrosecondArray};
use datafusion::arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use crate::error::RefusedValue;

/// The function. Takes a time without a zone, in microseconds, and the name of a zone; NULL stays NULL. Of the two
/// instants at which clocks that are set back show a time, the first counts; a time that clocks skip is refused.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Instant {
    signature: Signature,
}

impl Instant {
    pub(super) fn new() -> Self {
        let local = DataType::Timestamp(TimeUnit::Microsecond, None);
        Self { signature: Signature::exact(vec![local, DataType::Utf8], Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Instant {
    fn name(&self) -> &'static str {
        "instant"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let ColumnarValue::Scalar(ScalarValue::Utf8(Some(name))) = &args.args[1] else {
            return plan_err!("the time zone of `instant` must be a literal");
        };
        let Ok(zone) = name.parse::<Tz>() else {
            return plan_err!("`{name}` is not a time zone");
        };
        let locals = args.args[0].to_array(args.number_rows)?;
        let instants: Result<TimestampMicrosecondArray> = locals
            .as_primitive::<TimestampMicrosecondType>()
            .iter()
            .map(|local| local.map(|micros| at(zone, micros)).transpose())
            .collect();
        Ok(ColumnarValue::Array(Arc::new(instants?.with_timezone("UTC"))))
    }
}

/// The instant, in microseconds UTC, of a local time in microseconds.
fn at(zone: Tz, micros: i64) -> Result<i64> {
    let refused = |local: String| {
        DataFusionError::External(Box::new(RefusedValue(format!(
            "the time {local} does not exist in {zone}, where clocks skip it; write times with their zone, or declare the zone they are in"
        ))))
    };
    let Some(local) = DateTime::from_timestamp_micros(micros) else {
        return Err(refused(format!("{micros} µs")));
    };
    match zone.from_local_datetime(&local.naive_utc()) {
        LocalResult::Single(instant) | LocalResult::Ambiguous(instant, _) => Ok(instant.timestamp_micros()),
        LocalResult::None => Err(refused(local.naive_utc().to_string())),
    }
}
