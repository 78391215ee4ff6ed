//! Names that users chose, made safe for a terminal and for Markdown.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Begins a run of text whose direction changes nothing around it (first strong isolate, UAX #9).
const ISOLATE: char = '\u{2068}';

/// Ends such a run (pop directional isolate).
const END_OF_ISOLATE: char = '\u{2069}';

/// Text with everything invisible made visible, so that it can neither move the cursor nor reorder the line. Isolates stay if
/// each has its end: they keep what is in them from reordering what is not.
pub(crate) fn plain(text: &str) -> String {
    let keeps_isolates = open_isolates(text) == Some(0);
    let mut label = String::with_capacity(text.len());
    for character in text.chars() {
        let is_isolate = matches!(character, ISOLATE | END_OF_ISOLATE);
        if is_invisible(character) && !(is_isolate && keeps_isolates) {
            label.extend(character.escape_default());
        } else {
            label.push(character);
        }
    }
    label
}

/// A name with everything invisible made visible, set apart from the sentence around it if it runs from right to left: numbers
/// and marks behind it would be drawn before it otherwise.
pub(crate) fn isolated(name: &str) -> String {
    let label = plain(name);
    if label.chars().any(runs_from_right_to_left) { format!("{ISOLATE}{label}{END_OF_ISOLATE}") } else { label }
}

/// The text for a line of code, where nothing invisible belongs: without isolates.
pub(crate) fn for_code(text: &str) -> String {
    plain(text).replace([ISOLATE, END_OF_ISOLATE], "")
}

/// Isolates that are not ended; `None` if one ends that never began.
fn open_isolates(text: &str) -> Option<usize> {
    text.chars().try_fold(0_usize, |open, character| match character {
        ISOLATE => Some(open + 1),
        END_OF_ISOLATE => open.checked_sub(1),
        _ => Some(open),
    })
}

/// Whether it is in a block of scripts that are written from right to left (Hebrew to Arabic Extended, their presentation forms,
/// and the planes' right-to-left blocks).
fn runs_from_right_to_left(character: char) -> bool {
    matches!(character,
        '\u{0590}'..='\u{08ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}

/// Columns of a name within a sentence.
const NAME_COLUMNS: usize = 40;

/// A name within a sentence or a cell: harmless, and not longer than reads well.
pub(crate) fn name(name: &str) -> String {
    isolated(&shortened(name, NAME_COLUMNS))
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
    let ends = END_OF_ISOLATE.to_string().repeat(open_isolates(&kept).unwrap_or(0));
    kept + "…" + &ends
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
    fn a_name_from_right_to_left_is_set_apart_once() {
        assert_eq!(isolated("channel"), "channel");
        assert_eq!(isolated("מבצע"), "\u{2068}מבצע\u{2069}");
        let sentence = format!("{}: 5", name("مبيعات"));
        assert_eq!(plain(&sentence), "\u{2068}مبيعات\u{2069}: 5", "a sentence that is made safe again keeps it");
    }

    #[test]
    fn an_isolate_without_an_end_is_shown_and_a_cut_ends_it() {
        assert_eq!(plain("a\u{2068}b"), r"a\u{2068}b");
        assert_eq!(plain("a\u{2069}b\u{2068}c"), r"a\u{2069}b\u{2068}c");
        assert_eq!(shortened("\u{2068}abcdef\u{2069}", 4), "\u{2068}abc…\u{2069}");
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
