//! What an output holds beyond what is to be kept, and its removal.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::{Error, ObjectMeta, path::Path as ObjectPath};
use uuid::Uuid;

use crate::{
    Output, Pending, Published, Result, RunId,
    exchange::FOLDER as EXCHANGE,
    output::{PROBE, manifest_path},
    stage::RUNS,
};

/// Which runs are kept. The latest always is, and so is every file that a kept run names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// How many of the latest runs are kept whatever their age; less than one counts as one.
    pub keep: usize,
    /// Of the others, those that finished before this instant go; `None` keeps them all.
    pub finished_before: Option<DateTime<Utc>>,
    /// What was uploaded for runs that were never published goes if it was last written before this instant. A run that
    /// is under way must not be that old.
    pub abandoned_before: DateTime<Utc>,
    /// What failed runs tell goes if it was written before this instant.
    pub failed_before: DateTime<Utc>,
}

/// What can be removed.
#[derive(Debug, Clone, PartialEq)]
pub struct Surplus {
    /// Published runs, the latest first.
    pub runs: Vec<Published>,
    /// Runs that were never published, or whose removal was interrupted.
    pub abandoned: Vec<RunId>,
    /// The number of records of failed runs.
    pub failures: usize,
    /// The number of runs on other machines that were killed and never tried again, by what was handed over for them.
    pub exchanges: usize,
    /// Uploads in parts to any run that were never completed, and never will be.
    pub pending: Pending,
    /// The number of published runs that stay.
    pub kept: usize,
    /// The length of everything that goes.
    pub bytes: u64,
    manifests: Vec<ObjectPath>,
    objects: Vec<ObjectPath>,
}

/// What lies in an output, by the run that wrote it.
#[derive(Default)]
struct Uploads {
    runs: BTreeMap<RunId, Vec<ObjectMeta>>,
    probes: Vec<ObjectMeta>,
}

impl Output {
    /// Finds what `retention` lets go. Removes nothing.
    ///
    /// Only folders named by a run's id are looked into, so nothing else that lies beside them is ever touched.
    ///
    /// # Errors
    /// [`StoreError::Failed`](crate::StoreError::Failed) if the store cannot be listed or read;
    /// [`StoreError::ManifestUnreadable`](crate::StoreError::ManifestUnreadable) and
    /// [`StoreError::ManifestTooNew`](crate::StoreError::ManifestTooNew), because what a run names is then not known.
    pub async fn surplus(&self, retention: &Retention) -> Result<Surplus> {
        // The uploads first: what is published while they are listed is then found among the manifests.
        let uploads = self.uploads().await?;
        let listed = self.runs().await?.into_iter().map(|listed| listed.run).collect::<Result<Vec<Published>>>()?;
        let (mut kept, mut runs) = (Vec::new(), Vec::new());
        for (place, run) in listed.into_iter().enumerate() {
            let finished_at = run.manifest.run.finished_at;
            let is_old = retention.finished_before.is_some_and(|before| finished_at < before);
            if place < retention.keep.max(1) || !is_old { kept.push(run) } else { runs.push(run) }
        }
        let (abandoned, mut objects) = uploads.beyond(&kept, &runs, retention.abandoned_before);
        let mut failures = self.failure_objects().await?;
        failures.retain(|found| found.last_modified < retention.failed_before);
        objects.extend(failures.iter().cloned());
        let exchanges = self.exchanges(retention.abandoned_before).await?;
        objects.extend(exchanges.values().flatten().cloned());
        Ok(Surplus {
            abandoned,
            failures: failures.len(),
            exchanges: exchanges.len(),
            pending: self.pending(retention.abandoned_before).await,
            kept: kept.len(),
            bytes: objects.iter().fold(0, |sum, found| sum.saturating_add(found.size)),
            manifests: runs.iter().map(|run| manifest_path(run.manifest.number)).collect(),
            objects: objects.into_iter().map(|found| found.location).collect(),
            runs,
        })
    }

    /// Removes what was found: first the manifests, so that a run is gone at once and whole, then everything that was
    /// written for it. Interrupted, it leaves uploads that no manifest names, which a later removal finds.
    ///
    /// # Errors
    /// [`StoreError::Failed`](crate::StoreError::Failed) if the store refuses. What is gone already is no error.
    pub async fn remove(&self, surplus: &Surplus) -> Result<()> {
        self.delete(&surplus.manifests).await?;
        self.delete(&surplus.objects).await?;
        match &self.uploads {
            Some(uploads) => {
                surplus.pending.abort(uploads).await.map_err(|error| self.failed("abort uploads to", RUNS, &error))
            }
            None => Ok(()),
        }
    }

