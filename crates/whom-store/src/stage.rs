//! A run before it exists.

use bytes::Bytes;
use object_store::{ObjectStoreExt, WriteMultipart, path::Path as ObjectPath};
use sha2::{Digest, Sha256};

use crate::{
    FileEntry, MANIFEST_VERSION, Manifest, Output, Result, RunId, RunRecord,
    commit::{Settled, put_if_absent},
    digest::{hexadecimal, sha256},
    name,
};

/// The folder of what runs write, each in a folder named by its id.
pub(crate) const RUNS: &str = "runs";

/// The most parts of one file that are under way at once.
const PARTS_AT_ONCE: usize = 4;

/// The most bytes of a file's parts that are in memory: those under way, and the one that is being filled. A part of
/// `object_store` has 5 MiB.
pub const PARTS_BYTES: u64 = (PARTS_AT_ONCE as u64 + 1) * (5 << 20);

/// The files of one attempt, written under fresh names that nobody looks at until a manifest names them.
///
/// A stage that is dropped leaves its files where they are; [`Stage::discard`] removes them.
#[derive(Debug)]
pub struct Stage {
    pub(crate) output: Output,
    run_id: RunId,
    parent: Option<u64>,
    files: Vec<FileEntry>,
}

impl Stage {
    pub(crate) fn new(output: Output, run_id: RunId, parent: Option<u64>) -> Self {
        Self { output, run_id, parent, files: Vec::new() }
    }

    /// The attempt.
    pub fn run_id(&self) -> RunId {
        self.run_id
    }

    /// The number under which this run will be published, or not at all.
    pub fn number(&self) -> u64 {
        self.parent.map_or(1, |parent| parent.saturating_add(1))
    }

    /// The files written so far.
    pub fn files(&self) -> &[FileEntry] {
        &self.files
    }

    /// Writes a whole result file; on return it lasts. `rows` is the number of rows, if it is a table.
    ///
    /// # Errors
    /// [`StoreError::InvalidName`](crate::StoreError::InvalidName) for a name that is not plain or was used before;
    /// [`StoreError::Failed`](crate::StoreError::Failed) if the store fails, of kind
    /// [`Resources`](crate::ErrorKind::Resources) if the disk is full.
    pub async fn write(&mut self, name: &str, bytes: impl Into<Bytes>, rows: Option<u64>) -> Result<()> {
        let path = self.fresh_path(name)?;
        let bytes = bytes.into();
        self.put(&path, &bytes).await?;
        let sha256 = sha256(&bytes);
        self.files.push(FileEntry {
            name: name.to_owned(),
            path: path.to_string(),
            bytes: bytes.len() as u64,
            sha256,
            rows,
        });
        Ok(())
    }

    /// Begins a result file that is too large to be held; see [`StagedFile`].
    ///
    /// # Errors
    /// As [`Stage::write`].
    pub async fn writer(&mut self, name: &str) -> Result<StagedFile<'_>> {
        let path = self.fresh_path(name)?;
        let upload = self.output.store.put_multipart(&path).await;
        let upload = upload.map_err(|error| self.output.failed("write", path.as_ref(), &error))?;
        let (name, upload) = (name.to_owned(), WriteMultipart::new(upload));
        Ok(StagedFile { stage: self, name, path, upload, hasher: Sha256::new(), bytes: 0 })
    }

    /// Removes the files as far as possible. What cannot be removed stays unseen.
    pub async fn discard(self) {
        let copy = self.path("manifest.json");
        for path in self.files.iter().map(|file| ObjectPath::from(file.path.as_str())).chain([copy]) {
            let _ = self.output.store.delete(&path).await;
        }
    }

    /// The record of this run, as it would be published.
    pub(crate) fn manifest(&self, run: RunRecord) -> Manifest {
        Manifest {
            schema_version: MANIFEST_VERSION,
            number: self.number(),
            run_id: self.run_id,
            parent: self.parent,
            run,
            files: self.files.clone(),
        }
    }

    /// Checks that every file is there in its full length.
    pub(crate) async fn verify(&self) -> Result<()> {
        for file in &self.files {
            let found = self.output.store.head(&ObjectPath::from(file.path.as_str())).await;
            let found = found.map_err(|error| self.output.unread("check", &file.path, &error))?.size;
            if found != file.bytes {
                let problem = format!("{} bytes were written, and {found} are there", file.bytes);
                return Err(self.output.damaged(&file.path, problem));
            }
        }
        Ok(())
    }

    /// Writes an object of this run once.
    pub(crate) async fn put(&self, path: &ObjectPath, bytes: &Bytes) -> Result<()> {
        match put_if_absent(&*self.output.store, path, bytes, self.output.patience).await {
            Ok(Settled::Ours) => Ok(()),
            Ok(Settled::Theirs(_)) => {
                Err(self.output.damaged(path.as_ref(), "other bytes lie under this name".to_owned()))
            }
            Err(unsettled) => Err(self.output.failed("write", path.as_ref(), &unsettled.into_error())),
        }
    }

    /// Where a file of this run lies.
    pub(crate) fn path(&self, name: &str) -> ObjectPath {
        ObjectPath::from(format!("{RUNS}/{}/{name}", self.run_id))
    }

    /// The path of a file that does not exist yet.
    fn fresh_path(&self, name: &str) -> Result<ObjectPath> {
        name::check(name)?;
        if name == "manifest.json" || self.files.iter().any(|file| file.name == name) {
            return Err(name::taken(name));
        }
        Ok(self.path(name))
    }
}

/// A result file that is being written in parts; it belongs to the run once it is finished.
///
/// One that is given up ([`StagedFile::discard`]) leaves nothing. One that is dropped leaves nothing that anybody sees; in a
/// bucket its parts are kept, unseen and paid for, until they are cleaned away or a lifecycle rule of the bucket does it.
#[derive(Debug)]
pub struct StagedFile<'a> {
    stage: &'a mut Stage,
    name: String,
    path: ObjectPath,
    upload: WriteMultipart,
    hasher: Sha256,
    bytes: u64,
}

impl StagedFile<'_> {
    /// Appends bytes; waits while too many parts are under way, so that memory stays bounded.
    ///
    /// # Errors
    /// As [`Stage::write`].
    pub async fn write(&mut self, bytes: Bytes) -> Result<()> {
        let waited = self.upload.wait_for_capacity(PARTS_AT_ONCE).await;
        waited.map_err(|error| self.stage.output.failed("write", self.path.as_ref(), &error))?;
        self.hasher.update(&bytes);
        self.bytes += bytes.len() as u64;
        self.upload.put(bytes);
        Ok(())
    }

    /// Gives the file up, and removes its parts as far as possible.
    pub async fn discard(self) {
        let _ = self.upload.abort().await;
    }

    /// Completes the file; on return it lasts. `rows` is the number of rows, if it is a table.
    ///
    /// # Errors
    /// As [`Stage::write`].
    pub async fn finish(self, rows: Option<u64>) -> Result<()> {
        let Self { stage, name, path, upload, hasher, bytes } = self;
        if let Err(error) = upload.finish().await
            && !stage.output.arrived(&path, bytes).await
        {
            return Err(stage.output.failed("write", path.as_ref(), &error));
        }
        let sha256 = hexadecimal(hasher);
        stage.files.push(FileEntry { name, path: path.to_string(), bytes, sha256, rows });
        Ok(())
    }
}
