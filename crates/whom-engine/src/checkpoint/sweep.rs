//! Throwing away checkpoints that nobody goes on from.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::lock::{OWNER, is_locked, locked};
use super::{PREFIX, STATE};

/// The checkpoints of a folder that can go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckpointSweep {
    /// Folders of plans.
    folders: Vec<PathBuf>,
    /// What lies in them.
    pub bytes: u64,
    /// Those that stay: younger, or in use.
    pub kept: usize,
}

impl CheckpointSweep {
    /// Finds the checkpoints beneath `parent` that were written before an instant; without one, only what was left by runs
    /// that were killed before their first checkpoint.
    ///
    /// # Errors
    /// If there is no such folder.
    pub fn find(parent: &Path, written_before: Option<SystemTime>) -> io::Result<Self> {
        let mut sweep = Self::default();
        let mut folders: Vec<PathBuf> = fs::read_dir(parent)?.flatten().map(|entry| entry.path()).collect();
        folders.sort();
        for folder in folders.into_iter().filter(|folder| is_ours(folder)) {
            if !is_locked(&folder) && is_old(&folder, written_before) {
                sweep.bytes += bytes_in(&folder);
                sweep.folders.push(folder);
            } else {
                sweep.kept += 1;
            }
        }
        Ok(sweep)
    }

    /// How many can go.
    pub fn checkpoints(&self) -> usize {
        self.folders.len()
    }

    /// Removes them, but for those that somebody took up meanwhile. `attempt` is a random name.
    ///
    /// # Errors
    /// If one cannot be removed.
    pub fn remove(&self, attempt: &str) -> io::Result<()> {
        for folder in &self.folders {
            let Some(_owner) = locked(folder, attempt)? else { continue };
            // First what makes it a checkpoint, last what keeps others out.
            for path in [folder.join(STATE)].into_iter().chain(files_in(folder)) {
                gone(fs::remove_file(path))?;
            }
            gone(fs::remove_file(folder.join(OWNER)))?;
            gone(fs::remove_dir(folder))?;
        }
        Ok(())
    }
}

fn is_ours(folder: &Path) -> bool {
    folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PREFIX)) && folder.is_dir()
}

fn is_old(folder: &Path, written_before: Option<SystemTime>) -> bool {
    let written = fs::metadata(folder.join(STATE)).and_then(|found| found.modified());
    match (written, written_before) {
        (Ok(written), Some(instant)) => written < instant,
        (Ok(_), None) => false,
        (Err(error), _) => error.kind() == io::ErrorKind::NotFound,
    }
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries.filter(|entry| entry.file_name() != OWNER && entry.file_name() != STATE);
    files.map(|entry| entry.path()).collect()
}

fn bytes_in(folder: &Path) -> u64 {
    let files = files_in(folder).into_iter().chain([folder.join(STATE)]);
    files.filter_map(|file| fs::metadata(file).ok()).map(|found| found.len()).sum()
}

/// What is gone already is no error.
fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
