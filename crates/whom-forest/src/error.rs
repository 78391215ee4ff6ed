//! What can be wrong with a discovery: its plan, or an answer to one of its passes.

use thiserror::Error;

/// Why a discovery cannot be planned or continued.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ForestError {
    /// A control lies outside its range.
    #[error("`{control}` is {value}, but must be {allowed}")]
    Control {
        /// The control's name in a pipeline file.
        control: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        allowed: &'static str,
    },
    /// No target was asked for.
    #[error("no treatment and metric to search; name at least one treatment and one primary metric")]
    NoTarget,
    /// A target's treatment is no treatment.
    #[error("arm {treatment} is no treatment; valid are 1 to {last} (arm 0 is control)")]
    UnknownTreatment {
        /// The arm's index.
        treatment: usize,
        /// The largest valid index.
        last: usize,
    },
    /// A target's metric does not exist.
    #[error("metric {metric} does not exist; there are {metrics}, counted from 0")]
    UnknownMetric {
        /// The metric's index.
        metric: usize,
        /// The number of metrics.
        metrics: usize,
    },
    /// A target is named twice.
    #[error("treatment {treatment} on metric {metric} is named twice; name it once")]
    RepeatedTarget {
        /// The arm's index.
        treatment: usize,
        /// The metric's index.
        metric: usize,
    },
    /// A tag to search does not exist.
    #[error("tag column {column} does not exist; there are {columns}, counted from 0")]
    UnknownColumn {
        /// The column's index.
        column: usize,
        /// The number of columns.
        columns: usize,
    },
    /// A tag is to be searched twice.
    #[error("tag `{name}` is to be searched twice; name it once")]
    RepeatedColumn {
        /// The tag's name.
        name: String,
    },
    /// Two tags share a name, so that a tie between them could not be settled.
    #[error("two tags are named `{name}`; rename one")]
    RepeatedTag {
        /// The shared name.
        name: String,
    },
    /// A tag's number of codes or its missing code is impossible.
    #[error("tag `{name}` has {problem}")]
    TagShape {
        /// The tag's name.
        name: String,
        /// What is wrong.
        problem: String,
    },
    /// The pruning folds do not partition the discovery buckets.
    #[error("pruning folds: {problem}; every discovery bucket belongs to exactly one fold")]
    Folds {
        /// What is wrong.
        problem: String,
    },
    /// An answer does not fit the pass that was asked.
    #[error("the answer does not fit the pass: {problem}; answer the pass that `next` returned, from the same units")]
    Answer {
        /// What is wrong.
        problem: String,
    },
    /// An answer arrived although nothing was asked.
    #[error("the discovery is finished and asks for nothing; call `finish`")]
    NothingAsked,
    /// The result was wanted before the last pass was answered.
    #[error("the discovery is not finished; answer the pass that `next` returns first")]
    Unfinished,
}

impl ForestError {
    pub(crate) fn answer(problem: impl Into<String>) -> Self {
        Self::Answer { problem: problem.into() }
    }
}
