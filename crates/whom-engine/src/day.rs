//! A day of a table on its way into the cache: some of its columns, written as Parquet in parts.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use parquet::arrow::AsyncArrowWriter;
use parquet::arrow::async_writer::AsyncFileWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use whom_store::{CachedPart, PartWriter};

use crate::error::EngineError;
use crate::schema::column_sizes;
use crate::session::Engine;
use crate::table::PinnedTable;

/// Bytes of source files that make a part. A day has as many parts as it has bytes for, whatever the threads.
const PART_BYTES: u64 = 128 << 20;

/// The most parts of a day.
const MOST_PARTS: u64 = 256;

/// Bytes of a row group, as far as memory allows; and what a group has at least.
const GROUP_BYTES: usize = 32 << 20;
const SMALLEST_GROUP_BYTES: usize = 1 << 20;

/// The rows of a day that are to be kept, not read yet.
#[derive(Clone)]
pub struct DayScan {
    plan: Arc<dyn ExecutionPlan>,
    context: Arc<TaskContext>,
    group_bytes: usize,
}

impl Engine {
    /// The scan of these columns of a day. Nothing is read yet.
    ///
    /// # Errors
    /// [`EngineError::Internal`] if the table lacks a column.
    pub fn day_scan<'a>(
        &'a self,
        table: &'a PinnedTable,
        day: chrono::NaiveDate,
        columns: &'a [String],
    ) -> BoxFuture<'a, Result<DayScan, EngineError>> {
        Box::pin(async move {
            let table = table.of_day(day);
            let bytes: u64 = table.files().iter().map(|file| file.size).sum();
            let parts = usize::try_from(bytes.div_ceil(PART_BYTES).clamp(1, MOST_PARTS)).unwrap_or(1);
            let session = self.beside(NonZeroUsize::new(parts).unwrap_or(NonZeroUsize::MIN));
            session.know(&table);
            let schema = table.schema();
            let projection: Result<Vec<usize>, _> = columns.iter().map(|column| schema.index_of(column)).collect();
            let projection = projection.map_err(|error| EngineError::Internal(error.to_string()))?;
            let plan = table.scan(&session.state(), Some(&projection), &[], None).await?;
            let limits = self.limits();
            let group_bytes = day_group_bytes(limits.memory, limits.threads.get());
            Ok(DayScan { plan, context: session.task_context(), group_bytes })
        })
    }
}

/// Bytes of the row group that each writer of days holds, of a pool of so many bytes.
pub(crate) fn day_group_bytes(pool: usize, threads: usize) -> usize {
    (pool / threads / 8).clamp(SMALLEST_GROUP_BYTES, GROUP_BYTES)
}

impl DayScan {
    /// The number of parts.
    pub fn parts(&self) -> usize {
        self.plan.output_partitioning().partition_count()
    }

    /// Reads a part, batch by batch, and writes it; `cancel` is looked at between batches.
    ///
    /// # Errors
    /// What reading the source refuses, by who must act; [`EngineError::Store`] if the cache cannot be written,
    /// [`EngineError::Resources`] if a row group leaves the limit of memory, [`EngineError::Cancelled`].
    pub fn write(
        &self,
        part: usize,
        to: PartWriter,
        cancel: Arc<AtomicBool>,
    ) -> BoxFuture<'_, Result<CachedPart, EngineError>> {
        Box::pin(async move {
            let mut rows = self.plan.execute(part, Arc::clone(&self.context))?;
            let mut group = Group::new(&rows.schema(), to, self)?;
            while let Some(batch) = rows.next().await {
                if cancel.load(Ordering::Relaxed) {
                    return Err(EngineError::Cancelled);
                }
                let batch = batch?;
                group.rows += batch.num_rows() as u64;
                group.writer.write(&batch).await.map_err(|error| refused(&error))?;
                group.reserved.try_resize(group.writer.memory_size())?;
            }
            let footer = group.writer.finish().await.map_err(|error| refused(&error))?;
            let sizes = column_sizes(&footer).into_iter().map(|(name, size)| (name, [size.all, size.largest]));
            Ok(group.writer.into_inner().0.finish(group.rows, sizes.collect()).await?)
        })
    }
}

/// The writer of a part, with the memory of its row group.
struct Group {
    writer: AsyncArrowWriter<Upload>,
    rows: u64,
    reserved: MemoryReservation,
}

impl Group {
    fn new(schema: &SchemaRef, to: PartWriter, scan: &DayScan) -> Result<Self, EngineError> {
        let properties = properties(schema, scan.group_bytes);
        let writer = AsyncArrowWriter::try_new(Upload(to), Arc::clone(schema), Some(properties));
        let reserved = MemoryConsumer::new("a day for the cache").register(scan.context.memory_pool());
        Ok(Self { writer: writer.map_err(|error| refused(&error))?, rows: 0, reserved })
    }
}

/// How a part is written. Keys and instants repeat so rarely that a dictionary of them is only in the way.
fn properties(schema: &SchemaRef, group_bytes: usize) -> WriterProperties {
    let builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_bytes(Some(group_bytes))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true);
    let rarely_repeat =
        schema.fields().iter().filter(|field| matches!(field.data_type(), DataType::Int64 | DataType::Timestamp(..)));
    let plain = rarely_repeat.map(|field| ColumnPath::new(vec![field.name().clone()]));
    plain.fold(builder, |builder, column| builder.set_column_dictionary_enabled(column, false)).build()
}

/// A part of the cache as the Parquet writer wants it.
struct Upload(PartWriter);

impl AsyncFileWriter for Upload {
    fn write(&mut self, bytes: Bytes) -> BoxFuture<'_, Result<(), ParquetError>> {
        async move { self.0.write(bytes).await.map_err(|error| ParquetError::External(Box::new(error))) }.boxed()
    }

    /// The part is completed by its owner, who knows its rows.
    fn complete(&mut self) -> BoxFuture<'_, Result<(), ParquetError>> {
        futures::future::ready(Ok(())).boxed()
    }
}

/// A failure of the cache stays one; that rows cannot be encoded is ours.
fn refused(error: &ParquetError) -> EngineError {
    match whom_store::StoreError::find_in(error) {
        Some(store) => EngineError::Store(store.clone()),
        None => EngineError::Internal(format!("a day cannot be written for the cache: {error}")),
    }
}

#[cfg(test)]
mod tests;
