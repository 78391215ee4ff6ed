//! The caller: which stage comes next, and what came of the last one.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;
use whom_engine::{Engine, EngineError, ExecutedRecord, Pieces, StageOrder, decoded, encoded};

use super::Elsewhere;
use super::order::{Common, Failure, PieceAnswer, PiecesWork, ScanWork, Scattered, ShareAnswer, Work, marked_table};
use super::position::Position;
use super::table::TableElsewhere;
use crate::build::{Keeping, Made, Watch, groups, in_table};
use crate::catalog::Catalog;
use crate::compile::{Compiled, Place, Purpose, Statement};
use crate::error::QueryError;
use crate::flow::{ExposureStep, Recorder};
use crate::unit_table::UnitTable;

/// Shares of a table for each part that is done at once: the last ones end at about the same time.
const SHARES_A_SLOT: usize = 4;

/// Pieces for each part that is done at once.
const PIECES_A_SLOT: usize = 2;

/// Bytes of a share of a large table.
const SHARE_BYTES: u64 = 256 << 20;

/// The most shares of a table.
const MOST_SHARES: usize = 4_096;

/// Makes the unit table.
pub(super) struct Driver<'a> {
    compiled: &'a Compiled,
    catalog: &'a Catalog,
    /// Takes up the unit table, and keeps the ledger.
    engine: &'a Engine,
    elsewhere: &'a Elsewhere,
    position: Position,
    recorder: Recorder<'a>,
}

impl<'a> Driver<'a> {
    pub(super) fn new(
        compiled: &'a Compiled,
        catalog: &'a Catalog,
        engine: &'a Engine,
        elsewhere: &'a Elsewhere,
    ) -> Self {
        let (position, recorder) = (Position::default(), Recorder::new(catalog, compiled));
        Self { compiled, catalog, engine, elsewhere, position, recorder }
    }

    pub(super) async fn run(mut self, watch: &dyn Watch) -> Result<(UnitTable, Keeping), QueryError> {
        let mut keeping = Keeping::default();
        self.position.tables = vec![BTreeMap::new(); self.pieces().await?];
        self.take_up(watch, &mut keeping).await?;
        let (before, began) = (self.position.seconds, Instant::now());
        let statements = &self.compiled.statements;
        let mut done = self.position.done;
        for group in groups(statements.get(done..).unwrap_or_default()) {
            watch.statement(&group[0].purpose.table(), done, statements.len());
            self.stage(group).await?;
            done += group.len();
            self.position.seconds = before + began.elapsed().as_secs_f64();
            self.keep(done, &mut keeping).await?;
        }
        Ok((self.finish()?, keeping))
    }

    /// The pieces of new work: as many as memory asks for, and at least enough to keep everybody at work who is there now.
    async fn pieces(&self) -> Result<usize, QueryError> {
        let busy = NonZeroUsize::new(self.elsewhere.dispatch.slots().await? * PIECES_A_SLOT);
        let planned = self.engine.limits().pieces().count();
        Ok(busy.map_or(planned, |busy| Pieces::new(busy).count().max(planned)))
    }

    /// Goes on from what an earlier caller kept, if one did.
    async fn take_up(&mut self, watch: &dyn Watch, keeping: &mut Keeping) -> Result<(), QueryError> {
        let Some(found) = Position::find(&self.elsewhere.exchange).await? else { return Ok(()) };
        let done = self.compiled.statements.get(..found.done);
        let last = done.and_then(<[_]>::last).map(|statement| statement.purpose.table());
        if last.as_ref() != Some(&found.after) {
            return Ok(());
        }
        let Position { seconds, after, .. } = &found;
        watch.note(&format!("resumed after `{after}`: {seconds:.0} s of earlier work are not repeated"));
        keeping.resumed = Some((after.clone(), *seconds));
        for statement in done.unwrap_or_default() {
            if let Some(record) = found.executed.get(&statement.purpose.table()) {
                self.engine.ledger().carry(&statement.sql, record.clone());
            }
        }
        self.recorder = Recorder::going_on(self.catalog, self.compiled, found.recorded.clone());
        self.position = found;
        Ok(())
    }

