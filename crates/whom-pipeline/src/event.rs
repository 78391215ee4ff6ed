//! What a run tells while it works.

use std::time::Duration;

/// The stages of a run, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Reading the pipeline file.
    Plan,
    /// Listing and opening the tables.
    Sources,
    /// Making the days that the cache lacks; only with a cache.
    Cache,
    /// From rows to the unit table.
    UnitTable,
    /// Judging the data before any effect.
    Checks,
    /// Average effects and pre-registered cohorts.
    Averages,
    /// Growing and pruning trees.
    Discovery,
    /// Growing the trees again on bootstrap replicates of the discovery fold.
    Stability,
    /// Testing on the measuring fold.
    Validation,
    /// Trying other halves to discover and measure.
    Resplits,
    /// Writing and publishing the result.
    Publish,
}

impl Stage {
    /// All stages in order.
    pub const ALL: [Self; 11] = [
        Self::Plan,
        Self::Sources,
        Self::Cache,
        Self::UnitTable,
        Self::Checks,
        Self::Averages,
        Self::Discovery,
        Self::Stability,
        Self::Validation,
        Self::Resplits,
        Self::Publish,
    ];

    /// The name in messages, heartbeats and the manifest.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Sources => "sources",
            Self::Cache => "cache",
            Self::UnitTable => "unit table",
            Self::Checks => "checks",
            Self::Averages => "averages",
            Self::Discovery => "discovery",
            Self::Stability => "stability",
            Self::Validation => "validation",
            Self::Resplits => "re-splits",
            Self::Publish => "publish",
        }
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A stage began.
    Started(Stage),
    /// A stage got on: `done` of `all` steps, with what it does now.
    Progress {
        /// The stage.
        stage: Stage,
        /// Steps done.
        done: usize,
        /// Steps in all, where known.
        all: Option<usize>,
        /// What it does now.
        doing: String,
    },
    /// Something happened that whoever looks after the run may want to know, and that changes no result.
    Note {
        /// The stage.
        stage: Stage,
        /// What happened.
        note: String,
    },
    /// A stage ended.
    Finished {
        /// The stage.
        stage: Stage,
        /// How long it took.
        took: Duration,
    },
}

/// Whoever listens to a run. Called from the run's own task; must return quickly.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn event(&self, event: &Event);
}

/// Listens to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn event(&self, _event: &Event) {}
}
