//! A whole warehouse on disk.

use std::fs;
use std::io::ErrorKind;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Mutex;

use rayon::ThreadPoolBuilder;
use rayon::prelude::*;
use serde::Serialize;

use crate::error::SimulateError;
use crate::file::{self, FileSize};
use crate::partition::{Partition, TableKind};
use crate::population::Population;
use crate::tag::Table;

/// The pipeline that analyses a warehouse, in its folder.
pub const PIPELINE_FILE: &str = "pipeline.yaml";
/// What is true of its population. It is written last, so that a warehouse is whole when it is there.
pub const TRUTH_FILE: &str = "truth.json";

/// How far a warehouse has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Files written.
    pub files: usize,
    /// Files in all.
    pub all_files: usize,
    /// Rows written.
    pub rows: u64,
    /// Bytes written.
    pub bytes: u64,
}

/// How much a table holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TableSize {
    /// The table.
    pub table: String,
    /// Its files.
    pub files: usize,
    /// Its rows.
    pub rows: u64,
    /// Its bytes, compressed.
    pub bytes: u64,
}

impl Population {
    /// Writes all files into a folder, which is made if needed, then [`PIPELINE_FILE`] and at last [`TRUTH_FILE`]. `observer` is
    /// told of each file, from any of the threads.
    ///
    /// The bytes are the same for any number of threads. Memory is that of some hundred thousand rows a thread.
    ///
    /// # Errors
    /// If the folder is not empty, the system has no such threads, or something cannot be written.
    pub fn write(
        &self,
        folder: &Path,
        threads: NonZeroUsize,
        observer: &(dyn Fn(Progress) + Sync),
    ) -> Result<Vec<TableSize>, SimulateError> {
        claim(folder)?;
        let partitions = self.partitions();
        let told = Mutex::new(Progress { all_files: partitions.len(), ..Progress::default() });
        let tell = |size: FileSize| {
            let mut progress = told.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            progress.files += 1;
            progress.rows += size.rows;
            progress.bytes += size.bytes;
            observer(*progress);
        };
        let threads = threads.get();
        let pool = ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.map_err(|source| SimulateError::Threads { threads, source })?;
        let written = |partition: &Partition| self.write_file(folder, *partition).inspect(|size| tell(*size));
        let sizes: Vec<FileSize> =
            pool.install(|| partitions.par_iter().with_max_len(1).map(written).collect::<Result<_, _>>())?;
        write_text(&folder.join(PIPELINE_FILE), &self.pipeline_yaml())?;
        let sizes = self.table_sizes(&partitions, &sizes);
        write_text(&folder.join(TRUTH_FILE), &self.truth_json())?;
        Ok(sizes)
    }

    /// Writes one of [this population's files](Self::partitions) to its [place](Self::path) in a folder, with the same bytes
    /// as [`Self::write`] does. So a warehouse can grow by a day, as real ones do.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_file(&self, folder: &Path, partition: Partition) -> Result<FileSize, SimulateError> {
        let fine = self.tags.iter().filter(|tag| matches!(tag.table, Table::Numbers { fine: true, .. }));
        let fine: Vec<&str> = match partition.table {
            TableKind::Snapshots => fine.map(|tag| &*tag.name).collect(),
            TableKind::Exposures | TableKind::Fact(_) => Vec::new(),
        };
        file::write(&folder.join(self.path(partition)), self.blocks(partition), &fine)
    }

    fn truth_json(&self) -> String {
        // Text and finite numbers can always be encoded.
        serde_json::to_string_pretty(&self.truth()).unwrap_or_default() + "\n"
    }

    fn table_sizes(&self, partitions: &[Partition], sizes: &[FileSize]) -> Vec<TableSize> {
        let mut tables: Vec<(TableKind, TableSize)> = Vec::new();
        for (partition, size) in partitions.iter().zip(sizes) {
            if tables.last().is_none_or(|(table, _)| *table != partition.table) {
                let table = self.table_name(partition.table).to_owned();
                tables.push((partition.table, TableSize { table, files: 0, rows: 0, bytes: 0 }));
            }
            if let Some((_, table)) = tables.last_mut() {
                table.files += 1;
                table.rows += size.rows;
                table.bytes += size.bytes;
            }
        }
        tables.into_iter().map(|(_, size)| size).collect()
    }
}

fn write_text(path: &Path, text: &str) -> Result<(), SimulateError> {
    fs::write(path, text).map_err(|source| SimulateError::Write { path: path.to_owned(), source })
}

/// Makes a folder, unless it holds something already.
fn claim(folder: &Path) -> Result<(), SimulateError> {
    let failed = |source| SimulateError::Write { path: folder.to_owned(), source };
    match fs::read_dir(folder).map(|mut entries| entries.next().is_some()) {
        Ok(false) => Ok(()),
        Ok(true) => Err(SimulateError::FolderInUse { folder: folder.to_owned() }),
        Err(error) if error.kind() == ErrorKind::NotFound => fs::create_dir_all(folder).map_err(failed),
        Err(error) => Err(failed(error)),
    }
}
