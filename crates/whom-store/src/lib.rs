//! Locations, pinned listings, staged writes, and the manifest that publishes a run.

mod commit;
mod digest;
mod disk;
mod error;
mod fault;
mod listing;
mod local;
mod location;
mod manifest;
mod name;
mod output;
mod partition;
mod pattern;
mod pin;
mod publish;
mod redact;
mod run_id;
mod stage;
mod stores;

pub use error::{Cause, ErrorKind, Result, StoreError};
pub use fault::{Fault, FaultPlan, FaultStore, Moment};
pub use listing::{PinnedFile, PinnedFiles};
pub use location::Location;
pub use manifest::{FileEntry, Identities, InputEntry, MANIFEST_VERSION, Manifest, RunRecord};
pub use object_store::path::Path as ObjectPath;
pub use output::{Output, Published};
pub use partition::PartitionDays;
pub use pattern::NamePattern;
pub use pin::PinnedStore;
pub use publish::Publication;
pub use redact::{Redacted, redact};
pub use run_id::RunId;
pub use stage::{Stage, StagedFile};
pub use stores::Stores;

#[cfg(test)]
mod tests;
