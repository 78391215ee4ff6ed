//! Diagnostics as text: the only module that knows `annotate-snippets`.

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet, normalize_untrusted_str};

use crate::diagnostic::{Diagnostic, Severity};
use crate::source::{SourceMap, Span};

/// The most messages of one file: whoever made hundreds of mistakes made one hundreds of times.
const MESSAGES_SHOWN: usize = 20;

/// The most characters of a sentence, which may quote a name of any length.
const LONGEST_SENTENCE: usize = 1_000;

impl SourceMap {
    /// The message with `file:line:column`, an excerpt, a caret and the hint; no colour.
    ///
    /// A span of another map is left out, so the message itself always comes through.
    pub fn render(&self, diagnostic: &Diagnostic) -> String {
        self.render_with(diagnostic, false)
    }

    /// The same, in colour if asked.
    pub fn render_with(&self, diagnostic: &Diagnostic, colour: bool) -> String {
        let level = match diagnostic.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let title = level.primary_title(shown(&diagnostic.message));
        let mut group = Group::with_title(title).elements(self.snippets(diagnostic));
        for note in &diagnostic.notes {
            group = group.element(Level::NOTE.message(shown(note)));
        }
        if let Some(hint) = &diagnostic.hint {
            group = group.element(Level::HELP.message(shown(hint)));
        }
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        renderer.render(&[group])
    }

    /// Messages one after another; of very many, the first ones.
    pub fn render_all(&self, diagnostics: &[Diagnostic], colour: bool) -> String {
        let shown = diagnostics.iter().take(MESSAGES_SHOWN).map(|diagnostic| self.render_with(diagnostic, colour));
        let rest = (diagnostics.len() > MESSAGES_SHOWN).then(|| "and others; mend these first".to_owned());
        shown.chain(rest).collect::<Vec<_>>().join("\n\n")
    }

    /// One snippet a file: the place, and the related place in the same one if it is in the same file.
    fn snippets<'a>(&'a self, diagnostic: &'a Diagnostic) -> Vec<Snippet<'a, Annotation<'a>>> {
        let primary = diagnostic.span.map(|span| (span, AnnotationKind::Primary, diagnostic.label.as_deref()));
        let related =
            diagnostic.related.as_deref().map(|(span, label)| (*span, AnnotationKind::Context, Some(label.as_str())));
        let mut snippets: Vec<(Span, Snippet<'a, Annotation<'a>>)> = Vec::new();
        for (span, kind, label) in primary.into_iter().chain(related) {
            let annotation = kind.span(span.start as usize..span.end as usize).label(label);
            match snippets.iter_mut().find(|(other, _)| other.file == span.file) {
                Some((_, snippet)) => *snippet = snippet.clone().annotation(annotation),
                None => snippets.extend(self.get(span.file).map(|source| {
                    let snippet = Snippet::source(source.text()).path(source.name()).annotation(annotation);
                    (span, snippet)
                })),
            }
        }
        snippets.into_iter().map(|(_, snippet)| snippet).collect()
    }
}

/// A sentence with nothing in it that could move the cursor, and not endlessly long.
fn shown(sentence: &str) -> String {
    match sentence.char_indices().nth(LONGEST_SENTENCE) {
        Some((end, _)) => normalize_untrusted_str(&sentence[..end]) + "…",
        None => normalize_untrusted_str(sentence),
    }
}
