//! Units that were handed over, asked by who does an order about them.

use std::path::Path;
use std::sync::Arc;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use whom_stats::{Layout, UnitColumns};
use whom_store::{Exchange, Location, Stores};

use super::cache::UnitCache;
use super::elsewhere::{HandedUnits, KEPT, LayoutRecord};
use super::question::{Answer, Question};
use super::{Place, UnitSource};
use crate::error::EngineError;
use crate::orders::Bench;
use crate::spill::SpillFolder;

/// Where encoded units lie, in a form that can be sent to whoever works with all of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HandedSource {
    pub(super) exchange: String,
    pub(super) layout: LayoutRecord,
    /// In the order of their buckets.
    pub(super) pieces: Vec<HandedUnits>,
}

/// Units that are taken piece by piece when they are asked; those that were asked last are kept.
#[derive(Debug)]
pub(super) struct TakenUnits {
    exchange: Exchange,
    layout: Arc<Layout>,
    pieces: Vec<HandedUnits>,
    folder: Arc<SpillFolder>,
    cache: Arc<UnitCache>,
    bench: Bench,
}

impl HandedSource {
    /// The units, asked here: all at once if a part of the bench's memory holds them, otherwise piece by piece. Counting stops
    /// when nobody waits any more for what is done at the bench.
    ///
    /// # Errors
    /// [`EngineError`] if the folder of the units or that of the bench cannot be opened, and what taking the units refuses.
    pub fn take<'a>(
        self,
        bench: &'a Bench,
        stores: &'a Stores,
        cache: &'a Arc<UnitCache>,
    ) -> BoxFuture<'a, Result<UnitSource, EngineError>> {
        Box::pin(async move {
            let taken = TakenUnits::new(self, bench, stores, cache)?;
            let units = match taken.joined().await? {
                Some(units) => Place::Memory(units),
                None => Place::Taken(Box::new(taken)),
            };
            Ok(UnitSource { units: Arc::new(units), cancel: Arc::clone(&bench.cancel) })
        })
    }
}

impl TakenUnits {
    pub(super) fn new(
        HandedSource { exchange, layout, pieces }: HandedSource,
        bench: &Bench,
        stores: &Stores,
        cache: &Arc<UnitCache>,
    ) -> Result<Self, EngineError> {
        let exchange = Exchange::create(stores, &Location::output(&exchange, Path::new("/"))?)?;
        let (layout, folder) = (layout.layout(), SpillFolder::create(&bench.spill, None)?);
        Ok(Self { exchange, layout, pieces, folder, cache: Arc::clone(cache), bench: bench.clone() })
    }

    /// All units together, kept for who takes the same ones next; `None` if they are too many.
    ///
    /// A pass over many small pieces adds up more histograms than it counts units.
    async fn joined(&self) -> Result<Option<Arc<UnitColumns>>, EngineError> {
        let rows = self.pieces.iter().map(HandedUnits::rows).sum();
        let (bytes, most) = (self.layout.resident_bytes(rows), self.bench.memory as u64 / KEPT);
        let objects: Vec<&str> = self.pieces.iter().filter_map(HandedUnits::object).collect();
        let name = objects.join("+");
        if bytes > most || u32::try_from(rows).is_err() {
            return Ok(None);
        }
        if let Some(units) = self.cache.get(&name) {
            return Ok(Some(units));
        }
        let mut pieces = Vec::with_capacity(self.pieces.len());
        for piece in &self.pieces {
            pieces.push(piece.load(&self.exchange, (&self.folder, &self.layout), &self.bench).await?);
        }
        let join = move || UnitColumns::join(pieces).map_err(super::internal);
        let units = Arc::new(super::blocking(&self.bench.cancel, join).await?);
        self.cache.put(&name, &units, (bytes, most));
        Ok(Some(units))
    }

    /// Asks all pieces, one after the other.
    pub(super) async fn ask(&self, question: Question) -> Result<Answer, EngineError> {
        let question = Arc::new(question);
        let mut answers = Vec::with_capacity(self.pieces.len());
        for piece in &self.pieces {
            let (question, cancel) = (Arc::clone(&question), Arc::clone(&self.bench.cancel));
            let place = (&self.folder, &self.layout);
            let units = piece.units(&self.exchange, place, (&*self.cache, &self.bench)).await?;
            let count = move || question.answered(&units, &cancel).map_err(super::internal);
            answers.push(super::blocking(&self.bench.cancel, count).await?);
        }
        Answer::sum(answers)
    }
}
