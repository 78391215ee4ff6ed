//! What can go wrong in the engine, by who must act.

use datafusion::arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use thiserror::Error;
use whom_store::StoreError;

/// An error of the engine.
#[derive(Debug, Error)]
pub enum EngineError {
    /// The content of the data was refused, for example a value outside its grid.
    #[error("{0}")]
    Data(String),
    /// A file cannot be read as Parquet, or its schema contradicts the other files of its table.
    #[error("{0}")]
    Input(String),
    /// Memory or spill space ran out.
    #[error("{0}")]
    Resources(String),
    /// The store could not deliver, or an input changed while it was read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The run was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// A bug of ours.
    #[error("{0}")]
    Internal(String),
}

/// A value that the data may not hold; travels through DataFusion as an external error.
#[derive(Debug, Error)]
#[error("{0}")]
pub(crate) struct RefusedValue(pub(crate) String);

impl From<DataFusionError> for EngineError {
    fn from(error: DataFusionError) -> Self {
        classify(&error)
    }
}

/// The kind of an error, from what lies at its root.
fn classify(error: &DataFusionError) -> EngineError {
    if let Some(refused) = source_of::<RefusedValue>(error) {
        return EngineError::Data(refused.0.clone());
    }
    if let Some(store) = source_of::<StoreError>(error) {
        return EngineError::Store(store.clone());
    }
    if let Some(parquet) = source_of::<parquet::errors::ParquetError>(error) {
        return EngineError::Input(format!("a Parquet file cannot be decoded: {parquet}"));
    }
    match error.find_root() {
        DataFusionError::ResourcesExhausted(message) => EngineError::Resources(message.clone()),
        DataFusionError::ArrowError(arrow, _) if matches!(**arrow, ArrowError::ParquetError(_)) => {
            EngineError::Input(format!("a Parquet file cannot be decoded: {arrow}"))
        }
        DataFusionError::IoError(io) if io.kind() == std::io::ErrorKind::StorageFull => {
            EngineError::Resources(format!("no space left for spilling: {io}"))
        }
        _ => EngineError::Internal(error.strip_backtrace()),
    }
}

/// The first error of type `E` in the chain of sources.
fn source_of<'a, E: std::error::Error + 'static>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(current) = next {
        if let Some(found) = current.downcast_ref::<E>() {
            return Some(found);
        }
        if let Some(DataFusionError::External(inner)) = current.downcast_ref::<DataFusionError>()
            && let Some(found) = source_of::<E>(inner.as_ref())
        {
            return Some(found);
        }
        next = current.source();
    }
    None
}
