//! Checks: one line if all is well, failures and warnings in full.

use whom_stats::{Check, CheckPart, CheckVerdict};

use super::palette::Palette;
use super::{headed, marked};
use crate::label;
use crate::number;

/// Parts of a check that are shown before the rest is counted.
const PARTS_SHOWN: usize = 6;

/// The checks; nothing if none was made.
pub(super) fn section(checks: &[Check], palette: Palette) -> Option<String> {
    if checks.is_empty() {
        return None;
    }
    let mut lines = vec![headed("CHECKS", &tally(checks), palette)];
    lines.extend(told(checks.iter().filter(|check| check.verdict.objects()), palette));
    Some(lines.join("\n"))
}

/// How many checks had which outcome: `14 passed, 1 warning`.
pub(crate) fn tally(checks: &[Check]) -> String {
    let count = |verdict: CheckVerdict| checks.iter().filter(|check| check.verdict == verdict).count();
    let words = [
        (count(CheckVerdict::Failed), "failed"),
        (count(CheckVerdict::Warning), "with a warning"),
        (count(CheckVerdict::Passed), "passed"),
        (count(CheckVerdict::NotApplicable), "not applicable"),
    ];
    let told = words.into_iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}"));
    told.collect::<Vec<_>>().join(", ")
}

/// Checks in full, one after the other. A fix that several in a row share is told after the last of them.
pub(super) fn told<'a>(checks: impl Iterator<Item = &'a Check>, palette: Palette) -> Vec<String> {
    let mut checks = checks.peekable();
    let mut told = Vec::new();
    while let Some(check) = checks.next() {
        let shared = checks.peek().is_some_and(|next| next.fix == check.fix);
        told.push(seen(check, palette));
        told.extend(
            check.fix.iter().filter(|_| !shared).map(|fix| marked(" ", &format!("fix: {}", label::plain(fix)))),
        );
    }
    told
}

/// What a check saw, and the parts that object.
fn seen(check: &Check, palette: Palette) -> String {
    let mark = if check.verdict == CheckVerdict::Failed { palette.bad("✗") } else { palette.doubtful("!") };
    let name = label::plain(&check.name);
    let mut lines = vec![marked(&mark, &format!("{name}: {}{}", label::plain(&check.detail), figures(check)))];
    let parts: Vec<&CheckPart> = check.parts.iter().filter(|part| part.verdict.objects()).collect();
    lines.extend(parts.iter().take(PARTS_SHOWN).map(|part| marked(" ", &part_words(part))));
    if parts.len() > PARTS_SHOWN {
        lines.push(marked(" ", &format!("… and {} more", parts.len() - PARTS_SHOWN)));
    }
    lines.join("\n")
}

/// The p-value and its threshold: ` (p <0.0001, threshold 0.001)`.
fn figures(check: &Check) -> String {
    let p_value = check.p_value.map(|p| format!("p {}", number::p_value(p)));
    let threshold = check.threshold.map(|threshold| format!("threshold {}", number::value(threshold)));
    let figures: Vec<String> = p_value.into_iter().chain(threshold).collect();
    if figures.is_empty() { String::new() } else { format!(" ({})", figures.join(", ")) }
}

fn part_words(part: &CheckPart) -> String {
    let p_value = part.p_value.map(|p| format!(", p {}", number::p_value(p))).unwrap_or_default();
    format!("– {}: {}{p_value}", label::plain(&part.subject), label::plain(&part.detail))
}
