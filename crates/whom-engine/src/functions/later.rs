//! `hours_later(instant, hours)` and `days_earlier(day, days)`: sums of whole numbers. The engine's own arithmetic with
//! intervals goes through the calendar for every row.

use std::sync::Arc;

use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::{DataType, Date32Type, TimeUnit, TimestampMicrosecondType};
use datafusion::arrow::error::ArrowError;
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

const MICROSECONDS_PER_HOUR: i64 = 3_600_000_000;

/// The instant so many hours later; NULL stays NULL, and an instant beyond 64 bits is refused.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct HoursLater {
    signature: Signature,
}

impl HoursLater {
    pub(super) fn new() -> Self {
        let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        Self { signature: Signature::exact(vec![instant, DataType::Int64], Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for HoursLater {
    fn name(&self) -> &'static str {
        "hours_later"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok(arguments[0].clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let hours = literal(&args.args[1])?;
        let instants = args.args[0].to_array(args.number_rows)?;
        let later = hours.checked_mul(MICROSECONDS_PER_HOUR).ok_or_else(beyond)?;
        let sums = instants
            .as_primitive::<TimestampMicrosecondType>()
            .try_unary::<_, TimestampMicrosecondType, _>(|instant| instant.checked_add(later).ok_or_else(beyond))?;
        Ok(ColumnarValue::Array(Arc::new(sums.with_timezone("UTC"))))
    }
}

/// The day so many days earlier; NULL stays NULL, and a day beyond 32 bits is refused.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct DaysEarlier {
    signature: Signature,
}

impl DaysEarlier {
    pub(super) fn new() -> Self {
        Self { signature: Signature::exact(vec![DataType::Date32, DataType::Int64], Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for DaysEarlier {
    fn name(&self) -> &'static str {
        "days_earlier"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok(arguments[0].clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let earlier = i32::try_from(literal(&args.args[1])?).map_err(|_| beyond())?;
        let days = args.args[0].to_array(args.number_rows)?;
        let differences = days
            .as_primitive::<Date32Type>()
            .try_unary::<_, Date32Type, _>(|day| day.checked_sub(earlier).ok_or_else(beyond))?;
        Ok(ColumnarValue::Array(Arc::new(differences)))
    }
}

fn literal(number: &ColumnarValue) -> Result<i64> {
    if let ColumnarValue::Scalar(ScalarValue::Int64(Some(number))) = number {
        return Ok(*number);
    }
    plan_err!("how much later or earlier must be a literal")
}

fn beyond() -> ArrowError {
    ArrowError::ArithmeticOverflow("a time beyond the calendar".to_owned())
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{Array, ArrayRef, Date32Array, TimestampMicrosecondArray};

    use super::*;
    use crate::EngineError;
    use crate::testing::{column_of, engine_with};

    fn instants(values: Vec<Option<i64>>) -> ArrayRef {
        Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC"))
    }

    #[tokio::test]
    async fn an_instant_and_a_day_move_as_by_an_interval() {
        let micros = vec![Some(-1), None, Some(1_772_000_000_123_456)];
        let engine = engine_with(
            "t",
            vec![("at", instants(micros)), ("day", Arc::new(Date32Array::from(vec![Some(0), None, Some(-20_000)])))],
        );
        for hours in [1, 24, 336, 24 * 365 * 30] {
            let ours = column_of(&engine, &format!("SELECT hours_later(at, {hours}) AS v FROM t")).await;
            let theirs = column_of(&engine, &format!("SELECT at + INTERVAL '{hours} hours' AS v FROM t")).await;
            assert_eq!(ours.to_data(), theirs.to_data(), "{hours}");
        }
        for days in [0, 1, 7, 400] {
            let ours = column_of(&engine, &format!("SELECT days_earlier(day, {days}) AS v FROM t")).await;
            let theirs = column_of(&engine, &format!("SELECT day - INTERVAL '{days} days' AS v FROM t")).await;
            assert_eq!(ours.to_data(), theirs.to_data(), "{days}");
        }
    }

    #[tokio::test]
    async fn what_leaves_the_calendar_is_refused() {
        let engine = engine_with("t", vec![("at", instants(vec![Some(i64::MAX - 5)]))]);
        let error = engine.query("SELECT hours_later(at, 1) AS v FROM t").await.unwrap_err();
        assert!(matches!(error, EngineError::NoValue(_)), "{error}");
    }
}
