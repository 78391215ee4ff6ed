//! JSON documents: indented, keys in the order of their declaration, a line break at the end.

use serde::Serialize;

use crate::error::ReportError;

/// A document as text. A double is written with the fewest digits that read back as itself; what is not finite is null.
///
/// # Errors
/// If the document cannot be encoded.
pub(crate) fn document(name: &'static str, content: &impl Serialize) -> Result<String, ReportError> {
    let mut text =
        serde_json::to_string_pretty(content).map_err(|source| ReportError::Json { document: name, source })?;
    text.push('\n');
    Ok(text)
}
