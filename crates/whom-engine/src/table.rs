//! A table that reads exactly the files of a pinned list.

mod share;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::NaiveDate;
use datafusion::arrow::datatypes::{DataType, Field, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Result, ScalarValue};
use datafusion::config::TableParquetOptions;
use datafusion::datasource::TableType;
use datafusion::datasource::listing::{FileRange, PartitionedFile};
use datafusion::datasource::object_store::ObjectStoreUrl;
use datafusion::datasource::physical_plan::{FileGroup, FileGroupPartitioner, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use futures::future::BoxFuture;
use object_store::ObjectStore;
use whom_store::{PinnedFile, PinnedFiles};

use crate::day_facts::DayFacts;
use crate::error::EngineError;
use crate::functions::MAY_HOLD;
use crate::reader::PinnedReaders;
use crate::schema::{ColumnSize, Footer, read_footers, unify};
use crate::words::WordColumns;

pub use share::{ShareRecord, TableRecord};

/// A table over pinned Parquet files.
///
/// DataFusion's own listing tables list again, cache what they listed, and never pin; this one reads the files it was
/// given and no other, each by `if_match`, so that a run sees one state of its inputs. With Hive partitions, the day in
/// a file's folder is a column of type date.
#[derive(Debug)]
pub struct PinnedTable {
    files: Vec<PinnedFile>,
    rows: u64,
    days: Vec<DayFacts>,
    sizes: BTreeMap<String, ColumnSize>,
    schema: TableSchema,
    store: Arc<dyn ObjectStore>,
    url: ObjectStoreUrl,
    words: WordColumns,
    /// If this is a share that one reader reads: by file, the bytes whose row groups it reads.
    share: Option<Vec<Option<FileRange>>>,
}

impl PinnedTable {
    /// Reads the footers of the files and joins their schemas.
    ///
    /// `name` becomes the host of a private URL, so it must be unique in a session; `partition` names the column of the
    /// folder's day.
    ///
    /// # Errors
    /// [`EngineError::Input`] for a file that is not Parquet or a column with two types, [`EngineError::Store`] for a
    /// file that changed or cannot be read.
    pub fn open<'a>(
        name: &'a str,
        pinned: &'a PinnedFiles,
        partition: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Self, EngineError>> {
        Self::open_knowing(name, pinned, partition, &[])
    }

    /// As [`Self::open`], without reading the footers of days of which everything is known.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_knowing<'a>(
        name: &'a str,
        pinned: &'a PinnedFiles,
        partition: Option<&'a str>,
        known: &'a [DayFacts],
    ) -> BoxFuture<'a, Result<Self, EngineError>> {
        Box::pin(async move {
            let store: Arc<dyn ObjectStore> = Arc::new(pinned.store());
            let is_known = |file: &&PinnedFile| known.iter().any(|facts| Some(facts.day) == file.partition_day);
            let unknown = pinned.files.iter().filter(|file| !is_known(file)).cloned().collect();
            let mut footers = read_footers(&store, pinned, unknown).await?;
            footers.extend(known.iter().map(|facts| Footer::of_day(facts, pinned)));
            let joined = match unify(&footers, partition) {
                // Only the footers know which file it is.
                Err(EngineError::Input { .. }) if !known.is_empty() => {
                    footers = read_footers(&store, pinned, pinned.files.clone()).await?;
                    unify(&footers, partition)?
                }
                joined => joined?,
            };
            let day = partition.map(|column| Arc::new(Field::new(column, DataType::Date32, true)));
            let schema =
                TableSchema::builder(joined).with_table_partition_cols(day.into_iter().collect::<Vec<_>>()).build();
            Ok(Self {
                files: pinned.files.clone(),
                rows: footers.iter().map(|footer| footer.rows).sum(),
                days: days(&footers, partition)?,
                sizes: sizes(&footers),
                schema,
                store,
                url: private_url(name)?,
                words: WordColumns::default(),
                share: None,
            })
        })
    }

    /// What is known of each day, in order; empty without partitions.
    pub fn days(&self) -> &[DayFacts] {
        &self.days
    }

    /// The same table with the files of one day only.
    pub(crate) fn of_day(&self, day: NaiveDate) -> Self {
        let files: Vec<PinnedFile> =
            self.files.iter().filter(|file| file.partition_day == Some(day)).cloned().collect();
        let facts = self.days.iter().find(|facts| facts.day == day).cloned();
        let (rows, sizes) = facts.as_ref().map(|facts| (facts.rows, facts.sizes.clone())).unwrap_or_default();
        let (schema, store, url) = (self.schema.clone(), self.store(), self.url.clone());
        let words = self.words.clone();
        Self { files, rows, days: facts.into_iter().collect(), sizes, schema, store, url, words, share: None }
    }

    /// The rows of the day that has most of them; all rows without partitions.
    pub fn rows_of_largest_day(&self) -> u64 {
        self.days.iter().map(|facts| facts.rows).max().unwrap_or(self.rows)
    }

    /// The bytes of these columns as they lie in the files: of all row groups, and of the one where they are largest. Of days
    /// in a cache, they are those that lie there.
    pub fn bytes_of<'a>(&self, columns: impl IntoIterator<Item = &'a str>) -> (u64, u64) {
        let sizes = columns.into_iter().filter_map(|column| self.sizes.get(column));
        sizes.fold((0, 0), |(all, largest), size| (all + size.all, largest + size.largest))
    }

    /// The same table with some columns of texts as words: texts of which few differ, each told once for many rows. Names
    /// of other columns mean nothing.
    #[must_use]
    pub fn with_words(self, columns: impl IntoIterator<Item = String>) -> Self {
        self.with_word_columns(WordColumns::new(columns))
    }

    /// The same table with the words of another.
    #[must_use]
    pub fn with_words_of(self, other: &Self) -> Self {
        self.with_word_columns(other.words.clone())
    }

    fn with_word_columns(mut self, words: WordColumns) -> Self {
        self.words = words;
        self.schema = TableSchema::builder(self.words.in_schema(self.schema.file_schema()))
            .with_table_partition_cols(self.schema.table_partition_cols().iter().cloned().collect::<Vec<_>>())
            .build();
        self
    }

    /// The rows that the footers promise.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The pinned files.
    pub fn files(&self) -> &[PinnedFile] {
        &self.files
    }

    pub(crate) fn store_url(&self) -> &ObjectStoreUrl {
        &self.url
    }

    pub(crate) fn store(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.store)
    }

    /// The files in as many shares of about the same size as there are readers; large files are shared by row groups.
    fn shares(&self, readers: usize) -> Vec<FileGroup> {
        if let Some(ranges) = &self.share {
            let part = |(file, range): (&PinnedFile, &Option<FileRange>)| {
                let file = self.scanned_file(file);
                PartitionedFile { range: range.clone(), ..file }
            };
            return vec![self.files.iter().zip(ranges).map(part).collect()];
        }
        let files: FileGroup = self.files.iter().map(|file| self.scanned_file(file)).collect();
        let whole = vec![files];
        let partitioner = FileGroupPartitioner::new().with_target_partitions(readers).with_repartition_file_min_size(1);
        partitioner.repartition_file_groups(&whole).unwrap_or(whole)
    }

    fn scanned_file(&self, file: &PinnedFile) -> PartitionedFile {
        let mut scanned = PartitionedFile::new(file.path.to_string(), file.size);
        scanned.object_meta.location = file.path.clone();
        if !self.schema.table_partition_cols().is_empty() {
            let epoch = chrono::NaiveDate::default();
            let day = file.partition_day.map(|day| day.signed_duration_since(epoch).num_days() as i32);
            scanned.partition_values = vec![ScalarValue::Date32(day)];
        }
        scanned
    }
}

