//! A share of a pinned table, in a form that can be sent to who reads it.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::Schema;
use datafusion::datasource::listing::{FileRange, PartitionedFile};
use datafusion::datasource::table_schema::TableSchema;
use futures::future::BoxFuture;
use object_store::ObjectStore;
use serde::{Deserialize, Serialize};
use whom_store::{PinRecord, PinnedFile, PinnedFiles, Stores};

use super::{PinnedTable, private_url};
use crate::error::EngineError;
use crate::handed::HandedColumns;
use crate::words::WordColumns;

/// What all shares of a table have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableRecord {
    name: String,
    columns: HandedColumns,
    partition: HandedColumns,
    words: Vec<String>,
}

/// Files, or row groups of them, that one reader reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareRecord {
    files: PinRecord,
    /// By file, the bytes whose row groups are read; all of them if none are named.
    ranges: Vec<Option<(i64, i64)>>,
}

impl PinnedTable {
    /// What all shares have in common, under the name by which statements know the table.
    ///
    /// # Errors
    /// [`EngineError::Internal`] if the columns cannot be sent.
    pub fn record(&self, name: &str) -> Result<TableRecord, EngineError> {
        let partition = Arc::new(Schema::new(self.schema.table_partition_cols().to_vec()));
        Ok(TableRecord {
            name: name.to_owned(),
            columns: HandedColumns::of(self.schema.file_schema())?,
            partition: HandedColumns::of(&partition)?,
            words: self.words.names().map(str::to_owned).collect(),
        })
    }

    /// The table in at most so many shares of about the same size; `listing` is the one that it was opened from.
    ///
    /// # Errors
    /// [`EngineError::Store`] for files that cannot be read from elsewhere.
    pub fn share_records(&self, listing: &PinnedFiles, shares: usize) -> Result<Vec<ShareRecord>, EngineError> {
        let by_path: BTreeMap<_, &PinnedFile> = self.files.iter().map(|file| (&file.path, file)).collect();
        let record = |files: &[PartitionedFile]| {
            let pinned = files.iter().filter_map(|file| by_path.get(&file.object_meta.location).copied());
            let range = |file: &PartitionedFile| file.range.as_ref().map(|range| (range.start, range.end));
            Ok(ShareRecord { files: listing.record(pinned)?, ranges: files.iter().map(range).collect() })
        };
        self.shares(shares).iter().map(|share| record(share.files())).collect()
    }
}

impl TableRecord {
    /// The name by which statements know the table.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A table of nothing but a share, which one reader reads.
    ///
    /// # Errors
    /// [`EngineError::Store`] if its store cannot be opened from here, [`EngineError::Internal`] for what was not sent by this
    /// program.
    pub fn open<'a>(
        &'a self,
        share: &'a ShareRecord,
        stores: &'a Stores,
    ) -> BoxFuture<'a, Result<PinnedTable, EngineError>> {
        Box::pin(async move {
            let pinned = share.files.open(stores).await?;
            let partition = self.partition.schema()?;
            let schema = TableSchema::builder(self.columns.schema()?)
                .with_table_partition_cols(partition.fields().iter().cloned().collect::<Vec<_>>())
                .build();
            let range = |range: &Option<(i64, i64)>| range.map(|(start, end)| FileRange { start, end });
            Ok(PinnedTable {
                files: pinned.files.clone(),
                rows: 0,
                days: Vec::new(),
                sizes: BTreeMap::new(),
                schema,
                store: Arc::new(pinned.store()) as Arc<dyn ObjectStore>,
                url: private_url(&self.name)?,
                words: WordColumns::new(self.words.iter().cloned()),
                share: Some(share.ranges.iter().map(range).collect()),
            })
        })
    }
}
