//! A replication: what an earlier run found, and what other units say of it.

use serde::{Deserialize, Serialize};
use whom_stats::{Interval, ReplicationVerdict};

use crate::effect::Estimand;
use crate::label;
use crate::number::Scale;
use crate::results::Results;
use crate::verdict::{Standing, cohort_label};

/// Findings that a sentence names before it counts the rest.
const FINDINGS_NAMED: usize = 3;

/// The findings of an earlier run, measured again with its cohorts as they were.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplicationView {
    /// The experiment of the earlier run.
    pub experiment: String,
    /// Its analysis identity.
    pub analysis: String,
    /// The last day whose rows it read, as `YYYY-MM-DD`.
    pub through: String,
    /// Why its units may be among those of this run, so that nothing is judged; `None` if they are fresh.
    pub not_fresh: Option<String>,
    /// What it found: its cohorts that differ from the rest, by cohort, treatment and metric.
    pub findings: Vec<FindingView>,
}

/// A cohort that an earlier run called different, or said to gain or to lose.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FindingView {
    /// The cohort.
    pub cohort: String,
    /// The treatment.
    pub variant: String,
    /// The metric.
    pub metric: String,
    /// What the earlier run said of it.
    pub standing: Standing,
    /// What the parts come to: the least favourable of their verdicts; `None` if some part is not judged.
    pub verdict: Option<ReplicationVerdict>,
    /// Why nothing of it is measured here; `None` if it is.
    pub not_measured: Option<String>,
    /// What the finding says: that the cohort differs from the rest and, if it gains or loses, its own effect.
    pub parts: Vec<FindingPart>,
}

/// One figure of a finding, then and now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FindingPart {
    /// What is estimated.
    pub estimand: Estimand,
    /// The estimate of the earlier run, on units that did not find the cohort.
    pub earlier: Option<f64>,
    /// The estimate on the units of this run.
    pub now: Option<f64>,
    /// How the two compare; `None` if they cannot be judged.
    pub judged: Option<JudgedPart>,
    /// Why one of them is outside the range of its method; `None` if both are reliable.
    pub unreliable: Option<String>,
    /// Why they are not judged; `None` if they are.
    pub not_judged: Option<String>,
}

/// Two independent estimates of the same, compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JudgedPart {
    /// Where the new estimate was to be expected, given the earlier one and the noise of both.
    pub prediction: Interval,
    /// Whether it lies there.
    pub predicted: bool,
    /// Whether both point the same way.
    pub same_sign: bool,
    /// The two-sided p-value of the new estimate alone.
    pub p_value: f64,
    /// The same, corrected by Holm over all parts of all findings.
    pub p_value_adjusted: f64,
    /// Both estimates together, weighted by precision; the earlier one was chosen, so it may be too large.
    pub pooled: f64,
    /// Its interval.
    pub pooled_interval: Interval,
    /// What follows.
    pub verdict: ReplicationVerdict,
}

/// A verdict as sentences and tables show it.
pub(crate) fn verdict_words(verdict: ReplicationVerdict) -> &'static str {
    match verdict {
        ReplicationVerdict::Replicated => "replicates",
        ReplicationVerdict::OtherSize => "other size",
        ReplicationVerdict::Undecided => "undecided",
        ReplicationVerdict::NotReplicated => "not replicated",
        ReplicationVerdict::Reversed => "reversed",
    }
}

/// All verdicts with the sentence that lists their findings.
const VERDICTS: [(ReplicationVerdict, &str); 5] = [
    (ReplicationVerdict::Replicated, "Replicated, by the new units alone"),
    (ReplicationVerdict::OtherSize, "Replicated in direction, but not of the size that was found"),
    (ReplicationVerdict::Undecided, "Undecided, the new units being too few to tell"),
    (ReplicationVerdict::NotReplicated, "Not replicated"),
    (ReplicationVerdict::Reversed, "Reversed: shown in the other direction"),
];

