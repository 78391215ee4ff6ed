//! What can go wrong in the engine, by who must act.

use datafusion::arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use parquet::errors::ParquetError;
use thiserror::Error;
use whom_store::{ErrorKind, StoreError};

use crate::no_value::NoValue;

/// An error of the engine.
#[derive(Debug, Error)]
pub enum EngineError {
    /// The content of the data was refused, for example a value outside its grid.
    #[error("{0}")]
    Data(String),
    /// An expression of the pipeline file has no value for some row.
    #[error("{0}")]
    NoValue(NoValue),
    /// A file cannot be read as Parquet, or its schema contradicts the other files of its table.
    #[error("{problem}; {fix}")]
    Input {
        /// The file and what is wrong with it.
        problem: String,
        /// What to do about it.
        fix: String,
    },
    /// Memory or spill space ran out.
    #[error("{0}")]
    Resources(String),
    /// The store could not deliver, or an input changed while it was read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Work on another machine did not come to its end, for a reason of that machine or of the way to it.
    #[error("{problem}")]
    Elsewhere {
        /// Who must act.
        kind: ErrorKind,
        /// What happened, and where.
        problem: String,
    },
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

impl EngineError {
    /// Rows of a file that cannot be decoded, although its footer can be read.
    fn damaged(error: &(dyn std::error::Error + 'static)) -> Self {
        let problem = format!("a Parquet file cannot be decoded: {}", parquet_words(error));
        Self::Input { problem, fix: "it may be damaged, write it again".to_owned() }
    }
}

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
    if let Some(EngineError::Resources(message)) = source_of::<EngineError>(error) {
        return EngineError::Resources(message.clone());
    }
    if let Some(parquet) = source_of::<ParquetError>(error) {
        return EngineError::damaged(parquet);
    }
    match error.find_root() {
        DataFusionError::ResourcesExhausted(message) => EngineError::Resources(message.clone()),
        DataFusionError::ArrowError(arrow, _) if matches!(**arrow, ArrowError::ParquetError(_)) => {
            EngineError::damaged(&**arrow)
        }
        DataFusionError::ArrowError(arrow, _) if is_of_a_value(arrow) => EngineError::NoValue(NoValue::new(arrow)),
        DataFusionError::IoError(io) if io.kind() == std::io::ErrorKind::StorageFull => {
            EngineError::Resources(format!("no space left for spilling: {io}"))
        }
        _ => EngineError::Internal(error.strip_backtrace()),
    }
}

/// What the Parquet reader said, without the headings that each layer around it put before.
pub(crate) fn parquet_words(error: &(dyn std::error::Error + 'static)) -> String {
    let said = source_of::<ParquetError>(error).map_or_else(|| error.to_string(), ToString::to_string);
    said.trim_start_matches("Parquet argument error: ").trim_start_matches("Parquet error: ").to_owned()
}

/// Whether an error is about what a value is, which our own SQL never trips over.
fn is_of_a_value(error: &ArrowError) -> bool {
    matches!(
        error,
        ArrowError::ArithmeticOverflow(_)
            | ArrowError::CastError(_)
            | ArrowError::ComputeError(_)
            | ArrowError::DivideByZero
            | ArrowError::ParseError(_)
    )
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

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{ArrayRef, StringArray};

    use super::*;
    use crate::session::{Engine, Limits};
    use crate::testing::{engine_with, open, write};

    fn texts() -> Vec<(&'static str, ArrayRef)> {
        vec![("v", std::sync::Arc::new(StringArray::from(vec!["1", "x"])))]
    }

    #[tokio::test]
    async fn an_expression_without_a_value_is_an_error_of_the_data() {
        let engine = engine_with("t", texts());
        let error = engine.query("SELECT CAST(v AS INT) AS n FROM t").await.unwrap_err();
        insta::assert_snapshot!(error, @r"
        an expression has no value for some row: Cast error: Cannot cast string #2d711642b726 to value of Int32 type (`--show-ids` shows what is hashed here); mend the rows, or write `TRY_CAST`, `NULLIF` or `CASE`
        ");
        for sql in ["SELECT 1 / (length(v) - 1) FROM t", "SELECT v FROM t WHERE CAST(v AS INT) = 1"] {
            assert!(matches!(engine.query(sql).await.unwrap_err(), EngineError::NoValue(_)), "{sql}");
        }
    }

    #[tokio::test]
    async fn so_is_one_over_the_rows_of_a_file() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "a.parquet", texts());
        let engine = open(folder.path()).await.unwrap();
        let error = engine.query("SELECT v FROM t WHERE CAST(v AS INT) = 1").await.unwrap_err();
        assert!(
            matches!(&error, EngineError::NoValue(told) if told.in_full().contains("Cannot cast string 'x'")),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_plan_beyond_its_memory_is_an_error_of_resources() {
        let engine = Engine::new(&Limits { memory: 1, ..Limits::default() }).unwrap();
        let error = engine.query("SELECT v, count(*) FROM (VALUES (1), (2)) AS t(v) GROUP BY v ORDER BY v").await;
        assert!(matches!(error.unwrap_err(), EngineError::Resources(_)));
    }

    #[test]
    fn a_full_disk_is_an_error_of_resources() {
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        assert!(matches!(EngineError::from(DataFusionError::IoError(full)), EngineError::Resources(_)));
    }

    #[test]
    fn the_rest_is_ours() {
        let error = EngineError::from(DataFusionError::Plan("no such thing".to_owned()));
        assert!(matches!(error, EngineError::Internal(_)));
    }
}
