//! Faults in the middle of a part, for tests: `WHOM_TEST_PAUSE_PARTS=ms` lets every part of an executor last longer, and
//! `WHOM_TEST_KILL_PART=n` aborts the process in the middle of its n-th part.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use whom_pipeline::{Cause, EngineError, Order, Worker};

use crate::environment::Environment;
use crate::failure::Failure;

/// The worker, struck if the environment says so.
pub(crate) fn struck(worker: Arc<dyn Worker>, environment: &Environment) -> Result<Arc<dyn Worker>, Failure> {
    Ok(match Strike::of(environment)? {
        Some(strike) => Arc::new(Struck { worker, strike, begun: AtomicU64::new(0) }),
        None => worker,
    })
}

/// The variables of the hidden switches with which tests strike in the middle of a part.
const PAUSE: &str = "WHOM_TEST_PAUSE_PARTS";
const KILL: &str = "WHOM_TEST_KILL_PART";

/// What befalls parts, in tests.
#[derive(Clone, Copy, Debug, Default)]
struct Strike {
    /// Milliseconds that every part waits before it is done.
    pause: u64,
    /// The part in whose middle the process aborts, counted from 1; none, if 0.
    kill: u64,
}

impl Strike {
    /// What the switches say; `None` if they say nothing.
    fn of(environment: &Environment) -> Result<Option<Self>, Failure> {
        let number = |variable: &str| {
            let Some(text) = environment.get(variable) else { return Ok(0) };
            let wrong = |_| Failure::start(Cause::Configuration, format!("`{variable}={text}` is no number"));
            text.parse().map_err(wrong)
        };
        let strike = Self { pause: number(PAUSE)?, kill: number(KILL)? };
        Ok((strike.pause > 0 || strike.kill > 0).then_some(strike))
    }
}

/// A worker that is struck.
#[derive(Debug)]
struct Struck {
    worker: Arc<dyn Worker>,
    strike: Strike,
    begun: AtomicU64,
}

#[async_trait]
impl Worker for Struck {
    async fn work(&self, order: Order) -> Result<Bytes, EngineError> {
        let number = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
        let answer = self.worker.work(order).await;
        tokio::time::sleep(Duration::from_millis(self.strike.pause)).await;
        if number == self.strike.kill {
            std::process::abort();
        }
        answer
    }
}
