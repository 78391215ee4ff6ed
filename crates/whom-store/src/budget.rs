//! How much failing a run puts up with before it gives up on a store.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::Redacted;

/// How patient a run is with stores over the network.
///
/// Requests that fail in passing (no connection, 5xx, 429, a broken or stalled answer) are repeated with growing pauses.
/// A single request gives up after `retries_per_request`. All requests of a run together have one budget, so that an
/// ailing store is not struck by the patience of a thousand requests: they give up after `retries`, and one for every
/// four answers, as in Finagle's retry budgets; or if there was no answer at all for as long as `outage`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkLimits {
    /// The retries of a run, besides one for every four answers.
    pub retries: u64,
    /// The most retries of one request.
    pub retries_per_request: usize,
    /// The pause before the first retry of a request; later ones are longer, up to fifty times, and random.
    pub pause: Duration,
    /// The longest time in which every request fails.
    pub outage: Duration,
    /// The longest wait for the beginning of an answer, beyond the time that sending takes.
    pub answer: Duration,
    /// The longest pause in the middle of an answer.
    pub stall: Duration,
    /// The longest wait for credentials that nobody configured, as of a machine's metadata service.
    pub credentials: Duration,
}

impl Default for NetworkLimits {
    fn default() -> Self {
        Self {
            retries: 1000,
            retries_per_request: 10,
            pause: Duration::from_millis(100),
            outage: Duration::from_mins(2),
            answer: Duration::from_secs(30),
            stall: Duration::from_secs(20),
            credentials: Duration::from_secs(4),
        }
    }
}

/// Answers that earn one more retry.
const ANSWERS_PER_RETRY: u64 = 4;

/// A pause between failures that is too long for one outage: nobody tried in between.
const UNTRIED: Duration = Duration::from_secs(30);

/// The retries of a run, shared by all its requests.
#[derive(Debug)]
pub(crate) struct RetryBudget {
    limits: NetworkLimits,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    answers: u64,
    failures: u64,
    outage: Option<Outage>,
    spent: Option<Spent>,
}

/// A time in which every request failed.
#[derive(Debug, Clone)]
struct Outage {
    since: Instant,
    last: Instant,
    failures: u64,
    place: Redacted,
    reason: Redacted,
}

/// A time in which no store has answered, and how much longer that is put up with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "waiting for `{place}`: {reason}; {failures} {} failed in {} s, given up after {} s",
    if *failures == 1 { "request" } else { "requests" }, lasting.as_secs(), outage.as_secs()
)]
pub struct Trouble {
    /// The location that was asked last, as declared.
    place: Redacted,
    /// How its last request failed.
    reason: Redacted,
    failures: u64,
    lasting: Duration,
    outage: Duration,
}

impl Trouble {
    /// How long no store has answered.
    pub fn lasting(&self) -> Duration {
        self.lasting
    }
}

/// Why a run gave up on its stores.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Spent {
    #[error("the run has no retries left after {failures} failed requests, the last one with: {last}")]
    Retries { failures: u64, last: String },
    #[error("every request failed for {} s, the last one with: {last}", outage.as_secs())]
    Outage { outage: Duration, last: String },
}

impl RetryBudget {
    pub(crate) fn new(limits: NetworkLimits) -> Self {
        Self { limits, state: Mutex::default() }
    }

    pub(crate) fn limits(&self) -> NetworkLimits {
        self.limits
    }

    /// Refuses further requests when the budget is spent.
    pub(crate) fn check(&self) -> Result<(), Spent> {
        self.with(|state| state.spent.clone().map_or(Ok(()), Err))
    }

    /// Notes an answer.
    pub(crate) fn answered(&self) {
        self.with(|state| {
            state.answers += 1;
            state.outage = None;
        });
    }

    /// Notes a request to `place` that began at `began` and failed just now in passing, as `reason` says.
    pub(crate) fn failed(&self, place: &Redacted, began: Instant, reason: &str) -> Result<(), Spent> {
        let now = Instant::now();
        self.with(|state| {
            state.failures += 1;
            let before = state.outage.take();
            let before = before.filter(|outage| began.saturating_duration_since(outage.last) < UNTRIED);
            let (since, failures) = before.map_or((began, 0), |outage| (outage.since, outage.failures));
            let (place, told) = (place.clone(), Redacted::new(reason));
            state.outage = Some(Outage { since, last: now, failures: failures + 1, place, reason: told });
            let last = || reason.to_owned();
            if state.failures > self.limits.retries + state.answers / ANSWERS_PER_RETRY {
                state.spent = Some(Spent::Retries { failures: state.failures, last: last() });
            } else if now.saturating_duration_since(since) >= self.limits.outage {
                state.spent = Some(Spent::Outage { outage: now.saturating_duration_since(since), last: last() });
            }
            state.spent.clone().map_or(Ok(()), Err)
        })
    }

