//! What a tree looks for: the effect of one treatment on one metric.

use serde::{Deserialize, Serialize};

/// The effect of a treatment against control (arm 0) on a metric.
///
/// A tree has one target, or several whose scores are averaged (the joint tree).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Target {
    /// Index of the treatment's arm, 1 or more.
    pub treatment: usize,
    /// Index of the metric.
    pub metric: usize,
}
