//! Rows of one table in one piece, to files of a checkpoint and back.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use datafusion::arrow::error::ArrowError;

use super::state::FileRecord;
use super::{CheckpointFolder, full, take};
use crate::error::EngineError;
use crate::rows::Rows;
use crate::spill::SpilledRows;
use crate::spill::row_file::{RowFile, in_blocks, seal_of};
use crate::stored::StoredRows;

/// Keeps rows: those on disk by a link, those in memory as a file of the same kind. There is at least one file, which tells
/// the columns.
pub(super) fn kept(folder: &CheckpointFolder, rows: &StoredRows) -> Result<Vec<FileRecord>, EngineError> {
    let mut files = Vec::new();
    for spilled in rows.disk() {
        files.push(linked(folder, spilled).map_err(full)?);
    }
    if files.is_empty() || !rows.memory().is_empty() {
        files.push(written(folder, rows.memory()).map_err(full)?);
    }
    Ok(files)
}

/// A file of the spill folder under another name: the same bytes on the disk, unless that is another disk.
fn linked(folder: &CheckpointFolder, spilled: &SpilledRows) -> io::Result<FileRecord> {
    let (number, path) = folder.next_file();
    let seal = spilled.seal();
    folder.take(seal.bytes)?;
    if fs::hard_link(spilled.path(), &path).is_err() {
        copy(spilled.path(), &path)?;
        folder.written.fetch_add(seal.bytes, Ordering::Relaxed);
    }
    File::open(&path)?.sync_data()?;
    Ok(FileRecord::new(number, seal))
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let (mut from, mut to) = (File::open(from)?, File::create_new(to)?);
    in_blocks(&mut from, |block| to.write_all(block))
}

fn written(folder: &CheckpointFolder, rows: &Rows) -> Result<FileRecord, ArrowError> {
    let (number, path) = folder.next_file();
    let (taken, limit) = (Arc::clone(&folder.taken), folder.terms.limit);
    let mut file = RowFile::create(&path, &rows.schema, Arc::new(move |bytes| take(&taken, limit, bytes)))?;
    rows.batches.iter().try_for_each(|batch| file.write(batch))?;
    let seal = file.finish()?;
    File::open(&path)?.sync_data()?;
    folder.written.fetch_add(seal.bytes, Ordering::Relaxed);
    Ok(FileRecord::new(number, seal))
}

/// The rows of files that are what was written.
pub(super) fn loaded(folder: &Path, files: &[FileRecord]) -> Result<StoredRows, String> {
    let mut disk = Vec::new();
    for file in files {
        let path = folder.join(file.number.to_string());
        let wrong = |what: String| format!("`{}` {what}", file.number);
        let found = seal_of(&path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
        if found != (file.seal().bytes, file.seal().hash) {
            return Err(wrong("is not what was written".to_owned()));
        }
        disk.push(SpilledRows::kept(path, file.seal()).map_err(|error| wrong(format!("holds no rows: {error}")))?);
    }
    let schema = disk.first().map(|rows| Arc::clone(rows.schema()));
    let schema = schema.ok_or_else(|| "a table has no file".to_owned())?;
    if disk.iter().any(|rows| *rows.schema() != schema) {
        return Err("the files of a table have different columns".to_owned());
    }
    Ok(StoredRows::new(Rows { schema, batches: Vec::new() }, None, disk))
}
