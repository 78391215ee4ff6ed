//! The folder for rows that do not fit into memory: owned, capped, and gone with its owner.
//!
//! The folder holds a file that its owner keeps locked; the lock ends with the process, however that ends, so the next start
//! knows which folders nobody needs.

mod plain_file;
pub(crate) mod row_file;

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::error::ArrowError;

use crate::error::EngineError;
use row_file::{RowFile, Seal};

pub use plain_file::{PlainFile, PlainWriter};

/// How the folders of all runs begin.
const PREFIX: &str = "whom-spill-";

/// The file that a living owner keeps locked.
const OWNER: &str = "owner";

/// The folder of one process.
#[derive(Debug)]
pub struct SpillFolder {
    path: PathBuf,
    limit: Option<u64>,
    usage: Usage,
    files: AtomicU64,
    _owner: File,
}

/// Bytes in the folder.
#[derive(Debug, Default)]
struct Usage {
    now: AtomicU64,
    peak: AtomicU64,
    written: AtomicU64,
}

impl SpillFolder {
    /// Makes a folder for this process beneath `parent`, and removes those whose owners are dead.
    ///
    /// # Errors
    /// [`EngineError::Resources`] if that is not possible.
    pub fn create(parent: &Path, limit: Option<u64>) -> Result<Arc<Self>, EngineError> {
        let failed = |error: io::Error| {
            EngineError::Resources(format!(
                "`{}` cannot hold what does not fit into memory: {error}; name another folder with `--spill-dir`",
                parent.display()
            ))
        };
        fs::create_dir_all(parent).map_err(failed)?;
        sweep(parent);
        let path = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent).map_err(failed)?.keep();
        let owner = File::create_new(path.join(OWNER)).map_err(failed)?;
        owner.lock().map_err(failed)?;
        Ok(Arc::new(Self { path, limit, usage: Usage::default(), files: AtomicU64::new(0), _owner: owner }))
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The most bytes that it may hold.
    pub fn limit(&self) -> Option<u64> {
        self.limit
    }

    /// The most bytes that it held at any moment.
    pub fn peak(&self) -> u64 {
        self.usage.peak.load(Ordering::Relaxed)
    }

    /// All bytes that were ever written to it.
    pub fn written(&self) -> u64 {
        self.usage.written.load(Ordering::Relaxed)
    }

    /// A new file for rows.
    ///
    /// # Errors
    /// [`EngineError::Resources`] if it cannot be made.
    pub fn writer(self: &Arc<Self>, schema: &SchemaRef) -> Result<SpillWriter, EngineError> {
        let number = self.files.fetch_add(1, Ordering::Relaxed);
        let bytes = AtomicU64::new(0);
        let file = SpillFile { path: self.path.join(number.to_string()), bytes, folder: Some(Arc::clone(self)) };
        let file = Arc::new(file);
        let counted = Arc::clone(&file);
        let writer =
            RowFile::create(&file.path, schema, Arc::new(move |bytes| counted.grow(bytes))).map_err(refused)?;
        Ok(SpillWriter { writer, schema: Arc::clone(schema), file })
    }

    /// Room for a file that comes from elsewhere and will be this long, and where to put it.
    ///
    /// # Errors
    /// [`EngineError::Resources`] if there is not so much.
    pub(crate) fn room_for(self: &Arc<Self>, seal: Seal) -> Result<(Room, PathBuf), EngineError> {
        let number = self.files.fetch_add(1, Ordering::Relaxed);
        let path = self.path.join(number.to_string());
        let file = SpillFile { path: path.clone(), bytes: AtomicU64::new(0), folder: Some(Arc::clone(self)) };
        file.grow(seal.bytes).map_err(|error| full(&error))?;
        Ok((Room { file: Arc::new(file), seal }, path))
    }

    fn take(&self, bytes: u64) -> io::Result<()> {
        let now = self.usage.now.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if let Some(limit) = self.limit.filter(|limit| now > *limit) {
            self.usage.now.fetch_sub(bytes, Ordering::Relaxed);
            return Err(io::Error::new(
                io::ErrorKind::QuotaExceeded,
                format!("more than the {limit} bytes that `--spill-limit` allows do not fit into memory"),
            ));
        }
        self.usage.peak.fetch_max(now, Ordering::Relaxed);
        self.usage.written.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }
}

