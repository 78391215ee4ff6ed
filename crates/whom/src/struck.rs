//! Faults in the middle of a part, for tests: `WHOM_TEST_PAUSE_PARTS=ms` lets every part of an executor last longer, and
//! `WHOM_TEST_HOLD_STAGE=name` holds the parts of a stage of that name for ever, when their work is done and nobody has heard of it;
//! the file `WHOM_TEST_HOLD_FILE` then says that it is time to strike.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use whom_pipeline::{Cause, EngineError, Order, Worker};

use crate::environment::Environment;
use crate::failure::Failure;

/// The worker, struck if the environment says so.
pub(crate) fn struck(worker: Arc<dyn Worker>, environment: &Environment) -> Result<Arc<dyn Worker>, Failure> {
    Ok(match Strike::of(environment)? {
        Some(strike) => Arc::new(Struck { worker, strike }),
        None => worker,
    })
}

/// The variables of the hidden switches with which tests meet executors in the middle of a part.
const PAUSE: &str = "WHOM_TEST_PAUSE_PARTS";
const HOLD: &str = "WHOM_TEST_HOLD_STAGE";
const HELD: &str = "WHOM_TEST_HOLD_FILE";

/// What befalls parts, in tests.
#[derive(Clone, Debug, Default)]
struct Strike {
    /// Milliseconds that every part waits before it is done.
    pause: u64,
    /// The stage whose parts never end, and the file that appears once one is held.
    hold: Option<(String, PathBuf)>,
}

impl Strike {
    /// What the switches say; `None` if they say nothing.
    fn of(environment: &Environment) -> Result<Option<Self>, Failure> {
        let wrong = |text: &str| Failure::start(Cause::Configuration, format!("`{PAUSE}={text}` is no number"));
        let pause = environment.get(PAUSE).map(|text| text.parse().map_err(|_| wrong(&text))).transpose()?;
        let hold = environment.get(HOLD).zip(environment.get(HELD).map(PathBuf::from));
        let strike = Self { pause: pause.unwrap_or(0), hold };
        Ok((strike.pause > 0 || strike.hold.is_some()).then_some(strike))
    }
}

/// A worker that is struck.
#[derive(Debug)]
struct Struck {
    worker: Arc<dyn Worker>,
    strike: Strike,
}

#[async_trait]
impl Worker for Struck {
    async fn work(&self, order: Order) -> Result<Bytes, EngineError> {
        let held = self.strike.hold.as_ref().filter(|(stage, _)| *stage == order.stage).map(|(_, file)| file);
        let answer = self.worker.work(order).await;
        tokio::time::sleep(Duration::from_millis(self.strike.pause)).await;
        if let Some(file) = held {
            std::fs::write(file, "").map_err(|error| EngineError::Internal(format!("`{HELD}`: {error}")))?;
            std::future::pending::<()>().await;
        }
        answer
    }
}
