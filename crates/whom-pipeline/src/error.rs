//! Why a run ended without a result, by who must act.

use thiserror::Error;
use whom_engine::EngineError;
use whom_query::QueryError;
use whom_spec::{Diagnostic, SourceMap, SpecError};
use whom_stats::Check;
use whom_store::{ErrorKind, StoreError, redact};

use crate::event::Stage;

/// A run that ended without a result. Its texts hold no secret: excerpts and values pass through
/// [`redact`](whom_store::redact).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct RunError {
    /// The stage in which it ended.
    pub stage: Stage,
    /// Who must act.
    pub cause: Cause,
    /// What happened, in full: for a pipeline file with the excerpt, for a refusal with the checks.
    pub message: String,
    /// What happened, on one line.
    pub headline: String,
    /// How to mend it, where more is known about that than the cause.
    pub fix: Option<String>,
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

    /// How to mend it, where nothing more is known.
    pub fn usual_fix(self) -> &'static str {
        match self {
            Self::Internal => "this is a bug: please report it with the command, the version and what was printed",
            Self::Configuration => "mend what the message names, then run it again",
            Self::Data => "mend the data, or declare in the pipeline file how to treat them",
            Self::Transient => "run it again later",
            Self::NotReady => "run it again when they are written, or declare `gaps: allowed`",
            Self::Resources => "give it more memory or disk, see `--memory-limit` and `--spill-dir`",
            Self::Interrupted => "run it again",
        }
    }

    /// Whether the same command can succeed later without anybody mending anything.
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::Transient | Self::NotReady | Self::Interrupted)
    }
}

impl RunError {
    pub(crate) fn new(stage: Stage, cause: Cause, message: impl AsRef<str>) -> Self {
        let message = redact(message.as_ref());
        let headline = brief(message.lines().next().unwrap_or_default());
        Self { stage, cause, message, headline, fix: None }
    }

    pub(crate) fn spec(error: &SpecError) -> Self {
        Self::diagnosed(Stage::Plan, Cause::Configuration, &error.diagnostics, &error.sources)
    }

    /// Messages about places in the pipeline file, of which the first makes the headline.
    pub(crate) fn diagnosed(stage: Stage, cause: Cause, diagnostics: &[Diagnostic], sources: &SourceMap) -> Self {
        let error = Self::new(stage, cause, sources.render_all(diagnostics, false));
        let Some((first, others)) = diagnostics.split_first() else { return error };
        let place = first.span.and_then(|span| Some((sources.get(span.file)?.name(), span)));
        let place = place.map(|(file, span)| format!("{file}:{}:{}: ", span.line, span.column)).unwrap_or_default();
        let more = if others.is_empty() { String::new() } else { format!(" (and {} more)", others.len()) };
        Self {
            headline: brief(&format!("{place}{}{more}", first.message)),
            fix: first.hint.as_deref().map(brief),
            ..error
        }
    }

    /// The refusal of the data by checks; `report` shows them in full.
    pub(crate) fn checks(refusing: &[&Check], report: &str) -> Self {
        let names: Vec<&str> = refusing.iter().map(|check| check.name.as_str()).collect();
        let fixes: Vec<&str> = refusing.iter().filter_map(|check| check.fix.as_deref()).collect();
        let verb = if names.len() == 1 { "a check" } else { "checks" };
        Self {
            headline: brief(&format!("refused by {verb}: {}", names.join("; "))),
            fix: fixes.first().map(|fix| brief(fix)),
            ..Self::new(Stage::Checks, Cause::Data, report)
        }
    }

    pub(crate) fn store(stage: Stage, error: &StoreError) -> Self {
        Self::new(stage, cause_of_store(error), error.to_string())
    }

    pub(crate) fn engine(stage: Stage, error: &EngineError) -> Self {
        Self::new(stage, Cause::from(error), error.to_string())
    }

