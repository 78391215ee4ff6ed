//! The waterfall: from rows read to units analysed.

use unicode_width::UnicodeWidthStr;

use super::palette::Palette;
use super::paragraph::paragraph;
use super::{INDENT, WIDTH, headed};
use crate::label;
use crate::number::{self, NO_NUMBER};
use crate::waterfall::WaterfallStep;

/// The waterfall; nothing if there is no step.
pub(super) fn section(steps: &[WaterfallStep], palette: Palette) -> Option<String> {
    if steps.is_empty() {
        return None;
    }
    let kept: Vec<String> = steps.iter().map(|step| step.kept.map_or_else(withheld, number::count)).collect();
    let dropped: Vec<String> = steps.iter().map(|step| dropped_words(step.dropped)).collect();
    let width = |column: &[String]| column.iter().map(|cell| cell.width()).max().unwrap_or(0);
    let (kept_width, dropped_width) = (width(&kept), width(&dropped));
    let mut lines = vec![headed("ROWS", "kept, dropped and why", palette)];
    for ((step, kept), dropped) in steps.iter().zip(kept).zip(dropped) {
        let padded = |cell: &str, width: usize| format!("{}{cell}", " ".repeat(width.saturating_sub(cell.width())));
        let figures = format!("{INDENT}{}  {}  ", padded(&kept, kept_width), padded(&dropped, dropped_width));
        let columns = WIDTH.saturating_sub(figures.width());
        for (index, line) in paragraph(&step_words(step), columns).into_iter().enumerate() {
            let prefix = if index == 0 { figures.clone() } else { " ".repeat(figures.width()) };
            lines.push(format!("{prefix}{line}"));
        }
    }
    Some(lines.join("\n"))
}

fn dropped_words(dropped: Option<u64>) -> String {
    match dropped {
        Some(0) => String::new(),
        Some(dropped) => format!("−{}", number::count(dropped)),
        None => withheld(),
    }
}

fn withheld() -> String {
    NO_NUMBER.to_owned()
}

fn step_words(step: &WaterfallStep) -> String {
    let table = step.table.as_deref().map(|table| format!("{}: ", label::plain(table))).unwrap_or_default();
    let reason = if step.reason.is_empty() { String::new() } else { format!(" ({})", label::plain(&step.reason)) };
    format!("{table}{}{reason}", label::plain(&step.step))
}
