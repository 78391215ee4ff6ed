//! What a cache holds and nobody needs, and its removal.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use object_store::{Error, ObjectMeta, path::Path as ObjectPath};

use crate::{
    DayCache, Pending, Result,
    cache::{DAYS, DayKey, DayRecord, beside, key::Named},
    commit::read,
};

/// What can be removed from a cache.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sweep {
    /// Entries that nobody used for longer.
    pub days: usize,
    /// Objects that no entry names: what killed runs left.
    pub remains: usize,
    /// Uploads in parts that were never completed, and never will be.
    pub pending: Pending,
    /// The length of everything that goes.
    pub bytes: u64,
    /// Entries that stay.
    pub kept: usize,
    /// Entries first, so that an interrupted removal leaves nothing that is believed.
    entries: Vec<ObjectPath>,
    objects: Vec<ObjectPath>,
}

/// An entry and whatever lies in its folder under its name.
#[derive(Default)]
struct Group {
    entry: Option<ObjectMeta>,
    parts: Vec<ObjectMeta>,
}

impl DayCache {
    /// Finds the entries that were last used before `used_before`, and the objects without an entry that were written
    /// before `abandoned_before`. Removes nothing, and looks at nothing that is not named as this cache names things.
    ///
    /// # Errors
    /// [`StoreError::Failed`](crate::StoreError::Failed) if the folder cannot be listed or read.
    pub async fn sweep(&self, used_before: Option<DateTime<Utc>>, abandoned_before: DateTime<Utc>) -> Result<Sweep> {
        let folder = ObjectPath::from(DAYS);
        let listed: Result<Vec<ObjectMeta>, Error> = self.store.list(Some(&folder)).try_collect().await;
        let mut groups: BTreeMap<ObjectPath, (DayKey, Group)> = BTreeMap::new();
        for found in listed.map_err(|error| self.failed("list", &folder, &error))? {
            let Some(Named { key, entry, is_entry }) = Named::of(&found.location) else { continue };
            let (_, group) = groups.entry(entry).or_insert_with(|| (key, Group::default()));
            if is_entry { group.entry = Some(found) } else { group.parts.push(found) }
        }
        let pending = Pending::find(self.uploads.as_deref(), DAYS, abandoned_before).await;
        let mut sweep = Sweep { pending, ..Sweep::default() };
        for (key, group) in groups.into_values() {
            let aged = group.entry.as_ref().is_some_and(|entry| used_before.is_some_and(|at| entry.last_modified < at));
            match group.entry {
                Some(entry) if aged => sweep.lose(&entry, &group.parts),
                Some(entry) => {
                    let named = self.named_by(&key, &entry.location).await?;
                    sweep.keep(named.is_some());
                    sweep.clear(&group.parts, &named.unwrap_or_default(), abandoned_before);
                }
                None => sweep.clear(&group.parts, &BTreeSet::new(), abandoned_before),
            }
        }
        Ok(sweep)
    }

    /// Removes what was found.
    ///
    /// # Errors
    /// [`StoreError::Failed`](crate::StoreError::Failed) if the store refuses. What is gone already is no error.
    pub async fn remove_swept(&self, sweep: &Sweep) -> Result<()> {
        self.remove(&sweep.entries).await?;
        self.remove(&sweep.objects).await?;
        let Some(uploads) = &self.uploads else { return Ok(()) };
        let aborted = sweep.pending.abort(uploads).await;
        aborted.map_err(|error| self.failed("abort uploads to", &ObjectPath::from(DAYS), &error))
    }

    /// The parts that an entry names; none if it is no entry.
    async fn named_by(&self, key: &DayKey, entry: &ObjectPath) -> Result<Option<BTreeSet<ObjectPath>>> {
        let body = match read(&*self.store, entry).await {
            Ok(body) => body,
            Err(Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(self.failed("read", entry, &error)),
        };
        let record = DayRecord::parse(&body, key);
        Ok(record.map(|record| record.parts.iter().map(|part| beside(entry, &part.name)).collect()))
    }
}

impl Sweep {
    fn lose(&mut self, entry: &ObjectMeta, parts: &[ObjectMeta]) {
        self.days += 1;
        self.entries.push(entry.location.clone());
        for found in parts.iter().chain([entry]) {
            self.bytes = self.bytes.saturating_add(found.size);
        }
        self.objects.extend(parts.iter().map(|part| part.location.clone()));
    }

    fn keep(&mut self, is_entry: bool) {
        self.kept += usize::from(is_entry);
    }

    /// Parts that no entry names go once they are old enough that nobody still writes them.
    fn clear(&mut self, parts: &[ObjectMeta], named: &BTreeSet<ObjectPath>, abandoned_before: DateTime<Utc>) {
        let unnamed = |part: &&ObjectMeta| !named.contains(&part.location) && part.last_modified < abandoned_before;
        for part in parts.iter().filter(unnamed) {
            self.remains += 1;
            self.bytes = self.bytes.saturating_add(part.size);
            self.objects.push(part.location.clone());
        }
    }
}
