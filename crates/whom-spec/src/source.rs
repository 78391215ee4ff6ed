//! Where a piece of a plan was written: files, their texts, and ranges in them.

use std::ops::Range;
use std::path::Path;

/// Names one file of a [`SourceMap`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub(crate) u32);

/// A range of bytes in one file, with the place of its first character as editors count it.
///
/// Lines and columns start at 1; a column counts characters, not bytes. `start <= end` always holds, and both fall on
/// the boundaries of characters of the file's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// The first byte.
    pub start: u32,
    /// The byte after the last one.
    pub end: u32,
    /// The line of the first character, from 1.
    pub line: u32,
    /// The column of the first character, from 1.
    pub column: u32,
}

/// One file that was read: its name as messages print it, and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    name: String,
    text: String,
}

impl Source {
    /// The name that messages print, as the file was asked for.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// The files that a plan was read from, in the order in which they were opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceMap {
    sources: Vec<Source>,
}

impl SourceMap {
    /// Adds a file and returns its id.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> FileId {
        let id = FileId(u32::try_from(self.sources.len()).unwrap_or(u32::MAX));
        self.sources.push(Source { name: name.into(), text: text.into() });
        id
    }

    /// The file of an id; `None` if the id belongs to another map.
    pub fn get(&self, file: FileId) -> Option<&Source> {
        self.sources.get(file.0 as usize)
    }

    /// All files, the first one opened first.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter()
    }

    /// The text that a span covers; empty if the span belongs to another map.
    pub fn excerpt(&self, span: Span) -> &str {
        self.get(span.file).and_then(|source| source.text.get(span.start as usize..span.end as usize)).unwrap_or("")
    }

    /// The folder of the file that a span lies in, as its name gives it: what relative paths there are relative to.
    pub fn folder(&self, span: Span) -> &Path {
        self.get(span.file).and_then(|source| Path::new(&source.name).parent()).unwrap_or(Path::new(""))
    }

    /// The span of a range of bytes, its ends moved to the nearest boundaries of characters inside the text.
    pub fn span(&self, file: FileId, range: Range<usize>) -> Span {
        let text = self.get(file).map_or("", Source::text);
        let start = text.floor_char_boundary(range.start);
        let end = text.floor_char_boundary(range.end).max(start);
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Span {
            file,
            start: start as u32,
            end: end as u32,
            line: 1 + before.matches('\n').count() as u32,
            column: 1 + before[line_start..].chars().count() as u32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_counts_lines_and_characters_from_one() {
        let mut sources = SourceMap::default();
        let file = sources.add("a.yaml", "ä: 1\nöö: 2\n");
        let span = sources.span(file, 12..13);
        assert_eq!((span.line, span.column), (2, 5));
        assert_eq!(sources.excerpt(span), "2");
    }

    #[test]
    fn a_range_outside_the_text_ends_at_its_end() {
        let mut sources = SourceMap::default();
        let file = sources.add("a.yaml", "ä");
        let span = sources.span(file, 1..90);
        assert_eq!((span.start, span.end), (0, 2));
    }
}
