//! Why a run ended without a result, by who must act.

use thiserror::Error;
use whom_engine::EngineError;
use whom_query::QueryError;
use whom_spec::{Diagnostic, SourceMap, SpecError};
use whom_store::{ErrorKind, StoreError};

use crate::event::Stage;

/// A run that ended without a result.
#[derive(Debug, Error)]
#[error("{message}")]
pub struct RunError {
    /// The stage in which it ended.
    pub stage: Stage,
    /// Who must act.
    pub cause: Cause,
    /// What happened, in full: for a pipeline file with the excerpt, for a refusal with the checks.
    pub message: String,
}

/// Who must act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// We: a bug. Exit code 1.
    Internal,
    /// Whoever wrote the pipeline file, or gave the rights to a file. Exit code 2.
    Configuration,
    /// Whoever made the data: a check refused their content. Exit code 3.
    Data,
    /// Nobody: try again later. Exit code 4.
    Transient,
    /// Nobody: days that the plan needs are not written yet. Exit code 4, or 99 where that counts as nothing to do.
    NotReady,
    /// Whoever runs the machine: memory or disk ran out. Exit code 5.
    Resources,
    /// Whoever stopped it. Exit code 130.
    Interrupted,
}

impl Cause {
    /// The exit code of the command line.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Internal => 1,
            Self::Configuration => 2,
            Self::Data => 3,
            Self::Transient | Self::NotReady => 4,
            Self::Resources => 5,
            Self::Interrupted => 130,
        }
    }

    /// The word in the last line of standard output.
    pub fn word(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::Configuration => "configuration",
            Self::Data => "data",
            Self::Transient => "transient",
            Self::NotReady => "not_ready",
            Self::Resources => "resources",
            Self::Interrupted => "interrupted",
        }
    }

    /// Whether the same command can succeed later without anybody mending anything.
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::Transient | Self::NotReady | Self::Interrupted)
    }
}

impl RunError {
    pub(crate) fn new(stage: Stage, cause: Cause, message: impl Into<String>) -> Self {
        Self { stage, cause, message: message.into() }
    }

    pub(crate) fn spec(error: &SpecError) -> Self {
        Self::new(Stage::Plan, Cause::Configuration, error.render(false))
    }

    pub(crate) fn store(stage: Stage, error: &StoreError) -> Self {
        Self::new(stage, cause_of_store(error), error.to_string())
    }

    pub(crate) fn engine(stage: Stage, error: &EngineError) -> Self {
        Self::new(stage, cause_of_engine(error), error.to_string())
    }

    pub(crate) fn query(stage: Stage, error: &QueryError, sources: &SourceMap) -> Self {
        let (cause, message) = match error {
            QueryError::Plan(diagnostics) => (Cause::Configuration, rendered(diagnostics, sources)),
            QueryError::MissingDays(_) => (Cause::NotReady, error.to_string()),
            QueryError::Data(_) => (Cause::Data, error.to_string()),
            QueryError::Engine(engine) => (cause_of_engine(engine), error.to_string()),
            QueryError::Store(store) => (cause_of_store(store), error.to_string()),
            QueryError::Internal(_) => (Cause::Internal, error.to_string()),
        };
        Self::new(stage, cause, message)
    }
}

/// Diagnostics as they are shown, each with its excerpt.
pub(crate) fn rendered(diagnostics: &[Diagnostic], sources: &SourceMap) -> String {
    diagnostics.iter().map(|diagnostic| sources.render(diagnostic)).collect::<Vec<_>>().join("\n\n")
}

fn cause_of_engine(error: &EngineError) -> Cause {
    match error {
        EngineError::Data(_) => Cause::Data,
        EngineError::Input(_) => Cause::Configuration,
        EngineError::Resources(_) => Cause::Resources,
        EngineError::Store(store) => cause_of_store(store),
        EngineError::Cancelled => Cause::Interrupted,
        EngineError::Internal(_) => Cause::Internal,
    }
}

fn cause_of_store(error: &StoreError) -> Cause {
    match error.kind() {
        ErrorKind::Configuration => Cause::Configuration,
        ErrorKind::Transient => Cause::Transient,
        ErrorKind::Resources => Cause::Resources,
        ErrorKind::Internal => Cause::Internal,
    }
}