    pub(crate) fn query(stage: Stage, error: &QueryError, sources: &SourceMap) -> Self {
        match error {
            QueryError::Plan(diagnostics) => Self::diagnosed(stage, Cause::Configuration, diagnostics, sources),
            QueryError::MissingDays(diagnostics) => Self::diagnosed(stage, Cause::NotReady, diagnostics, sources),
            QueryError::Data(message) => Self::new(stage, Cause::Data, message),
            QueryError::NoValue { .. } => Self::new(stage, Cause::Data, error.to_string()),
            QueryError::Engine(engine) => Self::engine(stage, engine),
            QueryError::Store(store) => Self::store(stage, store),
            QueryError::Internal(message) => Self::new(stage, Cause::Internal, message),
        }
    }
}

/// A sentence for programs: without secrets, and cut where it quotes something endless.
fn brief(sentence: &str) -> String {
    const LONGEST: usize = 500;
    let mut sentence = redact(sentence);
    if let Some((end, _)) = sentence.char_indices().nth(LONGEST) {
        sentence.truncate(end);
        sentence.push('…');
    }
    sentence
}

impl From<&EngineError> for Cause {
    fn from(error: &EngineError) -> Self {
        match error {
            EngineError::Data(_) | EngineError::NoValue(_) => Self::Data,
            EngineError::Input { .. } => Self::Configuration,
            EngineError::Resources(_) => Self::Resources,
            EngineError::Store(store) => cause_of_store(store),
            EngineError::Elsewhere { kind, .. } => cause_of_kind(*kind),
            EngineError::Cancelled => Self::Interrupted,
            EngineError::Internal(_) => Self::Internal,
        }
    }
}

fn cause_of_store(error: &StoreError) -> Cause {
    cause_of_kind(error.kind())
}

fn cause_of_kind(kind: ErrorKind) -> Cause {
    match kind {
        ErrorKind::Configuration => Cause::Configuration,
        ErrorKind::Transient => Cause::Transient,
        ErrorKind::Resources => Cause::Resources,
        ErrorKind::Internal => Cause::Internal,
    }
}

#[cfg(test)]
mod tests {
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
            (QueryError::MissingDays(vec![Diagnostic::error("no such day")]), 4, true),
            (QueryError::Data("two contents".into()), 3, false),
            (QueryError::Internal("lost a row".into()), 1, false),
            (QueryError::Store(changed()), 4, true),
            (QueryError::Store(nowhere()), 2, false),
            (engine(EngineError::Data("out of range".into())), 3, false),
            (engine(EngineError::Input { problem: "truncated".into(), fix: "write it again".into() }), 2, false),
            (engine(EngineError::Resources("memory".into())), 5, false),
            (engine(EngineError::Store(changed())), 4, true),
            (engine(EngineError::Store(nowhere())), 2, false),
            (engine(EngineError::Elsewhere { kind: ErrorKind::Transient, problem: "lost".into() }), 4, true),
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
    fn a_message_about_a_place_is_told_in_full_and_in_one_line() {
        let mut sources = SourceMap::default();
        let file = sources.add("p.yaml", "path: s3://key:canary@lake/x\nunit: u\n");
        let wrong = |message: &str| Diagnostic::error(message).at(sources.span(file, 6..28)).hint("mend `path`");
        let error = QueryError::Plan(vec![wrong("no such place"), wrong("nor this")]);
        let told = RunError::query(Stage::Sources, &error, &sources);
        assert_eq!(told.headline, "p.yaml:1:7: no such place (and 1 more)");
        assert_eq!(told.fix.as_deref(), Some("mend `path`"));
        assert!(told.message.contains("nor this"), "{}", told.message);
        assert!(!format!("{told:?}").contains("canary"), "{told:?}");
    }

    #[test]
    fn a_line_for_programs_is_short_whatever_it_quotes() {
        let told = RunError::new(Stage::Plan, Cause::Configuration, "é".repeat(10_000));
        assert_eq!((told.headline.chars().count(), told.message.chars().count()), (501, 10_000));
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
