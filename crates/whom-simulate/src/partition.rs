//! The files of a warehouse: a table, a day, and a range of units each.

use std::ops::Range;
use std::path::PathBuf;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use chrono::{Duration, NaiveDate};

use crate::population::Population;
use crate::validate::DAY_COLUMN;
use crate::{events, exposures, snapshots};

/// Units whose rows are made, sorted and encoded together; this bounds memory.
const BLOCK: u64 = 1 << 17;

/// A table of a warehouse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TableKind {
    /// Who was shown which variant, and when.
    Exposures,
    /// What was known of each unit on each day.
    Snapshots,
    /// A fact table, by its place in the description.
    Fact(usize),
}

/// A file of a population's warehouse. It can be made alone, at any time, in any order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Partition {
    pub(crate) table: TableKind,
    pub(crate) day: i64,
    /// The number of the file of that day.
    pub(crate) part: u64,
}

impl Partition {
    /// The table.
    pub fn table(self) -> TableKind {
        self.table
    }

    /// The day, counted from the start of the experiment.
    pub fn day(self) -> i64 {
        self.day
    }
}

impl Population {
    /// All files of the warehouse, in the order of tables, days and units.
    pub fn partitions(&self) -> Vec<Partition> {
        let parts = self.warehouse.units.div_ceil(self.warehouse.units_per_file);
        let tables = [TableKind::Exposures, TableKind::Snapshots].into_iter();
        let tables = tables.chain((0..self.facts.len()).map(TableKind::Fact));
        let days = tables.flat_map(|table| self.days(table).map(move |day| (table, day)));
        days.flat_map(|(table, day)| (0..parts).map(move |part| Partition { table, day, part })).collect()
    }

    /// The days of a table, counted from the start of the experiment.
    fn days(&self, table: TableKind) -> Range<i64> {
        let calendar = &self.warehouse.calendar;
        let [enrolment, window, history, late] =
            [calendar.enrolment_days, calendar.window_days, calendar.history_days, calendar.late_days].map(i64::from);
        match table {
            TableKind::Exposures => 0..enrolment,
            TableKind::Snapshots => self.snapshot_days(),
            TableKind::Fact(_) => -history..enrolment + window + late,
        }
    }

    /// The days of snapshots, counted from the start of the experiment.
    pub(crate) fn snapshot_days(&self) -> Range<i64> {
        let calendar = &self.warehouse.calendar;
        let eve_of_the_last = i64::from(calendar.enrolment_days) - 2;
        eve_of_the_last + 1 - i64::from(calendar.snapshots)..eve_of_the_last + 1
    }

    /// The name of a table, which is that of its folder.
    pub(crate) fn table_name(&self, table: TableKind) -> &str {
        match table {
            TableKind::Exposures => "exposures",
            TableKind::Snapshots => "snapshots",
            TableKind::Fact(fact) => &self.warehouse.facts[fact].name,
        }
    }

    /// Where a file lies in the warehouse's folder.
    pub fn path(&self, partition: Partition) -> PathBuf {
        let day = self.date(partition.day);
        let folder = format!("{DAY_COLUMN}={day}");
        [self.table_name(partition.table), &folder, &format!("part-{:05}.parquet", partition.part)].iter().collect()
    }

    /// The date of a day counted from the start of the experiment.
    pub(crate) fn date(&self, day: i64) -> NaiveDate {
        self.warehouse.calendar.start + Duration::days(day)
    }

    /// The rows of one of [this population's files](Self::partitions), block by block, at least one. A block's rows depend on nothing but the description and its units.
    ///
    /// # Errors
    /// An item is an error if its columns cannot be put together, which no description causes.
    pub fn blocks(&self, partition: Partition) -> impl Iterator<Item = Result<RecordBatch, ArrowError>> + use<'_> {
        let per_file = self.warehouse.units_per_file;
        let first = partition.part.saturating_mul(per_file).min(self.warehouse.units);
        let end = first.saturating_add(per_file).min(self.warehouse.units);
        let starts = (first..end).step_by(BLOCK as usize);
        starts.map(move |start| self.block(partition, start..end.min(start + BLOCK)))
    }

    fn block(&self, partition: Partition, units: Range<u64>) -> Result<RecordBatch, ArrowError> {
        match partition.table {
            TableKind::Exposures => exposures::block(self, partition.day, units),
            TableKind::Snapshots => snapshots::block(self, partition.day, units),
            TableKind::Fact(fact) => events::block(self, fact, partition.day, units),
        }
    }
}
