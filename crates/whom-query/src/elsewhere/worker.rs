//! Who does the parts.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use uuid::Uuid;
use whom_engine::{
    Bench, Engine, EngineError, HandedColumns, HandedFile, HandedRows, HandedSource, HandedUnits, KeyFilter, Limits,
    Order, Pieces, PlainFile, Regrouping, StoredRows, UnitCache, UnitSource, Worker, answer_part, blocking, decoded,
    encoded,
};
use whom_store::{Exchange, Location, Stores};

use super::filters::KnownFilters;
use super::order::{
    Asked, Common, EncodeWork, Encoded, Failure, FilePart, FileWork, LookWork, PieceAnswer, PiecePart, PiecesWork,
    ScanWork, Scattered, ShareAnswer, SharePart, UnitsPart, Work,
};
use crate::build::{Finished, PieceTables, PieceWork};
use crate::compile::Purpose;
use crate::encoding::{Counts, Encoding, Piece};
use crate::error::QueryError;
use crate::flow::ExposureStep;
use crate::look::Looks;
use crate::stretch::analysed_rows;
use crate::unit_table::rows_of;

/// Reads shares of tables and runs statements in pieces, as an executor of a cluster does it.
#[derive(Debug)]
pub struct UnitTableWorker {
    stores: Stores,
    /// What it can look for.
    looks: Looks,
    /// The filters that parts ask at the moment, by the object that holds them.
    filters: KnownFilters,
    /// The encoded units that were asked last.
    units: Arc<UnitCache>,
}

/// A part, with what it works with.
struct Part<'a> {
    worker: &'a UnitTableWorker,
    exchange: Exchange,
    pieces: Pieces,
    engine: Engine,
}

#[async_trait]
impl Worker for UnitTableWorker {
    async fn work(&self, order: Order) -> Result<Bytes, EngineError> {
        let stores = self.stores.of_another_run();
        let Common { exchange, pieces, work } = match Asked::of(&order.common)? {
            Asked::Table(common) => *common,
            Asked::Question(question) => return answer_part(question, &order, &stores, &self.units).await,
        };
        let pieces = Pieces::new(NonZeroUsize::new(pieces).unwrap_or(NonZeroUsize::MIN));
        let location = Location::output(&exchange, Path::new("/"))?;
        let exchange = Exchange::create(&stores, &location)?;
        let part = Part { worker: self, exchange, pieces, engine: Engine::new(&limits(&order.bench, pieces))? };
        let host = &order.bench.host;
        let answer = match work {
            Work::Scan(work) => {
                encoded(&settled(host, part.share(&work, &order.part, &stores).await.map_err(at_once))?)
            }
            Work::Pieces(work) => encoded(&settled(host, part.piece(&work, &order.part).await)?),
            Work::Look(work) => encoded(&settled(host, part.look(work, &order).await.map_err(at_once))?),
            Work::Encode(work) => encoded(&settled(host, part.encode(work, &order).await.map_err(at_once))?),
            Work::File(work) => encoded(&settled(host, part.file(work, &order).await.map_err(at_once))?),
        };
        Ok(answer?.into())
    }
}

/// The answer, whether the part was done or can never be.
fn settled<T>(host: &str, done: Result<T, (usize, QueryError)>) -> Result<Result<T, Failure>, EngineError> {
    match done {
        Ok(answer) => Ok(Ok(answer)),
        Err(failed) => Failure::of(host, failed).map(Err),
    }
}

/// An error of work that is about one statement, or about none.
fn at_once(error: QueryError) -> (usize, QueryError) {
    (0, error)
}

/// How a part shares out what it may use: one half for operators, a quarter for rows that wait, an eighth for those that are
/// collected; what is left is for what readers decode.
fn limits(bench: &Bench, pieces: Pieces) -> Limits {
    Limits {
        memory: bench.memory / 2,
        rows: bench.memory / 4,
        buffer: bench.memory / 8,
        spill: Some(bench.spill.clone()),
        threads: NonZeroUsize::MIN,
        pieces: NonZeroUsize::new(pieces.count()),
        ..Limits::default()
    }
}

impl UnitTableWorker {
    /// One that reads from these stores, and takes these looks.
    pub fn new(stores: Stores, looks: Looks) -> Self {
        Self { stores, looks, filters: KnownFilters::default(), units: Arc::default() }
    }

