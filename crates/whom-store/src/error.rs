//! What can go wrong, told by who must act.

use std::error::Error;

use chrono::NaiveDate;

use crate::{
    Cause, Redacted, RunId,
    cause::{chain, kind_of},
};

/// The result of a store's operation.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// Who must act on an error; the command line turns it into its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The pipeline file, a permission or a credential has to be mended; a retry does not help. Exit code 2.
    Configuration,
    /// Nobody: a later attempt can succeed, because a store was not reachable, an input changed or is not there yet,
    /// or another run was faster. Exit code 4.
    Transient,
    /// The machine: memory or disk ran out. Exit code 5.
    Resources,
    /// We: a promise of our own was broken. Exit code 1.
    Internal,
}

/// The failure of a store's operation.
///
/// Messages name the thing, the value and the fix, and hold no secret: whatever comes from outside passes through
/// [`Redacted`] first, and causes are kept as redacted text only.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A declared location cannot be understood or is not allowed.
    #[error("location `{location}` {problem}")]
    InvalidLocation {
        /// The location as declared.
        location: Redacted,
        /// What is wrong with it, and the fix.
        problem: String,
    },
    /// A store wants credentials, and none were found.
    #[error("no credentials for `{location}`: tried {tried}")]
    NoCredentials {
        /// The location as declared.
        location: Redacted,
        /// Where they were looked for, each with what was found.
        tried: Redacted,
    },
    /// The declared file or folder does not exist.
    #[error("location `{location}` does not exist")]
    LocationNotFound {
        /// The location as declared.
        location: Redacted,
    },
    /// The location exists and holds no file that was asked for.
    #[error("location `{location}` holds no data: looked for {looked_for}, found {found}")]
    NothingFound {
        /// The location as declared.
        location: Redacted,
        /// The names that would have been taken.
        looked_for: String,
        /// What is there instead.
        found: String,
        /// Every day asked for, when days were asked for.
        missing_days: Vec<NaiveDate>,
    },
    /// A symbolic link beneath a root leads out of it.
    #[error(
        "`{path}` in `{location}` is a link that leads out of `{location}`; put the file there, or name its folder"
    )]
    OutsideRoot {
        /// The root.
        location: Redacted,
        /// The link, or what was reached through it, relative to the root.
        path: String,
    },
    /// A file is not the one that was listed.
    #[error("input `{path}` in `{location}` changed while it was used: {change}; run again")]
    InputChanged {
        /// The source's location.
        location: Redacted,
        /// The file, relative to the source's root.
        path: String,
        /// What differs from the listing.
        change: String,
    },
    /// A file was asked for that the listing does not hold.
    #[error("`{path}` is not among the pinned files of `{location}`")]
    NotPinned {
        /// The source's location.
        location: Redacted,
        /// The file, relative to the source's root.
        path: String,
    },
    /// A name for a result file that is not allowed.
    #[error("file name `{name}` {problem}")]
    InvalidName {
        /// The name, escaped.
        name: String,
        /// What is wrong with it, and the fix.
        problem: &'static str,
    },
    /// The output's store overwrites where it was told not to.
    #[error("output `{location}` cannot publish safely: {problem}; choose another place for `output`")]
    NoPutIfAbsent {
        /// The output.
        location: Redacted,
        /// What the probe saw.
        problem: String,
    },
    /// Another run published first.
    #[error("run {winner} published number {number} in `{location}` while this run worked; run again")]
    Conflict {
        /// The output.
        location: Redacted,
        /// The number that both wanted.
        number: u64,
        /// The run that has it.
        winner: RunId,
    },
    /// The store stopped answering between sending the manifest and learning what became of it.
    #[error(
        "it is unknown whether run {run_id} was published as number {number} in `{location}`: {cause}; the next run settles it"
    )]
    CommitUnknown {
        /// The output.
        location: Redacted,
        /// The number that was asked for.
        number: u64,
        /// This run.
        run_id: RunId,
        /// Why the store could not be asked.
        cause: Cause,
    },
    /// A file does not have the bytes that were written.
    #[error("file `{path}` in `{location}` is damaged: {problem}")]
    FileDamaged {
        /// The output.
        location: Redacted,
        /// The file, relative to the output.
        path: String,
        /// What differs.
        problem: String,
    },
    /// A cached day is not what was written; it has to be made again.
    #[error("the cached day `{path}` in `{location}` is damaged: {problem}; run again")]
    CachedDayDamaged {
        /// The cache.
        location: Redacted,
        /// The part, relative to the cache.
        path: String,
        /// What differs.
        problem: &'static str,
    },
    /// A file was asked for that the published run does not have.
    #[error("run {run_id} has no file `{name}`; its files are {valid}")]
    UnknownFile {
        /// The run.
        run_id: RunId,
        /// The name asked for, escaped.
        name: String,
        /// The names that exist.
        valid: String,
    },
    /// A manifest cannot be read.
    #[error("manifest {number} of `{location}` cannot be read: {problem}")]
    ManifestUnreadable {
        /// The output.
        location: Redacted,
        /// The manifest's number.
        number: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// A registration cannot be read.
    #[error(
        "registration `{path}` of `{location}` cannot be read: {problem}; use the version of whom that wrote it, or move the file away"
    )]
    RegistrationUnreadable {
        /// The output.
        location: Redacted,
        /// The file, relative to the output.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A manifest was written by a later version.
    #[error(
        "manifest {number} of `{location}` has schema version {version}, this program reads up to {supported}; use a newer version of whom"
    )]
    ManifestTooNew {
        /// The output.
        location: Redacted,
        /// The manifest's number.
        number: u64,
        /// Its version.
        version: u32,
        /// The latest version that can be read here.
        supported: u32,
    },
    /// The setting of the test switch cannot be understood.
    #[error("`{variable}` is `{value}`; it must be a number of at least 1, or one followed by `:before` or `:after`")]
    InvalidFault {
        /// The variable.
        variable: &'static str,
        /// Its value, escaped.
        value: String,
    },
    /// The store refused or failed.
    #[error("cannot {action} {}`{location}`: {cause}", within(path))]
    Failed {
        /// What was tried, as a verb: `read`, `write`, `list`.
        action: &'static str,
        /// The object, relative to the location.
        path: String,
        /// The location.
        location: Redacted,
        /// Who must act.
        kind: ErrorKind,
        /// What the store said.
        cause: Cause,
    },
}

