//! Units on other machines: every question is a stage, a part for some pieces.

use std::sync::Arc;

use bytes::Bytes;
use datafusion::arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use datafusion::arrow::datatypes::Int64Type;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use whom_stats::{ColumnShape, Layout, MetricRange, UnitColumns};
use whom_store::{Exchange, Stores};

use super::cache::UnitCache;
use super::question::{Answer, Question};
use super::taken::{HandedSource, TakenUnits};
use crate::error::EngineError;
use crate::handed::HandedRows;
use crate::orders::{Bench, Dispatch, Mark, Order, StageOrder, decoded, encoded, shared_out};
use crate::rows::Rows;
use crate::spill::SpillFolder;
use crate::stored::StoredRows;
use crate::stream::PieceOnDisk;

/// The part of what one order may use that is kept for the next ones, one in so many.
pub(super) const KEPT: u64 = 4;

/// The units of a piece, handed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandedUnits {
    units: HandedRows,
    /// Where the units of each bucket and arm begin.
    starts: HandedRows,
}

/// The layout of units in a form that can be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayoutRecord {
    arms: usize,
    shapes: Vec<ColumnShape>,
    ranges: Vec<MetricRange>,
}

/// What all parts of a question have in common.
#[derive(Serialize, Deserialize)]
struct Asked {
    exchange: String,
    layout: LayoutRecord,
    question: Question,
}

/// The units of all pieces, in their order.
#[derive(Debug)]
pub(super) struct UnitsElsewhere {
    pub(super) dispatch: Arc<dyn Dispatch>,
    pub(super) exchange: Exchange,
    pub(super) layout: LayoutRecord,
    pub(super) pieces: Vec<HandedUnits>,
}

impl LayoutRecord {
    /// The layout of these columns and metrics.
    pub fn new(arms: usize, shapes: Vec<ColumnShape>, ranges: Vec<MetricRange>) -> Self {
        Self { arms, shapes, ranges }
    }

    /// The layout.
    pub fn layout(&self) -> Arc<Layout> {
        Arc::new(Layout::new(self.arms, self.shapes.clone(), self.ranges.clone()))
    }
}

impl HandedUnits {
    /// The number of units.
    pub(super) fn count(&self) -> u64 {
        self.units.rows()
    }

    /// Hands over the units of a piece as an object, which must have a name that nobody else makes.
    ///
    /// # Errors
    /// As [`HandedRows::hand_over`].
    pub fn hand_over<'a>(
        exchange: &'a Exchange,
        object: &'a str,
        (units, layout): (&'a UnitColumns, &'a Layout),
        folder: &'a Arc<SpillFolder>,
    ) -> BoxFuture<'a, Result<Self, EngineError>> {
        Box::pin(async move {
            let (starts, units) = PieceOnDisk::write(units, layout, folder)?.into_parts();
            let schema = Arc::clone(units.schema());
            let units = StoredRows::new(Rows { schema, batches: Vec::new() }, None, vec![units]);
            let starts: ArrayRef = Arc::new(starts.iter().map(|start| *start as i64).collect::<Int64Array>());
            let starts = RecordBatch::try_from_iter([("start", starts)]).map_err(internal)?;
            let starts = StoredRows::uncounted(Rows { schema: starts.schema(), batches: vec![starts] });
            let tables = [Arc::new(units), Arc::new(starts)];
            let handed = HandedRows::hand_over(exchange, object, &tables, folder).await?;
            let [units, starts] =
                <[HandedRows; 2]>::try_from(handed).map_err(|_| internal("rows were not handed over"))?;
            Ok(Self { units, starts })
        })
    }

    /// The units in memory; taken, unless they are kept from the last time.
    pub(super) async fn units(
        &self,
        exchange: &Exchange,
        (folder, layout): (&Arc<SpillFolder>, &Arc<Layout>),
        (cache, bench): (&UnitCache, &Bench),
    ) -> Result<Arc<UnitColumns>, EngineError> {
        let object = self.object().unwrap_or_default();
        if let Some(units) = cache.get(object) {
            return Ok(units);
        }
        let units = Arc::new(self.load(exchange, (folder, layout), bench).await?);
        cache.put(object, &units, (layout.resident_bytes(units.rows() as u64), bench.memory as u64 / KEPT));
        Ok(units)
    }

    /// The number of units.
    pub(super) fn rows(&self) -> u64 {
        self.units.rows()
    }

    /// The object that holds the units; `None` if there are none.
    pub(super) fn object(&self) -> Option<&str> {
        self.units.object()
    }

    /// Takes the units into memory.
    pub(super) async fn load(
        &self,
        exchange: &Exchange,
        (folder, layout): (&Arc<SpillFolder>, &Arc<Layout>),
        bench: &Bench,
    ) -> Result<UnitColumns, EngineError> {
        let piece = self.take(exchange, folder).await?;
        let (layout, cancel) = (Arc::clone(layout), Arc::clone(&bench.cancel));
        super::blocking(&bench.cancel, move || piece.load(&layout, &cancel)).await
    }

    /// Takes the units.
    async fn take(&self, exchange: &Exchange, folder: &Arc<SpillFolder>) -> Result<PieceOnDisk, EngineError> {
        let mut files = self.units.files(exchange, folder).await?;
        let units = files.pop().ok_or_else(|| internal("the units of a piece are not in a file"))?;
        let mut starts = Vec::new();
        for file in self.starts.files(exchange, folder).await? {
            for batch in file.read()? {
                let batch = batch?;
                starts.extend(batch.column(0).as_primitive::<Int64Type>().values().iter().map(|start| *start as usize));
            }
        }
        Ok(PieceOnDisk::of(starts, units))
    }
}

impl UnitsElsewhere {
    /// Where the units lie.
    pub(super) fn handed(&self) -> HandedSource {
        HandedSource { exchange: self.exchange.address(), layout: self.layout.clone(), pieces: self.pieces.clone() }
    }

    /// Asks all pieces.
    pub(super) async fn ask(&self, name: &str, question: Question) -> Result<Answer, EngineError> {
        let parts = shared_out(self.dispatch.as_ref(), &self.pieces).await?;
        let asked = Asked { exchange: self.exchange.address(), layout: self.layout.clone(), question };
        let stage = StageOrder { name: name.to_owned(), common: Mark::Question.put_on(encoded(&asked)?), parts };
        let mut all: Option<Answer> = None;
        let mut add = |answer: Bytes| {
            let answer = decoded(&answer)?;
            match &mut all {
                Some(all) => all.add(answer),
                None => all = Some(answer),
            }
            Ok(())
        };
        self.dispatch.dispatch_each(stage, &mut add).await?;
        Answer::sum(all)
    }
}

/// Answers a question about some pieces, as a part of a stage; `common` is without its mark.
///
/// # Errors
/// [`EngineError::Cancelled`], what taking the units refuses, and [`EngineError::Internal`] for a question that the units
/// cannot answer.
pub fn answer_part<'a>(
    common: &'a [u8],
    order: &'a Order,
    stores: &'a Stores,
    cache: &'a Arc<UnitCache>,
) -> BoxFuture<'a, Result<Bytes, EngineError>> {
    Box::pin(async move {
        let Asked { exchange, layout, question } = decoded(common)?;
        let pieces = decoded(&order.part)?;
        let units = TakenUnits::new(HandedSource { exchange, layout, pieces }, &order.bench, stores, cache)?;
        Ok(encoded(&units.ask(question).await?)?.into())
    })
}

fn internal(error: impl std::fmt::Display) -> EngineError {
    EngineError::Internal(error.to_string())
}
