//! For whom SQL is written: our engine, or any reader of plain SQL.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::sql::Fragment;

/// The words of a statement. Both say the same; the engine's are shorter, because it knows functions of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// What our engine runs.
    Engine,
    /// Plain SQL, in the words of DuckDB.
    Portable,
}

impl Dialect {
    /// An instant as a literal.
    pub(crate) fn instant_literal(self, instant: DateTime<Utc>) -> Fragment {
        let text = instant.format("%Y-%m-%dT%H:%M:%S%.fZ").to_string();
        self.zoned(&Fragment::literal(&text))
    }

    /// A time with a zone, as an instant in microseconds.
    pub(crate) fn zoned(self, time: &Fragment) -> Fragment {
        Fragment::trusted(match self {
            Self::Engine => format!("CAST({time} AS TIMESTAMP(6) WITH TIME ZONE)"),
            Self::Portable => format!("CAST({time} AS TIMESTAMP WITH TIME ZONE)"),
        })
    }

    /// The instant at which clocks of a zone show a time or begin a day; of two, the first.
    ///
    /// Plain SQL takes the last of two. So it is asked what clocks would show if they had not been set since the day before:
    /// if that is the time, it is the first instant at which they show it.
    pub(crate) fn instant_of_clock(self, time: &Fragment, zone: Tz) -> Fragment {
        let (time, is_set) = (format!("CAST({time} AS TIMESTAMP(6))"), zone != Tz::UTC);
        let zone = Fragment::literal(zone.name());
        let unset = format!("({time} - INTERVAL '24 hours') AT TIME ZONE {zone} + INTERVAL '24 hours'");
        Fragment::trusted(match self {
            Self::Engine => format!("instant({time}, {zone})"),
            Self::Portable if !is_set => format!("{time} AT TIME ZONE {zone}"),
            Self::Portable => format!(
                "CASE WHEN ({unset}) AT TIME ZONE {zone} = {time} THEN {unset} ELSE {time} AT TIME ZONE {zone} END"
            ),
        })
    }

    /// The instant so many hours after a first exposure, or before it.
    pub(crate) fn after(self, first_exposure: &str, hours: i64) -> Fragment {
        Fragment::trusted(match (hours, self) {
            (0, _) => first_exposure.to_owned(),
            (hours, Self::Engine) => format!("hours_later({first_exposure}, {hours})"),
            (hours, Self::Portable) => format!("{first_exposure} + INTERVAL '{hours} hours'"),
        })
    }

    /// A double, or NULL if it is not finite.
    pub(crate) fn finite(self, double: &Fragment) -> Fragment {
        Fragment::trusted(match self {
            Self::Engine => format!("CASE WHEN NOT not_finite({double}) THEN {double} END"),
            Self::Portable => format!("CASE WHEN isfinite({double}) THEN {double} END"),
        })
    }
}
