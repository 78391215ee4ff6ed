//! The units that passes are asked of.
//!
//! Whoever asks a pass gets histograms and never learns where they come from. Memory is one function from a [`Pass`] to
//! [`Histograms`], the stream over the spill folder is another, and their answers are the same integers: counts and sums
//! of integers over pieces add up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use whom_stats::{
    CellStatistics, CellSums, Grouping, Histograms, Layout, LeafLabels, Pass, PooledProducts, ProductGroup, Routing,
    UnitColumns, UnitSample,
};

use crate::error::EngineError;
use crate::spill::SpillFolder;
use crate::stream::{PieceOnDisk, UnitStream};

/// Binned units, in memory or on disk. Counting runs on rayon's threads, entered by `spawn_blocking` so that it never holds
/// up the threads that wait for a store.
#[derive(Clone, Debug)]
pub struct UnitSource {
    units: Arc<Place>,
    cancel: Arc<AtomicBool>,
}

#[derive(Debug)]
enum Place {
    Memory(UnitColumns),
    Disk(UnitStream),
}

impl UnitSource {
    /// Units in memory; counting stops soon after `cancel` becomes true.
    pub fn memory(units: UnitColumns, cancel: Arc<AtomicBool>) -> Self {
        Self { units: Arc::new(Place::Memory(units)), cancel }
    }

    /// Whether every pass reads the units from disk.
    pub fn is_streamed(&self) -> bool {
        matches!(*self.units, Place::Disk(_))
    }

    /// Answers a pass.
    ///
    /// # Errors
    /// [`EngineError::Cancelled`], [`EngineError::Internal`] for a pass over columns that the units lack, and
    /// [`EngineError::Resources`] if the units cannot be read back.
    pub async fn answer(&self, pass: Pass) -> Result<Histograms, EngineError> {
        let (units, cancel) = (Arc::clone(&self.units), Arc::clone(&self.cancel));
        let work = move || match &*units {
            Place::Memory(units) => whom_stats::answer(units, &pass, &cancel).map_err(internal),
            Place::Disk(stream) => stream.answer(&pass, &cancel),
        };
        blocking(&self.cancel, work).await
    }

    /// Statistics by cell, arm and bucket, for each way of putting units into cells.
    ///
    /// # Errors
    /// As [`Self::answer`].
    pub async fn cells(&self, groupings: Vec<Grouping>) -> Result<Vec<CellStatistics>, EngineError> {
        let (units, cancel) = (Arc::clone(&self.units), Arc::clone(&self.cancel));
        let work = move || match &*units {
            Place::Memory(units) => whom_stats::cell_statistics(units, &groupings, &cancel).map_err(internal),
            Place::Disk(stream) => stream.cells(&groupings, &cancel),
        };
        blocking(&self.cancel, work).await
    }

    /// The leaf of each sampled unit in each tree.
    ///
    /// # Errors
    /// As [`Self::answer`].
    pub async fn leaf_labels(&self, trees: Vec<Routing>, sample: UnitSample) -> Result<LeafLabels, EngineError> {
        let (units, cancel) = (Arc::clone(&self.units), Arc::clone(&self.cancel));
        let work = move || match &*units {
            Place::Memory(units) => whom_stats::leaf_labels(units, &trees, &sample, &cancel).map_err(internal),
            Place::Disk(stream) => stream.leaf_labels(&trees, &sample, &cancel),
        };
        blocking(&self.cancel, work).await
    }

    /// Moments and cross-products by cell, arm and bucket, for each way of putting units into cells.
    ///
    /// # Errors
    /// As [`Self::answer`].
    pub async fn sums(
        &self,
        groupings: Vec<Grouping>,
        groups: Vec<ProductGroup>,
    ) -> Result<Vec<CellSums>, EngineError> {
        let (units, cancel) = (Arc::clone(&self.units), Arc::clone(&self.cancel));
        let work = move || match &*units {
            Place::Memory(units) => whom_stats::cell_sums(units, &groupings, &groups, &cancel).map_err(internal),
            Place::Disk(stream) => stream.sums(&groupings, &groups, &cancel),
        };
        blocking(&self.cancel, work).await
    }

    /// Cross-products by cell and arm over all buckets, for each way of putting units into cells.
    ///
    /// # Errors
    /// As [`Self::answer`].
    pub async fn pooled(
        &self,
        groupings: Vec<Grouping>,
        groups: Vec<ProductGroup>,
    ) -> Result<Vec<PooledProducts>, EngineError> {
        let (units, cancel) = (Arc::clone(&self.units), Arc::clone(&self.cancel));
        let work = move || match &*units {
            Place::Memory(units) => whom_stats::pooled_products(units, &groupings, &groups, &cancel).map_err(internal),
            Place::Disk(stream) => stream.pooled(&groupings, &groups, &cancel),
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

/// Keeps the units of pieces for passes: in memory if all of them fit, on disk otherwise.
#[derive(Debug)]
pub struct UnitKeeper {
    layout: Arc<Layout>,
    folder: Option<Arc<SpillFolder>>,
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
        Self { layout, folder: (!fits).then(|| Arc::clone(folder)) }
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
            None => Place::Memory(UnitColumns::join(memory).map_err(internal)?),
            Some(_) => Place::Disk(UnitStream::new(self.layout, disk)),
        };
        Ok(UnitSource { units: Arc::new(units), cancel })
    }
}

fn internal(error: impl std::fmt::Display) -> EngineError {
    EngineError::Internal(error.to_string())
}

#[cfg(test)]
mod tests;
