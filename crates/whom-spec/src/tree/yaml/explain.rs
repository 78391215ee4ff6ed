//! The parser's complaints in our words, with the way out where we know it.

use std::ops::Range;

use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::{DefaultMessageFormatter, Error, Location, MessageFormatter};

use super::{DEPTH, NODES};
use crate::diagnostic::Diagnostic;
use crate::source::{FileId, SourceMap};

/// What the parser refused, pointing at the place.
pub(super) fn explain(error: &Error, sources: &SourceMap, file: FileId) -> Diagnostic {
    let mut cause = error;
    while let Error::AliasError { error, .. } | Error::WithSnippet { error, .. } = cause {
        cause = error;
    }
    let text = sources.get(file).map_or("", |source| source.text());
    let start = error.location().map(|location| offset_of(text, location));
    if let Some(value) = start.and_then(|start| unquoted_value(text, start)) {
        return Diagnostic::error("inside `{ }` and `[ ]`, a value with `${` must be in quotes")
            .hint(format!("write `\"{}\"`", &text[value.clone()]))
            .at(sources.span(file, value));
    }
    let diagnostic = match cause {
        Error::Budget { breach, .. } => over_budget(breach),
        Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => too_many_aliases(),
        Error::RecursiveReferencesRequireWeakTypes { .. } => {
            Diagnostic::error("an alias cannot stand inside the value that it repeats")
        }
        other => syntax_error(&DefaultMessageFormatter.format_message(other)),
    };
    match start {
        Some(start) => diagnostic.at(sources.span(file, start..start + 1)),
        None => diagnostic,
    }
}

fn syntax_error(message: &str) -> Diagnostic {
    if message.contains("recursion limit") {
        return too_deep();
    }
    let hint = if message.contains(" tab") || message.starts_with("tabs") {
        Some("indent with spaces")
    } else if message.contains("mapping values are not allowed") {
        Some("check the indentation; a value that holds `: ` must be in quotes")
    } else if message.contains("flow mapping") || message.contains("flow sequence") {
        Some("a bracket that opens here or before is never closed, or a comma is missing")
    } else if message.contains("quoted scalar") {
        Some("a quotation mark that opens here or before is never closed")
    } else if message.contains("unknown anchor") {
        Some("define it before, as `&name`; a text that begins with `*` must be in quotes")
    } else if message.contains("unsupported tag") {
        Some("leave the tag out: types follow from the key")
    } else {
        None
    };
    Diagnostic::error(format!("not valid YAML: {message}")).hint_if(hint.map(str::to_owned))
}

fn over_budget(breach: &BudgetBreach) -> Diagnostic {
    match breach {
        BudgetBreach::Depth { .. } => too_deep(),
        BudgetBreach::Documents { .. } => {
            Diagnostic::error("the file holds more than one document").hint("keep one pipeline a file, without `---`")
        }
        BudgetBreach::Nodes { .. } | BudgetBreach::Events { .. } | BudgetBreach::ScalarBytes { .. } => {
            Diagnostic::error(format!("the file holds more than {NODES} values, repeated aliases included"))
                .hint("a pipeline this large is a mistake; check what generated it")
        }
        _ => too_many_aliases(),
    }
}

fn too_deep() -> Diagnostic {
    Diagnostic::error(format!("nested more than {DEPTH} levels deep")).hint("no part of a pipeline is nested that deep")
}

fn too_many_aliases() -> Diagnostic {
    Diagnostic::error("too much is repeated by aliases")
        .note("aliases of aliases multiply: a few lines of them can fill the memory")
        .hint("write the values out, or bring shared definitions in by `include`")
}

/// The byte offset of a line and column that count from one, columns in characters.
fn offset_of(text: &str, location: Location) -> usize {
    let line_start = text
        .split_inclusive('\n')
        .take(usize::try_from(location.line().saturating_sub(1)).unwrap_or(usize::MAX))
        .map(str::len)
        .sum::<usize>();
    let line = text.get(line_start..).unwrap_or_default();
    let column = usize::try_from(location.column().saturating_sub(1)).unwrap_or(usize::MAX);
    line_start + line.char_indices().nth(column).map_or(line.len(), |(offset, _)| offset)
}

/// The value that needs quotes, if the parser stumbled over the brace of an unquoted `${name}`.
fn unquoted_value(text: &str, brace: usize) -> Option<Range<usize>> {
    let before = text.get(..brace)?.strip_suffix('$')?;
    let start = before.rfind([' ', ',', '[', '{', '\n']).map_or(0, |separator| separator + 1);
    let mut end = before.len();
    while let Some(reference) = text.get(end..)?.strip_prefix("${") {
        end += "${".len() + reference.find(['}', '\n'])? + 1;
        let rest = text.get(end..)?;
        let plain = rest.find([',', '}', ']', ' ', '\n']).unwrap_or(rest.len());
        end += rest.find("${").map_or(plain, |next| next.min(plain));
    }
    Some(start..end).filter(|range| range.end > brace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fix_quotes_the_whole_value() {
        let text = "a: { path: x/${env.A}/${var.b}/y, b: 1 }";
        let brace = text.find("{env").unwrap();
        assert_eq!(unquoted_value(text, brace).map(|value| &text[value]), Some("x/${env.A}/${var.b}/y"));
    }

    #[test]
    fn another_brace_is_another_mistake() {
        assert_eq!(unquoted_value("a: { b: { c }", 8), None);
        assert_eq!(unquoted_value("a: { b: ${c", 9), None);
    }
}
