//! Rows on their way from one machine to another, through a folder that both reach.
//!
//! What a part of a stage makes becomes one object: the rows of each table, one after the other, as they lie in the spill
//! folder. Who needs some of them is told where they begin, how long they are, and the hash of their bytes, and believes
//! nothing else.

use std::path::PathBuf;
use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::ipc::reader::StreamReader;
use datafusion::arrow::ipc::writer::StreamWriter;
use futures::future::BoxFuture;
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};
use whom_store::{ErrorKind, Exchange};

use crate::error::EngineError;
use crate::row_store::RowStore;
use crate::rows::Rows;
use crate::spill::row_file::{Seal, seal_of};
use crate::spill::{PlainFile, Room, SpillFolder, SpilledRows};
use crate::stored::StoredRows;

/// Rows that somebody handed over, of columns that are told apart ([`HandedColumns`]).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandedRows {
    parts: Vec<Part>,
}

/// Columns of rows that are handed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandedColumns(Vec<u8>);

impl HandedColumns {
    /// These columns.
    ///
    /// # Errors
    /// [`EngineError::Internal`] if they are of a kind that cannot be sent.
    pub fn of(schema: &SchemaRef) -> Result<Self, EngineError> {
        let mut bytes = Vec::new();
        StreamWriter::try_new(&mut bytes, schema).and_then(|mut writer| writer.finish()).map_err(unfit)?;
        Ok(Self(bytes))
    }

    /// The columns.
    ///
    /// # Errors
    /// [`EngineError::Internal`] if they were not written by this program.
    pub fn schema(&self) -> Result<SchemaRef, EngineError> {
        Ok(StreamReader::try_new(self.0.as_slice(), None).map_err(unfit)?.schema())
    }
}

/// A file that somebody handed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandedFile(Part);

impl HandedFile {
    /// Hands over a file as an object, which must have a name that nobody else makes.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub fn hand_over<'a>(
        exchange: &'a Exchange,
        object: &'a str,
        file: &'a PlainFile,
    ) -> BoxFuture<'a, Result<Self, EngineError>> {
        Box::pin(async move {
            exchange.write_files(object, &[file.path().to_owned()]).await?;
            Ok(Self(Part { object: object.to_owned(), start: 0, seal: file.seal() }))
        })
    }

    /// Takes the file.
    ///
    /// # Errors
    /// As [`HandedRows::take`].
    pub fn take<'a>(
        &'a self,
        exchange: &'a Exchange,
        folder: &'a Arc<SpillFolder>,
    ) -> BoxFuture<'a, Result<PlainFile, EngineError>> {
        Box::pin(async move { Ok(self.0.fetch(exchange, folder).await?.filled_plainly()) })
    }

    /// Rows of whatever kind that it holds.
    pub fn rows(&self) -> u64 {
        self.0.seal.rows
    }
}

/// Some bytes of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    object: String,
    start: u64,
    seal: Seal,
}

impl HandedRows {
    /// Hands over the rows of some tables as one object, which must have a name that nobody else makes.
    ///
    /// # Errors
    /// [`EngineError::Resources`] if there is no room on this machine, [`EngineError::Store`].
    pub fn hand_over<'a>(
        exchange: &'a Exchange,
        object: &'a str,
        tables: &'a [Arc<StoredRows>],
        folder: &'a Arc<SpillFolder>,
    ) -> BoxFuture<'a, Result<Vec<Self>, EngineError>> {
        Box::pin(async move {
            let (mut files, mut handed, mut start): (Vec<SpilledRows>, Vec<Self>, u64) = (Vec::new(), Vec::new(), 0);
            for rows in tables {
                let of_table = on_disk(rows, folder)?;
                let mut parts = Vec::with_capacity(of_table.len());
                for file in &of_table {
                    parts.push(Part { object: object.to_owned(), start, seal: file.seal() });
                    start += file.bytes();
                }
                handed.push(Self { parts });
                files.extend(of_table);
            }
            if !files.is_empty() {
                let paths: Vec<PathBuf> = files.iter().map(|file| file.path().to_owned()).collect();
                exchange.write_files(object, &paths).await?;
            }
            Ok(handed)
        })
    }

    /// Takes the rows, in the order in which they were handed over.
    ///
    /// # Errors
    /// [`EngineError::Resources`] if there is no room, [`EngineError::Store`], and [`EngineError::Elsewhere`] if what lies
    /// there is not what was handed over.
    pub fn take<'a>(
        &'a self,
        columns: &'a HandedColumns,
        exchange: &'a Exchange,
        store: &'a RowStore,
    ) -> BoxFuture<'a, Result<StoredRows, EngineError>> {
        Box::pin(async move {
            let taken = self.files(exchange, store.folder()).await?;
            let on_disk = StoredRows::new(Rows { schema: columns.schema()?, batches: Vec::new() }, None, taken);
            // What is small is kept in memory while there is room, as rows are that are made here.
            if self.bytes() <= SMALL { store.keep(on_disk.load()?) } else { Ok(on_disk) }
        })
    }

    /// The files that hold the rows, taken.
    pub(crate) async fn files(
        &self,
        exchange: &Exchange,
        folder: &Arc<SpillFolder>,
    ) -> Result<Vec<SpilledRows>, EngineError> {
        let mut taken = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            taken.push(async move { part.fetch(exchange, folder).await?.filled() });
        }
        stream::iter(taken).buffered(TAKEN_AT_ONCE).try_collect().await
    }

    /// The object that holds the first of them; `None` without rows.
    pub(crate) fn object(&self) -> Option<&str> {
        self.parts.first().map(|part| part.object.as_str())
    }

    /// The names of all objects that hold them.
    pub fn objects(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().map(|part| part.object.as_str())
    }

    /// The number of rows.
    pub fn rows(&self) -> u64 {
        self.parts.iter().map(|part| part.seal.rows).sum()
    }

    /// The bytes that they take on the way.
    pub fn bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.seal.bytes).sum()
    }

    /// Adds rows of the same table.
    pub fn join(&mut self, other: Self) {
        self.parts.extend(other.parts);
    }
}

