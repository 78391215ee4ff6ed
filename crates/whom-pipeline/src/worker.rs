//! Who does what a run has done elsewhere.

use async_trait::async_trait;
use bytes::Bytes;
use whom_engine::{EngineError, Mark, Order, ReadOnce, Worker};
use whom_query::{Looks, UnitTableWorker};
use whom_store::Stores;

use crate::models::with_looks;
use crate::published_units::PublishedUnits;
use crate::searches;

/// Does the parts of a run's stages, as an executor of a cluster: those of the unit table and of questions about encoded units,
/// and searches that are repeated.
#[derive(Debug)]
pub struct RunWorker {
    tables: UnitTableWorker,
    stores: Stores,
    read: ReadOnce,
}

impl RunWorker {
    /// One that reads from these stores.
    pub fn new(stores: Stores) -> Self {
        let looks = with_looks(Looks::of_units()).with_file::<PublishedUnits>();
        Self { tables: UnitTableWorker::new(stores.clone(), looks), stores, read: ReadOnce::default() }
    }
}

#[async_trait]
impl Worker for RunWorker {
    async fn work(&self, order: Order) -> Result<Bytes, EngineError> {
        let order = self.read.whole(order, &self.stores.of_another_run()).await?;
        match Mark::read(&order.common) {
            Some((Mark::Searches, common)) => {
                let (units, searches) = searches::asked(common)?;
                let units = self.tables.units(units, &order.bench).await?;
                Ok(searches.answer_part(&units, &order.part).await?.into())
            }
            _ => self.tables.work(order).await,
        }
    }
}
