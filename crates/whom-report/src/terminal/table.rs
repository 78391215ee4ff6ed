//! Aligned columns. The first one is for names and gives way where the width is short.

use unicode_width::UnicodeWidthStr;

use super::{INDENT, WIDTH};
use crate::label;

/// Columns between two columns where there is room for them, and where there is not.
const GAPS: [usize; 2] = [2, 1];

/// The narrowest column of names.
const NARROWEST: usize = 8;

/// A table whose first and last columns are words and whose others are numbers, aligned to the right.
pub(super) struct Table<const COLUMNS: usize> {
    lines: Vec<Line<COLUMNS>>,
    last_is_words: bool,
}

enum Line<const COLUMNS: usize> {
    Cells([String; COLUMNS]),
    Heading(String),
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    /// A table with a line of column names; the last column may hold words, which align to the left.
    pub(super) fn new(names: [&str; COLUMNS], last_is_words: bool) -> Self {
        Self { lines: vec![Line::Cells(names.map(str::to_owned))], last_is_words }
    }

    /// Adds a line that spans all columns.
    pub(super) fn heading(&mut self, text: String) {
        self.lines.push(Line::Heading(text));
    }

    /// Adds a line of cells, the first one a name as the user chose it.
    pub(super) fn cells(&mut self, cells: [String; COLUMNS]) {
        self.lines.push(Line::Cells(cells));
    }

    /// The table as text; every line fits the terminal.
    pub(super) fn text(&self) -> String {
        let (widths, gap) = self.layout();
        let lines = self.lines.iter().map(|line| match line {
            Line::Heading(text) => format!("{INDENT}{}", label::shortened(text, WIDTH - INDENT.len())),
            Line::Cells(cells) => self.line(cells, &widths, gap),
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// The width of each column, and of the gap between two.
    fn layout(&self) -> ([usize; COLUMNS], usize) {
        let mut widths = [0; COLUMNS];
        for line in &self.lines {
            if let Line::Cells(cells) = line {
                widths.iter_mut().zip(cells).for_each(|(width, cell)| *width = (*width).max(cell.width()));
            }
        }
        let others: usize = widths.iter().skip(1).sum();
        let room = |gap: usize| WIDTH.saturating_sub(INDENT.len() + others + gap * COLUMNS.saturating_sub(1));
        let [wide, narrow] = GAPS;
        let gap = if room(wide) >= NARROWEST { wide } else { narrow };
        let left = room(gap).max(NARROWEST);
        if let Some(first) = widths.first_mut() {
            *first = (*first).min(left);
        }
        (widths, gap)
    }

    fn line(&self, cells: &[String; COLUMNS], widths: &[usize; COLUMNS], gap: usize) -> String {
        let mut line = INDENT.to_owned();
        for (index, (cell, &width)) in cells.iter().zip(widths).enumerate() {
            let is_words = index == 0 || (self.last_is_words && index + 1 == COLUMNS);
            let text = if index == 0 { label::shortened(cell, width) } else { cell.clone() };
            let padding = " ".repeat(width.saturating_sub(text.width()));
            if index > 0 {
                line.push_str(&" ".repeat(gap));
            }
            if is_words {
                line.push_str(&text);
                line.push_str(&padding);
            } else {
                line.push_str(&padding);
                line.push_str(&text);
            }
        }
        line.trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_align_to_the_right_and_words_to_the_left() {
        let mut table = Table::new(["name", "units", "verdict"], true);
        table.heading("all of them".to_owned());
        table.cells(["a".to_owned(), "1".to_owned(), "gains".to_owned()]);
        table.cells(["a long one".to_owned(), "1,000,000".to_owned(), "loses".to_owned()]);
        assert_eq!(
            table.text(),
            "  name            units  verdict\n  all of them\n  a                   1  gains\n  a long one  1,000,000  loses"
        );
    }

    #[test]
    fn only_the_column_of_names_gives_way() {
        let mut table = Table::new(["", "n"], false);
        table.cells(["x".repeat(200), "1,000".to_owned()]);
        let text = table.text();
        assert!(text.lines().all(|line| line.width() <= WIDTH), "{text}");
        assert!(text.contains('…') && text.contains("1,000"));
    }
}
