//! Opening the pipeline file and what it includes, as one tree.

use std::path::{Component, Path, PathBuf};

use crate::content::{content, elsewhere};
use crate::diagnostic::Diagnostic;
use crate::load::Settings;
use crate::reader::SourceReader;
use crate::source::{FileId, SourceMap, Span};
use crate::tree::{Entry, Node, Value, is_unshown, parse, replace_all};

/// How deep files may include files.
const DEEPEST_INCLUDE: usize = 8;
/// How many files one pipeline may consist of, so that a few lines cannot ask for an endless number.
const MOST_FILES: usize = 64;

/// The files of one pipeline, opened one after another.
pub(crate) struct Files<'a> {
    settings: &'a Settings<'a>,
    reader: &'a dyn SourceReader,
    sources: SourceMap,
    diagnostics: Vec<Diagnostic>,
    /// The files that are being read: the pipeline, the file it includes, and so on.
    open: Vec<PathBuf>,
}

impl<'a> Files<'a> {
    pub(crate) fn new(settings: &'a Settings<'a>, reader: &'a dyn SourceReader) -> Self {
        Self { settings, reader, sources: SourceMap::default(), diagnostics: Vec::new(), open: Vec::new() }
    }

    /// The files that were read, and all that went wrong.
    pub(crate) fn finish(self) -> (SourceMap, Vec<Diagnostic>) {
        (self.sources, self.diagnostics)
    }

    /// The tree of the pipeline file.
    pub(crate) fn open(&mut self, path: &Path) -> Option<Node> {
        self.file(path, None)
    }

    /// The tree of one file with everything it includes; `None` if something was reported.
    fn file(&mut self, path: &Path, asked_at: Option<Span>) -> Option<Node> {
        let file = self.read(path, asked_at)?;
        let mut tree = match parse(&self.sources, file) {
            Ok(tree) => tree,
            Err(diagnostics) => {
                self.diagnostics.extend(diagnostics);
                return None;
            }
        };
        if !matches!(tree.value, Value::Mapping(_)) {
            // Not what it says: it may be another file altogether, and long.
            let found = if matches!(tree.value, Value::Scalar(_)) { "a text".to_owned() } else { tree.describe() };
            let message = format!("`{}` must be a mapping of keys to values, found {found}", path.display());
            let place = Span { end: tree.span.start, ..tree.span };
            self.diagnostics.push(Diagnostic::error(message).at(place).hint("start with `version: 1`"));
            return None;
        }
        if let Some(include) = tree.take("include") {
            self.open.push(normal(path));
            for base in self.included(include, path).into_iter().rev() {
                tree.merge_under(base);
            }
            self.open.pop();
        }
        Some(tree)
    }

    /// The trees of the included files, in the order in which they are listed.
    fn included(&mut self, include: Entry, including: &Path) -> Vec<Node> {
        let items = match include.value.value {
            Value::List(items) => items,
            _ => vec![include.value],
        };
        items.into_iter().filter_map(|item| self.include(item, including)).collect()
    }

    fn include(&mut self, mut item: Node, including: &Path) -> Option<Node> {
        let unset = replace_all(&mut item, self.settings, &self.sources);
        if !unset.is_empty() {
            self.diagnostics.extend(unset);
            return None;
        }
        let span = item.span;
        let Value::Scalar(scalar) = &item.value else {
            let message = format!("`include` takes a path or a list of paths, found {}", item.describe());
            self.diagnostics.push(Diagnostic::error(message).at(span));
            return None;
        };
        if scalar.text.trim().is_empty() || scalar.text.contains(is_unshown) {
            let message = "`include` takes a path on one line, without control characters";
            self.diagnostics.push(Diagnostic::error(message).at(span));
            return None;
        }
        if scalar.text.contains("://") {
            self.diagnostics.push(elsewhere(&scalar.text).at(span));
            return None;
        }
        let path = normal(&including.parent().unwrap_or(Path::new("")).join(&scalar.text));
        match self.refuse_include(&path) {
            Some(refusal) => {
                self.diagnostics.push(refusal.at(span));
                None
            }
            None => self.file(&path, Some(span)),
        }
    }

    fn refuse_include(&self, path: &Path) -> Option<Diagnostic> {
        if self.open.iter().any(|open| open == path) {
            let circle: Vec<String> = self
                .open
                .iter()
                .map(PathBuf::as_path)
                .chain([path])
                .map(|file| format!("`{}`", file.display()))
                .collect();
            return Some(Diagnostic::error("files include each other in a circle").note(circle.join(" includes ")));
        }
        if self.open.len() > DEEPEST_INCLUDE {
            let message = format!("files include files more than {DEEPEST_INCLUDE} levels deep");
            return Some(Diagnostic::error(message).hint("include the innermost file directly"));
        }
        if self.sources.iter().count() >= MOST_FILES {
            return Some(Diagnostic::error(format!("the pipeline consists of more than {MOST_FILES} files")));
        }
        None
    }

    fn read(&mut self, path: &Path, asked_at: Option<Span>) -> Option<FileId> {
        let taken = self.sources.iter().map(|source| source.text().len()).sum();
        match content(path, taken, self.reader) {
            Ok(text) => Some(self.sources.add(path.display().to_string(), text)),
            Err(diagnostic) => {
                self.diagnostics.push(Diagnostic { span: asked_at, ..diagnostic });
                None
            }
        }
    }
}

/// The path without `.` and without `name/..`, as far as its text tells.
fn normal(path: &Path) -> PathBuf {
    let mut result = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if matches!(result.components().next_back(), Some(Component::Normal(_))) => {
                result.pop();
            }
            other => result.push(other),
        }
    }
    if result.as_os_str().is_empty() { PathBuf::from(".") } else { result }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_one_spelling() {
        assert_eq!(normal(Path::new("a/./b/../c.yaml")), Path::new("a/c.yaml"));
        assert_eq!(normal(Path::new("../a/../../c.yaml")), Path::new("../../c.yaml"));
        assert_eq!(normal(Path::new("/a/../c.yaml")), Path::new("/c.yaml"));
        assert_eq!(normal(Path::new("a/..")), Path::new("."));
    }
}
