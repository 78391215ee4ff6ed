//! Days of tables, kept in a form that is cheaper to read than their source.
//!
//! ```text
//! days/<table>/2026-10-01/<state>/<columns>.json                 says what is kept, and seals it
//! days/<table>/2026-10-01/<state>/<columns>-<attempt>-0.parquet  the rows, in parts
//! ```
//!
//! `<table>` is where a source lies, `<state>` the files of its day with their sizes and ETags, `<columns>` which of its
//! columns are kept: whatever changes the rows changes the name. So no experiment is in the name, and everybody who reads
//! the same table shares its days.
//!
//! The cache decides nothing. An entry exists when its `.json` does, written after its parts and only if absent; what it
//! holds is sealed block by block ([`Seal`](seal::Seal)), and a block that is not what was written is never handed out.
//! Everything in the folder may be removed at any time: what is missed is made again.

mod entry;
mod key;
mod part_writer;
mod seal;
mod sealed_store;
mod sweep;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::{Error, ObjectMeta, ObjectStore, ObjectStoreExt, path::Path as ObjectPath};
use uuid::Uuid;

pub use entry::{CachedPart, DayRecord, Encoded};
pub use key::{DayKey, TableKey};
pub use part_writer::{PartWriter, UPLOAD_BYTES};
pub use sweep::Sweep;

use crate::{
    Location, PinnedFile, PinnedFiles, Result, StoreError, Stores,
    cache::{key::Named, sealed_store::SealedStore},
    commit::{Patience, Settled, put_if_absent, read},
    pending_uploads::PendingUploads,
    reads::Reads,
};

/// The folder of everything that is kept.
const DAYS: &str = "days";

/// The most entries that are read at once.
const READS_AT_ONCE: usize = 16;

/// How long an entry is used before its time of writing is renewed, so that what is in use does not look old.
const RENEWED_AFTER: TimeDelta = TimeDelta::days(1);

/// A folder of cached days.
#[derive(Debug, Clone)]
pub struct DayCache {
    store: Arc<dyn ObjectStore>,
    location: Location,
    patience: Patience,
    attempt: Uuid,
    parts: Arc<AtomicUsize>,
    damaged: Damaged,
    /// What is being uploaded to it, if that has to be cleaned.
    uploads: Option<Arc<PendingUploads>>,
}

/// A day of a table as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct CachedDay {
    /// Which day, in which state.
    pub key: DayKey,
    /// What is kept of it.
    pub record: DayRecord,
    path: ObjectPath,
    written: DateTime<Utc>,
}

/// The entries that turned out not to be what was written, with the parts that they name.
#[derive(Debug, Clone, Default)]
struct Damaged(Arc<Mutex<BTreeMap<ObjectPath, Vec<ObjectPath>>>>);

impl Damaged {
    fn add(&self, entry: &ObjectPath, parts: Vec<ObjectPath>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(entry.clone(), parts);
    }

