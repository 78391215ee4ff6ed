//! Tables as the templates write them.

use serde::Serialize;

use super::figure::{Figure, Place};
use crate::label;

/// A table.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Table {
    /// What it shows.
    pub(super) caption: String,
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Row>,
    /// Whether a row becomes a block of lines where there is little room.
    pub(super) stacked: bool,
}

/// A column.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Column {
    pub(super) heading: String,
    /// Whether it holds numbers, which stand to the right and are sorted as numbers.
    pub(super) number: bool,
}

/// A row.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Row {
    pub(super) cells: Vec<Cell>,
    /// A heading over the rows that follow, instead of cells.
    pub(super) heading: Option<String>,
}

/// A cell: its parts, one behind the other.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Cell {
    pub(super) parts: Vec<Part>,
}

/// A part of a cell.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Part {
    /// Words.
    Text { text: String },
    /// A name that somebody else chose, and that may run from right to left.
    Name { text: String },
    /// Words that matter less.
    Note { text: String },
    /// A number with its place.
    Figure(Figure),
    /// Two bounds on a line of their own.
    Below { lower: Figure, upper: Figure },
    /// A mark in words and colour.
    Mark { text: String, tone: &'static str },
    /// A picture.
    Picture { svg: String },
}

impl Table {
    pub(super) fn new(caption: impl Into<String>, columns: &[(&str, bool)]) -> Self {
        let columns =
            columns.iter().map(|(heading, number)| Column { heading: (*heading).to_owned(), number: *number });
        Self { caption: caption.into(), columns: columns.collect(), ..Self::default() }
    }

    #[must_use]
    pub(super) fn stacked(self) -> Self {
        Self { stacked: true, ..self }
    }

    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(Row { cells: cells.into_iter().collect(), heading: None });
    }

    pub(super) fn heading(&mut self, heading: impl Into<String>) {
        self.rows.push(Row { cells: Vec::new(), heading: Some(heading.into()) });
    }

    /// The table, unless it has no row.
    pub(super) fn if_any(self) -> Option<Self> {
        (!self.rows.is_empty()).then_some(self)
    }
}

impl Cell {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::default().and_text(text)
    }

    /// Words that a user or a file chose.
    pub(super) fn name(name: &str) -> Self {
        Self { parts: vec![Part::Name { text: label::plain(name) }] }
    }

    pub(super) fn figure(figure: (Place, String)) -> Self {
        Self::default().and_figure(figure)
    }

    pub(super) fn mark(text: impl Into<String>, tone: &'static str) -> Self {
        Self { parts: vec![Part::Mark { text: text.into(), tone }] }
    }

    /// Two figures with a word between them, or the sign of absence.
    pub(super) fn range(bounds: Option<[(Place, String); 2]>) -> Self {
        match bounds {
            None => Self::text(crate::number::NO_NUMBER),
            Some([lower, upper]) => Self::figure(lower).and_text(" to ").and_figure(upper),
        }
    }

    #[must_use]
    pub(super) fn and_text(self, text: impl Into<String>) -> Self {
        self.and(Part::Text { text: text.into() })
    }

    #[must_use]
    pub(super) fn and_note(self, text: impl Into<String>) -> Self {
        self.and(Part::Note { text: text.into() })
    }

    #[must_use]
    pub(super) fn and_figure(self, (place, text): (Place, String)) -> Self {
        self.and(Part::Figure(Figure::at(&place, text)))
    }

    /// Two bounds below what is there; nothing where there are none.
    #[must_use]
    pub(super) fn and_below(self, bounds: Option<[(Place, String); 2]>) -> Self {
        let Some([lower, upper]) = bounds else { return self };
        let [lower, upper] = [lower, upper].map(|(place, text)| Figure::at(&place, text));
        self.and(Part::Below { lower, upper })
    }

    #[must_use]
    pub(super) fn and(mut self, part: Part) -> Self {
        self.parts.push(part);
        self
    }
}
