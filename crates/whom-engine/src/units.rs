//! The units that passes are asked of.
//!
//! Whoever asks a pass gets histograms and never learns where they come from. Memory is one function from a [`Pass`] to
//! [`Histograms`], the stream over the spill folder is another, other machines are the third, and what these take from each other
//! is the fourth. Their answers are the same integers: counts and sums of integers over pieces add up.

mod cache;
mod elsewhere;
mod question;
mod taken;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::BoxFuture;
use whom_stats::{
    CellStatistics, CellSums, Grouping, Histograms, Layout, LeafLabels, Pass, PooledProducts, ProductGroup, Routing,
    UnitColumns, UnitSample,
};

use whom_store::Exchange;

use crate::error::EngineError;
use crate::orders::Dispatch;
use crate::spill::SpillFolder;
use crate::stream::{PieceOnDisk, UnitStream};
use elsewhere::UnitsElsewhere;
use question::answer_of;
use taken::TakenUnits;

pub use cache::UnitCache;
pub use elsewhere::{HandedUnits, LayoutRecord, answer_part};
pub(crate) use question::{Answer, Question};
pub use taken::HandedSource;

/// Binned units, in memory or on disk. Counting runs on rayon's threads, entered by `spawn_blocking` so that it never holds
/// up the threads that wait for a store.
#[derive(Clone, Debug)]
pub struct UnitSource {
    units: Arc<Place>,
    cancel: Arc<AtomicBool>,
}

#[derive(Debug)]
enum Place {
    Memory(Arc<UnitColumns>),
    Disk(UnitStream),
    Elsewhere(Box<UnitsElsewhere>),
    Taken(Box<TakenUnits>),
}

impl UnitSource {
    /// Units in memory; counting stops soon after `cancel` becomes true.
    pub fn memory(units: UnitColumns, cancel: Arc<AtomicBool>) -> Self {
        Self { units: Arc::new(Place::Memory(Arc::new(units))), cancel }
    }

    /// Units that were handed over piece by piece, in the order of their buckets; whoever dispatches has them counted.
    pub fn elsewhere(
        (dispatch, exchange): (Arc<dyn Dispatch>, Exchange),
        (layout, pieces): (LayoutRecord, Vec<HandedUnits>),
        cancel: Arc<AtomicBool>,
    ) -> Self {
        Self {
            units: Arc::new(Place::Elsewhere(Box::new(UnitsElsewhere { dispatch, exchange, layout, pieces }))),
            cancel,
        }
    }

    /// Whether every pass reads the units from disk.
    pub fn is_streamed(&self) -> bool {
        matches!(*self.units, Place::Disk(_))
    }

    /// The number of units in each piece, where they lie elsewhere.
    pub fn handed_pieces(&self) -> Option<Vec<u64>> {
        match &*self.units {
            Place::Elsewhere(elsewhere) => Some(elsewhere.pieces.iter().map(HandedUnits::count).collect()),
            Place::Memory(_) | Place::Disk(_) | Place::Taken(_) => None,
        }
    }

    /// Where the units lie and who has work with them done, if that is elsewhere.
    pub fn handed(&self) -> Option<(&dyn Dispatch, HandedSource)> {
        match &*self.units {
            Place::Elsewhere(units) => Some((units.dispatch.as_ref(), units.handed())),
            Place::Memory(_) | Place::Disk(_) | Place::Taken(_) => None,
        }
    }

