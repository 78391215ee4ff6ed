//! The files of the pieces of one scan, which all its readers write to.

use std::sync::{Mutex, PoisonError};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;

use crate::error::EngineError;
use crate::row_store::RowStore;
use crate::spill::{SpillWriter, SpilledRows};

/// A file for each piece that has rows which do not fit into memory, so that a scan never holds more files open than there
/// are pieces.
#[derive(Debug)]
pub(super) struct PieceFiles {
    schema: SchemaRef,
    store: RowStore,
    writers: Vec<Mutex<Option<SpillWriter>>>,
}

impl PieceFiles {
    pub(super) fn new(schema: SchemaRef, store: RowStore, pieces: usize) -> Self {
        Self { schema, store, writers: (0..pieces).map(|_| Mutex::new(None)).collect() }
    }

    /// Adds rows to the file of a piece.
    pub(super) fn write(&self, piece: usize, batches: &[RecordBatch]) -> Result<(), EngineError> {
        let mut writer = self.writers[piece].lock().unwrap_or_else(PoisonError::into_inner);
        let writer = match &mut *writer {
            Some(writer) => writer,
            none => none.insert(self.store.folder().writer(&self.schema)?),
        };
        batches.iter().try_for_each(|batch| writer.write(batch))
    }

    /// Ends the files; the rows of each piece that has one.
    pub(super) fn finish(&self) -> Result<Vec<Option<SpilledRows>>, EngineError> {
        let finish = |writer: &Mutex<Option<SpillWriter>>| {
            let writer = writer.lock().unwrap_or_else(PoisonError::into_inner).take();
            writer.map(SpillWriter::finish).transpose()
        };
        self.writers.iter().map(finish).collect()
    }
}
