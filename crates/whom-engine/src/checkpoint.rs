//! What a run has made so far, kept where a next run of the same work finds it.
//!
//! ```text
//! DIR/whom-checkpoint-<name>/owner        locked by the run that works on it
//! DIR/whom-checkpoint-<name>/state.json   the checkpoint: what is done, and which files hold what of it
//! DIR/whom-checkpoint-<name>/17           rows of one table in one piece, as they lie in the spill folder
//! ```
//!
//! **Where a checkpoint lies between two statements.** There the state of a run is small and typed: the tables that later
//! statements read, by piece, and some counts. Tables never change once they are made, so a checkpoint writes only what
//! the one before it had not; rows that lie in the spill folder already are linked, not written again.
//!
//! **A checkpoint exists when `state.json` names it.** That file is written under another name, brought to the disk after
//! the files that it names, and renamed. The checkpoint before it, and what only that one named, goes afterwards. Killed at any
//! moment, the folder holds the one or the other, and files of neither, which the next owner removes.
//!
//! **It decides nothing.** It is used by the same program for the same plan on the same files ([`CheckpointFolder::open`] is
//! told which by a name and an identity), and only after the length and the hash of every file were found to be what was
//! written. Otherwise it is removed and the run begins anew. The hashes find accidents, not somebody who may write to
//! the folder. A disk that is full costs the checkpoint and not the run.
//!
//! **A folder on this machine, not a bucket.** What waits between statements can be as large as the exposures; to carry it
//! to a bucket after every scan would cost more than reading the scans again. A volume that outlives the process is what
//! orchestrators offer for this.

mod lock;
mod row_files;
mod state;
mod sweep;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use whom_store::FaultPlan;

use crate::error::EngineError;
use crate::memory_plan::{Needs, SPILLED_PERCENT};
use crate::stored::StoredRows;
use lock::{OWNER, locked};
use state::{State, TableRecord};

pub use state::FolderState;
pub use sweep::CheckpointSweep;

/// How the folders of all plans begin.
const PREFIX: &str = "whom-checkpoint-";

/// The checkpoint itself.
const STATE: &str = "state.json";

/// The next checkpoint, until it is one.
const NEXT_STATE: &str = "state.json.next";

/// What a run brings along that keeps checkpoints.
#[derive(Clone, Debug, Default)]
pub struct CheckpointTerms {
    /// What has to be the same for a checkpoint to be of use.
    pub identity: String,
    /// A random name that no other process has.
    pub attempt: String,
    /// The most bytes that the folder may hold.
    pub limit: Option<u64>,
    /// Faults, in tests.
    pub faults: Option<Arc<FaultPlan>>,
}

/// The rows of a table in all pieces, in their order.
#[derive(Clone, Debug)]
pub struct TableRows {
    /// The table.
    pub name: String,
    /// By piece.
    pub pieces: Vec<Arc<StoredRows>>,
}

/// A checkpoint that was kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Bytes that the folder holds now.
    pub bytes: u64,
    /// Of them, what was new and neither there nor linked from the spill folder.
    pub written: u64,
}

/// The folder of the checkpoints of one plan, which nobody else uses for as long as this lives.
#[derive(Debug)]
pub struct CheckpointFolder {
    path: PathBuf,
    terms: CheckpointTerms,
    /// The next number of a file.
    files: AtomicU64,
    /// Bytes in the folder.
    taken: Arc<AtomicU64>,
    written: AtomicU64,
    state: Mutex<Option<State>>,
    _owner: File,
}

