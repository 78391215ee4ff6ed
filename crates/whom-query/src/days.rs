//! Which days of each source a plan needs, and the instants that bound the experiment.

use chrono::{DateTime, Days, Duration, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;
use whom_spec::plan::{Fact, Hours, Measure, Partition, Plan, Snapshot, TagTable};

/// Days, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DayRange {
    /// The first day.
    pub(crate) first: NaiveDate,
    /// The last day.
    pub(crate) last: NaiveDate,
}

/// The time that an experiment covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Period {
    /// The first instant of the first day.
    pub(crate) from: DateTime<Utc>,
    /// The first instant after the last day.
    pub(crate) until: DateTime<Utc>,
}

impl Period {
    /// The days of first exposures, in the experiment's time zone.
    pub(crate) fn of(plan: &Plan) -> Self {
        let zone = plan.time_zone;
        Self { from: start_of(*plan.split.start, zone), until: end_of(*plan.split.end, zone) }
    }
}

/// The first instant of a day in a zone. Where clocks skip midnight, the day begins when they arrive.
pub fn start_of(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let midnight = day.and_time(NaiveTime::MIN);
    let begins = (0..=24 * 4)
        .find_map(|quarter| zone.from_local_datetime(&(midnight + Duration::minutes(15 * quarter))).earliest());
    begins.map_or_else(|| midnight.and_utc(), |instant| instant.with_timezone(&Utc))
}

/// The first instant after a day in a zone.
pub(crate) fn end_of(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    start_of(day.checked_add_days(Days::new(1)).unwrap_or(day), zone)
}

fn hours(hours: Hours) -> Duration {
    Duration::hours(i64::from(hours.0))
}

/// The first instant whose rows are never read, in the zone of a source's days; `None` where everything is.
pub fn through_end(plan: &Plan, partition: Option<&Partition>) -> Option<DateTime<Utc>> {
    let zone = partition.map_or(plan.time_zone, |partition| partition.time_zone);
    plan.through.as_ref().map(|through| end_of(**through, zone))
}

/// The days of a partitioned source that hold instants of `[from, until)`, cut at `through`.
fn days_of(plan: &Plan, partition: &Partition, from: DateTime<Utc>, until: DateTime<Utc>) -> DayRange {
    let local = |instant: DateTime<Utc>| instant.with_timezone(&partition.time_zone).date_naive();
    let last = local(until - Duration::microseconds(1));
    DayRange { first: local(from), last: plan.through.as_ref().map_or(last, |through| last.min(**through)) }
}

/// The days of the split that are read, `lookback` included; `None` for a source without partitions.
pub(crate) fn of_split(plan: &Plan) -> Option<DayRange> {
    let period = Period::of(plan);
    let from = plan.split.lookback.map_or(period.from, |lookback| period.from - hours(lookback));
    plan.split.partition.as_ref().map(|partition| days_of(plan, partition, from, period.until))
}

/// The earliest opening and the latest closing of the windows over a fact table, as hours after first exposure.
pub(crate) fn windows<'a>(measures: impl Iterator<Item = &'a Measure<'a>>) -> Option<(i64, i64)> {
    measures
        .map(|measure| (measure.opens, measure.closes))
        .reduce(|wide, next| (wide.0.min(next.0), wide.1.max(next.1)))
}

/// The days of a fact table that its metrics need; `None` for a source without partitions or metrics.
pub(crate) fn of_fact(plan: &Plan, fact: &Fact) -> Option<DayRange> {
    let period = Period::of(plan);
    let measures = plan.measures();
    let (opens, closes) = windows(measures.iter().filter(|measure| *measure.from == fact.name))?;
    let (from, until) = (period.from + Duration::hours(opens), period.until + Duration::hours(closes));
    fact.partition.as_ref().map(|partition| days_of(plan, partition, from, until))
}

/// The days of a tag table: as old as a snapshot may be for the first exposure, up to the day before the last. Snapshots
/// between the two are read for everybody, so the later ones of early units are seen and counted.
pub(crate) fn of_tags(plan: &Plan, table: &TagTable) -> Option<DayRange> {
    let Snapshot::Dated { at_most_days, .. } = table.snapshot else { return None };
    let first = plan.split.start.checked_sub_days(Days::new(u64::from(at_most_days))).unwrap_or(*plan.split.start);
    let last = plan.split.end.pred_opt().unwrap_or(*plan.split.end);
    Some(DayRange { first, last: plan.through.as_ref().map_or(last, |through| last.min(**through)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_starts_at_local_midnight() {
        assert_eq!(start_of(day("2026-10-01"), chrono_tz::Europe::Berlin).to_rfc3339(), "2026-09-30T22:00:00+00:00");
    }

    #[test]
    fn a_day_without_midnight_starts_when_the_clocks_arrive() {
        let start = start_of(day("2018-11-04"), chrono_tz::America::Sao_Paulo);
        assert_eq!(start.to_rfc3339(), "2018-11-04T03:00:00+00:00");
    }

    #[test]
    fn the_day_of_a_change_of_clocks_has_its_real_length() {
        let (from, until) = (day("2026-10-25"), chrono_tz::Europe::Berlin);
        assert_eq!(end_of(from, until) - start_of(from, until), Duration::hours(25));
    }
}
