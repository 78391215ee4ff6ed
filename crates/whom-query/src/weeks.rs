//! Weeks of first exposure: a column of codes beside the tags, for effects over time. No search sees it.

use chrono::{Datelike, Days, NaiveDate};
use serde::{Deserialize, Serialize};
use whom_spec::plan::Split;
use whom_stats::pass::ColumnShape;

/// The most weeks that are told apart; later days belong to the last one.
const MOST: u64 = 256;

/// The weeks of a split, counted from its first day; the last one ends with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(i32, i32)", into = "(i32, i32)")]
pub struct Weeks {
    start: NaiveDate,
    end: NaiveDate,
}

impl From<Weeks> for (i32, i32) {
    fn from(Weeks { start, end }: Weeks) -> Self {
        (start.num_days_from_ce(), end.num_days_from_ce())
    }
}

impl From<(i32, i32)> for Weeks {
    fn from((start, end): (i32, i32)) -> Self {
        let day = |days| NaiveDate::from_num_days_from_ce_opt(days).unwrap_or_default();
        Self { start: day(start), end: day(end) }
    }
}

impl Weeks {
    /// The weeks of a split.
    pub(crate) fn of(split: &Split) -> Self {
        Self { start: *split.start, end: *split.end }
    }

    /// How many there are: 1 to 256.
    pub fn count(self) -> usize {
        let days = (self.end - self.start).num_days().max(0) as u64 + 1;
        days.div_ceil(7).min(MOST) as usize
    }

    /// The first and the last day of a week.
    pub fn days(self, week: usize) -> [NaiveDate; 2] {
        let day = |days: usize| self.start.checked_add_days(Days::new(days as u64)).unwrap_or(self.end);
        let last = if week + 1 < self.count() { day(7 * week + 6) } else { self.end };
        [day(7 * week), last]
    }

    /// The week of a day that is given as days since 1970-01-01. A day outside the split belongs to the week next to it.
    pub fn week(self, day: i32) -> u8 {
        let start = (self.start - NaiveDate::default()).num_days();
        let week = (i64::from(day) - start).max(0) / 7;
        week.min(self.count() as i64 - 1) as u8
    }

    /// The column of weeks; `None` of a single week, which tells nothing.
    pub(crate) fn shape(self) -> Option<ColumnShape> {
        let codes = self.count();
        (codes > 1).then(|| ColumnShape {
            name: "week of first exposure".to_owned(),
            codes,
            ordered: true,
            missing: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weeks(start: &str, end: &str) -> Weeks {
        let [start, end] = [start, end].map(|day| day.parse().unwrap());
        Weeks { start, end }
    }

    fn week(weeks: Weeks, day: &str) -> u8 {
        let day: NaiveDate = day.parse().unwrap();
        weeks.week((day - NaiveDate::default()).num_days() as i32)
    }

    #[test]
    fn weeks_are_counted_from_the_first_day_and_the_last_may_be_short() {
        let run = weeks("2026-10-01", "2026-10-29");
        assert_eq!(run.count(), 5);
        assert_eq!(
            ["2026-10-01", "2026-10-07", "2026-10-08", "2026-10-28", "2026-10-29"].map(|day| week(run, day)),
            [0, 0, 1, 3, 4]
        );
        assert_eq!(run.days(1).map(|day| day.to_string()), ["2026-10-08", "2026-10-14"]);
        assert_eq!(run.days(4).map(|day| day.to_string()), ["2026-10-29", "2026-10-29"]);
    }

    #[test]
    fn a_run_of_one_week_has_no_column() {
        assert_eq!(weeks("2026-10-01", "2026-10-07").shape(), None);
        assert_eq!(weeks("2026-10-01", "2026-10-08").shape().unwrap().codes, 2);
    }

    #[test]
    fn the_last_of_256_weeks_holds_all_later_days() {
        let run = weeks("2020-01-01", "2026-01-01");
        assert_eq!((run.count(), week(run, "2026-01-01"), week(run, "2019-01-01")), (256, 255, 0));
        assert_eq!(run.days(255).map(|day| day.to_string()), ["2024-11-20", "2026-01-01"]);
    }
}
