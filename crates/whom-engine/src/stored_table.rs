//! Stored rows as a table of a session.

use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;

use crate::error::EngineError;
use crate::stored::StoredRows;

/// The table of stored rows: read from memory where all of them lie there, and otherwise batch by batch.
pub(crate) fn table_of(stored: &Arc<StoredRows>) -> Result<Arc<dyn TableProvider>, EngineError> {
    let schema = Arc::clone(stored.schema());
    Ok(match stored.in_memory() {
        Some(rows) => Arc::new(MemTable::try_new(schema, vec![rows.batches.clone()])?),
        None => Arc::new(StreamingTable::try_new(schema, vec![Arc::new(Reading(Arc::clone(stored)))])?),
    })
}

/// Reads stored rows.
#[derive(Debug)]
struct Reading(Arc<StoredRows>);

impl PartitionStream for Reading {
    fn schema(&self) -> &SchemaRef {
        self.0.schema()
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let schema = Arc::clone(self.0.schema());
        let external = |error: EngineError| DataFusionError::External(Box::new(error));
        match self.0.read() {
            Ok(batches) => {
                let batches = futures::stream::iter(batches.map(move |batch| batch.map_err(external)));
                Box::pin(RecordBatchStreamAdapter::new(schema, batches))
            }
            Err(error) => {
                let refused = futures::stream::iter([Err(external(error))]);
                Box::pin(RecordBatchStreamAdapter::new(schema, refused))
            }
        }
    }
}