/// The beginning of a place: the object, unless it is the location itself.
fn within(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("`{path}` in ") }
}

impl StoreError {
    /// Who must act.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidLocation { .. }
            | Self::NoCredentials { .. }
            | Self::LocationNotFound { .. }
            | Self::OutsideRoot { .. }
            | Self::NoPutIfAbsent { .. }
            | Self::UnknownFile { .. }
            | Self::ManifestUnreadable { .. }
            | Self::RegistrationUnreadable { .. }
            | Self::ManifestTooNew { .. }
            | Self::InvalidFault { .. } => ErrorKind::Configuration,
            Self::NothingFound { missing_days, .. } if missing_days.is_empty() => ErrorKind::Configuration,
            Self::NothingFound { .. }
            | Self::InputChanged { .. }
            | Self::Conflict { .. }
            | Self::CommitUnknown { .. }
            | Self::FileDamaged { .. }
            | Self::CachedDayDamaged { .. } => ErrorKind::Transient,
            Self::NotPinned { .. } | Self::InvalidName { .. } => ErrorKind::Internal,
            Self::Failed { kind, .. } => *kind,
        }
    }

    /// Whether it is about an input that is not, or no longer, what it should be: asking for it again changes nothing.
    pub fn is_about_an_input(&self) -> bool {
        matches!(self, Self::NothingFound { .. } | Self::InputChanged { .. } | Self::CachedDayDamaged { .. })
    }

    /// The first store error in `error` and its causes, however deep other libraries have wrapped it.
    ///
    /// A [`PinnedStore`](crate::PinnedStore) speaks through the `ObjectStore` trait and therefore wraps its own errors; this finds them again
    /// behind the errors of the Parquet reader and of the engine.
    pub fn find_in<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        chain(error).find_map(|cause| cause.downcast_ref())
    }

    /// Names what was tried on which object of which location; keeps an error of ours as it is.
    pub(crate) fn failed(action: &'static str, path: &str, location: &Redacted, error: &object_store::Error) -> Self {
        Self::find_in(error).cloned().unwrap_or_else(|| Self::Failed {
            action,
            path: path.to_owned(),
            location: location.clone(),
            kind: kind_of(error),
            cause: Cause::new(error),
        })
    }
}
