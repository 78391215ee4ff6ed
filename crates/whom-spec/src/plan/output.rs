//! Where results go.

use serde::Serialize;

use crate::spanned::Spanned;

/// The place that runs are published to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Output {
    /// A folder, local or in object storage.
    pub path: Spanned<String>,
    /// Fewer units than these are shown in no result; 0 and 1 show everything.
    #[serde(skip_serializing_if = "shows_everything")]
    pub smallest_cell: u64,
}

/// Whether no number of units is too small to be shown.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
pub(super) fn shows_everything(smallest_cell: &u64) -> bool {
    *smallest_cell < 2
}
