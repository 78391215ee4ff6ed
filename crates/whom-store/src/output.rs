//! The place where runs are published, and what is published there.

use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, path::Path as ObjectPath};
use uuid::Uuid;

use crate::{
    Address, ErrorKind, FileEntry, Location, Manifest, Result, RunId, StoreError, Stores,
    address::Folder,
    cause::kind_of,
    commit::{Patience, Settled, is_spent, put_if_absent, read},
    digest::sha256,
    location::visible,
    pending_uploads::PendingUploads,
    stage::Stage,
};

/// The folder of manifests.
const MANIFESTS: &str = "_manifests";

/// How the names of probes begin; a killed run leaves its own behind.
pub(crate) const PROBE: &str = "_probe-";

/// A folder in which runs are published one after the other.
///
/// ```text
/// _manifests/00000000000000000001.json   the only thing that makes a run exist, written once
/// runs/<run id>/effects.parquet …        never overwritten, never listed
/// latest.json                            a hint for people
/// ```
#[derive(Debug, Clone)]
pub struct Output {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) location: Location,
    pub(crate) patience: Patience,
    /// What is being uploaded to it, if that has to be cleaned.
    pub(crate) uploads: Option<Arc<PendingUploads>>,
}

/// A run that is published, and where.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    /// The record of the run.
    pub manifest: Manifest,
    folder: Folder,
}

impl Output {
    /// Opens a place to publish in; makes the folder if it is not there, and probes that the store really refuses to
    /// write over an object when told so. `probe` is a fresh random id.
    ///
    /// # Errors
    /// [`StoreError::NoPutIfAbsent`] if the store overwrites; [`StoreError::Failed`] if it cannot be written to.
    pub async fn create(stores: &Stores, location: &Location, probe: Uuid) -> Result<Self> {
        Self::at(stores.create_output(location)?, location).probed(probe).await
    }

    /// Opens an existing place to read what is published there. Writes nothing.
    ///
    /// # Errors
    /// [`StoreError::LocationNotFound`] if there is no such folder on this machine; object stores have no folders, there
    /// it is one in which nothing is published.
    pub fn open(stores: &Stores, location: &Location) -> Result<Self> {
        let uploads = stores.pending_uploads(location)?.map(Arc::new);
        Ok(Self { uploads, ..Self::at(stores.open_output(location)?, location) })
    }

    pub(crate) fn at(store: Arc<dyn ObjectStore>, location: &Location) -> Self {
        Self { store, location: location.clone(), patience: Patience::default(), uploads: None }
    }

    /// Where it is.
    pub fn address(&self) -> Address {
        Folder::of(&self.location).address(&ObjectPath::ROOT)
    }

