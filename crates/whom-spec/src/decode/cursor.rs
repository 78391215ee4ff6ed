//! A cursor over the tree that knows the way it came, so that every complaint names the key and points at it.

use std::cell::RefCell;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use crate::diagnostic::Diagnostic;
use crate::format::{self, Shape};
use crate::source::Span;
use crate::spanned::Spanned;
use crate::suggest::{did_you_mean, name_hint};
use crate::tree::{Entry, Node, Value, is_unshown, quoted};

/// The longest name that a file may give, in characters.
const LONGEST_NAME: usize = 200;

/// Collects everything that is wrong, so that one run of `check` shows it all.
#[derive(Debug, Default)]
pub(crate) struct Report(RefCell<Vec<Diagnostic>>);

impl Report {
    pub(crate) fn push(&self, diagnostic: Diagnostic) {
        self.0.borrow_mut().push(diagnostic);
    }

    pub(crate) fn into_diagnostics(self) -> Vec<Diagnostic> {
        self.0.into_inner()
    }
}

/// A value, the key that it belongs to, and the dotted path to it.
#[derive(Clone)]
pub(crate) struct Field<'t> {
    pub(crate) path: String,
    /// Where the key is; of the root and of a list's item, where the value is.
    pub(crate) key: Span,
    pub(crate) node: &'t Node,
    pub(crate) report: &'t Report,
}

impl<'t> Field<'t> {
    /// The whole document.
    pub(crate) fn root(node: &'t Node, report: &'t Report) -> Self {
        Self { path: String::new(), key: node.span, node, report }
    }

    /// Reports an error at the value.
    pub(crate) fn refuse(&self, message: impl Into<String>) {
        self.report.push(Diagnostic::error(message).at(self.node.span));
    }

    /// Reports an error at the key.
    pub(crate) fn refuse_key(&self, message: impl Into<String>) {
        self.report.push(Diagnostic::error(message).at(self.key));
    }

    /// Reports that something else stands here.
    pub(crate) fn wrong_type(&self, expected: &str, hint: Option<String>) {
        let place = if self.node.value == Value::Null { self.key } else { self.node.span };
        let message = format!("`{}` must be {expected}, found {}", self.path, self.node.describe());
        self.report.push(Diagnostic::error(message).at(place).hint_if(hint));
    }

    /// The fields of a mapping that the format describes. Keys that it does not know are reported.
    pub(crate) fn mapping<S: Shape>(&self) -> Option<Fields<'t>> {
        let Some(entries) = self.node.entries() else {
            let keys = S::KEYS.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>();
            self.wrong_type("a mapping", Some(format!("its keys are {}", keys.join(", "))));
            return None;
        };
        let mut meant = Vec::new();
        for entry in entries {
            if !S::KEYS.contains(&entry.key.as_str()) {
                let owner = if self.path.is_empty() { String::new() } else { format!(" in `{}`", self.path) };
                let unknown = Diagnostic::error(format!("unknown key {}{owner}", quoted(&entry.key)))
                    .at(entry.key.span)
                    .hint_if(name_hint(&entry.key, S::KEYS.iter().copied()));
                self.report.push(unknown);
                meant.extend(did_you_mean(&entry.key, S::KEYS.iter().copied()));
            }
        }
        Some(Fields { owner: self.clone(), entries, meant, keys: S::KEYS, explain: format::explain::<S> })
    }

    /// The entries of a mapping whose keys are names that the file gives. What cannot be a name is reported.
    pub(crate) fn named(&self) -> Vec<(Spanned<String>, Field<'t>)> {
        let Some(entries) = self.node.entries() else {
            self.wrong_type("a mapping from names", Some("write a line for each, as `name: ...`".to_owned()));
            return Vec::new();
        };
        entries.iter().filter_map(|entry| self.entry(entry)).collect()
    }

    fn entry(&self, entry: &'t Entry) -> Option<(Spanned<String>, Field<'t>)> {
        let problem = if entry.key.trim().is_empty() || entry.key.contains(is_unshown) {
            "is empty or has control characters".to_owned()
        } else if entry.key.chars().count() > LONGEST_NAME {
            format!("has more than {LONGEST_NAME} characters")
        } else {
            return Some((entry.key.clone(), self.child(&entry.key, entry.key.span, &entry.value)));
        };
        let message = format!("`{}` holds a name that {problem}", self.path);
        self.report.push(Diagnostic::error(message).at(entry.key.span));
        None
    }

    /// The items of a list.
    pub(crate) fn items(&self) -> Vec<Field<'t>> {
        let Value::List(items) = &self.node.value else {
            self.wrong_type("a list", Some("write it as `[a, b]`".to_owned()));
            return Vec::new();
        };
        let item = |(position, node): (usize, &'t Node)| Field {
            path: format!("{}[{position}]", self.path),
            key: node.span,
            node,
            report: self.report,
        };
        items.iter().enumerate().map(item).collect()
    }

    fn child(&self, name: &str, key: Span, node: &'t Node) -> Field<'t> {
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        Field { path, key, node, report: self.report }
    }
}

