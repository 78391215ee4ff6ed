//! Writing once, whatever the store says about it.

use std::time::Duration;

use bytes::Bytes;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, path::Path as ObjectPath};

use crate::{
    ErrorKind,
    budget::Spent,
    cause::{chain, kind_of},
};

/// How often and how patiently an unanswered write is asked about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// The most attempts.
    pub(crate) attempts: u32,
    /// The pause before the second attempt; each later one is four times as long.
    pub(crate) pause: Duration,
}

impl Patience {
    /// The pause after so many attempts.
    pub(crate) fn before(self, attempt: u32) -> Duration {
        self.pause * 4_u32.saturating_pow(attempt - 1)
    }
}

impl Default for Patience {
    fn default() -> Self {
        Self { attempts: 4, pause: Duration::from_millis(200) }
    }
}

/// What is in the store now.
#[derive(Debug)]
pub(crate) enum Settled {
    /// Our bytes.
    Ours,
    /// Somebody else's bytes, written before.
    Theirs(Bytes),
}

/// Why it is not settled.
#[derive(Debug)]
pub(crate) enum Unsettled {
    /// Nothing was written.
    Refused(Error),
    /// Nobody knows; the write may even take effect later.
    Unknown(Error),
}

impl Unsettled {
    /// What the store said.
    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::Refused(error) | Self::Unknown(error) => error,
        }
    }
}

/// Writes `body` under `path` unless something is there, and finds out what is there then.
///
/// No answer but success is believed: a lost answer may hide a write, and S3 answers a conflict of two requests with
/// the same words as an existing object although neither may have been written. So the object is read, and its *bytes*
/// decide; the caller sees to it that they differ between any two writers.
pub(crate) async fn put_if_absent(
    store: &dyn ObjectStore,
    path: &ObjectPath,
    body: &Bytes,
    patience: Patience,
) -> Result<Settled, Unsettled> {
    let mut attempt = 0;
    loop {
        let create = store.put_opts(path, body.clone().into(), PutMode::Create.into()).await;
        let Err(put_error) = create else { return Ok(Settled::Ours) };
        let error = match read(store, path).await {
            Ok(found) if found == *body => return Ok(Settled::Ours),
            Ok(found) => return Ok(Settled::Theirs(found)),
            Err(Error::NotFound { .. }) if attempt == 0 && kind_of(&put_error) != ErrorKind::Transient => {
                return Err(Unsettled::Refused(put_error));
            }
            // No patience mends these, and whether something was written can only be guessed.
            Err(read_error) if is_spent(&read_error) => return Err(Unsettled::Unknown(read_error)),
            Err(read_error) if is_forbidden(&put_error) && is_forbidden(&read_error) => {
                return Err(Unsettled::Unknown(put_error));
            }
            Err(Error::NotFound { .. }) => put_error,
            Err(read_error) => read_error,
        };
        attempt += 1;
        if attempt >= patience.attempts {
            return Err(Unsettled::Unknown(error));
        }
        tokio::time::sleep(patience.before(attempt)).await;
    }
}

/// Whether the store will say the same next time.
fn is_forbidden(error: &Error) -> bool {
    !matches!(error, Error::NotFound { .. }) && kind_of(error) == ErrorKind::Configuration
}

/// Whether the run has no retries left, so that nobody is asked any more.
pub(crate) fn is_spent(error: &Error) -> bool {
    chain(error).any(<dyn std::error::Error + 'static>::is::<Spent>)
}

/// The whole of an object.
pub(crate) async fn read(store: &dyn ObjectStore, path: &ObjectPath) -> object_store::Result<Bytes> {
    store.get(path).await?.bytes().await
}
