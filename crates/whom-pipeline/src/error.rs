//! Why a run ended without a result, by who must act.

use thiserror::Error;
use whom_engine::EngineError;
use whom_query::QueryError;
use whom_report::{Colour, WaterfallStep, refusal_text};
use whom_spec::{Diagnostic, SourceMap, SpecError};
use whom_stats::Check;
use whom_store::{ErrorKind, StoreError};

use crate::event::Stage;

/// A run that ended without a result.
#[derive(Debug, Error)]
#[error("{message}")]
pub struct RunError {
    /// The stage in which it ended.
    pub stage: Stage,
    /// Who must act.
    pub cause: Cause,
    /// What happened, in a sentence: for programs and logs.
    pub message: String,
    /// The same in full, where there is more to read: the excerpts of the pipeline file, the report of the checks.
    pub detail: Option<String>,
}

/// Who must act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// We: a bug. Exit code 1.
    Internal,
    /// Whoever wrote the pipeline file, or gave the rights to a file. Exit code 2.
    Configuration,
    /// Whoever made the data: a check refused their content. Exit code 3.
    Data,
    /// Nobody: try again later. Exit code 4.
    Transient,
    /// Nobody: days that the plan needs are not written yet. Exit code 4, or 99 where that counts as nothing to do.
    NotReady,
    /// Whoever runs the machine: memory or disk ran out. Exit code 5.
    Resources,
    /// Whoever stopped it. Exit code 130.
    Interrupted,
}

impl Cause {
    /// The exit code of the command line.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Internal => 1,
            Self::Configuration => 2,
            Self::Data => 3,
            Self::Transient | Self::NotReady => 4,
            Self::Resources => 5,
            Self::Interrupted => 130,
        }
    }

    /// The word in the last line of standard output.
    pub fn word(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::Configuration => "configuration",
            Self::Data => "data",
            Self::Transient => "transient",
            Self::NotReady => "not_ready",
            Self::Resources => "resources",
            Self::Interrupted => "interrupted",
        }
    }

    /// Whether the same command can succeed later without anybody mending anything.
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::Transient | Self::NotReady | Self::Interrupted)
    }
}

impl RunError {
    pub(crate) fn new(stage: Stage, cause: Cause, message: impl Into<String>) -> Self {
        Self { stage, cause, message: message.into(), detail: None }
    }

    /// What a person reads: the detail, or the message if that says it all.
    pub fn text(&self) -> &str {
        self.detail.as_deref().unwrap_or(&self.message)
    }

    pub(crate) fn spec(error: &SpecError) -> Self {
        Self::plan(Stage::Plan, &error.diagnostics, &error.sources)
    }

    /// The pipeline file is at fault: the message is the first problem, the detail has all of them with excerpts.
    pub(crate) fn plan(stage: Stage, diagnostics: &[Diagnostic], sources: &SourceMap) -> Self {
        let first = diagnostics.first().map_or("the pipeline file cannot be used", |first| first.message.as_str());
        let message = match diagnostics.len() {
            0 | 1 => first.to_owned(),
            2 => format!("{first}; and 1 more problem"),
            all => format!("{first}; and {} more problems", all - 1),
        };
        Self { detail: Some(rendered(diagnostics, sources)), ..Self::new(stage, Cause::Configuration, message) }
    }

    /// Checks refused the data: the message names them, the detail is their report.
    pub(crate) fn refused(checks: &[Check], steps: &[WaterfallStep]) -> Self {
        let names: Vec<&str> = checks.iter().filter(|check| check.refuses()).map(|check| check.name.as_str()).collect();
        let noun = if names.len() == 1 { "check" } else { "checks" };
        let message = format!("the data failed {} {noun}: {}", names.len(), names.join("; "));
        let report = refusal_text(checks, steps, Colour::Never);
        Self { detail: Some(report), ..Self::new(Stage::Checks, Cause::Data, message) }
    }

    pub(crate) fn store(stage: Stage, error: &StoreError) -> Self {
        Self::new(stage, cause_of_store(error), error.to_string())
    }

    pub(crate) fn engine(stage: Stage, error: &EngineError) -> Self {
        Self::new(stage, cause_of_engine(error), error.to_string())
    }

    pub(crate) fn query(stage: Stage, error: &QueryError, sources: &SourceMap) -> Self {
        let cause = match error {
            QueryError::Plan(diagnostics) => return Self::plan(stage, diagnostics, sources),
            QueryError::MissingDays(_) => Cause::NotReady,
            QueryError::Data(_) => Cause::Data,
            QueryError::Engine(engine) => cause_of_engine(engine),
            QueryError::Store(store) => cause_of_store(store),
            QueryError::Internal(_) => Cause::Internal,
        };
        Self::new(stage, cause, error.to_string())
    }
}

