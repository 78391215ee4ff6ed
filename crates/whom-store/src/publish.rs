//! The one moment in which a run comes into being.

use bytes::Bytes;
use object_store::{ObjectStoreExt, path::Path as ObjectPath};
use serde_json::json;

use crate::{
    Cause, Manifest, Output, Published, Result, RunId, RunRecord, StoreError,
    commit::{Settled, Unsettled, put_if_absent},
    output::manifest_path,
    stage::Stage,
};

/// What became of a run that could be published.
#[derive(Debug, Clone, PartialEq)]
pub enum Publication {
    /// It is the latest run now.
    Published(Published),
    /// Another run of the same plan, inputs and version was faster; this is that run, and this run's files are gone.
    AlreadyPublished(Published),
}

impl Publication {
    /// The run that is published, whoever did it.
    pub fn published(&self) -> &Published {
        match self {
            Self::Published(published) | Self::AlreadyPublished(published) => published,
        }
    }
}

impl Stage {
    /// Publishes the run: checks that its files are whole, then writes its manifest under the next number unless that
    /// exists, and settles any doubt about the answer by reading.
    ///
    /// Until the manifest is there the published state is what it was; from then on it is this run, whole. If it
    /// cannot be published the staged files are removed, unless it is unknown whether they are published.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if another run, of other work, took the number; [`StoreError::CommitUnknown`] if the
    /// store stopped answering at the crucial moment; [`StoreError::FileDamaged`] and [`StoreError::Failed`] before.
    pub async fn publish(self, run: RunRecord) -> Result<Publication> {
        let manifest = self.manifest(run);
        match self.commit(&manifest).await {
            Ok(None) => {
                self.output.hint(&manifest).await;
                Ok(Publication::Published(self.output.publication(manifest)))
            }
            Ok(Some(winner)) => {
                let output = self.output.clone();
                self.discard().await;
                output.against(&manifest, winner)
            }
            Err(unknown @ StoreError::CommitUnknown { .. }) => Err(unknown),
            Err(error) => {
                self.discard().await;
                Err(error)
            }
        }
    }

    /// Writes the manifest; gives the manifest of the run that was faster, if one was.
    async fn commit(&self, manifest: &Manifest) -> Result<Option<Manifest>> {
        self.verify().await?;
        let body = Bytes::from(manifest.to_json(self.output.location.declared())?);
        self.put(&self.path("manifest.json"), &body).await?;
        match self.output.numbers().await?.last() {
            Some(highest) if *highest >= manifest.number => {
                return Ok(Some(self.output.published(*highest).await?.manifest));
            }
            _ => {}
        }
        self.output.put_manifest(manifest, &body).await
    }
}

impl Output {
    async fn put_manifest(&self, manifest: &Manifest, body: &Bytes) -> Result<Option<Manifest>> {
        let path = manifest_path(manifest.number);
        match put_if_absent(&*self.store, &path, body, self.patience).await {
            Ok(Settled::Ours) => Ok(None),
            Ok(Settled::Theirs(body)) => Manifest::parse(&body, manifest.number, self.location.declared()).map(Some),
            Err(Unsettled::Refused(error)) => Err(self.failed("write", path.as_ref(), &error)),
            Err(Unsettled::Unknown(error)) => Err(StoreError::CommitUnknown {
                location: self.location.declared().clone(),
                number: manifest.number,
                run_id: manifest.run_id,
                cause: Cause::new(&error),
            }),
        }
    }

    /// Weighs a run that came second against the one that came first.
    fn against(&self, ours: &Manifest, winner: Manifest) -> Result<Publication> {
        if winner.run.same_work(&ours.run) {
            return Ok(Publication::AlreadyPublished(self.publication(winner)));
        }
        let (number, winner): (u64, RunId) = (winner.number, winner.run_id);
        Err(StoreError::Conflict { location: self.location.declared().clone(), number, winner })
    }

    /// Writes `latest.json`. Nothing depends on it: it may be missing, or older than the highest manifest.
    async fn hint(&self, manifest: &Manifest) {
        let hint = json!({
            "number": manifest.number,
            "run_id": manifest.run_id,
            "manifest": manifest_path(manifest.number).to_string(),
            "folder": format!("runs/{}", manifest.run_id),
        });
        let _ = self.store.put(&ObjectPath::from("latest.json"), format!("{hint:#}\n").into()).await;
    }
}
