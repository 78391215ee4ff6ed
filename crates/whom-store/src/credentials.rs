//! Credentials that have to prove themselves before a run begins.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use object_store::{CredentialProvider, Error, Result};
use tokio::{sync::OnceCell, time::timeout};

use crate::{Cause, ErrorKind, Redacted, StoreError, cause::kind_of};

/// The longest wait for credentials that somebody configured.
const CONFIGURED_LIMIT: Duration = Duration::from_secs(30);

/// Where credentials were looked for, in order, and which source is left.
#[derive(Debug, Clone)]
pub(crate) struct Search {
    /// The location that needs them.
    pub(crate) location: Redacted,
    /// What was passed over, each with its reason.
    pub(crate) passed_over: Vec<String>,
    /// The source that is used.
    pub(crate) source: String,
    /// How long to wait for it, if nobody configured it: it may not be there at all.
    pub(crate) unconfigured: Option<Duration>,
}

/// Credentials whose first use decides quickly whether there are any.
///
/// `object_store` falls back to the metadata service of a machine in the cloud, and waits for it for minutes where there
/// is none. Here the first answer has a limit, and a failure says what was tried. Later answers are refreshed by the
/// source itself, and a failure then is one in passing.
pub(crate) struct Proven<C> {
    source: Arc<dyn CredentialProvider<Credential = C>>,
    search: Search,
    first: OnceCell<Result<(), StoreError>>,
}

impl<C: Send + Sync> Proven<C> {
    pub(crate) fn new(source: Arc<dyn CredentialProvider<Credential = C>>, search: Search) -> Self {
        Self { source, search, first: OnceCell::new() }
    }

    async fn prove(&self) -> Result<(), StoreError> {
        let limit = self.search.unconfigured.unwrap_or(CONFIGURED_LIMIT);
        match timeout(limit, self.source.get_credential()).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(self.search.failed(kind_of(&error), &Cause::new(&error).to_string())),
            Err(_) => Err(self.search.failed(ErrorKind::Transient, &format!("no answer within {limit:?}"))),
        }
    }
}

impl Search {
    /// What to say when the source that is left gives nothing.
    pub(crate) fn failed(&self, kind: ErrorKind, problem: &str) -> StoreError {
        if self.unconfigured.is_none() && kind == ErrorKind::Transient {
            return StoreError::Failed {
                action: "get credentials for",
                path: String::new(),
                location: self.location.clone(),
                kind,
                cause: Cause::in_words(&format!("{}: {problem}", self.source)),
            };
        }
        let last = format!("{} ({problem})", self.source);
        let tried = self.passed_over.iter().chain([&last]).map(String::as_str).collect::<Vec<_>>().join(", ");
        StoreError::NoCredentials { location: self.location.clone(), tried: Redacted::new(tried) }
    }
}

#[async_trait]
impl<C: Send + Sync> CredentialProvider for Proven<C> {
    type Credential = C;

    async fn get_credential(&self) -> Result<Arc<C>> {
        match self.first.get_or_init(|| self.prove()).await {
            Ok(()) => self.source.get_credential().await,
            Err(error) => Err(Error::Unauthenticated { path: String::new(), source: error.clone().into() }),
        }
    }
}

// Not derived: some sources print their secrets.
impl<C> fmt::Debug for Proven<C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Proven").field(&self.search.source).finish()
    }
}
