//! What is wrong, where it stands, and how to mend it.

use std::fmt;

use crate::source::{SourceMap, Span};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Nothing can be run.
    Error,
    /// It can be run, but is probably not meant so.
    Warning,
}

/// One message about a place in a pipeline file.
///
/// Made where the trouble is found, by any crate that holds a span of the plan; made readable by
/// [`SourceMap::render`].
///
/// ```
/// use whom_spec::{Diagnostic, SourceMap};
///
/// let mut sources = SourceMap::default();
/// let file = sources.add("pipeline.yaml", "value: amuont\n");
/// let wrong = Diagnostic::error("`orders` has no column `amuont`")
///     .at(sources.span(file, 7..13))
///     .hint("did you mean `amount`?");
/// assert_eq!(
///     sources.render(&wrong),
///     "error: `orders` has no column `amuont`
///  --> pipeline.yaml:1:8
///   |
/// 1 | value: amuont
///   |        ^^^^^^
///   |
///   = help: did you mean `amount`?"
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong: names in backticks, no trailing period.
    pub message: String,
    /// The place; `None` if no file is to blame.
    pub span: Option<Span>,
    /// A few words under the place.
    pub label: Option<Box<str>>,
    /// A second place and what it has to do with the matter.
    pub related: Option<Box<(Span, String)>>,
    /// Reasons and circumstances.
    pub notes: Vec<String>,
    /// How to mend it.
    pub hint: Option<Box<str>>,
}

impl Diagnostic {
    /// An error without a place.
    pub fn error(message: impl Into<String>) -> Self {
        Self::new(Severity::Error, message.into())
    }

    /// A warning without a place.
    pub fn warning(message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, message.into())
    }

    fn new(severity: Severity, message: String) -> Self {
        Self { severity, message, span: None, label: None, related: None, notes: Vec::new(), hint: None }
    }

    /// Says where.
    #[must_use]
    pub fn at(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }

    /// Puts a few words under the place.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into().into_boxed_str());
        self
    }

    /// Points at a second place.
    #[must_use]
    pub fn related(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related = Some(Box::new((span, label.into())));
        self
    }

    /// Adds a reason.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Says how to mend it.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        self.hint_if(Some(hint.into()))
    }

    /// Says how to mend it, if that is known: takes what [`name_hint`](crate::name_hint) and its like return.
    #[must_use]
    pub fn hint_if(mut self, hint: Option<String>) -> Self {
        self.hint = hint.map(String::into_boxed_str);
        self
    }
}

/// A pipeline file that cannot be a plan: all that is wrong with it, and the texts to show it in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct SpecError {
    /// What is wrong, in the order of the file where there is one; never empty.
    pub diagnostics: Vec<Diagnostic>,
    /// The files that were read.
    pub sources: SourceMap,
}

impl SpecError {
    /// All messages, one after another, in colour if asked.
    pub fn render(&self, colour: bool) -> String {
        self.sources.render_all(&self.diagnostics, colour)
    }
}

impl fmt::Display for SpecError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.render(false))
    }
}