    /// Answers a pass.
    ///
    /// # Errors
    /// [`EngineError::Cancelled`], [`EngineError::Internal`] for a pass over columns that the units lack,
    /// [`EngineError::Resources`] if the units cannot be read back, and what [`Dispatch::dispatch`] refuses where they lie
    /// elsewhere.
    pub fn answer(&self, pass: Pass) -> BoxFuture<'_, Result<Histograms, EngineError>> {
        Box::pin(async move { answer_of!(self.ask("pass", Question::Pass(pass)).await?, Pass) })
    }

    /// Statistics by cell, arm and bucket, for each way of putting units into cells.
    ///
    /// # Errors
    /// As [`Self::answer`].
    pub fn cells(&self, groupings: Vec<Grouping>) -> BoxFuture<'_, Result<Vec<CellStatistics>, EngineError>> {
        Box::pin(async move { answer_of!(self.ask("cells", Question::Cells(groupings)).await?, Cells) })
    }

    /// The leaf of each sampled unit in each tree.
    ///
    /// # Errors
    /// As [`Self::answer`].
    pub fn leaf_labels(
        &self,
        trees: Vec<Routing>,
        sample: UnitSample,
    ) -> BoxFuture<'_, Result<LeafLabels, EngineError>> {
        Box::pin(async move { answer_of!(self.ask("leaves", Question::Leaves(trees, sample)).await?, Leaves) })
    }

    /// Moments and cross-products by cell, arm and bucket, for each way of putting units into cells.
    ///
    /// # Errors
    /// As [`Self::answer`].
    pub fn sums(
        &self,
        groupings: Vec<Grouping>,
        groups: Vec<ProductGroup>,
    ) -> BoxFuture<'_, Result<Vec<CellSums>, EngineError>> {
        Box::pin(async move { answer_of!(self.ask("sums", Question::Sums(groupings, groups)).await?, Sums) })
    }

    /// Cross-products by cell and arm over all buckets, for each way of putting units into cells.
    ///
    /// # Errors
    /// As [`Self::answer`].
    pub fn pooled(
        &self,
        groupings: Vec<Grouping>,
        groups: Vec<ProductGroup>,
    ) -> BoxFuture<'_, Result<Vec<PooledProducts>, EngineError>> {
        Box::pin(async move { answer_of!(self.ask("products", Question::Pooled(groupings, groups)).await?, Pooled) })
    }

    /// Asks the units, wherever they lie.
    async fn ask(&self, name: &str, question: Question) -> Result<Answer, EngineError> {
        match &*self.units {
            Place::Elsewhere(elsewhere) => return elsewhere.ask(name, question).await,
            Place::Taken(taken) => return taken.ask(question).await,
            Place::Memory(_) | Place::Disk(_) => {}
        }
        let (units, cancel) = (Arc::clone(&self.units), Arc::clone(&self.cancel));
        let work = move || match &*units {
            Place::Memory(units) => question.answered(units, &cancel).map_err(internal),
            Place::Disk(stream) => stream.ask(&question, &cancel),
            Place::Elsewhere(_) | Place::Taken(_) => Err(internal("units that lie elsewhere are asked elsewhere")),
        };
        blocking(&self.cancel, work).await
    }
}

/// Runs work that keeps processors busy where it holds up nobody who waits. `cancel` is the flag that the work reads.
///
/// # Errors
/// [`EngineError::Cancelled`] once the flag is raised, whatever the work came to; otherwise what the work gives.
pub async fn blocking<T: Send + 'static, E: From<EngineError> + Send + 'static>(
    cancel: &AtomicBool,
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    let done = tokio::task::spawn_blocking(work).await;
    if cancel.load(Ordering::Relaxed) {
        return Err(EngineError::Cancelled.into());
    }
    done.map_err(|error| EngineError::Internal(format!("a counting task failed: {error}")))?
}

/// Units that are streamed are counted together up to one part in so many of what may stay in memory.
const JOINED: u64 = 16;

/// Keeps the units of pieces for passes: in memory if all of them fit, on disk otherwise.
#[derive(Debug)]
pub struct UnitKeeper {
    layout: Arc<Layout>,
    /// Where units go that do not fit.
    folder: Option<Arc<SpillFolder>>,
    resident: u64,
}

/// A piece that is kept.
#[derive(Debug)]
pub struct KeptUnits(KeptPlace);

#[derive(Debug)]
enum KeptPlace {
    Memory(UnitColumns),
    Disk(PieceOnDisk),
}

impl UnitKeeper {
    /// A keeper of so many units in all. They fit into memory if counting them takes no more than `resident` bytes.
    pub fn new(layout: Arc<Layout>, units: u64, resident: u64, folder: &Arc<SpillFolder>) -> Self {
        let fits = layout.resident_bytes(units) <= resident && u32::try_from(units).is_ok();
        Self { layout, folder: (!fits).then(|| Arc::clone(folder)), resident }
    }

    /// The layout of all pieces.
    pub fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// Keeps a piece.
    ///
    /// # Errors
    /// [`EngineError::Resources`] if the disk or the folder's limit is full.
    pub fn keep(&self, units: UnitColumns) -> Result<KeptUnits, EngineError> {
        Ok(KeptUnits(match &self.folder {
            None => KeptPlace::Memory(units),
            Some(folder) => KeptPlace::Disk(PieceOnDisk::write(&units, &self.layout, folder)?),
        }))
    }

    /// All pieces together, in their order; counting stops soon after `cancel` becomes true.
    ///
    /// # Errors
    /// [`EngineError::Internal`] if the pieces are not those of one keeper, or out of order.
    pub fn finish(self, pieces: Vec<KeptUnits>, cancel: Arc<AtomicBool>) -> Result<UnitSource, EngineError> {
        let (mut memory, mut disk) = (Vec::new(), Vec::new());
        for piece in pieces {
            match piece.0 {
                KeptPlace::Memory(units) => memory.push(units),
                KeptPlace::Disk(piece) => disk.push(piece),
            }
        }
        let units = match self.folder {
            None => Place::Memory(Arc::new(UnitColumns::join(memory).map_err(internal)?)),
            Some(_) => Place::Disk(UnitStream::new(self.layout, disk, self.resident / JOINED)),
        };
        Ok(UnitSource { units: Arc::new(units), cancel })
    }
}

fn internal(error: impl std::fmt::Display) -> EngineError {
    EngineError::Internal(error.to_string())
}

#[cfg(test)]
mod tests;
