//! Pre-registered cohorts.

use serde::Serialize;

use crate::spanned::Spanned;

/// A group of units that was named before any outcome was seen, and is therefore tested confirmatorily.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cohort {
    /// Its name; never `all`, which means everybody.
    pub name: Spanned<String>,
    /// A condition on tags, as SQL text.
    pub definition: Spanned<String>,
}