/// Diagnostics as they are shown, each with its excerpt.
pub(crate) fn rendered(diagnostics: &[Diagnostic], sources: &SourceMap) -> String {
    diagnostics.iter().map(|diagnostic| sources.render(diagnostic)).collect::<Vec<_>>().join("\n\n")
}

fn cause_of_engine(error: &EngineError) -> Cause {
    match error {
        EngineError::Data(_) => Cause::Data,
        EngineError::Input(_) => Cause::Configuration,
        EngineError::Resources(_) => Cause::Resources,
        EngineError::Store(store) => cause_of_store(store),
        EngineError::Cancelled => Cause::Interrupted,
        EngineError::Internal(_) => Cause::Internal,
    }
}

fn cause_of_store(error: &StoreError) -> Cause {
    match error.kind() {
        ErrorKind::Configuration => Cause::Configuration,
        ErrorKind::Transient => Cause::Transient,
        ErrorKind::Resources => Cause::Resources,
        ErrorKind::Internal => Cause::Internal,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use whom_store::Location;

    use super::*;

    fn changed() -> StoreError {
        let location = Location::input("data/", Path::new("/")).unwrap().declared().clone();
        StoreError::InputChanged { location, path: "a.parquet".into(), change: "it was written anew".into() }
    }

    fn nowhere() -> StoreError {
        StoreError::LocationNotFound { location: Location::input("data/", Path::new("/")).unwrap().declared().clone() }
    }

    #[test]
    fn every_kind_of_error_has_the_exit_code_of_who_must_act() {
        let engine = |error: EngineError| QueryError::Engine(error);
        let table = [
            (QueryError::Plan(vec![Diagnostic::error("no such column")]), 2, false),
            (QueryError::MissingDays(BTreeMap::new()), 4, true),
            (QueryError::Data("two contents".into()), 3, false),
            (QueryError::Internal("lost a row".into()), 1, false),
            (QueryError::Store(changed()), 4, true),
            (QueryError::Store(nowhere()), 2, false),
            (engine(EngineError::Data("out of range".into())), 3, false),
            (engine(EngineError::Input("truncated".into())), 2, false),
            (engine(EngineError::Resources("memory".into())), 5, false),
            (engine(EngineError::Store(changed())), 4, true),
            (engine(EngineError::Store(nowhere())), 2, false),
            (engine(EngineError::Cancelled), 130, true),
            (engine(EngineError::Internal("a plan".into())), 1, false),
        ];
        for (error, code, retryable) in table {
            let found = RunError::query(Stage::UnitTable, &error, &SourceMap::default());
            assert_eq!((found.cause.exit_code(), found.cause.is_retryable()), (code, retryable), "{error}");
            if let QueryError::Engine(error) = &error {
                assert_eq!(RunError::engine(Stage::UnitTable, error).cause, found.cause, "{error}");
            }
            if let QueryError::Store(error) = &error {
                assert_eq!(RunError::store(Stage::UnitTable, error).cause, found.cause, "{error}");
            }
        }
    }

    #[test]
    fn a_refusal_names_its_checks_and_reports_them_in_full() {
        let checks = [
            Check::ruled("variants are known", false, "7 exposure rows"),
            Check::ruled("every variant has units", true, "no unit was exposed to `new`").with_fix("check `where`"),
            Check::ruled("`spend` is finite", true, "units with a value that is NaN: control 1"),
        ];
        let error = RunError::refused(&checks, &[]);
        assert_eq!((error.stage, error.cause), (Stage::Checks, Cause::Data));
        assert_eq!(error.to_string(), "the data failed 2 checks: every variant has units; `spend` is finite");
        assert!(error.text().starts_with("REFUSED"), "{}", error.text());
        assert!(error.text().contains("fix: check `where`") && !error.message.contains("fix"));
    }

    #[test]
    fn a_faulty_file_tells_its_first_problem_in_a_sentence_and_all_in_full() {
        let problems = ["no column `a`", "no column `b`", "no column `c`"].map(Diagnostic::error);
        let message = |count: usize| RunError::plan(Stage::Sources, &problems[..count], &SourceMap::default()).message;
        assert_eq!(message(1), "no column `a`");
        assert_eq!(message(2), "no column `a`; and 1 more problem");
        assert_eq!(message(3), "no column `a`; and 2 more problems");
        let error = RunError::plan(Stage::Sources, &problems, &SourceMap::default());
        assert_eq!(error.text(), "error: no column `a`\n\nerror: no column `b`\n\nerror: no column `c`");
        assert_eq!(RunError::new(Stage::Plan, Cause::Internal, "a bug").text(), "a bug");
    }

    #[test]
    fn causes_have_words_of_their_own() {
        let causes = [
            Cause::Internal,
            Cause::Configuration,
            Cause::Data,
            Cause::Transient,
            Cause::NotReady,
            Cause::Resources,
            Cause::Interrupted,
        ];
        let words: std::collections::BTreeSet<&str> = causes.into_iter().map(Cause::word).collect();
        assert_eq!(words.len(), causes.len());
    }
}