impl Drop for SpillFolder {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next start.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Removes the folders of dead owners; one that is just being made has no locked owner yet, and is left for its first
/// minute.
fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let named = entry.file_name().to_string_lossy().starts_with(PREFIX);
        if named && is_abandoned(&entry.path()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn is_abandoned(folder: &Path) -> bool {
    match File::open(folder.join(OWNER)) {
        Ok(owner) => !matches!(owner.try_lock(), Err(TryLockError::WouldBlock)),
        Err(_) => fs::metadata(folder)
            .and_then(|found| found.modified())
            .is_ok_and(|written| written.elapsed().is_ok_and(|age| age.as_secs() > 60)),
    }
}

/// A file of rows. One of the folder is removed when nobody needs it, and its bytes are given back.
#[derive(Debug)]
struct SpillFile {
    path: PathBuf,
    bytes: AtomicU64,
    /// None for a file that is somebody else's to remove.
    folder: Option<Arc<SpillFolder>>,
}

impl SpillFile {
    /// Takes room in the folder for bytes that are about to be written.
    fn grow(&self, bytes: u64) -> io::Result<()> {
        if let Some(folder) = &self.folder {
            folder.take(bytes)?;
        }
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }
}

impl Drop for SpillFile {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            let _ = fs::remove_file(&self.path);
            folder.usage.now.fetch_sub(self.bytes.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }
}

impl std::fmt::Debug for SpillWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SpillWriter").field("file", &self.file).finish_non_exhaustive()
    }
}

/// Writes rows to a file of the folder.
pub struct SpillWriter {
    writer: RowFile,
    schema: SchemaRef,
    file: Arc<SpillFile>,
}

impl SpillWriter {
    /// Adds rows.
    ///
    /// # Errors
    /// [`EngineError::Resources`] if the disk or the folder's limit is full.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), EngineError> {
        self.writer.write(batch).map_err(refused)
    }

    /// Ends the file.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn finish(self) -> Result<SpilledRows, EngineError> {
        let seal = self.writer.finish().map_err(refused)?;
        Ok(SpilledRows { schema: self.schema, file: self.file, seal })
    }
}

/// Room for a file that is still on its way.
#[derive(Debug)]
pub(crate) struct Room {
    file: Arc<SpillFile>,
    seal: Seal,
}

impl Room {
    /// The rows of the file, once it is there.
    pub(crate) fn filled(self) -> Result<SpilledRows, EngineError> {
        let schema = row_file::reader(&self.file.path).map_err(refused)?.schema();
        Ok(SpilledRows { schema, file: self.file, seal: self.seal })
    }
}

/// Rows in a file. One of the folder is removed when they are dropped.
#[derive(Clone, Debug)]
pub struct SpilledRows {
    schema: SchemaRef,
    file: Arc<SpillFile>,
    seal: Seal,
}

impl SpilledRows {
    /// Rows in a file that is kept whatever becomes of them.
    pub(crate) fn kept(path: PathBuf, seal: Seal) -> Result<Self, ArrowError> {
        let schema = row_file::reader(&path)?.schema();
        let file = SpillFile { path, bytes: AtomicU64::new(seal.bytes), folder: None };
        Ok(Self { schema, file: Arc::new(file), seal })
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.file.path
    }

    /// What the file holds.
    pub(crate) fn seal(&self) -> Seal {
        self.seal
    }

    /// The columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The number of rows.
    pub fn rows(&self) -> u64 {
        self.seal.rows
    }

    /// The bytes on disk.
    pub fn bytes(&self) -> u64 {
        self.seal.bytes
    }

    /// Reads the rows, batch by batch.
    ///
    /// # Errors
    /// [`EngineError::Resources`] if the file cannot be read.
    pub fn read(&self) -> Result<impl Iterator<Item = Result<RecordBatch, EngineError>> + Send + use<>, EngineError> {
        let reader = row_file::reader(&self.file.path).map_err(refused)?;
        let kept = Arc::clone(&self.file);
        Ok(reader.map(move |batch| {
            let _ = &kept;
            batch.map_err(refused)
        }))
    }
}

fn full(error: &io::Error) -> EngineError {
    EngineError::Resources(format!("what does not fit into memory cannot be kept on disk: {error}"))
}

fn refused(error: ArrowError) -> EngineError {
    match error {
        ArrowError::IoError(_, error) => full(&error),
        error => EngineError::Internal(format!("spilled rows: {error}")),
    }
}

#[cfg(test)]
mod tests;
