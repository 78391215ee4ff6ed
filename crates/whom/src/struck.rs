//! Faults in the middle of a part, for tests: `WHOM_TEST_PAUSE_PARTS=ms` lets every part of an executor last longer, and
//! `WHOM_TEST_KILL_STAGE=name` aborts the process in the middle of its first part of a stage of that name.

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

/// The variables of the hidden switches with which tests strike in the middle of a part.
const PAUSE: &str = "WHOM_TEST_PAUSE_PARTS";
const KILL: &str = "WHOM_TEST_KILL_STAGE";

/// What befalls parts, in tests.
#[derive(Clone, Debug, Default)]
struct Strike {
    /// Milliseconds that every part waits before it is done.
    pause: u64,
    /// The stage in the middle of whose first part the process aborts.
    kill: Option<String>,
}

impl Strike {
    /// What the switches say; `None` if they say nothing.
    fn of(environment: &Environment) -> Result<Option<Self>, Failure> {
        let wrong = |text: &str| Failure::start(Cause::Configuration, format!("`{PAUSE}={text}` is no number"));
        let pause = environment.get(PAUSE).map(|text| text.parse().map_err(|_| wrong(&text))).transpose()?;
        let strike = Self { pause: pause.unwrap_or(0), kill: environment.get(KILL) };
        Ok((strike.pause > 0 || strike.kill.is_some()).then_some(strike))
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
        let is_struck = self.strike.kill.as_ref() == Some(&order.stage);
        let answer = self.worker.work(order).await;
        tokio::time::sleep(Duration::from_millis(self.strike.pause)).await;
        if is_struck {
            std::process::abort();
        }
        answer
    }
}
