//! Fact tables, and what every table that is read over time declares.

use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::Serialize;

use crate::spanned::{Spanned, optional_text, text};

/// A table with one row an event: something a unit did at an instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// The name that metrics refer to.
    pub name: Spanned<String>,
    /// A file, folder or glob.
    pub path: Spanned<String>,
    /// When the event happened.
    pub time: TimeColumn,
    /// The Hive partition by day, if the files have one.
    pub partition: Option<Partition>,
    /// Whether a day without a partition is an error.
    pub gaps: Gaps,
    /// `where`: the rows that count, as SQL text.
    pub filter: Option<Spanned<String>>,
    /// The column that names an event: exact repeats of it are dropped and counted, different ones refused.
    pub unique: Option<Spanned<String>>,
}

/// The column that holds an instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TimeColumn {
    /// The column.
    pub column: Spanned<String>,
    /// The zone of time stamps that have none of their own. Without it such a column is refused: its times could mean
    /// anything.
    #[serde(serialize_with = "optional_text")]
    pub time_zone: Option<Tz>,
}

/// A Hive partition by day: folders named `column=YYYY-MM-DD`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Partition {
    /// The column.
    pub column: Spanned<String>,
    /// The zone whose days the folders are; UTC unless declared.
    #[serde(serialize_with = "text")]
    pub time_zone: Tz,
}

/// Whether every needed day must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Gaps {
    /// A missing day is refused, and named (the default).
    Refused,
    /// A missing day holds no rows.
    Allowed,
}
