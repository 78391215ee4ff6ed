//! Stored rows as a table of a session.
//!
//! The table only knows its name and its columns; which rows it has is looked up in the session when a plan runs. So a plan
//! that one piece has made serves all of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::StreamExt;

use crate::error::EngineError;
use crate::rows::with_own_buffers;
use crate::stored::StoredRows;

/// The rows that a session knows, by the names of their tables.
#[derive(Debug, Default)]
pub(crate) struct KnownRows(Mutex<BTreeMap<String, Arc<StoredRows>>>);

impl KnownRows {
    pub(crate) fn add(&self, name: &str, rows: Arc<StoredRows>) {
        self.tables().insert(name.to_owned(), rows);
    }

    pub(crate) fn remove(&self, name: &str) {
        self.tables().remove(name);
    }

    /// The rows of a table.
    ///
    /// # Errors
    /// [`EngineError::Internal`] if there are none under this name.
    pub(crate) fn get(&self, name: &str) -> Result<Arc<StoredRows>, EngineError> {
        let known = self.tables().get(name).cloned();
        known.ok_or_else(|| EngineError::Internal(format!("no rows are known as `{name}`")))
    }

    fn tables(&self) -> MutexGuard<'_, BTreeMap<String, Arc<StoredRows>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The table of the rows that a session knows under a name.
pub(crate) fn table_of(name: &str, schema: &SchemaRef) -> Result<Arc<dyn TableProvider>, EngineError> {
    let reading = Arc::new(Reading { name: name.to_owned(), schema: Arc::clone(schema) });
    Ok(Arc::new(StreamingTable::try_new(Arc::clone(schema), vec![reading])?))
}

/// Reads the rows of a table.
#[derive(Debug)]
struct Reading {
    name: String,
    schema: SchemaRef,
}

impl Reading {
    fn rows(&self, context: &TaskContext) -> Result<Arc<StoredRows>, EngineError> {
        let known = context.session_config().get_extension::<KnownRows>();
        let known = known.ok_or_else(|| EngineError::Internal("the session knows no rows".to_owned()))?;
        let rows = known.get(&self.name)?;
        if *rows.schema() == self.schema {
            return Ok(rows);
        }
        Err(EngineError::Internal(format!("`{}` has other columns than were planned with", self.name)))
    }
}

impl PartitionStream for Reading {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let external = |error: EngineError| DataFusionError::External(Box::new(error));
        let most = context.session_config().batch_size();
        let batches = self.rows(&context).and_then(|rows| rows.read());
        let batches: SendableRecordBatchStream = match batches {
            Ok(batches) => {
                let batches =
                    batches.flat_map(move |batch| parts(batch, most)).map(move |batch| batch.map_err(external));
                Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), futures::stream::iter(batches)))
            }
            Err(error) => {
                let refused = futures::stream::iter([Err(external(error))]).boxed();
                Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), refused))
            }
        };
        batches
    }
}

/// A batch in parts of at most so many rows, each with buffers of its own.
fn parts(
    batch: Result<RecordBatch, EngineError>,
    most: usize,
) -> impl Iterator<Item = Result<RecordBatch, EngineError>> + Send {
    let (batch, refused) = match batch {
        Ok(batch) => (Some(batch), None),
        Err(error) => (None, Some(Err(error))),
    };
    let parts = batch.into_iter().flat_map(move |batch| {
        let rows = batch.num_rows();
        (0..rows).step_by(most.max(1)).map(move |start| with_own_buffers(batch.slice(start, most.min(rows - start))))
    });
    parts.chain(refused)
}
