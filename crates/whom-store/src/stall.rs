//! Answers that begin and do not go on.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use object_store::client::{HttpError, HttpErrorKind, HttpResponseBody};
use tokio::time::{Sleep, sleep};

use crate::client::Account;

/// The body of an answer that fails when nothing comes for too long; every failure in it is counted.
///
/// Only waiting counts: a body that nobody reads, because the rows before it are being worked on, is not stalled.
pub(crate) struct Watched {
    inner: HttpResponseBody,
    account: Account,
    waiting: Option<Waiting>,
}

/// A wait for the next bytes.
struct Waiting {
    since: Instant,
    limit: Pin<Box<Sleep>>,
}

#[derive(Debug, thiserror::Error)]
#[error("the answer broke off: nothing came for {0:?}")]
struct Stalled(Duration);

impl Watched {
    pub(crate) fn new(inner: HttpResponseBody, account: Account) -> Self {
        Self { inner, account, waiting: None }
    }
}

impl Body for Watched {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(context) {
            let waiting = self.waiting.take();
            let since = waiting.map_or_else(Instant::now, |waiting| waiting.since);
            return Poll::Ready(frame.map(|frame| frame.map_err(|error| self.account.noted(since, error))));
        }
        let stall = self.account.budget.limits().stall;
        let begin = || Waiting { since: Instant::now(), limit: Box::pin(sleep(stall)) };
        let waiting = self.waiting.get_or_insert_with(begin);
        ready!(waiting.limit.as_mut().poll(context));
        let since = waiting.since;
        self.waiting = None;
        let stalled = HttpError::new(HttpErrorKind::Timeout, Stalled(stall));
        Poll::Ready(Some(Err(self.account.noted(since, stalled))))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