    /// Keeps how far the work has come.
    async fn keep(&mut self, done: usize, keeping: &mut Keeping) -> Result<(), QueryError> {
        let Compiled { statements, .. } = self.compiled;
        self.position.done = done;
        self.position.after = statements[..done].last().map(|last| last.purpose.table()).unwrap_or_default();
        self.position.recorded = self.recorder.recorded().clone();
        let record = |sql: &str| Some(self.engine.ledger().executed(sql)?.record());
        let executed = statements.iter().filter_map(|done| Some((done.purpose.table(), record(&done.sql)?)));
        self.position.executed = executed.collect();
        let bytes = self.position.keep(&self.elsewhere.exchange).await?;
        keeping.kept += 1;
        keeping.bytes = keeping.bytes.max(bytes);
        Ok(())
    }

    /// Has a group of statements run where it belongs.
    async fn stage(&mut self, group: &[Statement]) -> Result<(), QueryError> {
        let first = &group[0];
        match first.purpose.place() {
            Place::Files if self.recorder.asks_for_unknown_variants() => {
                let rows = self.engine.query(&first.sql).await;
                let rows = rows.map_err(|error| in_table(first, error.into(), self.catalog))?;
                self.recorder.unknown_variants(&rows)
            }
            Place::Files => Ok(()),
            Place::Scan => self.scan(first).await,
            Place::Regroup => self.in_pieces(group, true).await,
            Place::Piece => self.in_pieces(group, false).await,
        }
    }

    /// Has a table read in shares.
    async fn scan(&mut self, statement: &Statement) -> Result<(), QueryError> {
        let name = statement.reads.first().map(String::as_str).unwrap_or_default();
        let source = self.catalog.source(name)?;
        let slots = self.elsewhere.dispatch.slots().await?;
        let large = usize::try_from(source.listing.bytes() / SHARE_BYTES).unwrap_or(MOST_SHARES);
        let shares = (slots * SHARES_A_SLOT).max(large).min(MOST_SHARES);
        let parts = source.pinned.share_records(&source.listing, shares)?;
        let (table, filters) = (source.pinned.record(name)?, self.position.filters.clone());
        let work = Work::Scan(ScanWork { statement: statement.clone(), table, filters });
        let answers: Vec<ShareAnswer> = self.dispatch(std::slice::from_ref(statement), work, &parts).await?;
        let followed = ExposureStep::of(&statement.purpose);
        let mut steps = vec![0; followed.map_or(0, |steps| steps.count)];
        let mut rows = Vec::with_capacity(answers.len());
        for ShareAnswer { steps: of_share, rows: of_pieces, executed } in answers {
            steps.iter_mut().zip(of_share).for_each(|(all, rows)| *all += rows);
            self.executed(statement, executed);
            rows.push(of_pieces);
        }
        if followed.is_some() {
            self.recorder.exposures(&steps)?;
        }
        self.recorder.scanned(&statement.purpose)?;
        self.put_into_pieces(&statement.purpose, rows);
        Ok(())
    }

