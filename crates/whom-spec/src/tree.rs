//! A YAML document as a tree in which everything knows its place: mappings keep the order of the file, keys have spans.

mod merge;
mod replace;
mod yaml;

pub(crate) use self::replace::replace_all;
pub(crate) use self::yaml::parse;

use crate::source::Span;
use crate::spanned::Spanned;

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    /// Of a scalar, all of it; of a list or mapping, where it begins.
    pub(crate) span: Span,
    pub(crate) value: Value,
}

/// What a node is. Scalars are not typed here: whoever reads one says what it should be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// Nothing, `~` or `null`.
    Null,
    Scalar(Scalar),
    List(Vec<Node>),
    Mapping(Vec<Entry>),
}

/// The text of a scalar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    pub(crate) style: Style,
}

/// How a scalar was written, which decides whether it may be read as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    /// In quotes or as a block: text, even if it looks like a number.
    Text,
    /// Made by replacing `${}`: typed by its new text, whatever the quotes were.
    Replaced,
}

/// A key and what it is set to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: Spanned<String>,
    pub(crate) value: Node,
}

impl Node {
    /// The entries, if it is a mapping.
    pub(crate) fn entries(&self) -> Option<&[Entry]> {
        match &self.value {
            Value::Mapping(entries) => Some(entries),
            _ => None,
        }
    }

    /// What a message calls it: "a list", "`14d`".
    pub(crate) fn describe(&self) -> String {
        match &self.value {
            Value::Null => "nothing".to_owned(),
            Value::Scalar(scalar) if scalar.text.is_empty() => "an empty text".to_owned(),
            Value::Scalar(scalar) if scalar.style == Style::Text => format!("the text {}", quoted(&scalar.text)),
            Value::Scalar(scalar) => quoted(&scalar.text),
            Value::List(_) => "a list".to_owned(),
            Value::Mapping(_) => "a mapping".to_owned(),
        }
    }
}

/// A text in backticks, as a message names it: the first characters of its first line.
pub(crate) fn quoted(text: &str) -> String {
    format!("`{}`", shortened(text))
}

/// What a line of text cannot show: control characters, line and paragraph ends, and those that turn the direction of
/// what follows, so that a reader would see another name than the program.
pub(crate) fn is_unshown(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The first characters of the first line, so that a message stays a line.
fn shortened(text: &str) -> String {
    const SHOWN: usize = 60;
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() <= SHOWN && line.len() == text.trim_end().len() {
        return line.to_owned();
    }
    line.chars().take(SHOWN).chain(['…']).collect()
}