/// Parts that are on their way at once: each is a request of its own, which a store takes its time to answer.
const TAKEN_AT_ONCE: usize = 8;

/// Bytes of rows that are not worth a file.
const SMALL: u64 = 1 << 20;

impl Part {
    /// The bytes as they were handed over, in a file of the folder.
    async fn fetch(&self, exchange: &Exchange, folder: &Arc<SpillFolder>) -> Result<Room, EngineError> {
        let (room, path) = folder.room_for(self.seal)?;
        exchange.fetch(&self.object, self.start..self.start + self.seal.bytes, &path).await?;
        let found = seal_of(&path).map_err(|error| EngineError::Resources(error.to_string()))?;
        if found != (self.seal.bytes, self.seal.hash) {
            let problem = format!("`{}` in `{}` is not what was handed over", self.object, exchange.address());
            return Err(EngineError::Elsewhere { kind: ErrorKind::Transient, problem });
        }
        Ok(room)
    }
}

/// The rows in files of the folder: those that are in memory become one.
fn on_disk(rows: &StoredRows, folder: &Arc<SpillFolder>) -> Result<Vec<SpilledRows>, EngineError> {
    let mut files = rows.disk().to_vec();
    if !rows.memory().is_empty() {
        let mut writer = folder.writer(rows.schema())?;
        rows.memory().batches.iter().try_for_each(|batch| writer.write(batch))?;
        files.push(writer.finish()?);
    }
    Ok(files)
}

fn unfit(error: impl std::fmt::Display) -> EngineError {
    EngineError::Internal(format!("columns cannot be sent: {error}"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use whom_store::{Location, Stores};

    use super::*;
    use crate::testing::unit_rows as rows;

    fn exchange(folder: &Path) -> Exchange {
        Exchange::create(&Stores::new(), &Location::output("exchange", folder).unwrap()).unwrap()
    }

    #[tokio::test]
    async fn rows_arrive_as_they_were_wherever_they_lay() {
        let parent = tempfile::tempdir().unwrap();
        let here = RowStore::new(10_000, SpillFolder::create(parent.path(), None).unwrap());
        let there = RowStore::new(10_000, SpillFolder::create(parent.path(), None).unwrap());
        let exchange = exchange(parent.path());
        let tables: Vec<_> = [100, 0, 5000].map(|count| Arc::new(here.keep(rows(count)).unwrap())).into();
        assert!(tables[2].spilled_bytes() > 0);
        let handed = HandedRows::hand_over(&exchange, "one", &tables, here.folder()).await.unwrap();
        for (handed, given) in handed.iter().zip(&tables) {
            let columns = HandedColumns::of(given.schema()).unwrap();
            let taken = handed.take(&columns, &exchange, &there).await.unwrap();
            assert_eq!(taken.load().unwrap().to_batch().unwrap(), given.load().unwrap().to_batch().unwrap());
            assert_eq!((handed.rows(), taken.schema()), (given.rows(), given.schema()));
        }
    }

    #[tokio::test]
    async fn what_is_not_what_was_handed_over_is_not_believed() {
        let parent = tempfile::tempdir().unwrap();
        let store = RowStore::new(usize::MAX, SpillFolder::create(parent.path(), None).unwrap());
        let exchange = exchange(parent.path());
        let tables = [Arc::new(store.keep(rows(100)).unwrap())];
        let handed = HandedRows::hand_over(&exchange, "one", &tables, store.folder()).await.unwrap();
        let object = parent.path().join("exchange/one");
        let mut bytes = std::fs::read(&object).unwrap();
        bytes[40] ^= 1;
        std::fs::write(&object, bytes).unwrap();
        let columns = HandedColumns::of(tables[0].schema()).unwrap();
        let error = handed[0].take(&columns, &exchange, &store).await.unwrap_err();
        assert!(error.to_string().ends_with("is not what was handed over"), "{error}");
    }
}
