//! Running the statements: from pinned tables to the unit table, piece by piece, every join checked to keep its rows.

mod keeping;
mod made;
mod piece_work;

use std::sync::Arc;

use datafusion::common::runtime::SpawnedTask;
use futures::future::BoxFuture;
use futures::{StreamExt, TryStreamExt, stream};
use whom_engine::{Engine, EngineError, KeyFilter, Regrouping, StoredRows};

use crate::catalog::Catalog;
use crate::compile::{Compiled, Place, Purpose, Statement};
use crate::error::QueryError;
use crate::flow::{ExposureStep, Recorder};
use crate::unit_table::UnitTable;

use keeping::Keeper;
pub use keeping::{Checkpoints, Keeping};
pub(crate) use made::Made;
pub(crate) use piece_work::aligned;
pub(crate) use piece_work::{Finished, PieceTables, PieceWork};

/// Told before each statement, for progress.
pub trait Watch: Send + Sync {
    /// A statement is about to run, `done` of `all` have run.
    fn statement(&self, name: &str, done: usize, all: usize);

    /// Something happened that whoever looks after the run may want to know.
    fn note(&self, note: &str);
}

/// Runs the statements of a plan.
///
/// Scans put rows into pieces; within a piece every statement sees only rows of its own units, so pieces are worked one
/// after the other, as many at once as there are threads, and their unit tables, one after the other, are the whole. All
/// statements between two scans run in a piece before the next piece is taken up. What later statements read is kept, in
/// memory while there is room and on disk otherwise, until the last of them has run.
///
/// # Errors
/// [`QueryError::Data`] for content that no check can judge (a key with two contents, a unit with two rows of tags),
/// [`QueryError::Internal`] if a join lost or made a row, and what the engine refuses.
pub fn build<'a>(
    compiled: &'a Compiled,
    catalog: &'a Catalog,
    engine: &'a Engine,
    watch: &'a dyn Watch,
) -> BoxFuture<'a, Result<UnitTable, QueryError>> {
    Box::pin(async move {
        catalog.register(engine)?;
        let mut work = Work::new(compiled, catalog, engine);
        work.run_from(0, watch, None).await?;
        work.finish()
    })
}

/// As [`build`], with checkpoints: what is kept is not done again, and what is done is kept. No byte of the unit table
/// depends on either.
///
/// # Errors
/// As [`build`].
pub fn build_kept<'a>(
    compiled: &'a Compiled,
    catalog: &'a Catalog,
    engine: &'a Engine,
    watch: &'a dyn Watch,
    checkpoints: &'a Checkpoints,
) -> BoxFuture<'a, Result<(UnitTable, Keeping), QueryError>> {
    Box::pin(async move {
        catalog.register(engine)?;
        let mut work = Work::new(compiled, catalog, engine);
        let mut keeper = Keeper::new(checkpoints, watch);
        let done = keeper.take_up(&mut work).await?;
        work.run_from(done, watch, Some(&mut keeper)).await?;
        Ok((work.finish()?, keeper.finish()))
    })
}

/// Statements that run together: those in a piece that follow each other, and every other one by itself.
pub(crate) fn groups(statements: &[Statement]) -> impl Iterator<Item = &[Statement]> {
    statements.chunk_by(|one, next| [one, next].iter().all(|statement| statement.purpose.place() == Place::Piece))
}

/// The pieces, and what was made in them so far.
struct Work<'a> {
    compiled: &'a Compiled,
    catalog: &'a Catalog,
    /// Reads the files.
    scans: &'a Engine,
    /// Of whose kind the sessions of pieces are.
    engine: Arc<Engine>,
    /// By piece, the tables that later statements read.
    tables: Vec<PieceTables>,
    recorder: Recorder<'a>,
}

impl<'a> Work<'a> {
    fn new(compiled: &'a Compiled, catalog: &'a Catalog, engine: &'a Engine) -> Self {
        Self {
            compiled,
            engine: Arc::new(engine.piece()),
            catalog,
            scans: engine,
            tables: (0..engine.limits().pieces().count()).map(|_| PieceTables::new()).collect(),
            recorder: Recorder::new(catalog, compiled),
        }
    }

    /// Runs the statements from the one at a place on, which begins a group.
    async fn run_from(
        &mut self,
        place: usize,
        watch: &dyn Watch,
        mut keeper: Option<&mut Keeper<'_>>,
    ) -> Result<(), QueryError> {
        let statements = &self.compiled.statements;
        let mut done = place;
        for group in groups(&statements[place..]) {
            watch.statement(&group[0].purpose.table(), done, statements.len());
            self.run(group).await?;
            done += group.len();
            if let Some(keeper) = &mut keeper {
                keeper.keep(self, done).await?;
            }
        }
        Ok(())
    }

    /// Runs a group of statements where it belongs.
    async fn run(&mut self, group: &[Statement]) -> Result<(), QueryError> {
        let first = &group[0];
        let ran = match first.purpose.place() {
            Place::Files => self.ask_for_unknown_variants(first).await,
            Place::Scan => self.scan(first).await,
            Place::Regroup => return self.regroup(group).await,
            Place::Piece => return self.in_each_piece(group).await,
        };
        ran.map_err(|error| in_table(first, error, self.catalog))
    }

    async fn ask_for_unknown_variants(&mut self, statement: &Statement) -> Result<(), QueryError> {
        if self.recorder.asks_for_unknown_variants() {
            self.recorder.unknown_variants(&self.scans.query(&statement.sql).await?)?;
        }
        Ok(())
    }

