//! The summary on a terminal: the verdict first, then what it rests on, within 80 columns.

mod averages;
mod checks;
mod cohorts;
mod forest;
mod models;
mod palette;
mod paragraph;
mod planning;
mod profiles;
mod refusal;
mod replication;
mod scatter;
mod slices;
mod stability;
mod table;
mod tags;
mod tree;
mod waterfall;

pub(crate) use checks::tally;
pub use palette::Colour;
pub use planning::planning_text;
pub use refusal::refusal_text;

use crate::effect::{Evidence, Family};
use crate::label;
use crate::number;
use crate::results::Results;
use crate::verdict::{AverageOutcome, GuardrailOutcome, HeterogeneityOutcome, Verdict};
use palette::Palette;
use paragraph::paragraph;

/// The width that every line keeps to.
const WIDTH: usize = 80;

/// Columns left of everything that stands below a heading.
const INDENT: &str = "  ";

/// The summary of a run for a person at a terminal. It ends with a line break.
///
/// Every line fits 80 columns. Without colour it holds no escape sequence, and what names and levels contain is made
/// harmless: a control character or a mark that changes the direction of text is written as its escape.
pub fn terminal_summary(results: &Results, colour: Colour) -> String {
    let palette = Palette::new(colour);
    let sections = [
        Some(title(results, palette)),
        Some(verdict(results, palette)),
        replication::section(results, palette),
        averages::section(results, palette),
        tags::section(results, palette),
        models::section(results, palette),
        tree::section(results, palette),
        forest::section(results, palette),
        cohorts::section(results, palette),
        scatter::section(results, palette),
        profiles::section(results, palette),
        slices::section(results, palette),
        stability::section(results, palette),
        checks::section(&results.checks, palette),
        waterfall::section(&results.waterfall, palette),
        Some(footer(results, palette)),
    ];
    let sections: Vec<String> = sections.into_iter().flatten().collect();
    sections.join("\n\n") + "\n"
}

fn title(results: &Results, palette: Palette) -> String {
    let facts = format!(
        " · {} units in {} variants · through {} · {} level",
        number::count(results.units()),
        results.variants.len(),
        label::plain(&results.through),
        number::share(results.level)
    );
    let name = label::shortened(&results.experiment, WIDTH.saturating_sub(facts.chars().count()));
    format!("{}{facts}", palette.heading(&name))
}

fn verdict(results: &Results, palette: Palette) -> String {
    let verdict = Verdict::of(results);
    let mut lines = vec![palette.heading("VERDICT")];
    let mut tell = |mark: String, sentence: &str| lines.push(marked(&mark, sentence));
    for average in &verdict.averages {
        tell(average_mark(average.outcome, average.wanted, palette), &average.sentence);
    }
    for guardrail in &verdict.guardrails {
        let mark = match guardrail.outcome {
            GuardrailOutcome::Holds => palette.good("✓"),
            GuardrailOutcome::Broken => palette.bad("✗"),
            GuardrailOutcome::NotShown | GuardrailOutcome::NotJudged => palette.doubtful("?"),
        };
        tell(mark, &guardrail.sentence);
    }
    for heterogeneity in &verdict.heterogeneity {
        let detected = heterogeneity.outcome == HeterogeneityOutcome::Detected;
        tell(if detected { palette.good("✓") } else { palette.faint("·") }, &heterogeneity.sentence);
    }
    for sentence in &verdict.replication {
        tell(palette.faint("·"), sentence);
    }
    for sentence in verdict.for_whom.iter().chain(&verdict.advice) {
        tell(palette.strong("→"), sentence);
    }
    for sentence in &verdict.warnings {
        tell(palette.doubtful("!"), sentence);
    }
    if let Some((seal, sentence)) = results.seal.as_ref().zip(verdict.seal.as_ref()) {
        tell(if seal.is_kept() { palette.good("✓") } else { palette.doubtful("?") }, sentence);
    }
    for sentence in verdict.folds.iter().chain(&verdict.withheld) {
        tell(palette.faint("·"), sentence);
    }
    if lines.len() == 1 {
        lines.push(marked("·", "No primary metric was estimated, so there is no verdict."));
    }
    lines.join("\n")
}

fn average_mark(outcome: AverageOutcome, wanted: Option<bool>, palette: Palette) -> String {
    match (outcome, wanted) {
        (_, Some(true)) => palette.good("✓"),
        (_, Some(false)) => palette.bad("✗"),
        (AverageOutcome::NoEffectThatMatters, None) => palette.faint("="),
        (_, None) => palette.doubtful("?"),
    }
}

/// A paragraph behind a mark of one column.
fn marked(mark: &str, text: &str) -> String {
    let lines = paragraph(text, WIDTH - INDENT.len() - 2);
    lines
        .iter()
        .enumerate()
        .map(|(index, line)| format!("{INDENT}{} {line}", if index == 0 { mark } else { " " }))
        .collect::<Vec<_>>()
        .join("\n")
}

/// A heading with a remark behind it, the remark wrapped below if need be.
fn headed(heading: &str, remark: &str, palette: Palette) -> String {
    let prefix = heading.chars().count() + 2;
    let lines = paragraph(remark, WIDTH - prefix);
    let first = lines.first().map(|line| palette.faint(line)).unwrap_or_default();
    let rest = lines.iter().skip(1).map(|line| format!("\n{}{}", " ".repeat(prefix), palette.faint(line)));
    let head = format!("{}  {first}", palette.heading(heading));
    head.trim_end().to_owned() + &rest.collect::<String>()
}

fn footer(results: &Results, palette: Palette) -> String {
    palette.faint(&format!("analysis {}", label::shortened(&results.analysis, WIDTH - 9)))
}

/// Evidence as text shows it.
pub(crate) fn evidence_words(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::HeldOut => "held-out",
        other => other.as_str(),
    }
}

/// A family as text shows it.
fn family_words(family: Family) -> &'static str {
    match family {
        Family::Confirmatory => "confirmatory, F1",
        Family::Discovered => "discovered, F2",
        Family::Exploratory => "exploratory, F3",
        Family::Guardrail => "guardrail",
    }
}

#[cfg(test)]
mod tests;
