//! How files are opened.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Opens the pipeline file and the files that it includes.
pub trait SourceReader {
    /// The first `limit` bytes of a file, or all of it if it is shorter.
    ///
    /// # Errors
    /// Whatever opening or reading it gives; the message is shown beside the path.
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>>;

    /// The folder in which `path` would lie, for a message about a file that is not there; `None` if there is no such
    /// folder, or it cannot be listed.
    fn folder(&self, path: &Path) -> Option<Folder>;
}

/// A folder and the files in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Its path, in full where the reader knows it.
    pub path: PathBuf,
    /// The names of its files, sorted; of a very large folder, some of them.
    pub files: Vec<String>,
}

/// How many entries of a folder are looked at.
const MOST_ENTRIES: usize = 10_000;

/// Reads from the file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct FileReader;

impl SourceReader for FileReader {
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(path)?.take(limit).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn folder(&self, path: &Path) -> Option<Folder> {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = parent.canonicalize().ok()?;
        let entries = fs::read_dir(&folder).ok()?.take(MOST_ENTRIES).flatten();
        let files = entries.filter(|entry| !entry.file_type().is_ok_and(|kind| kind.is_dir()));
        let mut files: Vec<String> = files.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        files.sort_unstable();
        Some(Folder { path: folder, files })
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

    fn folder(&self, path: &Path) -> Option<Folder> {
        let folder = path.parent()?;
        let beside = self.files.keys().filter(|file| file.parent() == Some(folder));
        let files: Vec<String> = beside.filter_map(|file| Some(file.file_name()?.to_str()?.to_owned())).collect();
        (!files.is_empty()).then(|| Folder { path: Path::new(".").join(folder), files })
    }
}