    /// What was handed over between machines, by the work that it was for, where nothing was written since an instant.
    async fn exchanges(&self, written_before: DateTime<Utc>) -> Result<BTreeMap<String, Vec<ObjectMeta>>> {
        let folder = ObjectPath::from(EXCHANGE);
        let listed: Result<Vec<ObjectMeta>, Error> = self.store.list(Some(&folder)).try_collect().await;
        let mut by_work: BTreeMap<String, Vec<ObjectMeta>> = BTreeMap::new();
        for found in listed.map_err(|error| self.failed("list", EXCHANGE, &error))? {
            if let Some(work) = found.location.parts().nth(1) {
                by_work.entry(work.as_ref().to_owned()).or_default().push(found);
            }
        }
        by_work.retain(|_, objects| objects.iter().all(|object| object.last_modified < written_before));
        Ok(by_work)
    }

    async fn pending(&self, begun_before: DateTime<Utc>) -> Pending {
        Pending::find(self.uploads.as_deref(), RUNS, begun_before).await
    }

    async fn uploads(&self) -> Result<Uploads> {
        let folder = ObjectPath::from(RUNS);
        let listed: Result<Vec<ObjectMeta>, Error> = self.store.list(Some(&folder)).try_collect().await;
        let listed = listed.map_err(|error| self.failed("list", RUNS, &error))?;
        let mut uploads = Uploads::default();
        for found in listed {
            if let Some(run) = run_of(&found.location) {
                uploads.runs.entry(run).or_default().push(found);
            }
        }
        let beside = self.store.list_with_delimiter(None).await.map_err(|error| self.failed("list", "", &error))?;
        uploads.probes = beside.objects.into_iter().filter(|found| is_probe(&found.location)).collect();
        Ok(uploads)
    }

    async fn delete(&self, paths: &[ObjectPath]) -> Result<()> {
        let paths = stream::iter(paths.to_vec()).map(Ok).boxed();
        let mut deletions = self.store.delete_stream(paths);
        while let Some(deleted) = deletions.next().await {
            match deleted {
                Ok(_) | Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(self.failed("delete from", "", &error)),
            }
        }
        Ok(())
    }
}

impl Uploads {
    /// The uploads of neither a kept run nor one that may still be under way, but for files that a kept run names; and
    /// the runs among them that were never published.
    fn beyond(
        self,
        kept: &[Published],
        removed: &[Published],
        abandoned_before: DateTime<Utc>,
    ) -> (Vec<RunId>, Vec<ObjectMeta>) {
        let ids = |runs: &[Published]| runs.iter().map(|run| run.manifest.run_id).collect::<BTreeSet<RunId>>();
        let (kept_ids, removed_ids) = (ids(kept), ids(removed));
        let named: BTreeSet<&str> =
            kept.iter().flat_map(|run| &run.manifest.files).map(|file| file.path.as_str()).collect();
        let is_old = |found: &ObjectMeta| found.last_modified < abandoned_before;
        let mut abandoned = Vec::new();
        let mut objects: Vec<ObjectMeta> = self.probes.into_iter().filter(is_old).collect();
        for (run, uploaded) in self.runs {
            if kept_ids.contains(&run) || !(removed_ids.contains(&run) || uploaded.iter().all(is_old)) {
                continue;
            }
            let unnamed: Vec<ObjectMeta> =
                uploaded.into_iter().filter(|found| !named.contains(found.location.as_ref())).collect();
            if !removed_ids.contains(&run) && !unnamed.is_empty() {
                abandoned.push(run);
            }
            objects.extend(unnamed);
        }
        (abandoned, objects)
    }
}

/// The run in whose folder an object lies.
fn run_of(path: &ObjectPath) -> Option<RunId> {
    let mut parts = path.parts();
    let in_runs = parts.next()?.as_ref() == RUNS;
    let folder = parts.next().filter(|_| in_runs)?;
    let id = Uuid::try_parse(folder.as_ref()).ok()?;
    // Only as we write it: hyphenated, in lower case.
    let run = RunId::from(id);
    (run.to_string() == folder.as_ref()).then_some(run)
}

/// Whether a run wrote this to see what the store does.
fn is_probe(path: &ObjectPath) -> bool {
    let id = path.filename().and_then(|name| name.strip_prefix(PROBE));
    id.is_some_and(|id| Uuid::try_parse(id).is_ok())
}
