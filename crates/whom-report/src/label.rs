//! Names that users chose, made safe for a terminal and for Markdown.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// A name with everything invisible made visible, so that it can neither move the cursor nor reorder the line.
pub(crate) fn plain(name: &str) -> String {
    let mut label = String::with_capacity(name.len());
    for character in name.chars() {
        if is_invisible(character) {
            label.extend(character.escape_default());
        } else {
            label.push(character);
        }
    }
    label
}

/// Columns of a name within a sentence.
const NAME_COLUMNS: usize = 40;

/// A name within a sentence or a cell: harmless, and not longer than reads well.
pub(crate) fn name(name: &str) -> String {
    shortened(name, NAME_COLUMNS)
}

/// A name of at most so many terminal columns, the last one an ellipsis where it was cut.
pub(crate) fn shortened(name: &str, columns: usize) -> String {
    let label = plain(name);
    if label.width() <= columns {
        return label;
    }
    let mut used = 1;
    let kept: String = label
        .chars()
        .take_while(|character| {
            used += character.width().unwrap_or(0);
            used <= columns
        })
        .collect();
    kept + "…"
}

/// Text that Markdown shows as it is: no markup, no HTML, no formulas, no table cells.
pub(crate) fn markdown(text: &str) -> String {
    let label = plain(text);
    let characters: Vec<char> = label.chars().collect();
    let mut escaped = String::with_capacity(label.len());
    for (index, &character) in characters.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|index| characters.get(index)).copied();
        let after = characters.get(index + 1).copied();
        if is_markup(character, before, after) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

fn is_markup(character: char, before: Option<char>, after: Option<char>) -> bool {
    let letter_follows = after.is_some_and(char::is_alphabetic);
    match character {
        '\\' | '`' | '*' | '[' | ']' | '|' | '~' | '$' => true,
        '<' => letter_follows || matches!(after, Some('/' | '!' | '?')),
        '&' => letter_follows || after == Some('#'),
        '_' => !(before.is_some_and(char::is_alphanumeric) && after.is_some_and(char::is_alphanumeric)),
        '#' | '>' | '+' | '-' | '=' => before.is_none(),
        _ => false,
    }
}

/// Control characters, line separators, and the marks that change the direction of text or have no width.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_invisible_survives() {
        assert_eq!(plain("a\u{1b}[31mb\nc\u{202e}d"), r"a\u{1b}[31mb\nc\u{202e}d");
        assert_eq!(plain("מבצע, Ünïcode, 日本"), "מבצע, Ünïcode, 日本");
    }

    #[test]
    fn a_long_name_is_cut_at_the_column() {
        assert_eq!(shortened("channel", 7), "channel");
        assert_eq!(shortened("channels", 7), "channe…");
        assert_eq!(shortened("日本日本", 6), "日本…", "a wide character counts as two columns");
    }

    #[test]
    fn markdown_shows_what_was_written() {
        assert_eq!(markdown("history_segment <0.0001"), "history_segment <0.0001");
        assert_eq!(markdown("<script>alert(1)</script>"), r"\<script>alert(1)\</script>");
        assert_eq!(markdown("a|b `c` *d* _e_ $1 &amp; [x]"), r"a\|b \`c\` \*d\* \_e\_ \$1 \&amp; \[x\]");
        assert_eq!(markdown("# not a heading"), r"\# not a heading");
    }
}
