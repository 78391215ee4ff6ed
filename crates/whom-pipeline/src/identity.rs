//! The identities of a run: of its plan, and of its inputs.

use std::fmt::Write;
use std::{env, fs};

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use whom_query::compile::Compiled;
use whom_spec::plan::Plan;
use whom_store::{Address, Identities, InputEntry};

use crate::prepare::Prepared;

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

/// What the work of a run is called, whatever its inputs hold today: a plan with its variables, and where it publishes.
pub(crate) fn work_name(plan: &Plan, output: &Address) -> Result<String, serde_json::Error> {
    let mut name = hash([plan.resolved_json()?.as_str(), &output.to_string()]);
    name.truncate(32);
    Ok(name)
}

/// What has to be the same for the rows of a run to be those of another: the plan, the statements, the program, and each
/// file where it lies, in the state in which it is read.
pub(crate) fn checkpoint_identity(prepared: &Prepared) -> Result<String, serde_json::Error> {
    let Prepared { loaded, catalog, compiled, .. } = prepared;
    let plan = identities(&loaded.plan, compiled, &[])?.plan;
    let mut parts = vec![plan, program()];
    for source in catalog.sources() {
        parts.push(source.table.clone());
        for file in &source.listing.files {
            // Where a store has no ETags, the time of change is what a pin holds on to.
            let change = file.etag.clone().unwrap_or_else(|| file.last_modified.to_rfc3339());
            let version = file.version.clone().unwrap_or_default();
            parts.extend([source.listing.address(&file.path).to_string(), file.size.to_string(), change, version]);
        }
    }
    Ok(hash(parts.iter().map(String::as_str)))
}

/// This very build of the program, as far as its file tells; builds of one version differ while somebody works on it.
fn program() -> String {
    let file = env::current_exe().and_then(fs::metadata);
    let told = file.and_then(|file| Ok(format!("{} {}", file.len(), DateTime::<Utc>::from(file.modified()?))));
    told.unwrap_or_default()
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