    fn take(&self) -> BTreeMap<ObjectPath, Vec<ObjectPath>> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl DayCache {
    /// Opens a folder for days; makes it if it is not there. `attempt` is a fresh random id, by which what this process
    /// writes is told from what others write at the same time.
    ///
    /// # Errors
    /// As [`Output::create`](crate::Output::create); nothing is probed, because an entry that overwrites another is as good.
    pub fn create(stores: &Stores, location: &Location, attempt: Uuid) -> Result<Self> {
        Ok(Self::at(stores.create_output(location)?, location, attempt))
    }

    /// Opens an existing folder, to throw things away.
    ///
    /// # Errors
    /// [`StoreError::LocationNotFound`] if there is no such folder on this machine.
    pub fn open(stores: &Stores, location: &Location) -> Result<Self> {
        let uploads = stores.pending_uploads(location)?.map(Arc::new);
        Ok(Self { uploads, ..Self::at(stores.open_output(location)?, location, Uuid::nil()) })
    }

    fn at(store: Arc<dyn ObjectStore>, location: &Location, attempt: Uuid) -> Self {
        Self {
            store,
            location: location.clone(),
            patience: Patience::default(),
            attempt,
            parts: Arc::default(),
            damaged: Damaged::default(),
            uploads: None,
        }
    }

    /// Where it is.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// What is kept of these days, which are in order, in the order of days; several entries of a day with other columns each. An entry that
    /// is no entry is removed, and so made again.
    ///
    /// # Errors
    /// [`StoreError::Failed`] if the folder cannot be listed or read.
    pub async fn days(&self, table: &TableKey, keys: &[DayKey]) -> Result<Vec<CachedDay>> {
        let folder = ObjectPath::from(format!("{DAYS}/{table}"));
        let listed: Result<Vec<ObjectMeta>, Error> = self.store.list(Some(&folder)).try_collect().await;
        let listed = listed.map_err(|error| self.failed("list", &folder, &error))?;
        let reads = listed.into_iter().filter_map(|found| {
            let named = Named::of(&found.location).filter(|named| named.is_entry)?;
            keys.binary_search(&named.key).ok().map(|_| self.entry(named.key, found))
        });
        let found: Vec<Option<CachedDay>> = stream::iter(reads).buffered(READS_AT_ONCE).try_collect().await?;
        let mut found: Vec<CachedDay> = found.into_iter().flatten().collect();
        found.sort_by(|one, other| (one.key.day, &one.path).cmp(&(other.key.day, &other.path)));
        Ok(found)
    }

    /// An entry of the listing; none if it was removed since, or is not what an entry of its name must be.
    async fn entry(&self, key: DayKey, found: ObjectMeta) -> Result<Option<CachedDay>> {
        let path = found.location;
        let body = match read(&*self.store, &path).await {
            Ok(body) => body,
            Err(Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(self.failed("read", &path, &error)),
        };
        if let Some(record) = DayRecord::parse(&body, &key) {
            return Ok(Some(CachedDay { key, record, path, written: found.last_modified }));
        }
        self.remove(&[path]).await?;
        Ok(None)
    }

    /// Begins a part of a day that will hold these columns.
    ///
    /// # Errors
    /// [`StoreError::Failed`] if it cannot be written.
    pub async fn part(&self, key: &DayKey, columns: &[String]) -> Result<PartWriter> {
        let number = self.parts.fetch_add(1, Ordering::Relaxed);
        let path = key.part(columns, self.attempt, number);
        let upload = self.store.put_multipart(&path).await.map_err(|error| self.failed("write", &path, &error))?;
        Ok(PartWriter::new(self.clone(), path, upload))
    }

    /// Makes an entry of parts that are complete. If somebody else was faster, theirs is as good, and ours is removed.
    ///
    /// # Errors
    /// [`StoreError::Failed`] if it cannot be written.
    pub async fn publish(&self, key: &DayKey, record: DayRecord) -> Result<CachedDay> {
        let path = key.entry(&record.columns);
        let body = record.to_bytes(key);
        let settled = put_if_absent(&*self.store, &path, &body, self.patience).await;
        let settled = settled.map_err(|unsettled| self.failed("write", &path, &unsettled.into_error()))?;
        let theirs = match settled {
            Settled::Ours => None,
            Settled::Theirs(body) => DayRecord::parse(&body, key),
        };
        let written = DateTime::<Utc>::MAX_UTC;
        if let Some(theirs) = theirs {
            self.remove(&paths_of(&path, &record)).await?;
            return Ok(CachedDay { key: key.clone(), record: theirs, path, written });
        }
        // Whatever lay there was no entry of this day.
        if read(&*self.store, &path).await.is_ok_and(|found| found != body) {
            self.put(&path, body).await?;
        }
        Ok(CachedDay { key: key.clone(), record, path, written })
    }

    /// The rows of these days as files that can only be read as they were written.
    pub fn pinned(&self, days: &[CachedDay]) -> PinnedFiles {
        let sealed = SealedStore::new(self, days);
        let mut files: Vec<PinnedFile> = days
            .iter()
            .flat_map(|day| day.record.parts.iter().map(|part| sealed.pinned(&day.part_path(part), day.key.day)))
            .collect();
        files.sort_by(|one, other| one.path.cmp(&other.path));
        PinnedFiles {
            location: self.location.clone(),
            files,
            missing_days: Vec::new(),
            hidden: 0,
            store: Arc::new(sealed),
            reads: Reads::default(),
        }
    }

    /// Notes that these entries were used, so that [`DayCache::sweep`] keeps them.
    ///
    /// # Errors
    /// [`StoreError::Failed`] if that cannot be written.
    pub async fn renew(&self, days: &[CachedDay], now: DateTime<Utc>) -> Result<()> {
        let aged = days.iter().filter(|day| day.written < now - RENEWED_AFTER);
        let entries: Vec<_> = aged.map(|day| (day.path.clone(), day.record.to_bytes(&day.key))).collect();
        let puts = entries.into_iter().map(|(path, body)| async move { self.put(&path, body).await });
        stream::iter(puts).buffered(READS_AT_ONCE).try_collect().await
    }

    /// Removes the entries that turned out damaged or gone while they were read; the answer is whether there were any. A
    /// read that met one failed with [`StoreError::CachedDayDamaged`], and can be tried again now.
    ///
    /// # Errors
    /// [`StoreError::Failed`] if they cannot be removed.
    pub async fn forget_damaged(&self) -> Result<bool> {
        let (entries, parts): (Vec<ObjectPath>, Vec<Vec<ObjectPath>>) = self.damaged.take().into_iter().unzip();
        self.remove(&entries).await?;
        self.remove(&parts.concat()).await?;
        Ok(!entries.is_empty())
    }

    async fn put(&self, path: &ObjectPath, body: Bytes) -> Result<()> {
        let put = self.store.put(path, body.into()).await;
        put.map(|_| ()).map_err(|error| self.failed("write", path, &error))
    }

    /// Removes objects; those that are gone already are no error.
    async fn remove(&self, paths: &[ObjectPath]) -> Result<()> {
        let paths = stream::iter(paths.to_vec()).map(Ok).boxed();
        let mut deletions = self.store.delete_stream(paths);
        while let Some(deleted) = deletions.next().await {
            match deleted {
                Ok(_) | Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(self.failed("delete from", &ObjectPath::ROOT, &error)),
            }
        }
        Ok(())
    }

    pub(crate) fn failed(&self, action: &'static str, path: &ObjectPath, error: &Error) -> StoreError {
        StoreError::failed(action, path.as_ref(), self.location.declared(), error)
    }
}

impl CachedDay {
    /// The day.
    pub fn day(&self) -> NaiveDate {
        self.key.day
    }

    /// The length of its parts.
    pub fn bytes(&self) -> u64 {
        self.record.parts.iter().fold(0, |sum, part| sum.saturating_add(part.bytes))
    }

    fn part_path(&self, part: &CachedPart) -> ObjectPath {
        beside(&self.path, &part.name)
    }
}

/// An object in the folder of an entry.
fn beside(entry: &ObjectPath, name: &str) -> ObjectPath {
    let mut parts: Vec<_> = entry.parts().collect();
    parts.pop();
    parts.into_iter().chain([name.into()]).collect()
}

/// The parts of an entry.
fn paths_of(entry: &ObjectPath, record: &DayRecord) -> Vec<ObjectPath> {
    record.parts.iter().map(|part| beside(entry, &part.name)).collect()
}
