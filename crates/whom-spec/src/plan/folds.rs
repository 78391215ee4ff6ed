//! Folds that the data give, in place of those that are drawn.

use serde::Serialize;

use crate::spanned::Spanned;

/// Which units discover and which measure, by the levels of a tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GivenFolds {
    /// The categorical tag that holds the fold; trees never split on it.
    pub column: Spanned<String>,
    /// Its level on units that discover cohorts.
    pub discover: Spanned<String>,
    /// Its level on units that measure them; another than [`Self::discover`].
    pub measure: Spanned<String>,
}
