//! Which store call fails, and how.
//!
//! Publishing is safe only if it is safe at every store call, so tests count the calls of a run, then repeat the run
//! with a fault at the first call, the second, and so on until no call is left.

use std::{
    io,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use object_store::{Error, Result};

use crate::{StoreError, location::visible};

/// The variable of the hidden kill switch, see [`FaultPlan::from_environment`].
const KILL_VARIABLE: &str = "WHOM_TEST_KILL_AT";

/// Whether a fault strikes before the call takes effect or after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Moment {
    /// The call has no effect.
    Before,
    /// The call has its full effect, and its answer is lost.
    After,
}

/// What happens at the chosen call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// This call fails as if the store had not answered.
    Lost(Moment),
    /// This call and every later one fail: the store is gone, or, seen from outside, the process is.
    Gone(Moment),
    /// This call claims that the object exists already, without or with having written it: S3's 409.
    AlreadyExists(Moment),
    /// A write keeps the first half of its bytes and reports success. Any other call is done.
    Torn,
    /// This call finds the disk full.
    DiskFull,
    /// This call waits first, and is then done.
    Delay(Duration),
    /// The process aborts, as under `kill -9`.
    Kill(Moment),
}

/// Which call fails, how, and the count of calls that all stores of a run share.
#[derive(Debug)]
pub struct FaultPlan {
    at: u64,
    fault: Fault,
    calls: AtomicU64,
}

/// What is to be done with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Pass,
    Strike(Fault),
}

impl FaultPlan {
    /// Strikes at the `at`-th call, counted from 1; at none, if `at` is 0.
    pub fn new(at: u64, fault: Fault) -> Self {
        Self { at, fault, calls: AtomicU64::new(0) }
    }

    /// Only counts.
    pub fn counting() -> Self {
        Self::new(0, Fault::Lost(Moment::Before))
    }

    /// The plan of the hidden switch `WHOM_TEST_KILL_AT`, with which a test kills the whole program at its n-th store
    /// call: `7` or `7:before` aborts before the seventh call takes effect, `7:after` after it. None if it is not set.
    ///
    /// The environment itself is read by the caller, through `get`.
    ///
    /// # Errors
    /// [`StoreError::InvalidFault`] for any other value, because a test that silently kills nothing proves nothing.
    pub fn from_environment(get: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, StoreError> {
        let Some(value) = get(KILL_VARIABLE) else { return Ok(None) };
        let (number, moment) = value.split_once(':').unwrap_or((&value, "before"));
        let moment = match moment {
            "before" => Some(Moment::Before),
            "after" => Some(Moment::After),
            _ => None,
        };
        match (number.parse(), moment) {
            (Ok(at), Some(moment)) if at > 0 => Ok(Some(Self::new(at, Fault::Kill(moment)))),
            _ => Err(StoreError::InvalidFault { variable: KILL_VARIABLE, value: visible(&value) }),
        }
    }

    /// The calls made so far.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    /// Counts a step that is no call of a store, such as one of keeping a checkpoint. Of all faults only
    /// [`Fault::Kill`] and [`Fault::DiskFull`] strike it.
    ///
    /// # Errors
    /// What the step refuses, and [`io::ErrorKind::StorageFull`] where the disk is to be full.
    pub fn around_step<T>(&self, step: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let verdict = self.count();
        if let Verdict::Strike(Fault::DiskFull) = verdict {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let kills = |moment| verdict == Verdict::Strike(Fault::Kill(moment));
        if kills(Moment::Before) {
            std::process::abort();
        }
        let answer = step();
        if kills(Moment::After) {
            std::process::abort();
        }
        answer
    }

    /// Counts a call and says what becomes of it.
    pub(crate) fn count(&self) -> Verdict {
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        match self.fault {
            Fault::Gone(_) if self.at != 0 && call > self.at => Verdict::Strike(Fault::Gone(Moment::Before)),
            fault if call == self.at => Verdict::Strike(fault),
            _ => Verdict::Pass,
        }
    }
}

impl Verdict {
    /// Strikes before the call, or lets it pass.
    pub(crate) async fn before(self) -> Result<()> {
        match self {
            Self::Strike(Fault::Delay(time)) => {
                tokio::time::sleep(time).await;
                Ok(())
            }
            Self::Strike(Fault::DiskFull) => Err(failed(io::ErrorKind::StorageFull)),
            Self::Strike(fault) => strike(fault, Moment::Before),
            Self::Pass => Ok(()),
        }
    }

    /// Strikes after the call, whatever its answer was, or lets the answer pass.
    pub(crate) fn after<T>(self, answer: Result<T>) -> Result<T> {
        match self {
            Self::Strike(fault) => strike(fault, Moment::After).and(answer),
            Self::Pass => answer,
        }
    }

    /// Surrounds a call.
    pub(crate) async fn around<T>(self, call: impl Future<Output = Result<T>>) -> Result<T> {
        self.before().await?;
        self.after(call.await)
    }
}

/// Strikes if the fault belongs to this moment.
fn strike(fault: Fault, now: Moment) -> Result<()> {
    match fault {
        Fault::Lost(moment) | Fault::Gone(moment) if moment == now => Err(failed(io::ErrorKind::TimedOut)),
        Fault::AlreadyExists(moment) if moment == now => Err(Error::AlreadyExists {
            path: "injected".to_owned(),
            source: io::Error::from(io::ErrorKind::AlreadyExists).into(),
        }),
        Fault::Kill(moment) if moment == now => std::process::abort(),
        _ => Ok(()),
    }
}

fn failed(kind: io::ErrorKind) -> Error {
    Error::Generic { store: "fault", source: io::Error::from(kind).into() }
}
