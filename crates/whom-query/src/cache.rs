//! Days that were read before: their rows with the columns that plans need, in a [`DayCache`].
//!
//! With a cache, [`Catalog::open_with`](crate::Catalog::open_with) looks up the days of every partitioned table, and
//! [`keep_days`] makes those that are not there; the statements then run, unchanged, over the cached days instead of the
//! files. A night reads of its sources the new days, and those whose files changed: the listing is made in full every
//! night, and a day is known by its files.
//!
//! The rows are those of the source, all of them and as they are, without any column that no plan of the command needs. So
//! nothing in the cache depends on an experiment, the same statements give the same rows, and whatever is counted on the
//! way is counted the same.

mod expected;
mod fill;
mod needed;
mod reads;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use whom_engine::{DayFacts, PinnedTable};
use whom_store::{CachedDay, DayCache, DayKey, PinnedFiles, StoreError, TableKey};

pub use expected::{ExpectedCache, ExpectedDays};
pub use fill::{Filling, keep_days};
pub use needed::Needed;
pub use reads::{CacheReads, TableReads};

/// A cache, and what the footers of days said that this process has seen.
#[derive(Debug)]
pub struct Cache {
    /// The days.
    pub days: DayCache,
    known: Mutex<BTreeMap<DayKey, DayFacts>>,
}

/// The days of a source, and what a cache holds of them.
#[derive(Debug)]
pub(crate) struct SourceDays {
    /// The table that they are of.
    pub(crate) table: TableKey,
    /// The column of the day.
    pub(crate) partition: String,
    /// The days in order, each in the state of its files.
    pub(crate) keys: Vec<DayKey>,
    /// What is there of them.
    pub(crate) found: Vec<CachedDay>,
    /// The days as they are read, once all of them are there.
    pub(crate) cached: Option<CachedTable>,
}

/// A table over cached days.
#[derive(Debug)]
pub(crate) struct CachedTable {
    pub(crate) table: Arc<PinnedTable>,
    pub(crate) listing: PinnedFiles,
    /// Days that were there already.
    pub(crate) reused: usize,
    /// Days that were made.
    pub(crate) filled: usize,
}

impl Cache {
    /// A cache that has seen nothing.
    pub fn new(days: DayCache) -> Self {
        Self { days, known: Mutex::default() }
    }

    /// What is known of the days of a source without reading a footer.
    pub(crate) fn known(&self, days: &SourceDays) -> Vec<DayFacts> {
        let mut known: BTreeMap<&DayKey, DayFacts> = BTreeMap::new();
        for entry in &days.found {
            let facts = DayFacts::recorded(entry.day(), &entry.record);
            known.extend(facts.map(|facts| (&entry.key, facts)));
        }
        let seen = self.seen();
        for key in &days.keys {
            if let Some(facts) = seen.get(key) {
                known.entry(key).or_insert_with(|| facts.clone());
            }
        }
        known.into_values().collect()
    }

    /// Takes note of what the footers of a source said.
    pub(crate) fn remember(&self, days: &SourceDays, table: &PinnedTable) {
        let facts: BTreeMap<_, _> = table.days().iter().map(|facts| (facts.day, facts)).collect();
        let of_key = |key: &DayKey| Some((key.clone(), (*facts.get(&key.day)?).clone()));
        self.seen().extend(days.keys.iter().filter_map(of_key));
    }

    fn seen(&self) -> MutexGuard<'_, BTreeMap<DayKey, DayFacts>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SourceDays {
    /// Looks up the days of a listing.
    pub(crate) async fn look_up(cache: &Cache, listing: &PinnedFiles, partition: &str) -> Result<Self, StoreError> {
        let table = TableKey::of(&listing.location, partition);
        let keys = table.days(listing);
        let found = cache.days.days(&table, &keys).await?;
        Ok(Self { table, partition: partition.to_owned(), keys, found, cached: None })
    }

    /// The smallest entry of a day with all of these columns.
    fn entry(&self, key: &DayKey, columns: &[String]) -> Option<&CachedDay> {
        let holds = |entry: &&CachedDay| {
            let kept: BTreeSet<&String> = entry.record.columns.iter().collect();
            entry.key == *key && columns.iter().all(|column| kept.contains(column))
        };
        self.found.iter().filter(holds).min_by_key(|entry| entry.bytes())
    }
}
