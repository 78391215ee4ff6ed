//! What other libraries say when they fail.

use std::{error::Error, fmt, io};

use crate::{
    ErrorKind, Redacted,
    refusal::{Refusal, condensed},
};

/// What another library said, in redacted words.
///
/// The original error is not kept, because its `Debug` and its own causes could print what we masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause(Redacted);

impl Cause {
    /// The words of the innermost cause that says something, without secrets.
    pub fn new(error: &(dyn Error + 'static)) -> Self {
        let words = chain(error).last().map_or_else(|| error.to_string(), ToString::to_string);
        Self::in_words(&words)
    }

    /// Words of a library or a store, without secrets.
    pub(crate) fn in_words(words: &str) -> Self {
        Self(Redacted::new(condensed(words)))
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// `error`, its cause, the cause of that, and so on.
pub(crate) fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |cause: &&'a (dyn Error + 'static)| (*cause).source())
}

/// Who must act on what a store said.
pub(crate) fn kind_of(error: &object_store::Error) -> ErrorKind {
    use object_store::Error as Said;
    if chain(error).any(<dyn Error + 'static>::is::<Refusal>) {
        return ErrorKind::Configuration;
    }
    let io_kind = chain(error).find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
    match (error, io_kind) {
        (_, Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::OutOfMemory)) => {
            ErrorKind::Resources
        }
        (
            Said::InvalidPath { .. }
            | Said::NotFound { .. }
            | Said::NotSupported { .. }
            | Said::NotImplemented { .. }
            | Said::PermissionDenied { .. }
            | Said::Unauthenticated { .. }
            | Said::UnknownConfigurationKey { .. },
            _,
        )
        | (
            _,
            Some(
                io::ErrorKind::PermissionDenied
                | io::ErrorKind::ReadOnlyFilesystem
                | io::ErrorKind::NotADirectory
                | io::ErrorKind::IsADirectory
                | io::ErrorKind::InvalidFilename
                | io::ErrorKind::Unsupported,
            ),
        ) => ErrorKind::Configuration,
        (Said::JoinError { .. }, _) => ErrorKind::Internal,
        _ => ErrorKind::Transient,
    }
}

#[cfg(test)]
mod tests {
    use object_store::Error as Said;

    use super::*;
    use crate::StoreError;

    fn generic(kind: io::ErrorKind) -> Said {
        Said::Generic { store: "test", source: io::Error::from(kind).into() }
    }

    #[test]
    fn the_kind_says_who_must_act() {
        let path = || "x".to_owned();
        for (error, kind) in [
            (generic(io::ErrorKind::StorageFull), ErrorKind::Resources),
            (generic(io::ErrorKind::QuotaExceeded), ErrorKind::Resources),
            (generic(io::ErrorKind::PermissionDenied), ErrorKind::Configuration),
            (generic(io::ErrorKind::ReadOnlyFilesystem), ErrorKind::Configuration),
            (generic(io::ErrorKind::TimedOut), ErrorKind::Transient),
            (Said::Unauthenticated { path: path(), source: "no".into() }, ErrorKind::Configuration),
            (Said::AlreadyExists { path: path(), source: "yes".into() }, ErrorKind::Transient),
            (Said::Generic { store: "test", source: "503".into() }, ErrorKind::Transient),
        ] {
            assert_eq!(kind_of(&error), kind, "{error}");
        }
    }

    #[test]
    fn no_secret_of_a_foreign_error_is_shown() {
        let said = "PUT https://key:canary@host/b?X-Amz-Signature=canary with secret_access_key: Some(canary): 503";
        let error = Said::Generic { store: "S3", source: said.into() };
        let error = StoreError::failed("write", "a.parquet", &Redacted::new("s3://k:canary@b/"), &error);
        assert!(!format!("{error} {error:?} {error:#?}").contains("canary"), "{error:?}");
        assert!(std::error::Error::source(&error).is_none());
    }

    #[test]
    fn an_error_of_ours_is_found_behind_those_of_others() {
        let ours = StoreError::LocationNotFound { location: Redacted::new("x") };
        let wrapped = Said::Generic {
            store: "outer",
            source: Box::new(Said::NotFound { path: "x".to_owned(), source: Box::new(ours.clone()) }),
        };
        assert_eq!(StoreError::find_in(&wrapped), Some(&ours));
        assert_eq!(StoreError::failed("read", "", &Redacted::new("y"), &wrapped), ours);
        assert_eq!(StoreError::find_in(&generic(io::ErrorKind::TimedOut)), None);
    }
}