    /// Has statements run in every piece.
    async fn in_pieces(&mut self, group: &[Statement], regroups: bool) -> Result<(), QueryError> {
        let work = Work::Pieces(PiecesWork {
            statements: group.to_vec(),
            counted: group.iter().map(|statement| self.recorder.counted(&statement.purpose)).collect(),
            joined: self.compiled.joined.clone(),
            regroups,
            columns: self.position.columns.clone(),
        });
        let parts = self.position.tables.clone();
        let answers: Vec<PieceAnswer> = self.dispatch(group, work, &parts).await?;
        let (mut all, mut regrouped) = (vec![Made::default(); group.len()], Vec::new());
        let mut filters: BTreeMap<Purpose, Vec<String>> = BTreeMap::new();
        for (piece, answer) in answers.into_iter().enumerate() {
            let PieceAnswer { made, kept, new, regrouped: rows, filters: of_piece, executed } = answer;
            for (purpose, object) in of_piece {
                filters.entry(purpose).or_default().push(object);
            }
            all.iter_mut().zip(made).for_each(|(all, made)| *all += made);
            group.iter().zip(executed).for_each(|(statement, executed)| self.executed(statement, executed));
            let tables = &mut self.position.tables[piece];
            tables.retain(|purpose, _| kept.contains(purpose));
            for (purpose, (columns, rows)) in new {
                tables.insert(purpose.clone(), rows);
                self.position.columns.insert(purpose, columns);
            }
            regrouped.extend(rows);
        }
        if regroups {
            self.put_into_pieces(&group[0].purpose, regrouped);
            return Ok(());
        }
        for (statement, made) in group.iter().zip(&all) {
            self.recorder.record(&statement.purpose, made)?;
        }
        for (purpose, of_pieces) in filters {
            self.filter_by(&purpose, of_pieces).await?;
        }
        Ok(())
    }

    /// Has the parts of a stage done.
    async fn dispatch<Answer: DeserializeOwned>(
        &self,
        group: &[Statement],
        work: Work,
        parts: &[impl Serialize],
    ) -> Result<Vec<Answer>, QueryError> {
        let (exchange, pieces) = (self.elsewhere.exchange.address(), self.position.tables.len());
        let parts = parts.iter().map(|part| encoded(part).map(Bytes::from)).collect::<Result<_, EngineError>>()?;
        let common = marked_table(&Common { exchange, pieces, work })?;
        let order = StageOrder { name: group[0].purpose.table(), common, parts };
        let answers = self.elsewhere.dispatch.dispatch(order).await;
        let answers = answers.map_err(|error| in_table(&group[0], error.into(), self.catalog))?;
        let settled = answers.iter().map(|answer| {
            let answer: Result<Answer, Failure> = decoded(answer)?;
            answer.map_err(|failure| {
                let (place, error) = failure.into_error();
                in_table(group.get(place).unwrap_or(&group[0]), error, self.catalog)
            })
        });
        settled.collect()
    }

    /// Takes note of what a part of a statement took.
    fn executed(&self, statement: &Statement, record: Option<ExecutedRecord>) {
        if let Some(record) = record {
            self.engine.ledger().add(&statement.sql, record);
        }
    }

    /// The rows of a statement lie in their pieces now, in the order of the parts that put them there.
    fn put_into_pieces(&mut self, purpose: &Purpose, parts: Vec<Scattered>) {
        for Scattered { columns, pieces } in parts {
            self.position.columns.insert(purpose.clone(), columns);
            for (tables, rows) in self.position.tables.iter_mut().zip(pieces) {
                tables.entry(purpose.clone()).or_default().join(rows);
            }
        }
    }

    /// Lists the filters that the pieces made of their keys, by which scans of other tables leave out rows of other units.
    async fn filter_by(&mut self, purpose: &Purpose, of_pieces: Vec<String>) -> Result<(), QueryError> {
        let object = format!("filters/{}", Uuid::new_v4());
        self.elsewhere.exchange.write(&object, encoded(&of_pieces)?.into()).await?;
        self.position.filters.insert(purpose.table(), object);
        self.position.listed.extend(of_pieces);
        Ok(())
    }

    /// The unit table, which the last statement made.
    fn finish(mut self) -> Result<UnitTable, QueryError> {
        let last = self.compiled.made();
        let columns = self.position.columns.remove(&last);
        let columns = columns.ok_or_else(|| QueryError::Internal("nobody made the unit table".to_owned()))?;
        let pieces = self.position.tables.iter_mut().filter_map(|tables| tables.remove(&last)).collect();
        let table = TableElsewhere::new(self.elsewhere, columns, pieces, Arc::clone(self.engine.store().folder()))?;
        Ok(UnitTable::elsewhere_made(table, self.recorder.finish()))
    }
}
