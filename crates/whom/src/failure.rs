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
    /// What people read.
    message: String,
    /// The same, on one line.
    headline: String,
    /// How to mend it, if more is known than the cause.
    fix: Option<String>,
    signal: Option<Signal>,
    skips: bool,
    /// The pipeline file, if the command has several.
    pipeline: Option<String>,
}

/// The exit code of a run whose inputs are not there yet, where that is no failure: orchestrators show it as skipped.
const NOTHING_TO_DO: u8 = 99;

/// The codes of failures by how hard they are to mend: first what asks for a person, then what asks for time.
const HARDEST_FIRST: [u8; 6] = [1, 2, 3, 5, 4, NOTHING_TO_DO];

/// The exit code of several runs: that of the failure which is hardest to mend. An interruption, which ends them all, comes
/// before any failure.
pub(crate) fn hardest(codes: &[u8]) -> u8 {
    let place = |code: &u8| HARDEST_FIRST.iter().position(|known| known == code).map_or(0, |place| place + 1);
    codes.iter().copied().filter(|code| *code > 0).min_by_key(place).unwrap_or(0)
}

/// Where a failure before any stage of a run belongs.
const START: &str = "start";

/// The last line of standard output of a run that failed.
#[derive(Serialize)]
struct FailureLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pipeline: Option<&'a str>,
    status: &'static str,
    code: u8,
    stage: &'static str,
    cause: &'static str,
    message: &'a str,
    fix: &'a str,
    retryable: bool,
}

impl Failure {
    /// The program could not start its work.
    pub(crate) fn start(cause: Cause, message: impl Into<String>) -> Self {
        let message = message.into();
        let headline = message.lines().next().unwrap_or_default().to_owned();
        Self { cause, stage: START, message, headline, fix: None, signal: None, skips: false, pipeline: None }
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
        let stopped = Self::start(Cause::Interrupted, format!("stopped by {}", signal.name())).at(stage);
        Self { signal: Some(signal), ..stopped }
    }

    /// The same failure; if inputs are not there yet, it counts as nothing to do.
    pub(crate) fn skipping_not_ready(self) -> Self {
        Self { skips: true, ..self }
    }

    /// The same failure, of one of several pipelines.
    pub(crate) fn of_pipeline(self, pipeline: String) -> Self {
        Self { pipeline: Some(pipeline), ..self }
    }

    /// Whether somebody asked the whole command to stop.
    pub(crate) fn is_interruption(&self) -> bool {
        self.cause == Cause::Interrupted
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
        let message = self.message.trim_end();
        let titled = if is_titled(message) { message.to_owned() } else { format!("error: {message}") };
        let titled = match &self.pipeline {
            Some(pipeline) => format!("`{pipeline}` failed:\n{titled}"),
            None => titled,
        };
        match self.cause {
            Cause::Internal => format!("{titled}\n{}", self.fix()),
            _ => titled,
        }
    }

    /// What programs read: one line.
    pub(crate) fn line(&self) -> String {
        let line = FailureLine {
            pipeline: self.pipeline.as_deref(),
            status: "failed",
            code: self.exit_code(),
            stage: self.stage,
            cause: self.cause.word(),
            message: without_title(&self.headline),
            fix: self.fix(),
            retryable: self.cause.is_retryable(),
        };
        // Text, numbers and booleans can always be encoded.
        serde_json::to_string(&line).unwrap_or_default()
    }

    fn fix(&self) -> &str {
        self.fix.as_deref().unwrap_or(self.cause.usual_fix())
    }
}

/// The heading of messages about the command line and the pipeline file.
const TITLE: &str = "error: ";

/// Whether a message brings its own heading: an excerpt of a pipeline file, or the checks that refused the data.
fn is_titled(message: &str) -> bool {
    [TITLE, "REFUSED"].iter().any(|title| message.starts_with(title))
}

fn without_title(headline: &str) -> &str {
    headline.strip_prefix(TITLE).unwrap_or(headline)
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        let RunError { stage, cause, message, headline, fix } = error;
        Self { cause, stage: stage.name(), message, headline, fix, signal: None, skips: false, pipeline: None }
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

    fn refused(message: &str) -> Failure {
        Failure::from(RunError {
            stage: Stage::Checks,
            cause: Cause::Data,
            message: message.to_owned(),
            headline: "error: refused by a check: sample \"ratio\"".to_owned(),
            fix: None,
        })
    }

    #[test]
    fn programs_read_one_line() {
        let failure = refused("REFUSED  no effect was computed\n  ✗ sample \"ratio\"\n");
        insta::assert_snapshot!(failure.line(), @r#"{"status":"failed","code":3,"stage":"checks","cause":"data","message":"refused by a check: sample \"ratio\"","fix":"mend the data, or declare in the pipeline file how to treat them","retryable":false}"#);
    }

    #[test]
    fn a_fix_that_is_known_wins_over_that_of_the_cause() {
        let failure = Failure { fix: Some("declare `beta`".to_owned()), ..refused("REFUSED") };
        assert!(failure.line().contains(r#""fix":"declare `beta`""#), "{}", failure.line());
    }

    #[test]
    fn people_read_the_message_under_one_heading() {
        assert_eq!(refused("`orders` has no rows").text(), "error: `orders` has no rows");
        assert_eq!(refused("error: unknown key").text(), "error: unknown key");
        assert_eq!(refused("REFUSED  two checks\n").text(), "REFUSED  two checks");
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
    fn one_of_several_pipelines_is_named_to_people_and_programs() {
        let failure = refused("REFUSED  one check").of_pipeline("b.yaml".to_owned());
        assert_eq!(failure.text(), "`b.yaml` failed:\nREFUSED  one check");
        assert!(
            failure.line().starts_with(r#"{"pipeline":"b.yaml","status":"failed","code":3,"#),
            "{}",
            failure.line()
        );
    }

    #[test]
    fn of_several_failures_the_hardest_to_mend_gives_the_exit_code() {
        for (codes, code) in [
            (vec![], 0),
            (vec![0, 0], 0),
            (vec![0, 4, 0], 4),
            (vec![99, 4], 4),
            (vec![4, 5], 5),
            (vec![5, 3, 4], 3),
            (vec![3, 2], 2),
            (vec![2, 1], 1),
            (vec![1, 130], 130),
            (vec![2, 143], 143),
        ] {
            assert_eq!(hardest(&codes), code, "{codes:?}");
        }
    }

    #[test]
    fn a_signal_decides_the_exit_code() {
        assert_eq!(Failure::interrupted(Signal::Interrupt, Stage::Discovery).exit_code(), 130);
        assert_eq!(Failure::interrupted(Signal::Terminate, Stage::Discovery).exit_code(), 143);
        insta::assert_snapshot!(Failure::interrupted(Signal::Terminate, Stage::UnitTable).line(), @r#"{"status":"failed","code":143,"stage":"unit table","cause":"interrupted","message":"stopped by SIGTERM","fix":"run it again","retryable":true}"#);
    }
}
