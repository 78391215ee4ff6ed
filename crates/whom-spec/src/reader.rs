//! How files are opened.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Opens the pipeline file and the files that it includes.
pub trait SourceReader {
    /// The first `limit` bytes of a file, or all of it if it is shorter.
    ///
    /// # Errors
    /// Whatever opening or reading it gives; the message is shown beside the path.
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>>;
}

/// Reads from the file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct FileReader;

impl SourceReader for FileReader {
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(path)?.take(limit).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// Reads from memory: for tests and examples.
#[derive(Debug, Clone, Default)]
pub struct MemoryReader {
    files: BTreeMap<PathBuf, Vec<u8>>,
}

impl MemoryReader {
    /// Adds a file, and returns the reader for the next one.
    #[must_use]
    pub fn with(mut self, path: impl Into<PathBuf>, content: impl Into<Vec<u8>>) -> Self {
        self.files.insert(path.into(), content.into());
        self
    }
}

impl SourceReader for MemoryReader {
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        let content = self.files.get(path).ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such file"))?;
        Ok(content.iter().take(usize::try_from(limit).unwrap_or(usize::MAX)).copied().collect())
    }
}
