//! Who does what a run has done elsewhere.

use async_trait::async_trait;
use bytes::Bytes;
use whom_engine::{EngineError, Order, Worker};
use whom_query::UnitTableWorker;
use whom_store::Stores;

use crate::searches::{self, SEARCHES};

/// Does the parts of a run's stages, as an executor of a cluster: those of the unit table and of questions about encoded units,
/// and searches that are repeated.
#[derive(Debug)]
pub struct RunWorker {
    tables: UnitTableWorker,
}

impl RunWorker {
    /// One that reads from these stores.
    pub fn new(stores: Stores) -> Self {
        Self { tables: UnitTableWorker::new(stores) }
    }
}

#[async_trait]
impl Worker for RunWorker {
    async fn work(&self, order: Order) -> Result<Bytes, EngineError> {
        match order.common.split_last() {
            Some((&SEARCHES, common)) => {
                let (units, searches) = searches::asked(common)?;
                let units = self.tables.units(units, &order.bench).await?;
                Ok(searches.answer_part(&units, &order.part).await?.into())
            }
            _ => self.tables.work(order).await,
        }
    }
}
