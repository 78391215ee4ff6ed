//! `${env.NAME}` and `${var.name}`: replaced in scalars after parsing, so that a value cannot change the structure.

use super::{Node, Scalar, Style, Value, quoted};
use crate::diagnostic::Diagnostic;
use crate::load::Settings;
use crate::source::{SourceMap, Span};
use crate::suggest::did_you_mean;

/// The most refusals that are collected: to place one, the file is searched from its beginning.
const MOST_REFUSALS: usize = 100;

/// The most bytes that all replaced scalars of a tree may have together.
const LARGEST_REPLACEMENT: usize = 1 << 20;

/// Replaces references in the scalars of a tree; what cannot be replaced is reported and left as it is.
struct Replacer<'a> {
    settings: &'a Settings<'a>,
    sources: &'a SourceMap,
    diagnostics: Vec<Diagnostic>,
    /// The bytes that replaced scalars may still take.
    left: usize,
}

/// Replaces everything in a tree and returns what went wrong.
pub(crate) fn replace_all(node: &mut Node, settings: &Settings<'_>, sources: &SourceMap) -> Vec<Diagnostic> {
    let mut replacer = Replacer { settings, sources, diagnostics: Vec::new(), left: LARGEST_REPLACEMENT };
    replacer.node(node);
    replacer.diagnostics
}

impl Replacer<'_> {
    fn node(&mut self, node: &mut Node) {
        match &mut node.value {
            Value::Null => {}
            Value::Scalar(scalar) => self.scalar(scalar, node.span),
            Value::List(items) => items.iter_mut().for_each(|item| self.node(item)),
            Value::Mapping(entries) => {
                for entry in entries {
                    if entry.key.contains("${") {
                        let message = format!("{}: nothing is replaced in keys, only in values", quoted(&entry.key));
                        self.refuse(Diagnostic::error(message).at(entry.key.span));
                    }
                    self.node(&mut entry.value);
                }
            }
        }
    }

    fn scalar(&mut self, scalar: &mut Scalar, span: Span) {
        if !scalar.text.contains("${") || self.diagnostics.len() >= MOST_REFUSALS {
            return;
        }
        let mut result = String::new();
        let mut rest = scalar.text.as_str();
        let mut place = Place { span, searched: 0 };
        while let Some(dollar) = rest.find("${").filter(|_| self.diagnostics.len() < MOST_REFUSALS) {
            let (before, reference) = rest.split_at(dollar);
            if let Some(literal) = before.strip_suffix('$') {
                result.push_str(literal);
                result.push_str("${");
                rest = &reference[2..];
                continue;
            }
            result.push_str(before);
            let Some(end) = reference.find('}') else {
                let unclosed =
                    Diagnostic::error("`${` is never closed").hint("close it with `}`, or write `$${` to mean `${`");
                self.refuse(unclosed.at(place.of(reference, self.sources)));
                return;
            };
            let (reference, after) = reference.split_at(end + 1);
            match self.lookup(&reference[2..end]) {
                Ok(value) if result.len() + value.len() > self.left => {
                    let message = "with variables replaced, the file is larger than 1 MiB";
                    self.refuse(Diagnostic::error(message).at(span).hint("a value this long is a mistake"));
                    return;
                }
                Ok(value) => result.push_str(&value),
                Err(diagnostic) => self.refuse(diagnostic.at(place.of(reference, self.sources))),
            }
            rest = after;
        }
        result.push_str(rest);
        self.left = self.left.saturating_sub(result.len());
        *scalar = Scalar { text: result, style: Style::Replaced };
    }

    fn refuse(&mut self, diagnostic: Diagnostic) {
        if self.diagnostics.len() < MOST_REFUSALS {
            self.diagnostics.push(diagnostic);
        }
    }

    /// The value of what stands between the braces.
    fn lookup(&self, reference: &str) -> Result<String, Diagnostic> {
        match reference.split_once('.') {
            Some(("env", name)) if is_name(name) => (self.settings.environment)(name).ok_or_else(|| {
                Diagnostic::error(format!("the environment variable `{name}` is not set"))
                    .hint(format!("set it: `export {name}=...`"))
            }),
            Some(("var", name)) if is_name(name) => self.settings.variables.get(name).cloned().ok_or_else(|| {
                let meant = did_you_mean(name, self.settings.variables.keys().map(String::as_str));
                let guess = meant.map(|meant| format!("did you mean `{meant}`? otherwise ")).unwrap_or_default();
                Diagnostic::error(format!("the variable `{name}` is not set"))
                    .hint(format!("{guess}set it: `--set {name}=...`"))
            }),
            _ => Err(Diagnostic::error(format!("`${{{reference}}}` is no reference"))
                .hint("references are `${env.NAME}` and `${var.name}`; write `$${` to mean `${`")),
        }
    }
}

/// Finds references again in the text of the file, one after another.
struct Place {
    span: Span,
    searched: usize,
}

impl Place {
    /// The span of a reference; of one that is written otherwise there (an escape in quotes), that of the scalar.
    fn of(&mut self, reference: &str, sources: &SourceMap) -> Span {
        let excerpt = sources.excerpt(self.span);
        let found = excerpt.get(self.searched..).and_then(|rest| rest.find(reference));
        let Some(found) = found else { return self.span };
        let start = self.span.start as usize + self.searched + found;
        self.searched += found + reference.len();
        sources.span(self.span.file, start..start + reference.len())
    }
}

/// A letter or underscore, then letters, digits and underscores.
fn is_name(name: &str) -> bool {
    !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
