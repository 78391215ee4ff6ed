//! The table of a replication: each figure of each finding, then and now.

use super::palette::Palette;
use super::table::Table;
use super::{headed, marked};
use crate::effect::Estimand;
use crate::label;
use crate::number::{self, NO_NUMBER, Scale};
use crate::replication::{FindingPart, FindingView, verdict_words};
use crate::results::Results;

/// Findings that are shown before the rest is counted.
const FINDINGS_SHOWN: usize = 12;

/// The findings of an earlier run; nothing if this run measures none again.
pub(super) fn section(results: &Results, palette: Palette) -> Option<String> {
    let replication = results.replication.as_ref()?;
    let mut table = Table::new(["", "found", "now", "expected", "pooled", "adj. p", "verdict"], true);
    let mut remarks = Vec::new();
    for finding in replication.findings.iter().take(FINDINGS_SHOWN) {
        table.heading(heading(results, finding));
        finding.parts.iter().for_each(|part| table.cells(cells(results, finding, part)));
        remarks.extend(remark(finding, replication.not_fresh.as_ref()));
    }
    if let Some(more @ 1..) = replication.findings.len().checked_sub(FINDINGS_SHOWN) {
        table.heading(format!("… {more} more in result.json"));
    }
    let level = number::share(results.level);
    let head = format!(
        "findings of {} through {}; expected: the {level} prediction interval; adj. p over all findings",
        label::name(&replication.experiment),
        label::plain(&replication.through)
    );
    let mut parts = vec![headed("REPLICATION", &head, palette), table.text()];
    parts.extend(remarks.iter().map(|remark| marked("!", remark)));
    Some(parts.join("\n"))
}

fn heading(results: &Results, finding: &FindingView) -> String {
    let unit = results.metric(&finding.metric).map(|metric| Scale::of_effects(metric).unit().to_owned());
    let unit = unit.filter(|unit| !unit.is_empty()).map(|unit| format!(" in{unit}")).unwrap_or_default();
    let names = format!("{} on {}", label::shortened(&finding.variant, 20), label::shortened(&finding.metric, 20));
    let verdict = finding.verdict.map_or("not judged", verdict_words);
    format!(
        "{}: {names}{unit} — it {}: {verdict}",
        label::shortened(&finding.cohort, 12),
        match finding.standing.in_words() {
            "different" => "differs",
            words => words,
        }
    )
}

fn cells(results: &Results, finding: &FindingView, part: &FindingPart) -> [String; 7] {
    let absent = || NO_NUMBER.to_owned();
    let scale = results.metric(&finding.metric).map(|metric| Scale::of_effects(metric).without_unit());
    let judged = part.judged.as_ref();
    let figure = |value: Option<f64>| {
        let scale = scale.as_ref()?;
        Some(scale.signed(value?, scale.decimals(judged.map(|judged| judged.pooled_interval))))
    };
    let expected = judged.zip(scale.as_ref()).map(|(judged, scale)| scale.bounds(judged.prediction));
    let doubt = if part.unreliable.is_some() { " (!)" } else { "" };
    [
        if part.estimand == Estimand::Contrast { "  vs. rest".to_owned() } else { format!("  {}", part.estimand) },
        figure(part.earlier).unwrap_or_else(absent),
        figure(part.now).unwrap_or_else(absent),
        expected.unwrap_or_else(absent),
        figure(judged.map(|judged| judged.pooled)).unwrap_or_else(absent),
        judged.map_or_else(absent, |judged| number::p_value(judged.p_value_adjusted)),
        format!("{}{doubt}", judged.map_or("not judged", |judged| verdict_words(judged.verdict))),
    ]
}

/// Why a finding is not judged or in doubt, but for what holds of all of them.
fn remark(finding: &FindingView, of_all: Option<&String>) -> Option<String> {
    let of_parts = finding.parts.iter().find_map(|part| part.not_judged.as_ref().or(part.unreliable.as_ref()));
    let reason = finding.not_measured.as_ref().or(of_parts).filter(|reason| Some(*reason) != of_all)?;
    Some(format!(
        "{} on {} in {}: {}",
        label::name(&finding.variant),
        label::name(&finding.metric),
        label::name(&finding.cohort),
        label::plain(reason)
    ))
}
