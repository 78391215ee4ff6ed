//! Text to tree. Only this module and its child know `serde-saphyr`.

mod explain;

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Options;
use serde_saphyr::options::{DuplicateKeyPolicy, NonFiniteFloatPolicy};

use self::explain::explain;
use super::{Entry, Node, Scalar, Style, Value, quoted};
use crate::diagnostic::Diagnostic;
use crate::source::{FileId, SourceMap, Span};
use crate::spanned::Spanned;

/// The deepest nesting. The deepest thing in the format lies six levels down.
const DEPTH: usize = 24;
/// The largest number of scalars, lists and mappings, aliases replayed: a pipeline of 500 metrics has about 10,000.
const NODES: usize = 20_000;
/// The largest number of events copied for anchors, which is what an alias bomb multiplies.
const ANCHORED_EVENTS: usize = 5_000;

/// Reads one file of the map.
///
/// # Errors
/// The first mistake in the YAML itself; every duplicate key; a document that exceeds the budget.
pub(crate) fn parse(sources: &SourceMap, file: FileId) -> Result<Node, Vec<Diagnostic>> {
    let text = sources.get(file).map_or("", |source| source.text());
    let raw: Located =
        serde_saphyr::from_str_with_options(text, options()).map_err(|error| vec![explain(&error, sources, file)])?;
    let mut builder = Builder { text, file, duplicates: Vec::new() };
    let node = builder.node(raw);
    if builder.duplicates.is_empty() { Ok(node) } else { Err(builder.duplicates) }
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: DEPTH,
            flow_nesting_limit: DEPTH,
            max_nodes: NODES,
            max_events: 3 * NODES,
            max_documents: 1,
            max_aliases: 1_000,
            max_anchors: 1_000,
            max_merge_keys: 1_000,
            max_recorded_anchor_events: ANCHORED_EVENTS,
            max_recorded_anchor_bytes: 1 << 20,
            max_total_scalar_bytes: 2 << 20,
        },
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        emit_comments: false,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        reject_unsupported_tags: true,
        strict_booleans: true,
        with_snippet: false,
    }
}

type Located = serde_saphyr::Spanned<Raw>;

/// What the parser tells of a node. Of plain scalars it tells the type; the text is taken from the file.
enum Raw {
    Null,
    Typed,
    Text(String),
    List(Vec<Located>),
    Mapping(Vec<(Located, Located)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a scalar, a list or a mapping")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Raw, E> {
        Ok(Raw::Typed)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Raw, E> {
        Ok(Raw::Typed)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Raw, E> {
        Ok(Raw::Typed)
    }

    fn visit_i128<E>(self, _: i128) -> Result<Raw, E> {
        Ok(Raw::Typed)
    }

    fn visit_u128<E>(self, _: u128) -> Result<Raw, E> {
        Ok(Raw::Typed)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Raw, E> {
        Ok(Raw::Typed)
    }

    fn visit_str<E>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Mapping(entries))
    }
}

struct Builder<'a> {
    text: &'a str,
    file: FileId,
    duplicates: Vec<Diagnostic>,
}

impl Builder<'_> {
    fn node(&mut self, raw: Located) -> Node {
        let span = self.span(raw.defined);
        let value = match raw.value {
            Raw::Null => Value::Null,
            Raw::Typed => Value::Scalar(Scalar { text: self.slice(span).to_owned(), style: Style::Plain }),
            Raw::Text(text) => {
                let written = self.slice(span);
                let plain = written == text || is_number(written);
                let (text, style) = if plain { (written.to_owned(), Style::Plain) } else { (text, Style::Text) };
                Value::Scalar(Scalar { text, style })
            }
            Raw::List(items) => Value::List(items.into_iter().map(|item| self.node(item)).collect()),
            Raw::Mapping(entries) => Value::Mapping(self.mapping(entries)),
        };
        Node { span, value }
    }

    fn mapping(&mut self, raw: Vec<(Located, Located)>) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::with_capacity(raw.len());
        let mut places = BTreeMap::new();
        for (key, value) in raw {
            let key = self.key(key);
            let value = self.node(value);
            if let Some(first) = places.insert(key.value.clone(), key.span) {
                let duplicate = Diagnostic::error(format!("{} is set twice", quoted(&key)))
                    .at(key.span)
                    .label("again here")
                    .related(first, "first set here")
                    .hint("keep one of the two");
                self.duplicates.push(duplicate);
            } else {
                entries.push(Entry { key, value });
            }
        }
        entries
    }

    /// The key's text as it is written; of a key that is a list or mapping, a stand-in that no format knows.
    fn key(&mut self, raw: Located) -> Spanned<String> {
        let node = self.node(raw);
        let text = match node.value {
            Value::Scalar(scalar) => scalar.text,
            Value::Null => self.slice(node.span).to_owned(),
            Value::List(_) | Value::Mapping(_) => node.describe(),
        };
        Spanned::new(text, node.span)
    }

    fn span(&self, location: serde_saphyr::Location) -> Span {
        let bytes = location.span();
        let start = bytes.byte_offset().and_then(|offset| usize::try_from(offset).ok()).unwrap_or(0);
        let length = bytes.byte_len().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
        let start = self.text.floor_char_boundary(start);
        let end = start + self.text[start..].floor_char_boundary(length);
        let end = start + self.text[start..end].trim_end().len();
        Span {
            file: self.file,
            start: start as u32,
            end: end as u32,
            line: location.line() as u32,
            column: location.column() as u32,
        }
    }

    fn slice(&self, span: Span) -> &str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }
}

/// Whether an unquoted scalar is a number that is too large for one, which the parser hands over as `.inf`.
fn is_number(written: &str) -> bool {
    written.parse::<f64>().is_ok()
}
