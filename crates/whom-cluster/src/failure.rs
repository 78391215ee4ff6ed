//! What went wrong on the way to other machines and back, by who must act.

use std::error::Error;

use tonic::{Code, Status};
use whom_engine::EngineError;
use whom_store::ErrorKind;

use crate::told::Told;

/// Why one attempt at a stage did not come to its end.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Another attempt may succeed.
    Passing(String),
    /// None will.
    Final(EngineError),
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        Self::Final(error)
    }
}

impl From<Failure> for EngineError {
    /// For what is not repeated.
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Passing(reason) => transient(reason),
            Failure::Final(error) => error,
        }
    }
}

/// Somebody must mend the set-up.
pub(crate) fn configuration(problem: String) -> EngineError {
    EngineError::Elsewhere { kind: ErrorKind::Configuration, problem }
}

/// A later attempt can succeed.
pub(crate) fn transient(problem: String) -> EngineError {
    EngineError::Elsewhere { kind: ErrorKind::Transient, problem }
}

/// An error with what caused it, in one line: transports say nothing but "transport error" themselves.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let more = source.to_string();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        next = source.source();
    }
    words
}

/// What a connection that does not come about means. That one side does not trust the other, or only one of them encrypts, does
/// not pass.
pub(crate) fn of_transport(words: String) -> Failure {
    let untrusted = ["ertificate", "alert", "orrupt message", "InvalidContentType", "frame with invalid size"];
    if untrusted.iter().any(|word| words.contains(word)) {
        let fix = "give both sides certificates of one authority, or switch encryption off on both";
        return Failure::Final(configuration(format!("{words}; {fix}")));
    }
    Failure::Passing(words)
}

/// What the scheduler answered to a request that it did not accept.
pub(crate) fn of_status(scheduler: &str, status: &Status) -> Failure {
    if let Some(told) = Told::find(status.message()) {
        return of_told(told);
    }
    let said = format!("the scheduler at `{scheduler}` answered: {}", status.message());
    match status.code() {
        Code::Unimplemented => Failure::Final(configuration(format!(
            "`{scheduler}` is not a scheduler of whom; start one with `whom scheduler`"
        ))),
        Code::FailedPrecondition | Code::InvalidArgument => Failure::Final(configuration(said)),
        _ => of_transport(format!("the scheduler at `{scheduler}` does not answer: {}", chain(status))),
    }
}

/// Why Ballista says that a job failed.
pub(crate) fn of_job(text: &str) -> Failure {
    if let Some(told) = Told::find(text) {
        return of_told(told);
    }
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if is_full(text) {
        return Failure::Final(EngineError::Resources(format!("an executor cannot write its answer: {text}")));
    }
    if has(&["Could not deserialize BallistaPhysicalPlanNode", "orders are done by `whom executor`"]) {
        let foreign = "an executor of the cluster is not one of whom; start it with `whom executor`";
        return Failure::Final(configuration(foreign.to_owned()));
    }
    if has(&["IO error", "all executors were lost", "Cancelled"]) {
        return Failure::Passing(text.trim().to_owned());
    }
    Failure::Final(EngineError::Internal(text.trim().to_owned()))
}

/// Whether an error speaks of a disk without room.
pub(crate) fn is_full(text: &str) -> bool {
    ["StorageFull", "No space left", "no storage space", "QuotaExceeded"].iter().any(|word| text.contains(word))
}

fn of_told(told: Told) -> Failure {
    match told {
        Told::Refusal { host, refusal } => Failure::Final(refusal.into_error(&host)),
        Told::Passing { host, reason } => Failure::Passing(format!("on `{host}`: {reason}")),
    }
}

#[cfg(test)]
mod tests {
    use whom_engine::Refusal;

    use super::*;

    fn job(text: &str) -> String {
        match of_job(text) {
            Failure::Passing(reason) => format!("passing: {reason}"),
            Failure::Final(EngineError::Elsewhere { kind, problem }) => format!("{kind:?}: {problem}"),
            Failure::Final(EngineError::Resources(problem)) => format!("resources: {problem}"),
            Failure::Final(error) => format!("final: {error}"),
        }
    }

    #[test]
    fn a_job_fails_by_who_must_act() {
        let passing = Told::Passing { host: "h".to_owned(), reason: "reset".to_owned() }.to_text();
        let refusal = Told::Refusal { host: "h".to_owned(), refusal: Refusal::Configuration("no key".to_owned()) };
        insta::assert_snapshot!(job(&format!("Task failed due to IO error: \"{passing}\"")), @"passing: on `h`: reset");
        insta::assert_snapshot!(job(&format!("x \"{}\" y", refusal.to_text())), @"Configuration: on `h`: no key");
        insta::assert_snapshot!(job("all executors were lost and no executor re-registered within 5s"), @"passing: all executors were lost and no executor re-registered within 5s");
        insta::assert_snapshot!(job("IoError(Os { kind: StorageFull })"), @"resources: an executor cannot write its answer: IoError(Os { kind: StorageFull })");
        insta::assert_snapshot!(job("Could not deserialize BallistaPhysicalPlanNode: x"), @"Configuration: an executor of the cluster is not one of whom; start it with `whom executor`");
        insta::assert_snapshot!(job("something new"), @"final: something new");
    }

    #[test]
    fn a_request_is_refused_by_who_must_act() {
        let of = |status: Status| match of_status("df://h:1", &status) {
            Failure::Passing(reason) => format!("passing: {reason}"),
            Failure::Final(error) => error.to_string(),
        };
        insta::assert_snapshot!(of(Status::unimplemented("")), @"`df://h:1` is not a scheduler of whom; start one with `whom scheduler`");
        insta::assert_snapshot!(of(Status::failed_precondition("versions differ")), @"the scheduler at `df://h:1` answered: versions differ");
        assert!(matches!(of_status("df://h:1", &Status::unavailable("gone")), Failure::Passing(_)));
    }
}
