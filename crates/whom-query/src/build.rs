//! Running the statements: from pinned tables to the unit table, piece by piece, every join checked to keep its rows.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::common::runtime::SpawnedTask;
use futures::{StreamExt, TryStreamExt, stream};
use whom_engine::{Engine, EngineError, KeyFilter, Rows, Step, StoredRows};

use crate::align::{Aligned, Alignment, Beside, JOINED};
use crate::catalog::Catalog;
use crate::compile::{Compiled, JoinedTable, Place, Purpose, Statement};
use crate::error::QueryError;
use crate::flow::{ExposureStep, Recorder};
use crate::unit_table::{UnitTable, column};

/// Told before each statement, for progress.
pub trait Watch: Send + Sync {
    /// A statement is about to run, `done` of `all` have run.
    fn statement(&self, name: &str, done: usize, all: usize);
}

/// Runs the statements of a plan.
///
/// Scans put rows into pieces; within a piece every statement sees only rows of its own units, so pieces run side by side
/// and their unit tables, one after the other, are the whole. Rows that later statements read are kept in memory until the
/// last of them has run.
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
    let pieces = engine.limits().pieces();
    let mut work = Work {
        compiled,
        engine,
        pieces: (0..pieces.count()).map(|_| Arc::new(engine.piece())).collect(),
        kept: BTreeSet::new(),
        recorder: Recorder::new(catalog, &compiled.metrics),
    };
    for (done, statement) in compiled.statements.iter().enumerate() {
        watch.statement(&statement.purpose.table(), done, compiled.statements.len());
        let told = work.run(statement).await;
        let rows = told.map_err(|error| in_table(statement, error, catalog))?;
        if statement.purpose == Purpose::UnitTable {
            let pieces = rows.into_iter().map(StoredRows::uncounted).collect();
            return UnitTable::new(pieces, work.recorder.finish());
        }
    }
    Err(QueryError::Internal("no statement makes the unit table".to_owned()))
}

/// A refusal of the data, or of a file, names the table in which it came up.
fn in_table(statement: &Statement, error: QueryError, catalog: &Catalog) -> QueryError {
    match error {
        QueryError::Engine(EngineError::Data(message)) => {
            QueryError::Data(format!("in {}: {message}", statement.purpose.subject()))
        }
        QueryError::Engine(EngineError::Input { problem, fix }) => {
            catalog.unreadable(statement.reads.first().map(String::as_str), problem, fix)
        }
        other => other,
    }
}

/// The pieces, and what was made in them so far.
struct Work<'a> {
    compiled: &'a Compiled,
    /// Reads the files.
    engine: &'a Engine,
    /// A session for each piece, with the rows of that piece.
    pieces: Vec<Arc<Engine>>,
    /// The tables that later statements read.
    kept: BTreeSet<Purpose>,
    recorder: Recorder<'a>,
}