    /// Reads files, and puts their rows into pieces.
    async fn scan(&mut self, statement: &Statement) -> Result<(), QueryError> {
        let steps = ExposureStep::of(&statement.purpose);
        let pieces = self.scans.limits().pieces();
        let scattered = self.scans.scatter(&statement.sql, pieces, steps).await?;
        if steps.is_some() {
            self.recorder.exposures(&scattered.steps)?;
        }
        self.recorder.scanned(&statement.purpose)?;
        self.keep(&statement.purpose, scattered.pieces);
        Ok(())
    }

    /// Runs a statement in each piece, and puts what it makes into pieces anew.
    async fn regroup(&mut self, group: &[Statement]) -> Result<(), QueryError> {
        let regrouping = Arc::new(self.scans.regrouping(self.scans.limits().pieces()));
        let (_, finished) = self.work_on_pieces(group, Some(&regrouping)).await?;
        self.tables = finished;
        let regrouping = Arc::into_inner(regrouping);
        let regrouping = regrouping.ok_or_else(|| QueryError::Internal("a piece is still at work".to_owned()))?;
        self.keep(&group[0].purpose, regrouping.finish()?);
        Ok(())
    }

    /// Runs statements in each piece.
    async fn in_each_piece(&mut self, group: &[Statement]) -> Result<(), QueryError> {
        let (made, tables) = self.work_on_pieces(group, None).await?;
        self.tables = tables;
        for (statement, made) in group.iter().zip(&made) {
            self.recorder.record(&statement.purpose, made)?;
            self.filter_by(&statement.purpose)?;
        }
        Ok(())
    }

    /// Runs statements piece by piece, as many pieces at once as there are threads: what all pieces together made of each
    /// statement, and the tables of each piece.
    async fn work_on_pieces(
        &mut self,
        group: &[Statement],
        regrouping: Option<&Arc<Regrouping>>,
    ) -> Result<(Vec<Made>, Vec<PieceTables>), QueryError> {
        let counted = group.iter().map(|statement| self.recorder.counted(&statement.purpose)).collect();
        let work = Arc::new(PieceWork {
            statements: group.to_vec(),
            counted,
            joined: self.compiled.joined.clone(),
            regrouping: regrouping.cloned(),
        });
        let tasks: Vec<_> = std::mem::take(&mut self.tables)
            .into_iter()
            .map(|tables| {
                let (engine, work) = (Arc::clone(&self.engine), Arc::clone(&work));
                in_a_task(async move { work.run(&engine.piece(), tables).await })
            })
            .collect();
        let mut finished = stream::iter(tasks).buffered(self.scans.limits().threads.get());
        let (mut all, mut tables) = (vec![Made::default(); group.len()], Vec::new());
        while let Some(piece) = finished.try_next().await? {
            let Finished { made, tables: left } =
                piece.map_err(|(place, error)| in_table(&group[place], error, self.catalog))?;
            all.iter_mut().zip(made).for_each(|(all, made)| *all += made);
            tables.push(left);
        }
        Ok((all, tables))
    }

    /// Keeps the rows of a statement in their pieces.
    fn keep(&mut self, purpose: &Purpose, pieces: Vec<StoredRows>) {
        for (tables, rows) in self.tables.iter_mut().zip(pieces) {
            tables.insert(purpose.clone(), Arc::new(rows));
        }
    }

    /// Makes the filter by which scans of other tables leave out rows of other units.
    fn filter_by(&self, purpose: &Purpose) -> Result<(), QueryError> {
        let Some((unit, day)) = purpose.filter_key() else { return Ok(()) };
        let rows: Vec<&StoredRows> =
            self.tables.iter().filter_map(|tables| tables.get(purpose)).map(AsRef::as_ref).collect();
        self.scans.add_filter(&purpose.table(), KeyFilter::of(&rows, unit, day)?);
        Ok(())
    }

    /// Makes the filters of all tables that are there.
    fn filter_by_all(&self) -> Result<(), QueryError> {
        let there = self.tables.first().into_iter().flat_map(PieceTables::keys);
        there.collect::<Vec<_>>().into_iter().try_for_each(|purpose| self.filter_by(purpose))
    }

    /// The unit tables of the pieces, which the last statement made.
    fn finish(self) -> Result<UnitTable, QueryError> {
        let last = self.compiled.made();
        let made = self.tables.into_iter().filter_map(|mut tables| tables.remove(&last));
        UnitTable::new(made.collect(), self.recorder.finish())
    }
}

/// A refusal of the data, or of a file, names the table in which it came up.
pub(crate) fn in_table(statement: &Statement, error: QueryError, catalog: &Catalog) -> QueryError {
    match error {
        QueryError::Engine(EngineError::Data(message)) => {
            QueryError::Data(format!("in {}: {message}", statement.purpose.subject()))
        }
        QueryError::Engine(EngineError::NoValue(reason)) => {
            QueryError::NoValue { subject: statement.purpose.subject(), reason }
        }
        QueryError::Engine(EngineError::Input { problem, fix }) => {
            catalog.unreadable(statement.reads.first().map(String::as_str), problem, fix)
        }
        other => other,
    }
}

/// Runs work on a thread of its own, and stops it when nobody waits for it any more.
async fn in_a_task<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Result<T, QueryError> {
    let done = SpawnedTask::spawn(work).join().await;
    done.map_err(|error| QueryError::Internal(format!("a piece's task failed: {error}")))
}
