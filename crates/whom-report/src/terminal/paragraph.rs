//! Text broken into lines of a width.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The lines of a text, each of at most so many columns; a word that is wider is cut.
pub(super) fn paragraph(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace().flat_map(|word| pieces(word, columns)) {
        if !line.is_empty() && line.width() + 1 + word.width() > columns {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// A word, cut where it is wider than a line.
fn pieces(word: &str, columns: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut used = 0;
    for character in word.chars() {
        let width = character.width().unwrap_or(0);
        if used + width > columns && used > 0 {
            pieces.push(String::new());
            used = 0;
        }
        used += width;
        if let Some(piece) = pieces.last_mut() {
            piece.push(character);
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words() {
        assert_eq!(paragraph("one two three", 8), ["one two", "three"]);
        assert_eq!(paragraph("one two", 7), ["one two"]);
        assert_eq!(paragraph("", 7), Vec::<String>::new());
    }

    #[test]
    fn a_word_wider_than_a_line_is_cut() {
        assert_eq!(paragraph("a abcdefg", 3), ["a", "abc", "def", "g"]);
        assert_eq!(paragraph("日本語", 4), ["日本", "語"]);
    }
}
