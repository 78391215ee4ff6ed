//! What a cache of days saves and costs a plan, known before any row is read.

use std::collections::BTreeSet;

use whom_engine::{DayFacts, ScanNeeds};
use whom_store::{DayKey, UPLOAD_BYTES};

use crate::cache::Needed;
use crate::cache::fill::{kept, wanted};
use crate::catalog::{Catalog, Source};

/// The days of a table that a plan reads from a cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedDays {
    /// The table's name in SQL.
    pub table: String,
    /// Days that are there.
    pub reused: usize,
    /// Days that have to be read where they lie, and written.
    pub filled: usize,
    /// Bytes that are read of these where they lie. About as many are written.
    pub bytes: u64,
}

/// What a plan expects of a cache.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExpectedCache {
    /// The tables whose days are cached, in alphabetical order.
    pub tables: Vec<ExpectedDays>,
    /// The scans that make days, for the plan of memory: each with its largest day.
    pub scans: Vec<ScanNeeds>,
}

impl ExpectedCache {
    /// What is there of the days that a plan reads, and what has to be made; of each day the columns that are needed.
    pub fn of(catalog: &Catalog, needed: &Needed) -> Self {
        let mut made = BTreeSet::new();
        let mut expected = Self::default();
        for source in catalog.sources() {
            if let Some((days, scan)) = of_table(source, needed, &mut made) {
                expected.scans.extend((days.filled > 0).then_some(scan));
                expected.tables.push(days);
            }
        }
        expected
    }

    /// The days of a table.
    pub fn table(&self, name: &str) -> Option<&ExpectedDays> {
        self.tables.iter().find(|days| days.table == name)
    }

    /// Bytes that are read to make days. About as many are written.
    pub fn filled(&self) -> u64 {
        self.tables.iter().map(|days| days.bytes).sum()
    }
}

/// The days of a table, and the scan that makes those that are missing. A plan may read a table under two names; its days are
/// made once.
fn of_table(source: &Source, needed: &Needed, made: &mut BTreeSet<DayKey>) -> Option<(ExpectedDays, ScanNeeds)> {
    let (days, columns) = wanted(source, needed)?;
    let mut expected = ExpectedDays { table: source.table.clone(), reused: 0, filled: 0, bytes: 0 };
    let mut scan =
        ScanNeeds { table: source.table.clone(), files: 0, rows: 0, bytes: 0, row_group: 0, row: 0, remembered: 0 };
    for (key, facts) in days.keys.iter().zip(source.pinned.days()) {
        let columns = kept(facts, columns);
        if days.entry(key, &columns).is_some() {
            expected.reused += 1;
        } else if made.insert(key.clone()) {
            let (bytes, row_group) = sizes(facts, &columns);
            expected.filled += 1;
            expected.bytes += bytes;
            scan.rows = scan.rows.max(facts.rows);
            scan.bytes = scan.bytes.max(bytes);
            scan.row_group = scan.row_group.max(row_group);
            scan.row = scan.row.max(whom_engine::scanned::row_bytes(&facts.projected(&columns).schema));
        }
    }
    scan.remembered = UPLOAD_BYTES.min(scan.bytes);
    Some((expected, scan))
}

/// The bytes of columns: all of them, and those of the largest row group.
fn sizes(facts: &DayFacts, columns: &[String]) -> (u64, u64) {
    let known = columns.iter().filter_map(|column| facts.sizes.get(column));
    known.fold((0, 0), |(all, largest), size| (all + size.all, largest + size.largest))
}
