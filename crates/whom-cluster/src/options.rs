//! What a client of the cluster is started with.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::address::Address;
use crate::security::Tls;

/// Where the cluster is, and how long to wait for it.
#[derive(Clone, Debug)]
pub struct ClusterOptions {
    /// The scheduler.
    pub scheduler: Address,
    /// Whether connections are encrypted and proven.
    pub tls: Tls,
    /// How long to wait for what.
    pub patience: Patience,
    /// Ends the work soon after it became true.
    pub cancel: Arc<AtomicBool>,
}

/// Deadlines. What lasts longer fails with a message that says so.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a scheduler that does not answer, at the start or in the middle.
    pub scheduler: Duration,
    /// For the first executor, or for another one when all were lost.
    pub executors: Duration,
    /// For a stage, all attempts at it together.
    pub stage: Duration,
    /// For the answer to one part to arrive, once it is there.
    pub answer: Duration,
}

impl Default for Patience {
    /// A minute for the scheduler and for executors, a day for a stage, two minutes for an answer.
    fn default() -> Self {
        let minute = Duration::from_mins(1);
        Self { scheduler: minute, executors: minute, stage: Duration::from_hours(24), answer: 2 * minute }
    }
}
