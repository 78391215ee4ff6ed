//! How a command fails: in words for people, and in one line for programs.

use std::io;

use serde::Serialize;
use whom_pipeline::{Cause, RunError, Stage};

use crate::signals::Signal;

/// A command that ended without its result.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Failure {
    cause: Cause,
    stage: &'static str,
    message: String,
    /// What people read instead of the message: excerpts of the pipeline file, the report of the checks.
    detail: Option<String>,
    signal: Option<Signal>,
    skips: bool,
}

/// The exit code of a run whose inputs are not there yet, where that is no failure: orchestrators show it as skipped.
const NOTHING_TO_DO: u8 = 99;

/// Where a failure before any stage of a run belongs.
const START: &str = "start";

/// The last line of standard output of a run that failed.
#[derive(Serialize)]
struct FailureLine<'a> {
    status: &'static str,
    code: u8,
    stage: &'static str,
    cause: &'static str,
    message: &'a str,
    /// Where there is more to read than the message.
    detail: Option<&'static str>,
    fix: &'static str,
    retryable: bool,
}

impl Failure {
    /// The program could not start its work.
    pub(crate) fn start(cause: Cause, message: impl Into<String>) -> Self {
        Self { cause, stage: START, message: message.into(), detail: None, signal: None, skips: false }
    }

    /// The program itself failed.
    pub(crate) fn bug() -> Self {
        Self::start(Cause::Internal, format!("internal failure of whom {}", env!("CARGO_PKG_VERSION")))
    }

    /// The same failure, in a stage of a run.
    pub(crate) fn at(self, stage: Stage) -> Self {
        Self { stage: stage.name(), ..self }
    }

    /// Standard output cannot be written, most often because a disk is full.
    pub(crate) fn output(error: &io::Error) -> Self {
        Self::start(Cause::Resources, format!("standard output cannot be written: {error}"))
    }

    /// A run was stopped by a signal.
    pub(crate) fn interrupted(signal: Signal, stage: Stage) -> Self {
        Self {
            stage: stage.name(),
            signal: Some(signal),
            ..Self::start(Cause::Interrupted, format!("stopped by {}", signal.name()))
        }
    }

    /// The same failure; if inputs are not there yet, it counts as nothing to do.
    pub(crate) fn skipping_not_ready(self) -> Self {
        Self { skips: true, ..self }
    }

    /// The exit code.
    pub(crate) fn exit_code(&self) -> u8 {
        if self.skips && self.cause == Cause::NotReady {
            return NOTHING_TO_DO;
        }
        self.signal.map_or(self.cause.exit_code(), Signal::exit_code)
    }

    /// What people read.
    pub(crate) fn text(&self) -> String {
        let message = self.detail.as_deref().unwrap_or(&self.message).trim_end();
        let titled = if is_titled(message) { message.to_owned() } else { format!("error: {message}") };
        match self.cause {
            Cause::Internal => format!("{titled}\n{}", self.fix()),
            _ => titled,
        }
    }

    /// What programs read: one line.
    pub(crate) fn line(&self) -> String {
        let line = FailureLine {
            status: "failed",
            code: self.exit_code(),
            stage: self.stage,
            cause: self.cause.word(),
            message: self.message.trim_end(),
            detail: self.detail.as_ref().map(|_| "on standard error"),
            fix: self.fix(),
            retryable: self.cause.is_retryable(),
        };
        // Text, numbers and booleans can always be encoded.
        serde_json::to_string(&line).unwrap_or_default()
    }

    fn fix(&self) -> &'static str {
        match self.cause {
            Cause::Internal => "this is a bug: please report it with the command, the version and what was printed",
            Cause::Configuration => "mend what the message names, then run it again",
            Cause::Data => "mend the data, or declare in the pipeline file how to treat them",
            Cause::Transient => "run it again later",
            Cause::NotReady => "run it again when they are written, or declare `gaps: allowed`",
            Cause::Resources => "give it more memory or disk, see `--memory-limit` and `--spill-dir`",
            Cause::Interrupted => "run it again",
        }
    }
}

/// Whether a message brings its own heading: an excerpt of a pipeline file, or the checks that refused the data.
fn is_titled(message: &str) -> bool {
    ["error: ", "REFUSED"].iter().any(|title| message.starts_with(title))
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        let RunError { stage, cause, message, detail } = error;
        Self { stage: stage.name(), detail, ..Self::start(cause, message) }
    }
}

impl From<clap::Error> for Failure {
    fn from(mistake: clap::Error) -> Self {
        Self::start(Cause::Configuration, mistake.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(message: &str, detail: Option<&str>) -> Failure {
        let (message, detail) = (message.to_owned(), detail.map(str::to_owned));
        Failure::from(RunError { stage: Stage::Checks, cause: Cause::Data, message, detail })
    }

    const REPORT: &str = "REFUSED  no effect was computed\n  ✗ sample \"ratio\"\n";

    #[test]
    fn programs_read_one_line_that_says_where_there_is_more() {
        let failure = refused("the data failed 1 check: sample \"ratio\"", Some(REPORT));
        insta::assert_snapshot!(failure.line(), @r#"{"status":"failed","code":3,"stage":"checks","cause":"data","message":"the data failed 1 check: sample \"ratio\"","detail":"on standard error","fix":"mend the data, or declare in the pipeline file how to treat them","retryable":false}"#);
    }

    #[test]
    fn people_read_everything_under_one_heading() {
        assert_eq!(refused("`orders` has no rows", None).text(), "error: `orders` has no rows");
        assert_eq!(
            refused("unknown key", Some("error: unknown key\n --> a.yaml:1:1")).text(),
            "error: unknown key\n --> a.yaml:1:1"
        );
        assert_eq!(refused("the data failed 1 check: sample", Some(REPORT)).text(), REPORT.trim_end());
    }

    #[test]
    fn a_bug_asks_for_a_report() {
        let failure = Failure { message: "internal failure".to_owned(), ..Failure::bug() };
        insta::assert_snapshot!(failure.text(), @r"
        error: internal failure
        this is a bug: please report it with the command, the version and what was printed
        ");
        assert_eq!(failure.exit_code(), 1);
    }

    #[test]
    fn a_signal_decides_the_exit_code() {
        assert_eq!(Failure::interrupted(Signal::Interrupt, Stage::Discovery).exit_code(), 130);
        assert_eq!(Failure::interrupted(Signal::Terminate, Stage::Discovery).exit_code(), 143);
        insta::assert_snapshot!(Failure::interrupted(Signal::Terminate, Stage::UnitTable).line(), @r#"{"status":"failed","code":143,"stage":"unit table","cause":"interrupted","message":"stopped by SIGTERM","detail":null,"fix":"run it again","retryable":true}"#);
    }
}
