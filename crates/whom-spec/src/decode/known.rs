//! The names that a file gives, whether or not what they name could be read: a mistake in a metric must not turn
//! every reference to it into another mistake.

use crate::spanned::Spanned;
use crate::tree::{Node, Value};

/// Names, in the order of the file.
pub(super) struct Known<'t> {
    pub(super) facts: Vec<&'t Spanned<String>>,
    pub(super) metrics: Vec<&'t Spanned<String>>,
    pub(super) tags: Vec<&'t Spanned<String>>,
    /// All variants but the control.
    pub(super) treatments: Vec<&'t Spanned<String>>,
}

impl<'t> Known<'t> {
    pub(super) fn of(tree: &'t Node) -> Self {
        let split = child(tree, "split");
        let control = split.and_then(|split| child(split, "control")).and_then(text);
        let variants = split.and_then(|split| child(split, "variants")).map(names).unwrap_or_default();
        let tables = child(tree, "tags").and_then(Node::entries).unwrap_or_default();
        Self {
            facts: child(tree, "facts").map(names).unwrap_or_default(),
            metrics: child(tree, "metrics").map(names).unwrap_or_default(),
            tags: tables.iter().filter_map(|table| child(&table.value, "columns")).flat_map(names).collect(),
            treatments: variants.into_iter().filter(|name| Some(name.as_str()) != control).collect(),
        }
    }
}

/// The names as text, for hints.
pub(super) fn words<'a>(names: &'a [&Spanned<String>]) -> impl Iterator<Item = &'a str> + Clone {
    names.iter().map(|name| name.as_str())
}

fn child<'t>(node: &'t Node, key: &str) -> Option<&'t Node> {
    node.entries()?.iter().find(|entry| *entry.key == key).map(|entry| &entry.value)
}

fn names(node: &Node) -> Vec<&Spanned<String>> {
    node.entries().unwrap_or_default().iter().map(|entry| &entry.key).collect()
}

fn text(node: &Node) -> Option<&str> {
    match &node.value {
        Value::Scalar(scalar) => Some(&scalar.text),
        _ => None,
    }
}