impl CheckpointFolder {
    /// Opens the folder of a plan beneath `parent`, making it if it is not there, and says what it holds; `None` if another
    /// process is working on it. What can be of no use is removed.
    ///
    /// # Errors
    /// [`io::Error`] if there can be no such folder, or no lock.
    pub fn open(parent: &Path, name: &str, terms: CheckpointTerms) -> io::Result<Option<(Self, FolderState)>> {
        let path = parent.join(format!("{PREFIX}{name}"));
        let Some(owner) = locked(&path, &terms.attempt)? else { return Ok(None) };
        let (found, state) = State::found(&path.join(STATE), &terms.identity);
        let next_file = state.iter().flat_map(State::files).map(|file| file.number + 1).max().unwrap_or(0);
        let taken = state.as_ref().map_or(0, State::bytes);
        let folder = Self {
            path,
            terms,
            files: AtomicU64::new(next_file),
            taken: Arc::new(AtomicU64::new(taken)),
            written: AtomicU64::new(0),
            state: Mutex::new(state),
            _owner: owner,
        };
        folder.remove_unnamed();
        Ok(Some((folder, found)))
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The number of pieces of the checkpoint; `None` without one.
    pub fn pieces(&self) -> Option<usize> {
        self.state().as_ref().map(|state| state.pieces)
    }

    /// What [`Self::save`] was given to remember; `None` without a checkpoint, or if that is something else.
    pub fn note<T: DeserializeOwned>(&self) -> Option<T> {
        let state = self.state();
        serde_json::from_value(state.as_ref()?.note.clone()).ok()
    }

    /// The rows of all tables, each file compared with what was written. Keeps processors and the disk busy.
    ///
    /// # Errors
    /// What is wrong with which file; the checkpoint is of no use then.
    pub fn load(&self) -> Result<Vec<TableRows>, String> {
        let state = self.state().clone();
        let tables = state.as_ref().map_or(&[][..], |state| &state.tables);
        let load = |table: &TableRecord| {
            let pieces = table.pieces.par_iter().map(|files| row_files::loaded(&self.path, files).map(Arc::new));
            Ok(TableRows { name: table.name.clone(), pieces: pieces.collect::<Result<_, String>>()? })
        };
        tables.iter().map(load).collect()
    }

    /// Keeps these tables, and something to remember, in place of what was kept before. Keeps processors and the disk busy.
    /// A failure leaves what was kept before.
    ///
    /// # Errors
    /// [`EngineError::Resources`] if there is no room, [`EngineError::Internal`] if what is to be remembered cannot be
    /// written down.
    pub fn save(&self, tables: &[TableRows], note: &impl Serialize) -> Result<Kept, EngineError> {
        let (first, taken) = (self.files.load(Ordering::Relaxed), self.taken.load(Ordering::Relaxed));
        self.written.store(0, Ordering::Relaxed);
        let saved = self.saved(tables, note);
        let Ok(state) = saved else {
            (first..self.files.load(Ordering::Relaxed)).for_each(|number| self.discard(&number.to_string()));
            self.discard(NEXT_STATE);
            self.taken.store(taken, Ordering::Relaxed);
            return saved.map(|_| Kept::default());
        };
        let bytes = state.bytes();
        *self.state() = Some(state);
        self.remove_unnamed();
        self.taken.store(bytes, Ordering::Relaxed);
        Ok(Kept { bytes, written: self.written.load(Ordering::Relaxed) })
    }

    /// Removes what is kept; the folder stays in use.
    pub fn forget(&self) {
        *self.state() = None;
        self.discard(STATE);
        self.remove_unnamed();
        self.taken.store(0, Ordering::Relaxed);
    }

    /// Removes the folder.
    pub fn remove(self) {
        // What cannot be removed now is removed by the next owner, or by `whom clean`.
        let _ = self.step(|| {
            self.forget();
            self.discard(OWNER);
            fs::remove_dir(&self.path)
        });
    }

    fn saved(&self, tables: &[TableRows], note: &impl Serialize) -> Result<State, EngineError> {
        let before = self.state().clone();
        let known: BTreeMap<&str, &TableRecord> =
            before.iter().flat_map(|state| &state.tables).map(|table| (table.name.as_str(), table)).collect();
        let keep = |table: &TableRows| {
            if let Some(kept) = known.get(table.name.as_str()) {
                return Ok((*kept).clone());
            }
            let pieces = table.pieces.par_iter().map(|rows| row_files::kept(self, rows));
            Ok(TableRecord { name: table.name.clone(), pieces: pieces.collect::<Result<_, EngineError>>()? })
        };
        let tables = self.step(|| Ok(tables.iter().map(keep).collect::<Result<Vec<_>, EngineError>>()));
        let state = State::new(&self.terms.identity, tables.map_err(full)??, note)?;
        self.step(|| self.publish(&state)).map_err(full)?;
        Ok(state)
    }

    /// Makes a state the one that counts.
    fn publish(&self, state: &State) -> io::Result<()> {
        let next = self.path.join(NEXT_STATE);
        let mut file = File::create(&next)?;
        file.write_all(state.to_text().as_bytes())?;
        file.sync_all()?;
        // The names of the files, then that of the state.
        File::open(&self.path)?.sync_all()?;
        fs::rename(&next, self.path.join(STATE))?;
        File::open(&self.path)?.sync_all()
    }

    /// Takes room for bytes of a file.
    fn take(&self, bytes: u64) -> io::Result<()> {
        take(&self.taken, self.terms.limit, bytes)
    }

    /// A new file's number and path.
    fn next_file(&self) -> (u64, PathBuf) {
        let number = self.files.fetch_add(1, Ordering::Relaxed);
        (number, self.path.join(number.to_string()))
    }

    /// Removes the files that the checkpoint does not name.
    fn remove_unnamed(&self) {
        let state = self.state();
        let named: BTreeSet<String> = state.iter().flat_map(State::files).map(|file| file.number.to_string()).collect();
        let stays = |name: &str| name == OWNER || (name == STATE && state.is_some()) || named.contains(name);
        let Ok(entries) = fs::read_dir(&self.path) else { return };
        for name in entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()) {
            if !stays(&name) {
                self.discard(&name);
            }
        }
    }

    fn discard(&self, name: &str) {
        // What stays is in nobody's way.
        let _ = fs::remove_file(self.path.join(name));
    }

    /// A step at which a test may kill the process.
    fn step<T>(&self, step: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        match &self.terms.faults {
            Some(faults) => faults.around_step(step),
            None => step(),
        }
    }

    fn state(&self) -> MutexGuard<'_, Option<State>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// About the most bytes that checkpoints of a run hold at any moment: the rows that wait, as they lie on disk, twice while
/// one takes the place of another.
pub fn expected_bytes(needs: &Needs) -> u64 {
    2 * (needs.waiting() * SPILLED_PERCENT / 100)
}

/// Adds bytes to those that are taken, unless that exceeds a limit.
fn take(taken: &AtomicU64, limit: Option<u64>, bytes: u64) -> io::Result<()> {
    let now = taken.fetch_add(bytes, Ordering::Relaxed) + bytes;
    match limit.filter(|limit| now > *limit) {
        Some(limit) => Err(io::Error::new(
            io::ErrorKind::QuotaExceeded,
            format!("it takes more than the {limit} bytes that `--checkpoint-limit` allows"),
        )),
        None => Ok(()),
    }
}

fn full(error: impl std::fmt::Display) -> EngineError {
    EngineError::Resources(error.to_string())
}
