//! What is told of stages while they are done.

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
