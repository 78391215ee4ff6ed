//! Tags: what was known about a unit before its first exposure.

use serde::{Deserialize, Serialize};

use super::{Gaps, Partition};
use crate::spanned::Spanned;

/// A table of tags, one row a unit (and snapshot).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TagTable {
    /// Its name.
    pub name: Spanned<String>,
    /// A file, folder or glob.
    pub path: Spanned<String>,
    /// Which of the unit's rows is used.
    pub snapshot: Snapshot,
    /// Whether a day without a snapshot is an error; never so for a static table.
    pub gaps: Gaps,
    /// The tags.
    pub columns: Vec<Tag>,
}

/// Which row of a unit is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Snapshot {
    /// The last daily snapshot on or before the day before first exposure; later ones are never read into a tag.
    Dated {
        /// The day of the snapshot.
        partition: Partition,
        /// How many days before the day of first exposure a snapshot may lie; at least 1.
        at_most_days: u32,
    },
    /// The only row: the table has no dates, and its tags cannot change.
    Static,
}

/// One tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tag {
    /// The column; unique over all tables and metrics.
    pub name: Spanned<String>,
    /// How it is binned.
    pub kind: TagKind,
    /// Effects are reported by it, but it never steers discovery or an allocation.
    pub protected: bool,
}

/// How a tag becomes codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TagKind {
    /// By quantile edges.
    Numeric,
    /// By frequency, the rest as `other`.
    Categorical {
        /// How many levels keep a code of their own (50 unless declared).
        levels: u16,
    },
}