impl Work<'_> {
    /// Runs a statement where it belongs. The answer is what the last statement made, and empty before.
    async fn run(&mut self, statement: &Statement) -> Result<Vec<Rows>, QueryError> {
        let purpose = &statement.purpose;
        match purpose.place() {
            Place::Files => {
                if self.recorder.asks_for_unknown_variants() {
                    self.recorder.unknown_variants(&self.engine.query(&statement.sql).await?)?;
                }
                Ok(Vec::new())
            }
            Place::Scan => {
                let rows = self.scan(statement).await?;
                self.keep(purpose, rows)
            }
            Place::Regroup => {
                let made = self.in_each_piece(&statement.sql).await?;
                let rows = self.engine.regroup(&made, self.engine.limits().pieces())?.into_pieces();
                self.keep(purpose, rows)
            }
            Place::Piece => {
                if *purpose == Purpose::UnitTable {
                    self.align().await?;
                }
                let rows = self.in_each_piece(&statement.sql).await?;
                self.recorder.record(purpose, &rows)?;
                self.filter_by(purpose, &rows)?;
                self.keep(purpose, rows)
            }
        }
    }

    /// Reads files, and puts their rows into pieces.
    async fn scan(&mut self, statement: &Statement) -> Result<Vec<Rows>, QueryError> {
        let judged = statement.purpose == Purpose::Exposures;
        let steps = Step { column: "step", kept: ExposureStep::KEPT, count: ExposureStep::COUNT };
        let pieces = self.engine.limits().pieces();
        let scattered = self.engine.scatter(&statement.sql, pieces, judged.then_some(steps)).await?;
        if judged {
            self.recorder.exposures(&scattered.steps)?;
        }
        Ok(scattered.into_pieces())
    }

    /// Runs a query in each piece, as many at once as there are threads; the answers stand in the order of the pieces.
    async fn in_each_piece(&self, sql: &str) -> Result<Vec<Rows>, QueryError> {
        let sql: Arc<str> = sql.into();
        self.for_each_piece(|piece| {
            let sql = Arc::clone(&sql);
            async move { Ok(piece.query(&sql).await?) }
        })
        .await
    }

    async fn for_each_piece<F, T>(&self, work: impl Fn(Arc<Engine>) -> F) -> Result<Vec<T>, QueryError>
    where
        F: Future<Output = Result<T, QueryError>> + Send + 'static,
        T: Send + 'static,
    {
        let tasks: Vec<_> = self.pieces.iter().map(|piece| in_a_task(work(Arc::clone(piece)))).collect();
        stream::iter(tasks).buffered(self.engine.limits().threads.get()).try_collect().await
    }

    /// Keeps the rows of a statement for later ones, and forgets those that it was the last to read.
    fn keep(&mut self, purpose: &Purpose, rows: Vec<Rows>) -> Result<Vec<Rows>, QueryError> {
        for superseded in purpose.supersedes() {
            if self.kept.remove(&superseded) {
                self.pieces.iter().try_for_each(|piece| piece.remove(&superseded.table()))?;
            }
        }
        if !purpose.is_read() {
            return Ok(rows);
        }
        for (piece, rows) in self.pieces.iter().zip(rows) {
            piece.add_rows(&purpose.table(), rows)?;
        }
        self.kept.insert(purpose.clone());
        Ok(Vec::new())
    }

    /// Makes the filter by which scans of other tables leave out rows of other units.
    fn filter_by(&self, purpose: &Purpose, rows: &[Rows]) -> Result<(), QueryError> {
        if let Some((unit, day)) = purpose.filter_key() {
            let batches: Vec<RecordBatch> = rows.iter().flat_map(|rows| rows.batches.iter().cloned()).collect();
            self.engine.add_filter(&purpose.table(), KeyFilter::of(&batches, unit, day)?);
        }
        Ok(())
    }

    /// Puts the metrics and tags beside the units of each piece.
    async fn align(&mut self) -> Result<(), QueryError> {
        let tables: Arc<[JoinedTable]> = self.compiled.joined.clone().into();
        let joined = self
            .for_each_piece(|piece| {
                let tables = Arc::clone(&tables);
                async move { aligned(&piece, &tables) }
            })
            .await?;
        let mut beside = vec![Beside::default(); tables.len()];
        for (piece, (batch, found)) in self.pieces.iter().zip(joined) {
            beside.iter_mut().zip(found).for_each(|(total, found)| *total += found);
            piece.add_rows(JOINED, Rows { schema: batch.schema(), batches: vec![batch] })?;
        }
        for (table, beside) in tables.iter().zip(beside) {
            self.recorder.beside_units(&table.purpose, beside)?;
        }
        for table in std::mem::take(&mut self.kept) {
            self.pieces.iter().try_for_each(|piece| piece.remove(&table.table()))?;
        }
        Ok(())
    }
}

/// Runs work on a thread of its own, and stops it when nobody waits for it any more.
async fn in_a_task<T: Send + 'static>(
    work: impl Future<Output = Result<T, QueryError>> + Send + 'static,
) -> Result<T, QueryError> {
    let done = SpawnedTask::spawn(work).join().await;
    done.map_err(|error| QueryError::Internal(format!("a piece's task failed: {error}")))?
}

/// The units of a piece with the rows of all tables beside them, and for each table the units that have some.
pub(crate) fn aligned(piece: &Engine, tables: &[JoinedTable]) -> Result<(RecordBatch, Vec<Beside>), QueryError> {
    let units = piece.rows(&Purpose::Units.table())?.to_batch()?;
    let ids = column(&units, "unit")?;
    let alignment = Alignment::by(&ids)?;
    let mut fields: Vec<Field> = units.schema().fields().iter().map(|field| field.as_ref().clone()).collect();
    let mut columns = units.columns().to_vec();
    let mut found = Vec::new();
    for table in tables {
        let rows = piece.rows(&table.purpose.table())?.to_batch()?;
        let Aligned { columns: values, beside } = alignment.align(&rows, &table.columns)?;
        let named = table.columns.iter().zip(&values);
        fields.extend(named.map(|(name, values)| Field::new(name, values.data_type().clone(), true)));
        columns.extend(values);
        found.push(beside);
    }
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns);
    Ok((batch.map_err(|error| QueryError::Internal(error.to_string()))?, found))
}
