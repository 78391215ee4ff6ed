//! What can go wrong between a plan and its unit table, by who must act.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use thiserror::Error;
use whom_engine::EngineError;
use whom_spec::Diagnostic;
use whom_store::StoreError;

/// An error of this crate.
#[derive(Debug, Error)]
pub enum QueryError {
    /// The plan does not fit the tables: mend the pipeline file.
    #[error("{}", messages(.0))]
    Plan(Vec<Diagnostic>),
    /// Days that must be there are not, by table: wait for them, or declare gaps.
    #[error("{}", missing(.0))]
    MissingDays(BTreeMap<String, Vec<NaiveDate>>),
    /// The content of a table was refused.
    #[error("{0}")]
    Data(String),
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

fn missing(tables: &BTreeMap<String, Vec<NaiveDate>>) -> String {
    let parts: Vec<String> = tables.iter().map(|(table, days)| format!("{table} lacks {}", day_list(days))).collect();
    format!("{}; wait until they are written, or declare `gaps: allowed`", parts.join(", "))
}

fn day_list(days: &[NaiveDate]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<String> = days.iter().take(SHOWN).map(NaiveDate::to_string).collect();
    match days.len().saturating_sub(SHOWN) {
        0 => format!("the day{} {}", if days.len() == 1 { "" } else { "s" }, shown.join(", ")),
        more => format!("the days {} and {more} more", shown.join(", ")),
    }
}