    /// The numbers of all published runs, in order.
    ///
    /// # Errors
    /// [`StoreError::Failed`] if the store cannot be listed.
    pub async fn numbers(&self) -> Result<Vec<u64>> {
        let listed: Result<Vec<_>, Error> = self.store.list(Some(&ObjectPath::from(MANIFESTS))).try_collect().await;
        let listed = listed.map_err(|error| self.failed("list", MANIFESTS, &error))?;
        let mut numbers: Vec<u64> = listed.iter().filter_map(|found| number_in(&found.location)).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// The run with the highest number, if any is published.
    ///
    /// # Errors
    /// As [`Output::numbers`] and [`Output::published`].
    pub async fn latest(&self) -> Result<Option<Published>> {
        match self.numbers().await?.last() {
            None => Ok(None),
            Some(number) => self.published(*number).await.map(Some),
        }
    }

    /// The run published under `number`.
    ///
    /// # Errors
    /// [`StoreError::Failed`] if it cannot be read, or is not there; otherwise as [`Manifest::parse`].
    pub async fn published(&self, number: u64) -> Result<Published> {
        let path = manifest_path(number);
        let body = read(&*self.store, &path).await.map_err(|error| self.failed("read", path.as_ref(), &error))?;
        let manifest = Manifest::parse(&body, number, self.location.declared())?;
        Ok(self.publication(manifest))
    }

    /// The bytes of a published file, after a check of their length and hash.
    ///
    /// # Errors
    /// [`StoreError::UnknownFile`] for a name that the run does not have, [`StoreError::FileDamaged`] if the bytes are
    /// not those that were published, [`StoreError::Failed`] if they cannot be read.
    pub async fn read(&self, published: &Published, name: &str) -> Result<Bytes> {
        let file = published.file(name)?;
        let path = ObjectPath::from(file.path.as_str());
        let bytes = read(&*self.store, &path).await.map_err(|error| self.unread("read", &file.path, &error))?;
        if sha256(&bytes) == file.sha256 {
            Ok(bytes)
        } else {
            Err(self.damaged(&file.path, "its bytes are not those that were published".to_owned()))
        }
    }

    /// Begins a run: nothing of it is visible before [`Stage::publish`]. It will be published as the successor of what
    /// is the latest now, so that of several runs at once only one can succeed.
    ///
    /// # Errors
    /// As [`Output::numbers`].
    pub async fn stage(&self, run_id: RunId) -> Result<Stage> {
        let parent = self.numbers().await?.last().copied();
        Ok(Stage::new(self.clone(), run_id, parent))
    }

    /// Whether an upload of `bytes` bytes was completed although its end was answered with an error.
    ///
    /// A store over the network tells the end of an upload once: if that answer is lost, it no longer knows the upload
    /// when asked again. The object is there then, in its full length, and nobody else writes under its name. On a disk
    /// an error says that the file may not last, and that is believed.
    pub(crate) async fn arrived(&self, path: &ObjectPath, bytes: u64) -> bool {
        self.location.folder().is_none() && self.store.head(path).await.is_ok_and(|found| found.size == bytes)
    }

    pub(crate) fn publication(&self, manifest: Manifest) -> Published {
        Published { manifest, folder: Folder::of(&self.location) }
    }

    pub(crate) fn failed(&self, action: &'static str, path: &str, error: &Error) -> StoreError {
        StoreError::failed(action, path, self.location.declared(), error)
    }

    /// A file of a run that cannot be read; if it is gone, it is damaged.
    pub(crate) fn unread(&self, action: &'static str, path: &str, error: &Error) -> StoreError {
        match error {
            Error::NotFound { .. } => self.damaged(path, "it is gone".to_owned()),
            _ => self.failed(action, path, error),
        }
    }

    pub(crate) fn damaged(&self, path: &str, problem: String) -> StoreError {
        StoreError::FileDamaged { location: self.location.declared().clone(), path: path.to_owned(), problem }
    }

    /// This output, if its store passes the probe.
    pub(crate) async fn probed(self, probe: Uuid) -> Result<Self> {
        let path = ObjectPath::from(format!("{PROBE}{}", probe.hyphenated()));
        let probed = self.probe(&path).await;
        // A probe that stays behind is harmless.
        let _ = self.store.delete(&path).await;
        probed.map(|()| self)
    }

    /// Writes the probe, writes it again, and sees that the second write was refused and changed nothing.
    async fn probe(&self, path: &ObjectPath) -> Result<()> {
        let unsafe_store = |problem: &str| StoreError::NoPutIfAbsent {
            location: self.location.declared().clone(),
            problem: problem.to_owned(),
        };
        let (first, second) = (Bytes::from_static(b"first\n"), Bytes::from_static(b"second\n"));
        match put_if_absent(&*self.store, path, &first, self.patience).await {
            Ok(Settled::Ours) => {}
            Ok(Settled::Theirs(_)) => return Err(unsafe_store("a fresh name was taken already")),
            Err(unsettled) => return Err(self.failed("write", path.as_ref(), &unsettled.into_error())),
        }
        match self.refused_write(path, &second).await {
            Err(Error::AlreadyExists { .. }) => {}
            Ok(()) => return Err(unsafe_store("the store overwrites what exists")),
            Err(error) => return Err(self.failed("write", path.as_ref(), &error)),
        }
        match read(&*self.store, path).await {
            Ok(found) if found == first => Ok(()),
            Ok(_) => Err(unsafe_store("the store refuses to overwrite, and overwrites")),
            Err(error) => Err(self.failed("read", path.as_ref(), &error)),
        }
    }

    /// What the store says to a write over what exists, asked again where its answer is lost: asked twice is asked once.
    async fn refused_write(&self, path: &ObjectPath, body: &Bytes) -> object_store::Result<()> {
        let mut attempt = 0;
        loop {
            let answer = self.store.put_opts(path, body.clone().into(), PutMode::Create.into()).await;
            let Err(error) = answer else { return Ok(()) };
            attempt += 1;
            let is_told = matches!(error, Error::AlreadyExists { .. }) || kind_of(&error) != ErrorKind::Transient;
            if is_told || is_spent(&error) || attempt >= self.patience.attempts {
                return Err(error);
            }
            tokio::time::sleep(self.patience.before(attempt)).await;
        }
    }
}

impl Published {
    /// The entry of the file `name`.
    ///
    /// # Errors
    /// [`StoreError::UnknownFile`], naming the files that exist.
    pub fn file(&self, name: &str) -> Result<&FileEntry> {
        let files = &self.manifest.files;
        files.iter().find(|file| file.name == name).ok_or_else(|| StoreError::UnknownFile {
            run_id: self.manifest.run_id,
            name: visible(name),
            valid: files.iter().map(|file| format!("`{}`", file.name)).collect::<Vec<_>>().join(", "),
        })
    }

    /// Where the file `name` lies.
    ///
    /// # Errors
    /// As [`Published::file`].
    pub fn address(&self, name: &str) -> Result<Address> {
        // As an object's path, so that what a manifest says cannot lead out of the output.
        Ok(self.folder.address(&ObjectPath::from(self.file(name)?.path.as_str())))
    }
}

/// Where manifest `number` lies.
pub(crate) fn manifest_path(number: u64) -> ObjectPath {
    ObjectPath::from(format!("{MANIFESTS}/{number:020}.json"))
}

/// The number of a manifest; none for anything else that lies there.
fn number_in(path: &ObjectPath) -> Option<u64> {
    let number = path.filename()?.strip_suffix(".json")?.parse().ok()?;
    (manifest_path(number) == *path).then_some(number)
}
