//! `local_day(instant, zone)`: the calendar day of an instant in a time zone.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate};
use chrono_tz::Tz;
use datafusion::arrow::array::{AsArray, Date32Array};
use datafusion::arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

/// The function. Takes a timestamp in microseconds and the name of a zone; NULL stays NULL.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct LocalDay {
    signature: Signature,
}

impl LocalDay {
    pub(super) fn new() -> Self {
        let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        Self { signature: Signature::exact(vec![instant, DataType::Utf8], Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for LocalDay {
    fn name(&self) -> &'static str {
        "local_day"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Date32)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let ColumnarValue::Scalar(ScalarValue::Utf8(Some(name))) = &args.args[1] else {
            return plan_err!("the time zone of `local_day` must be a literal");
        };
        let Ok(zone) = name.parse::<Tz>() else {
            return plan_err!("`{name}` is not a time zone");
        };
        let instants = args.args[0].to_array(args.number_rows)?;
        let days: Result<Date32Array> = instants
            .as_primitive::<TimestampMicrosecondType>()
            .iter()
            .map(|instant| instant.map(|micros| day_in(zone, micros)).transpose())
            .collect();
        Ok(ColumnarValue::Array(Arc::new(days?)))
    }
}

/// Days since 1970-01-01 of an instant in microseconds, in a zone.
fn day_in(zone: Tz, micros: i64) -> Result<i32> {
    let Some(instant) = DateTime::from_timestamp_micros(micros) else {
        return exec_err!("the instant {micros} µs is outside the calendar");
    };
    let day = instant.with_timezone(&zone).date_naive();
    Ok(day.signed_duration_since(NaiveDate::default()).num_days() as i32)
}
