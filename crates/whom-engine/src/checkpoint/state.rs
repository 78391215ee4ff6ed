//! What a checkpoint says of itself.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

use crate::error::EngineError;
use crate::spill::row_file::Seal;

/// The version of what is kept and how: a change of either makes what was kept before useless.
const FORMAT: u32 = 1;

/// What a folder held when it was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FolderState {
    /// Nothing.
    Empty,
    /// A checkpoint that may be used.
    Usable,
    /// A checkpoint that may not, and why.
    Unusable(String),
}

/// A checkpoint: what is kept of each table, and something to remember.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    format: u32,
    identity: String,
    /// The number of pieces.
    pub(super) pieces: usize,
    pub(super) tables: Vec<TableRecord>,
    pub(super) note: Value,
}

/// The files of a table, by piece.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct TableRecord {
    pub(super) name: String,
    pub(super) pieces: Vec<Vec<FileRecord>>,
}

/// A file of rows. Its number is its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileRecord {
    pub(super) number: u64,
    rows: u64,
    bytes: u64,
    hash: u64,
}

impl FileRecord {
    pub(super) fn new(number: u64, seal: Seal) -> Self {
        let Seal { bytes, hash, rows } = seal;
        Self { number, rows, bytes, hash }
    }

    pub(super) fn seal(&self) -> Seal {
        let Self { rows, bytes, hash, .. } = *self;
        Seal { bytes, hash, rows }
    }
}

impl State {
    pub(super) fn new(identity: &str, tables: Vec<TableRecord>, note: &impl Serialize) -> Result<Self, EngineError> {
        let note = serde_json::to_value(note).map_err(|error| EngineError::Internal(error.to_string()))?;
        let pieces = tables.first().map_or(0, |table| table.pieces.len());
        Ok(Self { format: FORMAT, identity: identity.to_owned(), pieces, tables, note })
    }

    /// The state in a file, if it is of this identity.
    pub(super) fn found(path: &Path, identity: &str) -> (FolderState, Option<Self>) {
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return (FolderState::Empty, None),
            Err(error) => return (FolderState::Unusable(format!("`state.json` cannot be read: {error}")), None),
        };
        match Self::parsed(&text) {
            None => (FolderState::Unusable("`state.json` is not what was written".to_owned()), None),
            Some(state) if state.format != FORMAT || state.identity != identity => {
                (FolderState::Unusable("its inputs, its statements or the program were others".to_owned()), None)
            }
            Some(state) => (FolderState::Usable, Some(state)),
        }
    }

    /// A line of JSON, and a line with its hash.
    pub(super) fn to_text(&self) -> String {
        // Text and integers can always be encoded.
        let json = serde_json::to_string(self).unwrap_or_default();
        let hash = xxh3_64(json.as_bytes());
        format!("{json}\n{hash:016x}\n")
    }

    fn parsed(text: &[u8]) -> Option<Self> {
        let (json, hash) = std::str::from_utf8(text).ok()?.split_once('\n')?;
        if hash.trim_end() != format!("{:016x}", xxh3_64(json.as_bytes())) {
            return None;
        }
        serde_json::from_str(json).ok()
    }

    pub(super) fn files(&self) -> impl Iterator<Item = &FileRecord> {
        self.tables.iter().flat_map(|table| table.pieces.iter().flatten())
    }

    /// The length of all files.
    pub(super) fn bytes(&self) -> u64 {
        self.files().map(|file| file.bytes).sum()
    }
}
