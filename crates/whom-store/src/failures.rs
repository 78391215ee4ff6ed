//! What failed runs tell: beside the published state, and no part of it.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use object_store::{Error, ObjectMeta, ObjectStoreExt, path::Path as ObjectPath};
use uuid::Uuid;

use crate::{Output, Result, RunId, commit::read};

/// The folder of what failed runs tell.
pub(crate) const FAILURES: &str = "_failures";

/// The record of a failed run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureRecord {
    /// The run.
    pub run_id: RunId,
    /// When it was written, by the store's clock.
    pub written_at: DateTime<Utc>,
}

impl Output {
    /// Writes what a failed run tells under the name of the run. Readers of results never look there.
    ///
    /// # Errors
    /// [`StoreError::Failed`](crate::StoreError::Failed) if the store fails; the run has failed without that.
    pub async fn write_failure(&self, run: RunId, record: impl Into<Bytes>) -> Result<()> {
        let path = failure_path(run);
        let written = self.store.put(&path, record.into().into()).await;
        written.map(|_| ()).map_err(|error| self.failed("write", path.as_ref(), &error))
    }

    /// The failed runs that told something, the latest first; empty if none did.
    ///
    /// # Errors
    /// [`StoreError::Failed`](crate::StoreError::Failed) if the store cannot be listed.
    pub async fn failures(&self) -> Result<Vec<FailureRecord>> {
        let mut found: Vec<FailureRecord> = self.failure_objects().await?.iter().filter_map(record_of).collect();
        found.sort_by_key(|failure| (failure.written_at, failure.run_id));
        found.reverse();
        Ok(found)
    }

    /// What a failed run tells.
    ///
    /// # Errors
    /// [`StoreError::Failed`](crate::StoreError::Failed) if it cannot be read.
    pub async fn read_failure(&self, run: RunId) -> Result<Bytes> {
        let path = failure_path(run);
        read(&*self.store, &path).await.map_err(|error| self.failed("read", path.as_ref(), &error))
    }

    /// What lies in the folder of failures under the name of a run.
    pub(crate) async fn failure_objects(&self) -> Result<Vec<ObjectMeta>> {
        let listed: Result<Vec<ObjectMeta>, Error> = self.store.list(Some(&FAILURES.into())).try_collect().await;
        let listed = listed.map_err(|error| self.failed("list", FAILURES, &error))?;
        Ok(listed.into_iter().filter(|found| record_of(found).is_some()).collect())
    }
}

fn failure_path(run: RunId) -> ObjectPath {
    ObjectPath::from(format!("{FAILURES}/{run}.json"))
}

/// The record that an object is; none if it has another name than we give.
fn record_of(found: &ObjectMeta) -> Option<FailureRecord> {
    let id = Uuid::try_parse(found.location.filename()?.strip_suffix(".json")?).ok()?;
    let run_id = RunId::from(id);
    (failure_path(run_id) == found.location).then_some(FailureRecord { run_id, written_at: found.last_modified })
}
