//! Where results go.

use serde::Serialize;

use crate::spanned::Spanned;

/// The place that runs are published to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Output {
    /// A folder, local or in object storage.
    pub path: Spanned<String>,
}
