//! What the parts of a stage have in common, where that is much: written once into the folder through which rows go, and read
//! once by each worker, instead of travelling with every part.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use whom_store::{ErrorKind, Exchange, Location, Stores};
use xxhash_rust::xxh3::xxh3_64;

use crate::error::EngineError;
use crate::orders::{Dispatch, Mark, Order, StageFigures, StageOrder, StageProgress, Take, decoded, encoded};

/// Bytes that are as well sent with every part.
const SMALL: usize = 16 << 10;

/// What a worker keeps: the stages of a few runs.
const KEPT: usize = 4;

/// Where it lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Written {
    exchange: String,
    object: String,
    hash: u64,
}

/// Has work done by others, who find what is large and the same for all parts in a folder.
#[derive(Debug)]
pub struct WrittenOnce {
    dispatch: Arc<dyn Dispatch>,
    exchange: Exchange,
}

impl WrittenOnce {
    /// The same work, through this folder.
    pub fn new(dispatch: Arc<dyn Dispatch>, exchange: Exchange) -> Self {
        Self { dispatch, exchange }
    }
}

#[async_trait]
impl Dispatch for WrittenOnce {
    async fn dispatch_each(&self, stage: StageOrder, take: &mut Take<'_>) -> Result<(), EngineError> {
        if stage.common.len() <= SMALL {
            return self.dispatch.dispatch_each(stage, take).await;
        }
        // Named by what it says: whoever writes it again writes the same.
        let hash = xxh3_64(&stage.common);
        let written = Written { exchange: self.exchange.address(), object: format!("common/{hash:016x}"), hash };
        self.exchange.write(&written.object, stage.common).await?;
        let common = Mark::Written.put_on(encoded(&written)?);
        self.dispatch.dispatch_each(StageOrder { common, ..stage }, take).await
    }

    async fn slots(&self) -> Result<usize, EngineError> {
        self.dispatch.slots().await
    }

    fn progress(&self) -> Option<StageProgress> {
        self.dispatch.progress()
    }

    fn figures(&self) -> Vec<StageFigures> {
        self.dispatch.figures()
    }
}

/// What a worker read last, for all parts that it does at once.
#[derive(Debug, Default)]
pub struct ReadOnce {
    read: Mutex<VecDeque<(Written, Bytes)>>,
}

impl ReadOnce {
    /// The order with what its parts have in common, wherever that is written.
    ///
    /// # Errors
    /// [`EngineError::Store`], and [`EngineError::Elsewhere`] if it was removed, or is not what was written.
    pub fn whole<'a>(&'a self, order: Order, stores: &'a Stores) -> BoxFuture<'a, Result<Order, EngineError>> {
        Box::pin(async move {
            let Some((Mark::Written, written)) = Mark::read(&order.common) else { return Ok(order) };
            let written: Written = decoded(written)?;
            // Whoever comes meanwhile waits, and finds it read.
            let mut read = self.read.lock().await;
            if let Some((_, common)) = read.iter().find(|(known, _)| *known == written) {
                return Ok(Order { common: common.clone(), ..order });
            }
            let common = written.read(stores).await?;
            while read.len() >= KEPT {
                read.pop_front();
            }
            read.push_back((written, common.clone()));
            Ok(Order { common, ..order })
        })
    }
}

impl Written {
    async fn read(&self, stores: &Stores) -> Result<Bytes, EngineError> {
        let Self { exchange, object, hash } = self;
        let lost = |what| EngineError::Elsewhere {
            kind: ErrorKind::Transient,
            problem: format!("`{object}` in `{exchange}` {what}"),
        };
        let folder = Exchange::create(stores, &Location::output(exchange, Path::new("/"))?)?;
        let common = folder.read(object).await?.ok_or_else(|| lost("was removed"))?;
        if xxh3_64(&common) == *hash { Ok(common) } else { Err(lost("is not what was written")) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex as Seen;

    use super::*;
    use crate::orders::Bench;

    #[derive(Debug, Default)]
    struct Listener(Seen<Vec<Bytes>>);

    #[async_trait]
    impl Dispatch for Listener {
        async fn dispatch_each(&self, stage: StageOrder, take: &mut Take<'_>) -> Result<(), EngineError> {
            self.0.lock().unwrap().push(stage.common);
            stage.parts.into_iter().try_for_each(take)
        }

        async fn slots(&self) -> Result<usize, EngineError> {
            Ok(1)
        }

        fn progress(&self) -> Option<StageProgress> {
            None
        }

        fn figures(&self) -> Vec<StageFigures> {
            Vec::new()
        }
    }

    fn order(common: Bytes) -> Order {
        let bench = Bench { host: "one".to_owned(), memory: 1, spill: "/".into(), cancel: Arc::default() };
        Order { stage: "s".to_owned(), common, part: Bytes::new(), bench }
    }

    #[tokio::test]
    async fn what_is_large_is_written_once_and_read_once_and_what_is_not_it_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let stores = Stores::new();
        let exchange = Exchange::create(&stores, &Location::output("exchange", folder.path()).unwrap()).unwrap();
        let listener = Arc::new(Listener::default());
        let dispatch = WrittenOnce::new(Arc::clone(&listener) as _, exchange);
        let (small, large) = (Bytes::from_static(b"small"), Bytes::from(vec![b'w'; SMALL + 1]));
        for common in [&small, &large] {
            let stage = StageOrder { name: "s".to_owned(), common: common.clone(), parts: vec![Bytes::new()] };
            dispatch.dispatch(stage).await.unwrap();
        }
        let sent = listener.0.lock().unwrap().clone();
        assert!(sent[0] == small && sent[1].len() < 400, "{}", sent[1].len());
        let reader = ReadOnce::default();
        assert_eq!(reader.whole(order(small.clone()), &stores).await.unwrap().common, small);
        assert_eq!(reader.whole(order(sent[1].clone()), &stores).await.unwrap().common, large);
        let object = std::fs::read_dir(folder.path().join("exchange/common")).unwrap().next().unwrap().unwrap().path();
        std::fs::write(&object, "something else").unwrap();
        assert_eq!(reader.whole(order(sent[1].clone()), &stores).await.unwrap().common, large, "it was read once");
        let other = ReadOnce::default().whole(order(sent[1].clone()), &stores).await.unwrap_err();
        assert!(other.to_string().ends_with("is not what was written"), "{other}");
        std::fs::remove_file(object).unwrap();
        let removed = ReadOnce::default().whole(order(sent[1].clone()), &stores).await.unwrap_err();
        assert!(removed.to_string().ends_with("was removed"), "{removed}");
    }
}
