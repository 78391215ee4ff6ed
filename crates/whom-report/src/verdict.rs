//! The verdict: what the results say, in words, by rules.
//!
//! Every sentence follows from typed results; nothing is estimated here. The rules: an average needs to know what matters
//! before it may be called ineffective; a cohort counts only where the global test of its treatment and metric is open;
//! `ship` is recommended on sealed or replicated evidence alone, and a held-out cohort earns the test that would confirm it.

mod advice;
mod average;
mod cohort;
mod guardrail;
mod headline;
mod heterogeneity;
mod sequences;
mod steadiness;

use serde::Serialize;

pub use average::{AverageOutcome, AverageVerdict};
pub use cohort::{CohortVerdict, Standing};
pub(crate) use cohort::{cohort_label, who};
pub use guardrail::{GuardrailOutcome, GuardrailVerdict};
pub use headline::{Action, Headline};
pub use heterogeneity::{HeterogeneityOutcome, HeterogeneityVerdict};
pub(crate) use steadiness::{between, unsteady};

use crate::effect::Role;
use crate::label;
use crate::results::{MetricView, Results};
use crate::seal::Seal;
use crate::withhold::Withheld;

/// What the results say.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// By treatment and primary metric: all of it in one sentence, and what to do.
    pub headlines: Vec<Headline>,
    /// By treatment and primary metric: does it work on average?
    pub averages: Vec<AverageVerdict>,
    /// By treatment and guardrail: is it safe?
    pub guardrails: Vec<GuardrailVerdict>,
    /// By treatment and primary metric: do effects differ between users?
    pub heterogeneity: Vec<HeterogeneityVerdict>,
    /// By cohort, treatment and primary metric: for whom?
    pub cohorts: Vec<CohortVerdict>,
    /// Who gains and who loses, in sentences.
    pub for_whom: Vec<String>,
    /// What came of an earlier run's findings, in sentences; empty unless this run measures them again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub replication: Vec<String>,
    /// What to do next, in sentences.
    pub advice: Vec<String>,
    /// Averages on primary metrics that differ over weeks or slices, and what their confidence sequences say of stopping early,
    /// in sentences. They change no outcome.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Whether the run kept to a registered plan, in a sentence; `None` if none was registered.
    pub seal: Option<String>,
    /// What is withheld because it is about too few units, in a sentence; `None` if everything is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withheld: Option<String>,
}

impl Verdict {
    /// Reads the verdict off the results.
    pub fn of(results: &Results) -> Self {
        let primary: Vec<Question<'_>> = questions(results, Role::Primary).collect();
        let averages: Vec<_> = primary.iter().filter_map(|question| average::verdict(results, *question)).collect();
        let guardrails: Vec<_> =
            questions(results, Role::Guardrail).filter_map(|question| guardrail::verdict(results, question)).collect();
        let heterogeneity: Vec<_> =
            primary.iter().filter_map(|question| heterogeneity::verdict(results, *question)).collect();
        let cohorts: Vec<_> = primary.iter().flat_map(|question| cohort::verdicts(results, *question)).collect();
        let named = primary.iter().flat_map(|question| cohort::sentences(results, *question, &cohorts));
        let for_whom = unsearched(results).into_iter().map(str::to_owned).chain(named).collect();
        let headlines = primary
            .iter()
            .filter_map(|question| {
                let average = averages.iter().find(|average| question.is_about(&average.variant, &average.metric))?;
                let (guardrails, heterogeneity, cohorts) = (&guardrails, &heterogeneity, &cohorts);
                let findings = headline::Findings { results, average, guardrails, heterogeneity, cohorts };
                Some(headline::headline(&findings, *question))
            })
            .collect();
        let advice = advice::sentences(results, &averages, &guardrails, &cohorts);
        let replication = results.replication.as_ref().map(|found| found.sentences(results)).unwrap_or_default();
        let warnings = steadiness::warnings(results).into_iter().chain(sequences::warnings(results)).collect();
        let seal = results.seal.as_ref().map(Seal::sentence);
        let withheld = results.withheld.as_ref().map(Withheld::sentence);
        Self {
            headlines,
            averages,
            guardrails,
            heterogeneity,
            cohorts,
            for_whom,
            replication,
            advice,
            warnings,
            seal,
            withheld,
        }
    }

    /// All sentences in the order in which they are read: average, safety, heterogeneity, what held again, for whom, what next, what does not
    /// hold over time, what it rests on, and what is withheld.
    pub fn sentences(&self) -> impl Iterator<Item = &str> {
        let averages = self.averages.iter().map(|verdict| verdict.sentence.as_str());
        let guardrails = self.guardrails.iter().map(|verdict| verdict.sentence.as_str());
        let heterogeneity = self.heterogeneity.iter().map(|verdict| verdict.sentence.as_str());
        let found = self.replication.iter().chain(&self.for_whom).chain(&self.advice).chain(&self.warnings);
        let rest = found.chain(&self.seal).chain(&self.withheld).map(String::as_str);
        averages.chain(guardrails).chain(heterogeneity).chain(rest)
    }
}

/// That no cohorts were searched for, where neither a search nor an earlier run's findings are asked for: silence would read as if
/// there were none.
fn unsearched(results: &Results) -> Option<&'static str> {
    let is_searched = results.partition.is_some() || !results.trees.is_empty() || !results.global_tests.is_empty();
    match (is_searched || results.replication.is_some(), results.registered.is_empty()) {
        (true, _) => None,
        (false, true) => Some("No cohorts were searched for: nothing is said of whom it works for."),
        (false, false) => Some("No cohorts were searched for: only those that the pipeline declares are compared."),
    }
}

/// One treatment and one metric.
#[derive(Clone, Copy, Debug)]
struct Question<'a> {
    variant: &'a str,
    metric: &'a MetricView,
}

impl Question<'_> {
    fn is_about(self, variant: &str, metric: &str) -> bool {
        self.variant == variant && self.metric.name == metric
    }
}

fn questions(results: &Results, role: Role) -> impl Iterator<Item = Question<'_>> {
    results.treatments().flat_map(move |variant| {
        results.metrics_of(role).map(move |metric| Question { variant: &variant.name, metric })
    })
}

/// What follows a sentence whose row is outside the range of its method.
fn doubt(reason: &str) -> String {
    format!(" Unreliable: {}.", label::plain(reason))
}

#[cfg(test)]
mod tests;
