//! Hive partitions by day: which folder holds which day.

use std::fmt::Write;

use chrono::NaiveDate;
use object_store::path::Path as ObjectPath;

/// Characters that Hive and Spark write as `%XX` in the name of a partition's folder, besides control characters.
const ESCAPED: &str = "\"#%'*/:=?\\{[]^";

/// The days of a source that is partitioned by day, both ends included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionDays {
    /// The partition column, as in `dt`.
    pub column: String,
    /// The first day needed.
    pub first: NaiveDate,
    /// The last day needed; no day at all, if it is before the first.
    pub last: NaiveDate,
}

impl PartitionDays {
    /// Every day, in order.
    pub fn days(&self) -> impl Iterator<Item = NaiveDate> + use<> {
        let last = self.last;
        self.first.iter_days().take_while(move |day| *day <= last)
    }

    /// The name of a day's folder, as in `dt=2026-10-01`; odd characters of the column are written as Hive writes them.
    pub(crate) fn folder_name(&self, day: NaiveDate) -> String {
        let mut name = String::new();
        for c in self.column.chars() {
            if c.is_ascii_control() || ESCAPED.contains(c) {
                // Writing to a string cannot fail.
                let _ = write!(name, "%{:02X}", u32::from(c));
            } else {
                name.push(c);
            }
        }
        format!("{name}={day}")
    }

    /// A day's folder.
    pub(crate) fn folder(&self, day: NaiveDate) -> Result<ObjectPath, object_store::Error> {
        Ok(ObjectPath::parse(self.folder_name(day))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn october(column: &str, first: u32, last: u32) -> PartitionDays {
        let day = |day| NaiveDate::from_ymd_opt(2026, 10, day).unwrap();
        PartitionDays { column: column.to_owned(), first: day(first), last: day(last) }
    }

    #[test]
    fn both_ends_are_included() {
        assert_eq!(october("dt", 1, 3).days().count(), 3);
        assert_eq!(october("dt", 2, 2).days().count(), 1);
        assert_eq!(october("dt", 3, 2).days().count(), 0);
    }

    #[test]
    fn odd_columns_are_written_as_hive_writes_them_and_stay_one_folder() {
        let name = |column: &str| {
            let days = october(column, 1, 1);
            days.folder_name(days.first)
        };
        assert_eq!(name("dt"), "dt=2026-10-01");
        assert_eq!(name("event date"), "event date=2026-10-01");
        assert_eq!(name("día"), "día=2026-10-01");
        assert_eq!(name("日付"), "日付=2026-10-01");
        assert_eq!(name("a:b=c"), "a%3Ab%3Dc=2026-10-01");
        for column in ["../..", "..", "/etc", "a\0b", "a\nb", "a\\b", "%2e%2e"] {
            let days = october(column, 1, 1);
            let folder = days.folder(days.first).unwrap();
            assert_eq!(folder.parts_count(), 1, "{folder}");
        }
    }
}
