//! Units in memory, and the answers they give to passes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use whom_stats::{CellStatistics, Grouping, Histograms, Pass, UnitColumns};

use crate::error::EngineError;

/// Binned units in memory. Counting runs on rayon's threads, entered by `spawn_blocking` so that it never holds up the
/// threads that wait for a store.
#[derive(Clone)]
pub struct UnitMemory {
    units: Arc<UnitColumns>,
    cancel: Arc<AtomicBool>,
}

impl UnitMemory {
    /// Units that can be asked; counting stops soon after `cancel` becomes true.
    pub fn new(units: Arc<UnitColumns>, cancel: Arc<AtomicBool>) -> Self {
        Self { units, cancel }
    }

    /// Other units, under the same cancel flag.
    #[must_use]
    pub fn with_units(&self, units: Arc<UnitColumns>) -> Self {
        Self { units, cancel: Arc::clone(&self.cancel) }
    }

    /// The units.
    pub fn units(&self) -> &UnitColumns {
        &self.units
    }

    /// Answers a pass.
    ///
    /// # Errors
    /// [`EngineError::Cancelled`], or [`EngineError::Internal`] for a pass over columns that the units lack.
    pub async fn answer(&self, pass: Pass) -> Result<Histograms, EngineError> {
        let (units, cancel) = (Arc::clone(&self.units), Arc::clone(&self.cancel));
        self.blocking(move || whom_stats::answer(&units, &pass, &cancel)).await
    }

    /// Statistics by cell, arm and bucket, for each way of putting units into cells.
    ///
    /// # Errors
    /// As [`Self::answer`].
    pub async fn cells(&self, groupings: Vec<Grouping>) -> Result<Vec<CellStatistics>, EngineError> {
        let (units, cancel) = (Arc::clone(&self.units), Arc::clone(&self.cancel));
        self.blocking(move || whom_stats::cell_statistics(&units, &groupings, &cancel)).await
    }

    async fn blocking<T, E>(&self, work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, EngineError>
    where
        T: Send + 'static,
        E: std::fmt::Display + Send + 'static,
    {
        let answer = tokio::task::spawn_blocking(work).await;
        if self.cancel.load(Ordering::Relaxed) {
            return Err(EngineError::Cancelled);
        }
        let answer = answer.map_err(|error| EngineError::Internal(format!("a counting task failed: {error}")))?;
        answer.map_err(|error| EngineError::Internal(error.to_string()))
    }
}
