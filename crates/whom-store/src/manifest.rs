//! The record whose existence makes a run exist.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{PinnedFiles, Redacted, Result, RunId, StoreError};

/// The latest schema version of a manifest that this program reads, and the one that it writes.
pub const MANIFEST_VERSION: u32 = 1;

/// What a published run is: who made it, from what, and which files belong to it.
///
/// Fields that a later program of the same schema version adds are ignored here, so old programs read new manifests;
/// a change that they must not overlook raises the version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of this layout, [`MANIFEST_VERSION`].
    pub schema_version: u32,
    /// The place in the order of publication, from 1. Order comes from here, never from a clock.
    pub number: u64,
    /// The attempt that was published.
    pub run_id: RunId,
    /// The number that was the highest when this run began; none for the first.
    pub parent: Option<u64>,
    /// What the run says about itself.
    pub run: RunRecord,
    /// The result files, in the order of writing.
    pub files: Vec<FileEntry>,
}

/// What the caller says about a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// What was analysed, how, and from what.
    pub identities: Identities,
    /// The version of the program.
    pub tool_version: String,
    /// When the run began. For people; nothing is ordered by it.
    #[serde(with = "instant")]
    pub started_at: DateTime<Utc>,
    /// When its results were complete.
    #[serde(with = "instant")]
    pub finished_at: DateTime<Utc>,
    /// Every file that was read.
    pub inputs: Vec<InputEntry>,
    /// Everything else, as the caller wishes: waterfall, stages, checks, warnings.
    #[serde(default)]
    pub details: Value,
}

/// The three identities of a run, each a hash in text form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identities {
    /// Metrics, windows, tags, cohorts and tests.
    pub analysis: String,
    /// The analysis with resolved variables, SQL and version.
    pub plan: String,
    /// The files read, with sizes and ETags.
    pub inputs: String,
}

/// One file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputEntry {
    /// The table of the pipeline, as in `orders`.
    pub table: String,
    /// The source's location as declared, without secrets.
    pub location: String,
    /// The file, relative to the location's root.
    pub path: String,
    /// Its length in bytes.
    pub size: u64,
    /// Its ETag, if the store has them.
    pub etag: Option<String>,
}

/// One result file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// The name by which the run knows it.
    pub name: String,
    /// Where it lies, relative to the output.
    pub path: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// The SHA-256 of its bytes, in lower-case hexadecimal digits.
    pub sha256: String,
    /// Its rows, if it is a table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
}

impl InputEntry {
    /// The entries of one table's files, in the order of the listing.
    pub fn of_table(table: &str, pinned: &PinnedFiles) -> Vec<Self> {
        let entry = |file: &crate::PinnedFile| Self {
            table: table.to_owned(),
            location: pinned.location.to_string(),
            path: file.path.to_string(),
            size: file.size,
            etag: file.etag.clone(),
        };
        pinned.files.iter().map(entry).collect()
    }
}

impl RunRecord {
    /// Whether both runs did the same work: same plan, same inputs, same version, hence the same result files.
    pub fn same_work(&self, other: &Self) -> bool {
        self.identities.plan == other.identities.plan
            && self.identities.inputs == other.identities.inputs
            && self.tool_version == other.tool_version
    }
}

/// The part of every version's layout that says which version it is.
#[derive(Deserialize)]
struct Versioned {
    schema_version: u32,
}

impl Manifest {
    /// Reads manifest `number` of the output `location`.
    ///
    /// # Errors
    /// [`StoreError::ManifestTooNew`] for a later schema version; [`StoreError::ManifestUnreadable`] for anything that
    /// is not a manifest, or is one of another number.
    pub fn parse(body: &[u8], number: u64, location: &Redacted) -> Result<Self> {
        let unreadable =
            |problem: String| StoreError::ManifestUnreadable { location: location.clone(), number, problem };
        let versioned: Versioned = serde_json::from_slice(body).map_err(|error| unreadable(error.to_string()))?;
        if versioned.schema_version > MANIFEST_VERSION {
            return Err(StoreError::ManifestTooNew {
                location: location.clone(),
                number,
                version: versioned.schema_version,
                supported: MANIFEST_VERSION,
            });
        }
        let manifest: Self = serde_json::from_slice(body).map_err(|error| unreadable(error.to_string()))?;
        if manifest.number == number {
            Ok(manifest)
        } else {
            Err(unreadable(format!("it says that it is number {}", manifest.number)))
        }
    }

    /// The manifest as it is stored: indented JSON and a final line break.
    ///
    /// # Errors
    /// [`StoreError::ManifestUnreadable`] if `details` cannot be written as JSON.
    pub fn to_json(&self, location: &Redacted) -> Result<Vec<u8>> {
        let mut body = serde_json::to_vec_pretty(self).map_err(|error| StoreError::ManifestUnreadable {
            location: location.clone(),
            number: self.number,
            problem: error.to_string(),
        })?;
        body.push(b'\n');
        Ok(body)
    }
}

/// Instants as text, in UTC and with microseconds.
mod instant {
    use chrono::{DateTime, SecondsFormat, Utc};
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(instant: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&instant.to_rfc3339_opts(SecondsFormat::Micros, true))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DateTime<Utc>, D::Error> {
        let text = String::deserialize(deserializer)?;
        let instant = DateTime::parse_from_rfc3339(&text).map_err(de::Error::custom)?;
        Ok(instant.with_timezone(&Utc))
    }
}
