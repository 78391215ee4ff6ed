//! `local_day(instant, zone)`: the calendar day of an instant in a time zone.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Offset};
use chrono_tz::Tz;
use datafusion::arrow::array::{AsArray, Date32Array};
use datafusion::arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use datafusion::common::hash_utils::RandomState;
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
        let mut calendar = Calendar::new(zone);
        let days: Result<Date32Array> = instants
            .as_primitive::<TimestampMicrosecondType>()
            .iter()
            .map(|instant| instant.map(|micros| calendar.day(micros)).transpose())
            .collect();
        Ok(ColumnarValue::Array(Arc::new(days?)))
    }
}

const HOUR: i64 = 3_600_000_000;

/// The days of a zone. Within an hour at whose both ends clocks are set alike they are never set otherwise, so most
/// instants need no look at the data base of zones.
struct Calendar {
    zone: Tz,
    /// By hour since 1970, how far clocks are ahead of UTC in microseconds, if they are all hour long.
    ahead: HashMap<i64, Option<i64>, RandomState>,
}

impl Calendar {
    fn new(zone: Tz) -> Self {
        Self { zone, ahead: HashMap::default() }
    }

    /// Days since 1970-01-01 of an instant in microseconds.
    fn day(&mut self, micros: i64) -> Result<i32> {
        let hour = micros.div_euclid(HOUR);
        let zone = self.zone;
        match *self.ahead.entry(hour).or_insert_with(|| ahead_all_hour(zone, hour)) {
            Some(ahead) => Ok((micros + ahead).div_euclid(24 * HOUR) as i32),
            None => day_in(zone, micros),
        }
    }
}

fn ahead_all_hour(zone: Tz, hour: i64) -> Option<i64> {
    let ahead = |micros: i64| {
        let instant = DateTime::from_timestamp_micros(micros)?;
        Some(i64::from(instant.with_timezone(&zone).offset().fix().local_minus_utc()) * 1_000_000)
    };
    let start = hour.checked_mul(HOUR)?;
    let end = start.checked_add(HOUR - 1)?;
    ahead(start).filter(|first| ahead(end) == Some(*first))
}

/// Days since 1970-01-01 of an instant in microseconds, in a zone.
fn day_in(zone: Tz, micros: i64) -> Result<i32> {
    let Some(instant) = DateTime::from_timestamp_micros(micros) else {
        return exec_err!("the instant {micros} µs is outside the calendar");
    };
    let day = instant.with_timezone(&zone).date_naive();
    Ok(day.signed_duration_since(NaiveDate::default()).num_days() as i32)
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::Date32Type;
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{column, refusal};

    async fn day(instant: &str, zone: &str) -> Option<NaiveDate> {
        let sql = format!("SELECT local_day(CAST({instant} AS TIMESTAMP(6) WITH TIME ZONE), '{zone}') AS day");
        let found = column(&sql).await.as_primitive::<Date32Type>().iter().next().unwrap();
        found.map(|days| NaiveDate::default() + chrono::Duration::days(days.into()))
    }

    #[tokio::test]
    async fn a_day_ends_at_local_midnight_on_both_sides_of_a_change_of_clocks() {
        for (instant, expected) in [
            ("'2026-03-28T22:59:59.999999Z'", "2026-03-28"),
            ("'2026-03-28T23:00:00Z'", "2026-03-29"), // clocks go forward in this day of 23 hours
            ("'2026-03-29T21:59:59Z'", "2026-03-29"),
            ("'2026-03-29T22:00:00Z'", "2026-03-30"),
            ("'2026-10-24T22:00:00Z'", "2026-10-25"), // clocks go back in this day of 25 hours
            ("'2026-10-25T22:59:59Z'", "2026-10-25"),
            ("'2026-10-25T23:00:00Z'", "2026-10-26"),
        ] {
            assert_eq!(day(instant, "Europe/Berlin").await, expected.parse().ok(), "{instant}");
        }
    }

    #[tokio::test]
    async fn no_instant_is_on_no_day() {
        assert_eq!(day("NULL", "UTC").await, None);
    }

    #[tokio::test]
    async fn a_zone_that_is_none_is_refused() {
        let message = refusal("SELECT local_day(CAST(NULL AS TIMESTAMP(6) WITH TIME ZONE), 'Mars/Olympus')").await;
        assert!(message.contains("`Mars/Olympus` is not a time zone"), "{message}");
    }

    proptest! {
        #[test]
        fn a_day_is_the_one_on_the_wall(seconds in -4_000_000_000_i64..8_000_000_000, zone in 0..chrono_tz::TZ_VARIANTS.len()) {
            let zone = chrono_tz::TZ_VARIANTS[zone];
            let wall = DateTime::from_timestamp(seconds, 0).unwrap().with_timezone(&zone).naive_local();
            let days = day_in(zone, seconds * 1_000_000).unwrap();
            let midnight = i64::from(days) * 86_400;
            prop_assert!((midnight..midnight + 86_400).contains(&wall.and_utc().timestamp()));
        }

        #[test]
        fn a_calendar_knows_the_day_of_every_instant(
            start in -4_000_000_000_i64..8_000_000_000,
            steps in prop::collection::vec(-20_000_000_000_i64..20_000_000_000, 1..40),
            zone in 0..chrono_tz::TZ_VARIANTS.len(),
        ) {
            let zone = chrono_tz::TZ_VARIANTS[zone];
            let mut calendar = Calendar::new(zone);
            for step in steps {
                let micros = start * 1_000_000 + step;
                prop_assert_eq!(calendar.day(micros).unwrap(), day_in(zone, micros).unwrap(), "{} {}", micros, zone);
            }
        }
    }
}