    /// Encoded units that were handed over, asked by who does an order about them.
    ///
    /// # Errors
    /// As [`HandedSource::take`].
    pub fn units<'a>(
        &'a self,
        handed: HandedSource,
        bench: &'a Bench,
    ) -> BoxFuture<'a, Result<UnitSource, EngineError>> {
        Box::pin(async move { handed.take(bench, &self.stores.of_another_run(), &self.units).await })
    }
}

impl Part<'_> {
    /// Reads a share of a table and puts its rows into pieces.
    async fn share(&self, work: &ScanWork, part: &[u8], stores: &Stores) -> Result<ShareAnswer, QueryError> {
        let share: SharePart = decoded(part)?;
        let table = work.table.open(&share, stores).await?;
        self.engine.add_pinned(work.table.name(), Arc::new(table))?;
        for (name, object) in &work.filters {
            self.engine.add_filter(name, self.worker.filters.get(&self.exchange, object, self.pieces).await?);
        }
        let step = ExposureStep::of(&work.statement.purpose);
        let sql = &work.statement.sql;
        let scattered = self.engine.scatter(sql, self.pieces, step).await?;
        Ok(ShareAnswer {
            steps: scattered.steps,
            rows: self.scattered(scattered.pieces).await?,
            executed: self.engine.ledger().executed(sql).map(|executed| executed.record()),
        })
    }

    /// Runs statements in a piece.
    async fn piece(&self, work: &PiecesWork, part: &[u8]) -> Result<PieceAnswer, (usize, QueryError)> {
        let before = |error: EngineError| (0, QueryError::from(error));
        let given: PiecePart = decoded(part).map_err(before)?;
        let mut tables = PieceTables::new();
        for (purpose, rows) in &given {
            let columns = work.columns.get(purpose).ok_or_else(|| (0, without_columns(purpose)))?;
            let taken = rows.take(columns, &self.exchange, self.engine.store()).await.map_err(before)?;
            tables.insert(purpose.clone(), Arc::new(taken));
        }
        let regrouping = work.regroups.then(|| Arc::new(self.engine.regrouping(self.pieces)));
        let piece_work = PieceWork {
            statements: work.statements.clone(),
            counted: work.counted.clone(),
            joined: work.joined.clone(),
            regrouping: regrouping.clone(),
        };
        let finished = piece_work.run(&self.engine.piece(), tables.clone()).await?;
        drop(piece_work);
        let last = work.statements.len().saturating_sub(1);
        self.answered(work, (&tables, finished), regrouping).await.map_err(|error| (last, error))
    }

    /// Hands over what a piece made.
    async fn answered(
        &self,
        work: &PiecesWork,
        (before, finished): (&PieceTables, Finished),
        regrouping: Option<Arc<Regrouping>>,
    ) -> Result<PieceAnswer, QueryError> {
        let Finished { made, tables } = finished;
        let is_new = |(purpose, rows): &(&Purpose, &Arc<StoredRows>)| {
            before.get(purpose).is_none_or(|given| !Arc::ptr_eq(given, rows))
        };
        let (purposes, rows): (Vec<_>, Vec<_>) = tables.iter().filter(is_new).unzip();
        let rows: Vec<Arc<StoredRows>> = rows.into_iter().cloned().collect();
        let handed = self.hand_over(&rows).await?;
        let mut new = BTreeMap::new();
        for ((purpose, rows), handed) in purposes.into_iter().zip(&rows).zip(handed) {
            new.insert(purpose.clone(), (HandedColumns::of(rows.schema())?, handed));
        }
        let regrouped = match regrouping.map(Arc::into_inner) {
            None => None,
            Some(None) => return Err(QueryError::Internal("a piece is still at work".to_owned())),
            Some(Some(regrouping)) => Some(self.scattered(regrouping.finish()?).await?),
        };
        let filters = self.filters(work, &tables).await?;
        let executed = |sql: &str| self.engine.ledger().executed(sql).map(|executed| executed.record());
        let executed = work.statements.iter().map(|statement| executed(&statement.sql)).collect();
        Ok(PieceAnswer { made, kept: tables.keys().cloned().collect(), new, regrouped, filters, executed })
    }

    /// The filters of the keys of a piece that its statements made.
    async fn filters(&self, work: &PiecesWork, tables: &PieceTables) -> Result<BTreeMap<Purpose, String>, QueryError> {
        let mut made = BTreeMap::new();
        for purpose in work.statements.iter().map(|statement| &statement.purpose) {
            let (Some((unit, day)), Some(rows)) = (purpose.filter_key(), tables.get(purpose)) else { continue };
            let object = format!("filters/{}", Uuid::new_v4());
            let filter = KeyFilter::of(&[&**rows], unit, day)?;
            self.exchange.write(&object, filter.to_bytes().into()).await?;
            made.insert(purpose.clone(), object);
        }
        Ok(made)
    }

    /// Looks at the units of some pieces.
    async fn look(&self, work: LookWork, order: &Order) -> Result<Vec<u8>, QueryError> {
        let taken = self.units(&work.columns, order).await?;
        let (looks, cancel) = (self.worker.looks.clone(), Arc::clone(&order.bench.cancel));
        let looking = move || looks.take(&work.name, &work.look, (&taken, &cancel));
        blocking(&order.bench.cancel, looking).await
    }

    /// Encodes the units of some pieces, and hands them over.
    async fn encode(&self, work: EncodeWork, order: &Order) -> Result<Encoded, QueryError> {
        let taken = self.units(&work.columns, order).await?;
        let layout = work.layout.layout();
        let work = Arc::new(work);
        let (mut units, mut counts): (Vec<HandedUnits>, Option<Counts>) = (Vec::new(), None);
        for piece in taken {
            let (work, encoding_layout) = (Arc::clone(&work), Arc::clone(&layout));
            let cancel = Arc::clone(&order.bench.cancel);
            let encode = move || {
                let EncodeWork { schema, tags, groups, by_first_exposure, .. } = &*work;
                let encoding = Encoding::new(schema, (tags, groups), *by_first_exposure, &encoding_layout, &cancel);
                encoding.piece(&mut rows_of(&piece, &cancel)?)
            };
            let piece: Piece = blocking::<_, QueryError>(&order.bench.cancel, encode).await?;
            let object = format!("units/{}", Uuid::new_v4());
            let folder = self.engine.store().folder();
            units.push(HandedUnits::hand_over(&self.exchange, &object, (&piece.units, &layout), folder).await?);
            match &mut counts {
                Some(counts) => counts.merge(&piece.counts),
                None => counts = Some(piece.counts),
            }
        }
        let counts = counts.ok_or_else(|| QueryError::Internal("a part without pieces".to_owned()))?;
        Ok(Encoded { units, counts })
    }

    /// Writes a file of units that follow each other, and hands it over.
    async fn file(&self, work: FileWork, order: &Order) -> Result<HandedFile, QueryError> {
        let FilePart { pieces, skipped, units } = decoded(&order.part)?;
        let taken = self.taken(&work.columns, pieces).await?;
        let folder = self.engine.store().folder();
        let mut out = folder.plain_writer()?;
        let (looks, cancel) = (self.worker.looks.clone(), Arc::clone(&order.bench.cancel));
        let writing = move || {
            let FileWork { name, file, schema, .. } = work;
            let mut rows = analysed_rows(&taken, &schema, (skipped, units), &cancel);
            looks.write(&name, &file, (&mut rows, &mut out))?;
            Ok::<PlainFile, QueryError>(out.finish(units)?)
        };
        let written = blocking(&order.bench.cancel, writing).await?;
        Ok(HandedFile::hand_over(&self.exchange, &format!("files/{}", Uuid::new_v4()), &written).await?)
    }

    /// The unit tables of the pieces of a part.
    async fn units(&self, columns: &HandedColumns, order: &Order) -> Result<Vec<StoredRows>, QueryError> {
        self.taken(columns, decoded(&order.part)?).await
    }

    async fn taken(&self, columns: &HandedColumns, given: UnitsPart) -> Result<Vec<StoredRows>, QueryError> {
        let mut taken = Vec::with_capacity(given.len());
        for rows in &given {
            taken.push(rows.take(columns, &self.exchange, self.engine.store()).await?);
        }
        Ok(taken)
    }

    async fn scattered(&self, pieces: Vec<StoredRows>) -> Result<Scattered, QueryError> {
        let pieces: Vec<Arc<StoredRows>> = pieces.into_iter().map(Arc::new).collect();
        let first = pieces.first().ok_or_else(|| QueryError::Internal("there is no piece".to_owned()))?;
        Ok(Scattered { columns: HandedColumns::of(first.schema())?, pieces: self.hand_over(&pieces).await? })
    }

    async fn hand_over(&self, rows: &[Arc<StoredRows>]) -> Result<Vec<HandedRows>, EngineError> {
        let object = format!("rows/{}", Uuid::new_v4());
        HandedRows::hand_over(&self.exchange, &object, rows, self.engine.store().folder()).await
    }
}

fn without_columns(purpose: &Purpose) -> QueryError {
    QueryError::Internal(format!("nobody told the columns of `{}`", purpose.table()))
}