impl FindingView {
    /// Whether the finding holds on the new units.
    pub fn holds(&self) -> bool {
        matches!(self.verdict, Some(ReplicationVerdict::Replicated | ReplicationVerdict::OtherSize))
    }

    /// The figure that a sentence shows: the cohort's own effect if that was found, else its contrast.
    fn shown(&self) -> Option<&FindingPart> {
        self.parts.iter().find(|part| part.estimand == Estimand::Effect).or(self.parts.first())
    }

    /// Whether some figure is outside the range of its method.
    pub(crate) fn is_doubtful(&self) -> bool {
        self.parts.iter().any(|part| part.unreliable.is_some())
    }

    /// `Womens E-Mail on visit in cohort c2 (+6.2 pp, now +5.9 pp)`.
    fn mention(&self, results: &Results) -> String {
        let figures = self.shown().and_then(|part| {
            let scale = Scale::of_effects(results.metric(&self.metric)?);
            let decimals = scale.decimals(part.judged.as_ref().map(|judged| judged.pooled_interval));
            let less_rest = if part.estimand == Estimand::Contrast { " against the rest" } else { "" };
            let (earlier, now) = (scale.signed(part.earlier?, decimals), scale.signed(part.now?, decimals));
            Some(format!(" ({earlier}, now {now}{less_rest})"))
        });
        let doubt = if self.is_doubtful() { ", unreliable" } else { "" };
        let (variant, metric) = (label::name(&self.variant), label::name(&self.metric));
        format!("{variant} on {metric} in {}{}{doubt}", cohort_label(&self.cohort), figures.unwrap_or_default())
    }
}

impl ReplicationView {
    /// Whether a claim about a cohort may be acted on: it is no finding of the earlier run, or it holds.
    pub(crate) fn allows(&self, (cohort, variant, metric): (&str, &str, &str)) -> bool {
        let mut same = self
            .findings
            .iter()
            .filter(|finding| (finding.cohort.as_str(), finding.variant.as_str()) == (cohort, variant));
        same.find(|finding| finding.metric == metric).is_none_or(FindingView::holds)
    }

    /// What came of the findings, in sentences.
    pub(crate) fn sentences(&self, results: &Results) -> Vec<String> {
        let (earlier, through) = (label::name(&self.experiment), label::plain(&self.through));
        let all = self.findings.len();
        let what = if all == 1 { "the finding" } else { "the findings" };
        if let Some(reason) = &self.not_fresh {
            return vec![format!(
                "Nothing is judged of {what} of {earlier} through {through}, and its cohorts are exploratory here: {}.",
                label::plain(reason)
            )];
        }
        let hold = self.findings.iter().filter(|finding| finding.holds()).count();
        let noun = if all == 1 { "finding" } else { "findings" };
        let held = if hold == 1 { "holds" } else { "hold" };
        let mut sentences =
            vec![format!("Of {all} {noun} of {earlier} through {through}, {hold} {held} on fresh units.")];
        for (verdict, words) in VERDICTS {
            let such = self.findings.iter().filter(|finding| finding.verdict == Some(verdict));
            let mentions: Vec<String> = such.map(|finding| finding.mention(results)).collect();
            sentences.extend(listed(words, &mentions));
        }
        let open = self.findings.iter().filter(|finding| finding.verdict.is_none());
        let mentions: Vec<String> = open.map(|finding| finding.mention(results)).collect();
        sentences.extend(listed("Not judged", &mentions));
        sentences
    }
}

fn listed(words: &str, mentions: &[String]) -> Option<String> {
    let named = mentions.iter().take(FINDINGS_NAMED).map(String::as_str).collect::<Vec<_>>().join("; ");
    let more = mentions.len().saturating_sub(FINDINGS_NAMED);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    (!mentions.is_empty()).then(|| format!("{words}: {named}{more}."))
}

#[cfg(test)]
mod tests;
