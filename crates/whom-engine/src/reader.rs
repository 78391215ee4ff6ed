//! Reads pinned Parquet files so that a refusal of the store stays one.
//!
//! DataFusion's own reader turns a failure to read a footer into text; a changed input would then look like a damaged
//! file, which nobody would retry.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::common::Result;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::metadata::DFParquetMetadata;
use datafusion::datasource::physical_plan::parquet::{DefaultParquetFileReaderFactory, ParquetFileReaderFactory};
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::{ObjectMeta, ObjectStore};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

use crate::words::WordColumns;

/// Makes the readers of one table.
#[derive(Debug)]
pub(crate) struct PinnedReaders {
    store: Arc<dyn ObjectStore>,
    readers: DefaultParquetFileReaderFactory,
    words: WordColumns,
}

impl PinnedReaders {
    pub(crate) fn new(store: Arc<dyn ObjectStore>, words: WordColumns) -> Self {
        Self { readers: DefaultParquetFileReaderFactory::new(Arc::clone(&store)), store, words }
    }
}

impl ParquetFileReaderFactory for PinnedReaders {
    fn create_reader(
        &self,
        partition: usize,
        file: PartitionedFile,
        footer_hint: Option<usize>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>> {
        let (store, meta) = (Arc::clone(&self.store), file.object_meta.clone());
        let reader = self.readers.create_reader(partition, file, footer_hint, metrics)?;
        Ok(Box::new(PinnedReader { reader, store, meta, footer_hint, words: self.words.clone() }))
    }
}

/// Reads bytes as DataFusion does, and the footer with its error kept.
struct PinnedReader {
    reader: Box<dyn AsyncFileReader + Send>,
    store: Arc<dyn ObjectStore>,
    meta: ObjectMeta,
    footer_hint: Option<usize>,
    words: WordColumns,
}

impl AsyncFileReader for PinnedReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, parquet::errors::Result<Bytes>> {
        self.reader.get_bytes(range)
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, parquet::errors::Result<Vec<Bytes>>> {
        self.reader.get_byte_ranges(ranges)
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, parquet::errors::Result<Arc<ParquetMetaData>>> {
        async move {
            let footer = DFParquetMetadata::new(self.store.as_ref(), &self.meta)
                .with_metadata_size_hint(self.footer_hint)
                .with_page_index_policy(options.map(ArrowReaderOptions::column_index_policy))
                .fetch_metadata()
                .await;
            self.words.in_footer(footer.map_err(|error| ParquetError::External(Box::new(error)))?)
        }
        .boxed()
    }
}
