//! Running the statements: from pinned tables to the unit table, every join checked to keep its rows.

use std::collections::BTreeSet;
use std::sync::Arc;

use whom_engine::session::Rows;
use whom_engine::{Engine, EngineError};

use crate::catalog::Catalog;
use crate::compile::{Compiled, Purpose, Statement};
use crate::error::QueryError;
use crate::flow::Recorder;
use crate::unit_table::UnitTable;

/// Told before each statement, for progress.
pub trait Watch: Send + Sync {
    /// A statement is about to run, `done` of `all` have run.
    fn statement(&self, name: &str, done: usize, all: usize);
}

/// Runs the statements of a plan.
///
/// Rows that later statements read are kept in memory until the last of them has run.
///
/// # Errors
/// [`QueryError::Data`] for content that no check can judge (a key with two contents, a unit with two rows of tags),
/// [`QueryError::Internal`] if a join lost or made a row, and what the engine refuses.
pub async fn build(
    compiled: &Compiled,
    catalog: &Catalog,
    engine: &Engine,
    watch: &dyn Watch,
) -> Result<UnitTable, QueryError> {
    for source in catalog.sources() {
        engine.add_pinned(&source.table, Arc::clone(&source.pinned))?;
    }
    let mut recorder = Recorder::new(catalog, &compiled.metrics);
    let mut kept = KeptRows { engine, tables: BTreeSet::new() };
    for (done, statement) in compiled.statements.iter().enumerate() {
        watch.statement(&statement.purpose.table(), done, compiled.statements.len());
        let rows = run(engine, statement, catalog).await?;
        recorder.record(&statement.purpose, &rows)?;
        if statement.purpose == Purpose::UnitTable {
            return UnitTable::new(&rows, recorder.finish());
        }
        kept.keep(&statement.purpose, rows)?;
    }
    Err(QueryError::Internal("no statement makes the unit table".to_owned()))
}

/// A refusal of the data, or of a file, names the table in which it came up.
async fn run(engine: &Engine, statement: &Statement, catalog: &Catalog) -> Result<Rows, QueryError> {
    match engine.query(&statement.sql).await {
        Err(EngineError::Data(message)) => {
            Err(QueryError::Data(format!("in {}: {message}", statement.purpose.subject())))
        }
        Err(EngineError::Input { problem, fix }) => {
            Err(catalog.unreadable(statement.reads.first().map(String::as_str), problem, fix))
        }
        other => Ok(other?),
    }
}

/// The rows that later statements read.
struct KeptRows<'a> {
    engine: &'a Engine,
    tables: BTreeSet<Purpose>,
}

impl KeptRows<'_> {
    /// Keeps the rows of a statement, and forgets those that it was the last to read.
    fn keep(&mut self, purpose: &Purpose, rows: Rows) -> Result<(), QueryError> {
        if purpose.is_read() {
            self.engine.add_rows(&purpose.table(), rows)?;
            self.tables.insert(purpose.clone());
        }
        for superseded in purpose.supersedes() {
            if self.tables.remove(&superseded) {
                self.engine.remove(&superseded.table())?;
            }
        }
        Ok(())
    }
}
