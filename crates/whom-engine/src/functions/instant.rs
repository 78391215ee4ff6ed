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

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::Array;
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{column, engine, refusal};

    async fn instant(local: &str, zone: &str) -> Option<String> {
        let found = column(&format!("SELECT instant(CAST({local} AS TIMESTAMP(6)), '{zone}') AS t")).await;
        let found = found.as_primitive::<TimestampMicrosecondType>();
        assert_eq!(found.data_type(), &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())));
        found.iter().next().unwrap().map(|micros| DateTime::from_timestamp_micros(micros).unwrap().to_rfc3339())
    }

    #[tokio::test]
    async fn a_wall_clock_names_an_instant() {
        for (local, expected) in [
            ("'2026-07-01T12:00:00.5'", "2026-07-01T10:00:00.500+00:00"),
            ("'2026-01-01T12:00:00'", "2026-01-01T11:00:00+00:00"),
            ("'2026-10-25T02:30:00'", "2026-10-25T00:30:00+00:00"), // shown twice: the first counts
        ] {
            assert_eq!(instant(local, "Europe/Berlin").await.as_deref(), Some(expected), "{local}");
        }
        assert_eq!(instant("NULL", "Europe/Berlin").await, None);
    }

    #[tokio::test]
    async fn a_time_that_clocks_skip_is_refused_with_its_fix() {
        let sql = "SELECT instant(CAST('2026-03-29T02:30:00' AS TIMESTAMP(6)), 'Europe/Berlin')";
        insta::assert_snapshot!(refusal(sql).await, @"the time 2026-03-29 02:30:00 does not exist in Europe/Berlin, where clocks skip it; write times with their zone, or declare the zone they are in");
    }

    #[tokio::test]
    async fn a_comparison_is_one_of_instants() {
        let sql = "SELECT instant(t, 'Europe/Berlin') >= CAST('2026-07-01T10:00:00Z' AS TIMESTAMP(6) WITH TIME ZONE) AS v
            FROM (VALUES (CAST('2026-07-01T11:59:59' AS TIMESTAMP(6))), (CAST('2026-07-01T12:00:00' AS TIMESTAMP(6)))) AS l(t)";
        let answer = engine().query(sql).await.unwrap().to_batch().unwrap();
        assert_eq!(answer.column(0).as_boolean().values().iter().collect::<Vec<_>>(), [false, true]);
    }

    proptest! {
        #[test]
        fn the_clock_shows_the_local_time_at_the_instant(micros in -4_000_000_000_000_000_i64..8_000_000_000_000_000, zone in 0..chrono_tz::TZ_VARIANTS.len()) {
            let zone = chrono_tz::TZ_VARIANTS[zone];
            if let Ok(instant) = at(zone, micros) {
                let shown = DateTime::from_timestamp_micros(instant).unwrap().with_timezone(&zone).naive_local();
                prop_assert_eq!(shown.and_utc().timestamp_micros(), micros);
            }
        }
    }
}
