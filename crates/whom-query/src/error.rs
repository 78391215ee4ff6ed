//! What can go wrong between a plan and its unit table, by who must act.

use thiserror::Error;
use whom_engine::{EngineError, NoValue};
use whom_spec::Diagnostic;
use whom_store::StoreError;

/// An error of this crate.
#[derive(Debug, Error)]
pub enum QueryError {
    /// The plan does not fit the tables: mend the pipeline file.
    #[error("{}", messages(.0))]
    Plan(Vec<Diagnostic>),
    /// Days that must be there are not, one message a table: wait for them, or declare gaps.
    #[error("{}", messages(.0))]
    MissingDays(Vec<Diagnostic>),
    /// The content of a table was refused.
    #[error("{0}")]
    Data(String),
    /// An expression has no value for some row of a table.
    #[error("in {subject}: {reason}")]
    NoValue {
        /// The table, in words.
        subject: String,
        /// What was tripped over; hashed where it is printed.
        reason: NoValue,
    },
    /// The engine failed, for reasons of its own kinds.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A bug of ours.
    #[error("{0}")]
    Internal(String),
}

impl From<Diagnostic> for QueryError {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Plan(vec![diagnostic])
    }
}

impl From<minijinja::Error> for QueryError {
    fn from(error: minijinja::Error) -> Self {
        Self::Internal(format!("an SQL template cannot be rendered: {error:#}"))
    }
}

fn messages(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(|diagnostic| diagnostic.message.as_str()).collect::<Vec<_>>().join("; ")
}
