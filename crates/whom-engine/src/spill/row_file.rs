//! Rows in a file, as Arrow IPC compressed with LZ4, which is faster than most disks.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::ipc::CompressionType;
use datafusion::arrow::ipc::reader::StreamReader;
use datafusion::arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3Default;

/// Bytes that are read at once.
const READ_BUFFER: usize = 1 << 18;

/// Bytes that wait to be written together. A scan may have a file open for each of 512 pieces, and batches are larger.
pub(super) const WRITE_BUFFER: usize = 1 << 14;

/// Asked before bytes are written; an error keeps them from being written.
pub(crate) type Allowance = Arc<dyn Fn(u64) -> io::Result<()> + Send + Sync>;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seal {
    /// Its length.
    pub(crate) bytes: u64,
    /// The xxh3 of its bytes, taken while they were written: of what was meant, not of what came to lie on the disk.
    pub(crate) hash: u64,
    /// Its rows.
    pub(crate) rows: u64,
}

/// Writes rows to a file.
pub(crate) struct RowFile {
    writer: StreamWriter<BufWriter<Sealing>>,
    rows: u64,
}

impl RowFile {
    /// Begins a file that must not be there yet.
    pub(crate) fn create(path: &Path, schema: &SchemaRef, allowance: Allowance) -> Result<Self, ArrowError> {
        let sealing = Sealing::new(File::create_new(path)?, allowance);
        let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME))?;
        let buffered = BufWriter::with_capacity(WRITE_BUFFER, sealing);
        Ok(Self { writer: StreamWriter::try_new_with_options(buffered, schema, options)?, rows: 0 })
    }

    /// Adds rows.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        self.rows += batch.num_rows() as u64;
        self.writer.write(batch)
    }

    /// Ends the file.
    pub(crate) fn finish(mut self) -> Result<Seal, ArrowError> {
        self.writer.finish()?;
        self.writer.flush()?;
        Ok(self.writer.get_ref().get_ref().seal(self.rows))
    }
}

/// Reads a file of rows.
pub(crate) fn reader(path: &Path) -> Result<StreamReader<BufReader<File>>, ArrowError> {
    StreamReader::try_new(BufReader::with_capacity(READ_BUFFER, File::open(path)?), None)
}

/// The length of a file, and the hash of its bytes.
pub(crate) fn seal_of(path: &Path) -> io::Result<(u64, u64)> {
    let (mut bytes, mut hash) = (0, Xxh3Default::new());
    in_blocks(&mut File::open(path)?, |block| {
        bytes += block.len() as u64;
        hash.update(block);
        Ok(())
    })?;
    Ok((bytes, hash.digest()))
}

/// Reads a file block by block.
pub(crate) fn in_blocks(file: &mut File, mut use_block: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut buffer = vec![0; READ_BUFFER];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(()),
            read => use_block(&buffer[..read])?,
        }
    }
}

/// Counts and hashes what is written.
pub(super) struct Sealing {
    file: File,
    allowance: Allowance,
    bytes: u64,
    hash: Xxh3Default,
}

impl Sealing {
    pub(super) fn new(file: File, allowance: Allowance) -> Self {
        Self { file, allowance, bytes: 0, hash: Xxh3Default::new() }
    }

    /// The seal of what was written, which is so many rows.
    pub(super) fn seal(&self, rows: u64) -> Seal {
        Seal { bytes: self.bytes, hash: self.hash.digest(), rows }
    }
}

impl Write for Sealing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (self.allowance)(bytes.len() as u64)?;
        self.file.write_all(bytes)?;
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
