//! A file of the folder that holds whatever its writer means by it.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::row_file::{Seal, Sealing, WRITE_BUFFER};
use super::{Room, SpillFile, SpillFolder, full};
use crate::error::EngineError;

/// Writes a file of the folder.
pub struct PlainWriter {
    writer: BufWriter<Sealing>,
    file: Arc<SpillFile>,
}

/// A file of the folder, removed when it is dropped.
#[derive(Debug)]
pub struct PlainFile {
    file: Arc<SpillFile>,
    seal: Seal,
}

impl SpillFolder {
    /// A new file, for bytes.
    ///
    /// # Errors
    /// [`EngineError::Resources`] if it cannot be made.
    pub fn plain_writer(self: &Arc<Self>) -> Result<PlainWriter, EngineError> {
        let path = self.path.join(self.files.fetch_add(1, Ordering::Relaxed).to_string());
        let file = Arc::new(SpillFile { path, bytes: AtomicU64::new(0), folder: Some(Arc::clone(self)) });
        let counted = Arc::clone(&file);
        let opened = File::create_new(&file.path).map_err(|error| full(&error))?;
        let sealing = Sealing::new(opened, Arc::new(move |bytes| counted.grow(bytes)));
        Ok(PlainWriter { writer: BufWriter::with_capacity(WRITE_BUFFER, sealing), file })
    }
}

impl Write for PlainWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl std::fmt::Debug for PlainWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PlainWriter").field("file", &self.file).finish_non_exhaustive()
    }
}

impl PlainWriter {
    /// Ends the file, which holds so many rows of whatever kind.
    ///
    /// # Errors
    /// [`EngineError::Resources`] if the disk or the folder's limit is full.
    pub fn finish(mut self, rows: u64) -> Result<PlainFile, EngineError> {
        self.writer.flush().map_err(|error| full(&error))?;
        let seal = self.writer.get_ref().seal(rows);
        Ok(PlainFile { file: self.file, seal })
    }
}

impl Room {
    /// The file, once it is there.
    pub(crate) fn filled_plainly(self) -> PlainFile {
        PlainFile { file: self.file, seal: self.seal }
    }
}

impl PlainFile {
    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.file.path
    }

    /// What it holds.
    pub(crate) fn seal(&self) -> Seal {
        self.seal
    }
}
