//! Section 1: what was found, in one sentence for each treatment and primary metric, and what to do.

use serde::Serialize;

use crate::label;
use crate::number;
use crate::results::Results;
use crate::verdict::{Action, Headline, Verdict};

/// Sentences in large letters, before the others become a list.
const LARGE: usize = 3;

/// The verdict as it is shown.
#[derive(Serialize)]
pub(super) struct VerdictSection {
    /// What was analysed.
    facts: Vec<Fact>,
    /// One for each treatment and primary metric.
    headlines: Vec<HeadlineView>,
    /// How many of them are large.
    large: usize,
    /// All sentences that the headlines rest on, in the order of reading.
    sentences: Vec<String>,
    /// What to do next, in sentences.
    advice: Vec<String>,
    /// Whether the run kept to a registered plan.
    seal: Option<String>,
    /// What is not shown because it is about too few units.
    withheld: Option<String>,
}

/// A name and a figure.
#[derive(Serialize)]
struct Fact {
    name: String,
    figure: String,
}

#[derive(Serialize)]
struct HeadlineView {
    sentence: String,
    action: &'static str,
    tone: &'static str,
    reason: String,
}

pub(super) fn section(results: &Results, verdict: &Verdict) -> VerdictSection {
    let averages = verdict.averages.iter().map(|verdict| &verdict.sentence);
    let guardrails = verdict.guardrails.iter().map(|verdict| &verdict.sentence);
    let heterogeneity = verdict.heterogeneity.iter().map(|verdict| &verdict.sentence);
    let sentences = averages
        .chain(guardrails)
        .chain(heterogeneity)
        .chain(&verdict.replication)
        .chain(&verdict.for_whom)
        .chain(&verdict.warnings)
        .cloned()
        .collect();
    VerdictSection {
        facts: facts(results),
        headlines: verdict.headlines.iter().map(view).collect(),
        large: LARGE,
        sentences,
        advice: verdict.advice.clone(),
        seal: verdict.seal.clone(),
        withheld: verdict.withheld.clone(),
    }
}

fn view(headline: &Headline) -> HeadlineView {
    HeadlineView {
        sentence: headline.sentence.clone(),
        action: headline.action.in_words(),
        tone: tone(headline.action),
        reason: headline.reason.clone(),
    }
}

fn tone(action: Action) -> &'static str {
    match action {
        Action::Ship | Action::ShipToSome => "good",
        Action::MendData | Action::DoNotShip | Action::Hold => "bad",
        Action::Confirm | Action::Extend => "open",
        Action::Leave | Action::Undecided => "calm",
    }
}

fn facts(results: &Results) -> Vec<Fact> {
    let fact = |name: &str, figure: String| Fact { name: label::plain(name), figure };
    let variants = results.variants.iter().map(|variant| fact(&variant.name, number::count(variant.units)));
    let total = fact("units", number::count(results.units()));
    let rest = [fact("through", label::plain(&results.through)), fact("intervals at", number::share(results.level))];
    [total].into_iter().chain(variants).chain(rest).collect()
}
