//! Why a population cannot be made.

use std::io::{self, ErrorKind};
use std::path::PathBuf;

use parquet::errors::ParquetError;
use thiserror::Error;

/// A population that cannot be described, or not be written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SimulateError {
    /// A number that means nothing where it stands.
    #[error("{name} is `{value}`; it must be {range}")]
    OutOfRange {
        /// What the number is.
        name: String,
        /// The number.
        value: f64,
        /// What it may be.
        range: &'static str,
    },
    /// A name that could not stand in a file's name, in SQL and in YAML without quotes.
    #[error(
        "`{name}` cannot be the name of a {kind}: a name is made of letters, digits and `_` and starts with a letter"
    )]
    InvalidName {
        /// What it should name.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// Two things with one name.
    #[error("two {kind}s are called `{name}`")]
    RepeatedName {
        /// What is named.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// A reference to something that is not there.
    #[error("there is no {kind} `{name}`; valid are {valid}")]
    Unknown {
        /// What is referred to.
        kind: &'static str,
        /// The name.
        name: String,
        /// The names that exist.
        valid: String,
    },
    /// A tag that cannot decide about outcomes, because the truth would have no closed form.
    #[error("tag `{tag}` steers outcomes, but {problem}")]
    Steering {
        /// The tag.
        tag: String,
        /// What is in the way, and the fix.
        problem: &'static str,
    },
    /// A rate of events that is no probability.
    #[error(
        "units of {cohort} would have {rate:.3} events of `{fact}` a day {exposed}; change the rates until it is 0 to 1"
    )]
    Rate {
        /// The fact table.
        fact: String,
        /// The cohort, in words.
        cohort: String,
        /// The variant, or that it is before exposure, in words.
        exposed: String,
        /// The rate.
        rate: f64,
    },
    /// A folder that holds something already.
    #[error("folder `{}` is not empty; name another, or remove it", folder.display())]
    FolderInUse {
        /// The folder.
        folder: PathBuf,
    },
    /// A file or folder that cannot be written.
    #[error("`{}` cannot be written: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A table that cannot be encoded as Parquet.
    #[error("`{}` cannot be written as Parquet: {source}", path.display())]
    Encode {
        /// The file.
        path: PathBuf,
        /// What the encoder says.
        source: ParquetError,
    },
    /// Threads that the system does not give.
    #[error("no {threads} threads to work with: {source}")]
    Threads {
        /// How many were asked for.
        threads: usize,
        /// What the system says.
        source: rayon::ThreadPoolBuildError,
    },
}

impl SimulateError {
    /// Whether the machine is at fault (its disk, its threads), rather than what was asked for.
    pub fn is_of_the_machine(&self) -> bool {
        match self {
            Self::Write { source, .. } => !matches!(
                source.kind(),
                ErrorKind::PermissionDenied | ErrorKind::NotADirectory | ErrorKind::ReadOnlyFilesystem
            ),
            Self::Encode { .. } | Self::Threads { .. } => true,
            _ => false,
        }
    }
}
