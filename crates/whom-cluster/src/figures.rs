//! What the stages of a run cost on the cluster, and what had to be repeated.

use std::time::Duration;

/// A stage that was done again from its start, because an attempt at it failed for a passing reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// The name of the stage.
    pub stage: String,
    /// Why.
    pub reason: String,
}

/// How far the stage is that is being done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageProgress {
    /// Its name.
    pub stage: String,
    /// Its parts.
    pub parts: usize,
    /// Those that were answered, in this attempt.
    pub done: usize,
    /// Those that are being done.
    pub running: usize,
}

/// What one stage cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageFigures {
    /// Its name.
    pub stage: String,
    /// Its parts.
    pub parts: usize,
    /// From the order to the last answer, repeats included.
    pub time: Duration,
    /// Bytes of orders, without what the scheduler adds.
    pub bytes_ordered: u64,
    /// Bytes of answers.
    pub bytes_answered: u64,
    /// How often a part was begun again within the attempt that succeeded, for example because an executor was lost.
    pub parts_retried: usize,
    /// The executors that answered, as `host:port`, each once, in order.
    pub executors: Vec<String>,
    /// How often the whole stage was repeated.
    pub repeats: usize,
}
