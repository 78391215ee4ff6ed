//! The identities of a run: of its plan, and of its inputs.

use std::fmt::Write;

use sha2::{Digest, Sha256};
use whom_query::compile::Compiled;
use whom_spec::plan::Plan;
use whom_store::{Identities, InputEntry};

/// The version that made a result.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The three identities: what is analysed; that with its variables, SQL and version; and the files.
pub(crate) fn identities(
    plan: &Plan,
    compiled: &Compiled,
    inputs: &[InputEntry],
) -> Result<Identities, serde_json::Error> {
    let analysis = plan.analysis_identity()?;
    let plan = hash([analysis.as_str(), &plan.resolved_json()?, &compiled.identity_text(), VERSION]);
    let files: Vec<String> = inputs
        .iter()
        .map(|input| {
            let etag = input.etag.as_deref().unwrap_or("");
            format!("{}\n{}\n{}\n{}\n{etag}", input.table, input.location, input.path, input.size)
        })
        .collect();
    let inputs = hash(files.iter().map(String::as_str));
    Ok(Identities { analysis, plan, inputs })
}

/// SHA-256 over parts, each preceded by its length so that no two lists of parts hash alike.
fn hash<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part.as_bytes());
    }
    digest.finalize().iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
