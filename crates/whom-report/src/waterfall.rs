//! The way from rows read to units analysed.

use serde::{Deserialize, Serialize};

/// One step of the way from rows read to units analysed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaterfallStep {
    /// What was done: `exposures read`, `first exposure per unit`.
    pub step: String,
    /// The table, where the step is about one.
    pub table: Option<String>,
    /// Rows or units that remain; `None` if their number is withheld.
    pub kept: Option<u64>,
    /// Rows or units that this step took away; `None` if their number is withheld.
    pub dropped: Option<u64>,
    /// Why they were taken away; empty if none were.
    pub reason: String,
}
