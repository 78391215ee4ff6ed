//! Checkpoints of a build: what is kept between two groups of statements, and how a next build goes on from there.
//!
//! After a group the state is the tables of all pieces, what the recorder has counted, and what the statements took. Filters
//! of keys are not kept: they are made again from the tables that they were made of, and only those that a later scan asks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use whom_engine::{CheckpointFolder, EngineError, ExecutedRecord, Kept, TableRows};

use super::piece_work::PieceTables;
use super::{Watch, Work};
use crate::compile::{Compiled, Purpose};
use crate::error::QueryError;
use crate::flow::{Recorded, Recorder};

/// Where and how often a build is kept.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    /// Where.
    pub folder: Arc<CheckpointFolder>,
    /// How much work is worth a checkpoint. What took less is sooner done again than kept.
    pub after: Duration,
}

/// What a build came from and left, for the manifest. None of it is in a result.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Keeping {
    /// The statement after which it went on, and the seconds that an earlier build had worked until then.
    pub resumed: Option<(String, f64)>,
    /// Checkpoints kept.
    pub kept: u64,
    /// The most bytes that one of them held.
    pub bytes: u64,
    /// Checkpoints for which there was no room.
    pub failed: u64,
}

/// How far a build had come: what a checkpoint remembers beside its tables.
#[derive(Serialize, Deserialize)]
struct Position {
    /// Statements done.
    done: usize,
    /// The last of them.
    after: String,
    /// Since the build began, those of earlier builds included.
    seconds: f64,
    recorded: Recorded,
    /// By statement.
    executed: BTreeMap<String, ExecutedRecord>,
}

/// A build that is kept.
pub(super) struct Keeper<'a> {
    checkpoints: &'a Checkpoints,
    watch: &'a dyn Watch,
    /// When this build began, and the seconds of those that it goes on from.
    began: Instant,
    before: f64,
    /// When it was kept last.
    last: Instant,
    keeping: Keeping,
}

impl<'a> Keeper<'a> {
    pub(super) fn new(checkpoints: &'a Checkpoints, watch: &'a dyn Watch) -> Self {
        let now = Instant::now();
        Self { checkpoints, watch, began: now, before: 0.0, last: now, keeping: Keeping::default() }
    }

    /// What came of it.
    pub(super) fn finish(self) -> Keeping {
        self.keeping
    }

    /// Takes up what is kept, if anything is; the number of statements that are done with it. What cannot be used is
    /// forgotten.
    pub(super) async fn take_up(&mut self, work: &mut Work<'_>) -> Result<usize, QueryError> {
        if self.checkpoints.folder.pieces().is_none() {
            return Ok(0);
        }
        let folder = Arc::clone(&self.checkpoints.folder);
        let loaded = on_a_thread(move || folder.load()).await?;
        let position: Option<Position> = self.checkpoints.folder.note();
        let taken = loaded.and_then(|tables| taken_up(work, position, &tables));
        match taken {
            Ok(Position { done, after, seconds, .. }) => {
                work.filter_by_all()?;
                self.watch.note(&format!("resumed after `{after}`: {seconds:.0} s of earlier work are not repeated"));
                (self.before, self.keeping.resumed) = (seconds, Some((after, seconds)));
                Ok(done)
            }
            Err(reason) => {
                self.checkpoints.folder.forget();
                let path = self.checkpoints.folder.path().display();
                self.watch.note(&format!(
                    "the checkpoint in `{path}` is damaged and was removed: {reason}; the run begins anew"
                ));
                Ok(0)
            }
        }
    }

    /// Keeps what is done, if enough was done since the last time. That there is no room costs the checkpoint only.
    pub(super) async fn keep(&mut self, work: &Work<'_>, done: usize) -> Result<(), QueryError> {
        let Some(last) = done.checked_sub(1).and_then(|place| work.compiled.statements.get(place)) else {
            return Ok(());
        };
        if self.last.elapsed() < self.checkpoints.after {
            return Ok(());
        }
        let after = last.purpose.table();
        let position = Position {
            done,
            after: after.clone(),
            seconds: self.before + self.began.elapsed().as_secs_f64(),
            recorded: work.recorder.recorded().clone(),
            executed: executed(work),
        };
        let (folder, tables) = (Arc::clone(&self.checkpoints.folder), by_table(&work.tables));
        match on_a_thread(move || folder.save(&tables, &position)).await? {
            Ok(Kept { bytes, .. }) => {
                self.keeping.kept += 1;
                self.keeping.bytes = self.keeping.bytes.max(bytes);
                self.watch.note(&format!("kept a checkpoint after `{after}`: {bytes} bytes"));
            }
            Err(EngineError::Resources(reason)) => {
                self.keeping.failed += 1;
                self.watch.note(&format!("kept no checkpoint after `{after}`: {reason}; the run goes on"));
            }
            Err(error) => return Err(error.into()),
        }
        self.last = Instant::now();
        Ok(())
    }
}

/// Puts what is kept in the place of what the statements would have made.
fn taken_up(work: &mut Work<'_>, position: Option<Position>, tables: &[TableRows]) -> Result<Position, String> {
    let position = position.ok_or_else(|| "it does not say how far it came".to_owned())?;
    let statements = work.compiled.statements.get(..position.done);
    let done = statements.filter(|done| done.last().is_some_and(|last| last.purpose.table() == position.after));
    let done = done.ok_or_else(|| format!("`{}` is not its statement {}", position.after, position.done))?;
    let known: BTreeMap<String, &Purpose> =
        done.iter().map(|statement| (statement.purpose.table(), &statement.purpose)).collect();
    let mut pieces = vec![PieceTables::new(); work.tables.len()];
    for table in tables {
        let purpose = known.get(&table.name).ok_or_else(|| format!("nothing makes `{}`", table.name))?;
        if table.pieces.len() != pieces.len() {
            return Err(format!("`{}` is in {} pieces, not in {}", table.name, table.pieces.len(), pieces.len()));
        }
        for (piece, rows) in pieces.iter_mut().zip(&table.pieces) {
            piece.insert((*purpose).clone(), Arc::clone(rows));
        }
    }
    for statement in done {
        if let Some(record) = position.executed.get(&statement.purpose.table()) {
            work.scans.ledger().carry(&statement.sql, record.clone());
        }
    }
    work.tables = pieces;
    work.recorder = Recorder::going_on(work.catalog, work.compiled, position.recorded.clone());
    Ok(position)
}

/// The tables of all pieces, table by table.
fn by_table(pieces: &[PieceTables]) -> Vec<TableRows> {
    let purposes: BTreeSet<&Purpose> = pieces.iter().flat_map(PieceTables::keys).collect();
    let rows_of = |purpose: &Purpose| pieces.iter().filter_map(|piece| piece.get(purpose)).map(Arc::clone).collect();
    purposes.into_iter().map(|purpose| TableRows { name: purpose.table(), pieces: rows_of(purpose) }).collect()
}

/// What the statements took so far.
fn executed(work: &Work<'_>) -> BTreeMap<String, ExecutedRecord> {
    let Compiled { statements, .. } = work.compiled;
    let record = |sql: &str| Some(work.scans.ledger().executed(sql)?.record());
    statements.iter().filter_map(|statement| Some((statement.purpose.table(), record(&statement.sql)?))).collect()
}

/// Does work that waits for disks and keeps processors busy where it is in nobody's way.
async fn on_a_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, QueryError> {
    let done = datafusion::common::runtime::SpawnedTask::spawn_blocking(work).join().await;
    done.map_err(|error| QueryError::Internal(format!("keeping a checkpoint failed: {error}")))
}
