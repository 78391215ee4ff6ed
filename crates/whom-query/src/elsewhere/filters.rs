//! Filters of keys that scans ask, put together from those of the pieces.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use whom_engine::{EngineError, KeyFilter, Pieces, decoded};
use whom_store::{ErrorKind, Exchange};

/// Filters of pieces that are on their way at once.
const FILTERS_AT_ONCE: usize = 8;

/// The filters that parts of scans ask at the moment, by the object that lists their parts.
#[derive(Debug, Default)]
pub(super) struct KnownFilters(Mutex<BTreeMap<String, Weak<KeyFilter>>>);

impl KnownFilters {
    /// The filter whose parts an object lists; parts of a scan that are at work at once share it.
    pub(super) async fn get(
        &self,
        exchange: &Exchange,
        object: &str,
        pieces: Pieces,
    ) -> Result<Arc<KeyFilter>, EngineError> {
        if let Some(known) = self.known().get(object).and_then(Weak::upgrade) {
            return Ok(known);
        }
        let listed: Vec<String> = decoded(&read(exchange, object).await?)?;
        let mut taken = Vec::with_capacity(listed.len());
        for object in &listed {
            taken.push(filter_of_piece(exchange, object));
        }
        let filters = stream::iter(taken).buffered(FILTERS_AT_ONCE).try_collect().await?;
        let filter = Arc::new(KeyFilter::of_pieces(pieces, filters)?);
        let mut known = self.known();
        known.retain(|_, filter| filter.strong_count() > 0);
        known.insert(object.to_owned(), Arc::downgrade(&filter));
        Ok(filter)
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Weak<KeyFilter>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn read(exchange: &Exchange, object: &str) -> Result<Bytes, EngineError> {
    let removed = || EngineError::Elsewhere {
        kind: ErrorKind::Transient,
        problem: format!("`{object}` in `{}` was removed", exchange.address()),
    };
    exchange.read(object).await?.ok_or_else(removed)
}

async fn filter_of_piece(exchange: &Exchange, object: &str) -> Result<KeyFilter, EngineError> {
    let lost = || EngineError::Internal(format!("`{object}` in `{}` is no filter", exchange.address()));
    KeyFilter::from_bytes(&read(exchange, object).await?).ok_or_else(lost)
}