    /// What goes on, if nothing but failures does; nobody tried for a while, if they are long past.
    pub(crate) fn trouble(&self) -> Option<Trouble> {
        self.with(|state| {
            let Outage { since, last, failures, place, reason } = state.outage.as_ref()?;
            (last.elapsed() < UNTRIED).then(|| Trouble {
                place: place.clone(),
                reason: reason.clone(),
                failures: *failures,
                lasting: since.elapsed(),
                outage: self.limits.outage,
            })
        })
    }

    /// The requests that failed in passing.
    pub(crate) fn failures(&self) -> u64 {
        self.with(|state| state.failures)
    }

    fn with<T>(&self, action: impl FnOnce(&mut State) -> T) -> T {
        // A panic elsewhere leaves numbers that are still right.
        action(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(retries: u64, outage: u64) -> RetryBudget {
        let outage = Duration::from_secs(outage);
        RetryBudget::new(NetworkLimits { retries, outage, ..NetworkLimits::default() })
    }

    fn place() -> Redacted {
        Redacted::new("s3://lake/orders/")
    }

    fn long_ago(seconds: u64) -> Instant {
        Instant::now().checked_sub(Duration::from_secs(seconds)).unwrap()
    }

    #[test]
    fn the_budget_is_shared_by_all_requests_and_answers_add_to_it() {
        let budget = budget(2, 60);
        for _ in 0..8 {
            budget.answered();
        }
        for _ in 0..4 {
            budget.failed(&place(), Instant::now(), "503").unwrap();
        }
        budget.check().unwrap();
        let spent = budget.failed(&place(), Instant::now(), "503 Slow Down").unwrap_err();
        insta::assert_snapshot!(spent, @"the run has no retries left after 5 failed requests, the last one with: 503 Slow Down");
        assert_eq!(budget.check(), Err(spent), "nobody is asked any more");
    }

    #[test]
    fn a_store_that_never_answers_ends_the_run_and_one_that_answers_now_and_then_does_not() {
        let dead = budget(1000, 60);
        dead.failed(&place(), long_ago(59), "no answer").unwrap();
        let spent = dead
            .failed(&place(), Instant::now(), "no answer")
            .map(|()| dead.failed(&place(), long_ago(61), "no answer"));
        assert_eq!(spent, Ok(Ok(())), "an outage begins with the first failure that was noted");

        let dead = budget(1000, 60);
        insta::assert_snapshot!(dead.failed(&place(), long_ago(60), "no answer").unwrap_err(), @"every request failed for 60 s, the last one with: no answer");

        let ailing = budget(1000, 60);
        ailing.failed(&place(), long_ago(59), "no answer").unwrap();
        ailing.answered();
        ailing.failed(&place(), long_ago(58), "no answer").unwrap();
    }

    #[test]
    fn failures_long_apart_are_no_outage() {
        let budget = budget(1000, 10);
        budget.with(|state| {
            let (since, last) = (long_ago(100), long_ago(95));
            state.outage = Some(Outage { since, last, failures: 9, place: place(), reason: place() });
        });
        assert_eq!(budget.trouble(), None, "nobody has waited for a while");
        budget.failed(&place(), Instant::now(), "no answer").unwrap();
    }

    #[test]
    fn whoever_waits_is_told_what_for_and_for_how_long() {
        let budget = budget(1000, 60);
        assert_eq!(budget.trouble(), None);
        budget.failed(&place(), long_ago(12), "503 Service Unavailable at https://k:canary@h/").unwrap();
        budget.failed(&place(), Instant::now(), "503 Service Unavailable at https://k:canary@h/").unwrap();
        let trouble = budget.trouble().unwrap();
        assert_eq!(trouble.lasting().as_secs(), 12);
        insta::assert_snapshot!(trouble, @"waiting for `s3://lake/orders/`: 503 Service Unavailable at https://***@h/; 2 requests failed in 12 s, given up after 60 s");
        budget.answered();
        assert_eq!(budget.trouble(), None);
    }
}