/// The facts of each day, from the footers of its files.
fn days(footers: &[Footer], partition: Option<&str>) -> Result<Vec<DayFacts>, EngineError> {
    let mut by_day: BTreeMap<NaiveDate, Vec<Footer>> = BTreeMap::new();
    for footer in footers {
        if let Some(day) = footer.day {
            by_day.entry(day).or_default().push(footer.clone());
        }
    }
    let facts = |(day, footers): (NaiveDate, Vec<Footer>)| {
        let rows = footers.iter().map(|footer| footer.rows).sum();
        Ok(DayFacts { day, schema: unify(&footers, partition)?, rows, sizes: sizes(&footers) })
    };
    by_day.into_iter().map(facts).collect()
}

/// The sizes of the columns in all files together.
fn sizes(footers: &[Footer]) -> BTreeMap<String, ColumnSize> {
    let mut sizes: BTreeMap<String, ColumnSize> = BTreeMap::new();
    for (name, size) in footers.iter().flat_map(|footer| &footer.sizes) {
        sizes.entry(name.clone()).or_default().add(*size);
    }
    sizes
}

/// Whether a condition only asks a filter of keys. The Parquet reader then evaluates it on the columns of the key, and decodes
/// the others for the rows that pass. A user's condition stays outside the reader, which would lose the kind of its error.
fn asks_a_key_filter(condition: &Expr) -> bool {
    matches!(condition, Expr::ScalarFunction(call) if call.func.name() == MAY_HOLD)
}

/// The URL under which a session knows the store of a table: its name in hexadecimal, which any host may be.
fn private_url(name: &str) -> Result<ObjectStoreUrl> {
    let url = name.bytes().fold("pinned://t".to_owned(), |url, byte| url + &format!("{byte:02x}"));
    ObjectStoreUrl::parse(url)
}

#[async_trait]
impl TableProvider for PinnedTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.schema.table_schema())
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let options = state.config_options().execution.parquet.clone();
        let options = TableParquetOptions { global: options, ..TableParquetOptions::default() };
        let source = ParquetSource::new(self.schema.clone())
            .with_table_parquet_options(options)
            .with_pushdown_filters(!filters.is_empty() && filters.iter().all(asks_a_key_filter))
            .with_parquet_file_reader_factory(Arc::new(PinnedReaders::new(self.store(), self.words.clone())));
        let config = FileScanConfigBuilder::new(self.url.clone(), Arc::new(source))
            .with_file_groups(self.shares(state.config().target_partitions()))
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

#[cfg(test)]
mod tests;
