//! The rule of a cohort: conditions on tags, in values rather than codes.

use serde::{Deserialize, Serialize};

/// A cohort's rule: all conditions hold. A rule without conditions selects everybody.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CohortRule {
    /// The cohort's name.
    pub name: String,
    /// The conditions, at most one per tag.
    pub conditions: Vec<RuleCondition>,
}

/// A condition on one tag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RuleCondition {
    /// A numeric tag lies in one of some ranges. Not-a-number counts as missing.
    Numeric {
        /// The tag: a column of the unit table.
        tag: String,
        /// The admitted ranges.
        ranges: Vec<Range>,
        /// Whether missing is admitted.
        missing: bool,
        /// The tag's distinct values if they are few, else empty: lets words say `is 1` instead of `above 0`.
        values: Vec<f64>,
    },
    /// A categorical tag has one of some levels.
    Categorical {
        /// The tag: a column of the unit table.
        tag: String,
        /// The admitted levels.
        levels: Vec<String>,
        /// If levels beyond the kept ones are admitted: the kept levels, all of them.
        other: Option<Vec<String>>,
        /// Whether missing is admitted.
        missing: bool,
    },
}

impl RuleCondition {
    /// The tag's name.
    pub fn tag(&self) -> &str {
        match self {
            Self::Numeric { tag, .. } | Self::Categorical { tag, .. } => tag,
        }
    }
}

/// The values above `lower` and up to `upper`; an absent bound does not bind.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Range {
    /// The exclusive lower bound.
    pub lower: Option<f64>,
    /// The inclusive upper bound.
    pub upper: Option<f64>,
}

impl Range {
    /// Whether a value that is not missing lies in the range.
    pub fn contains(self, value: f64) -> bool {
        self.lower.is_none_or(|lower| value > lower) && self.upper.is_none_or(|upper| value <= upper)
    }
}