/// A mapping whose keys the format knows.
///
/// What is optional and cannot be read is reported and then taken as if it were not there: the plan is refused anyway,
/// and reading on finds the next mistake.
pub(crate) struct Fields<'t> {
    owner: Field<'t>,
    entries: &'t [Entry],
    /// The keys that unknown ones were taken for: those are not reported as missing, too.
    meant: Vec<String>,
    explain: fn(&str) -> Option<String>,
    keys: &'static [&'static str],
}

impl<'t> Fields<'t> {
    /// The report that all fields share.
    pub(crate) fn report(&self) -> &'t Report {
        self.owner.report
    }

    /// The dotted path of the mapping.
    pub(crate) fn path(&self) -> &str {
        &self.owner.path
    }

    /// Where to point when something is missing: the key that the mapping belongs to.
    pub(crate) fn place(&self) -> Span {
        self.owner.key
    }

    /// The field, or `None` if the file does not set it. A key without a value is reported.
    pub(crate) fn optional(&self, name: &str) -> Option<Field<'t>> {
        assert!(self.keys.contains(&name), "`{name}` is not in the format of `{}`", self.owner.path);
        let entry = self.entries.iter().find(|entry| *entry.key == name)?;
        let field = self.owner.child(name, entry.key.span, &entry.value);
        if entry.value.value == Value::Null {
            let empty = Diagnostic::error(format!("`{}` has no value", field.path)).at(entry.key.span);
            self.report().push(empty.hint("give it one, or leave the key out"));
            return None;
        }
        Some(field)
    }

    /// The field; that it is not there is reported.
    pub(crate) fn required(&self, name: &str) -> Option<Field<'t>> {
        if !self.has(name) && !self.meant.iter().any(|meant| meant == name) {
            let message = match self.owner.path.as_str() {
                "" => format!("`{name}` is missing"),
                path => format!("`{path}` lacks `{name}`"),
            };
            let hint = (self.explain)(name).map(|explanation| format!("add `{name}`: {explanation}"));
            self.report().push(Diagnostic::error(message).at(self.owner.key).hint_if(hint));
        }
        self.optional(name)
    }

    /// The one-line text of a field that must be there.
    pub(crate) fn required_text(&self, name: &str) -> Option<Spanned<String>> {
        self.required(name)?.text()
    }

    /// The one-line text of a field that may be there.
    pub(crate) fn optional_text(&self, name: &str) -> Option<Spanned<String>> {
        self.optional(name)?.text()
    }

    /// `where`: an SQL condition.
    pub(crate) fn filter(&self) -> Option<Spanned<String>> {
        self.optional("where")?.expression()
    }

    /// A whole number in a range, or the default.
    pub(crate) fn whole_or<T>(&self, name: &str, range: RangeInclusive<T>, default: T) -> T
    where
        T: FromStr + PartialOrd + Display,
    {
        self.optional(name).and_then(|field| field.whole(range)).map_or(default, |number| number.value)
    }

    /// The value of a key, for readers of other keys whose meaning depends on it.
    pub(crate) fn entry(&self, name: &str) -> Option<&'t Node> {
        self.entries.iter().find(|entry| *entry.key == name).map(|entry| &entry.value)
    }

    /// Whether the file sets the key.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|entry| *entry.key == name)
    }

    /// Reports a key that a later version will know: its value was looked at, so that slips in it show, but nothing
    /// would come of it.
    pub(crate) fn not_yet_available(&self, name: &str, meanwhile: &str) {
        if let Some(entry) = self.entries.iter().find(|entry| *entry.key == name) {
            let path = self.owner.child(name, entry.key.span, &entry.value).path;
            let refusal =
                Diagnostic::error(format!("`{path}` is not yet available")).at(entry.key.span).hint(meanwhile);
            self.report().push(refusal);
        }
    }
}
