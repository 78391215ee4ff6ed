//! How wide text is, without a font: by the widths of DejaVu Sans and Verdana, which are wider than what systems show.

use unicode_width::UnicodeWidthChar;

/// The sign of a cut.
const ELLIPSIS: &str = "…";

/// The width of a text of a font size, both in pixels.
pub(super) fn width(text: &str, size: f64) -> f64 {
    text.chars().map(advance).sum::<f64>() * size
}

/// The width of a character in units of the font size.
fn advance(character: char) -> f64 {
    match character {
        'i' | 'j' | 'l' | '\'' | '|' => 0.34,
        ' ' | '.' | ',' | ':' | ';' | '!' | 'I' | '·' => 0.40,
        'f' | 'r' | 't' | '(' | ')' | '[' | ']' | '/' | '\\' | '-' => 0.46,
        'm' | 'w' | 'M' | 'W' | '%' | '@' | '—' | '…' => 1.08,
        '+' | '−' | '=' | '<' | '>' | '~' | '±' | '≥' | '≤' | '→' => 0.86,
        'A'..='Z' | '&' | '#' => 0.79,
        character if character.is_ascii() => 0.66,
        character => match character.width() {
            Some(2) => 1.3,
            Some(0) | None => 0.0,
            Some(_) => 0.9,
        },
    }
}

/// The text if there is room for it, else as much as there is room for, with an ellipsis.
pub(super) fn cut(text: &str, room: f64, size: f64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let mut left = room - width(ELLIPSIS, size);
    let kept: String = text
        .chars()
        .take_while(|character| {
            left -= advance(*character) * size;
            left >= 0.0
        })
        .collect();
    format!("{}{ELLIPSIS}", kept.trim_end())
}

/// The text in at most so many lines, broken at spaces, a word longer than a line anywhere; the last line cut if need be.
pub(super) fn wrapped(text: &str, room: f64, size: f64, lines: usize) -> Vec<String> {
    let mut broken: Vec<String> = vec![String::new()];
    for word in text.split(' ').flat_map(|word| pieces(word, room, size)) {
        match broken.last_mut() {
            Some(line) if line.is_empty() => line.push_str(&word),
            Some(line) if width(&format!("{line} {word}"), size) <= room => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => broken.push(word),
        }
    }
    if broken.len() <= lines {
        return broken;
    }
    let rest = broken.split_off(lines.saturating_sub(1)).join(" ");
    broken.push(cut(&rest, room, size));
    broken
}

/// A word in pieces that each have room in a line.
fn pieces(word: &str, room: f64, size: f64) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut used = 0.0;
    for character in word.chars() {
        let advance = advance(character) * size;
        if used + advance > room && used > 0.0 {
            pieces.push(String::new());
            used = 0.0;
        }
        used += advance;
        if let Some(piece) = pieces.last_mut() {
            piece.push(character);
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_line_is_wider_than_its_room(text in "\\PC{0,80}", room in 40.0f64..400.0, lines in 1usize..5) {
            let broken = wrapped(&text, room, 14.0, lines);
            prop_assert!(broken.len() <= lines);
            for line in &broken {
                prop_assert!(width(line, 14.0) <= room + 1e-9, "{line:?}");
            }
            prop_assert!(width(&cut(&text, room, 14.0), 14.0) <= room + 1e-9);
        }

        #[test]
        fn nothing_is_lost_where_there_is_room(words in prop::collection::vec("[a-z]{1,8}", 1..12)) {
            let text = words.join(" ");
            prop_assert_eq!(wrapped(&text, 120.0, 14.0, 99).join(" "), text);
        }
    }

    #[test]
    fn a_cut_is_seen() {
        assert_eq!(cut("channel", 200.0, 14.0), "channel");
        assert_eq!(cut("a channel of many", 80.0, 14.0), "a chann…");
        assert_eq!(wrapped("one two three fourteen", 80.0, 14.0, 2), ["one two", "three fo…"]);
    }
}
