//! The last line of standard output of a run that succeeded: what a program wants to know next.

use std::collections::BTreeMap;

use serde::Serialize;
use whom_pipeline::Outcome;
use whom_pipeline::report::{
    AverageOutcome, AverageVerdict, Estimand, HeterogeneityOutcome, HeterogeneityVerdict, Results, Verdict,
};

/// The result in one line. Proportions are fractions; what could not be estimated is null.
#[derive(Serialize)]
pub(crate) struct ResultLine<'a> {
    /// The pipeline file, if the command has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pipeline: Option<String>,
    #[serde(flatten)]
    publication: Publication<'a>,
    experiment: &'a str,
    through: &'a str,
    units: u64,
    cohorts: usize,
    headline: Vec<Headline>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replication: Option<Replication>,
}

/// Of a run that measures findings again: how many there are, and how many hold on fresh units.
#[derive(Serialize)]
struct Replication {
    findings: usize,
    hold: usize,
    fresh: bool,
}

/// Which run is published, and where.
#[derive(Serialize)]
struct Publication<'a> {
    run: String,
    status: Status,
    number: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    look: Option<usize>,
    analysis: &'a str,
    plan: &'a str,
    locations: BTreeMap<&'a str, String>,
    warnings: usize,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    /// This run is published.
    Published,
    /// Another run of the same work was faster; its files are the same.
    AlreadyPublished,
}

/// One treatment's average effect on one primary metric, and whether effects differ between users.
#[derive(Serialize)]
struct Headline {
    metric: String,
    variant: String,
    outcome: AverageOutcome,
    effect: Option<f64>,
    ci_lower: Option<f64>,
    ci_upper: Option<f64>,
    p_value_adjusted: Option<f64>,
    lift: Option<f64>,
    heterogeneity: Option<HeterogeneityOutcome>,
}

impl<'a> ResultLine<'a> {
    pub(crate) fn of(outcome: &'a Outcome, pipeline: Option<String>) -> Self {
        Self { pipeline, ..Self::new(Publication::of(outcome), &outcome.results) }
    }

    fn new(publication: Publication<'a>, results: &'a Results) -> Self {
        Self {
            pipeline: None,
            publication,
            experiment: &results.experiment,
            through: &results.through,
            units: results.units(),
            cohorts: results.discovered().len(),
            headline: headlines(results),
            replication: results.replication.as_ref().map(|replication| Replication {
                findings: replication.findings.len(),
                hold: replication.findings.iter().filter(|finding| finding.holds()).count(),
                fresh: replication.not_fresh.is_none(),
            }),
        }
    }

    /// The line, without a line break.
    pub(crate) fn to_json(&self) -> String {
        // Text and finite numbers can always be encoded.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl<'a> Publication<'a> {
    fn of(outcome: &'a Outcome) -> Self {
        let manifest = &outcome.published.manifest;
        let names = manifest.files.iter().map(|file| file.name.as_str());
        let located = names.filter_map(|name| Some((name, outcome.published.address(name).ok()?.to_string())));
        Self {
            run: manifest.run_id.to_string(),
            status: if outcome.fresh { Status::Published } else { Status::AlreadyPublished },
            number: manifest.number,
            look: outcome.look,
            analysis: &manifest.run.identities.analysis,
            plan: &manifest.run.identities.plan,
            locations: located.collect(),
            warnings: outcome.warnings.len(),
        }
    }
}

fn headlines(results: &Results) -> Vec<Headline> {
    let Verdict { averages, heterogeneity, .. } = Verdict::of(results);
    averages.into_iter().map(|average| headline(results, average, &heterogeneity)).collect()
}

fn headline(results: &Results, average: AverageVerdict, heterogeneity: &[HeterogeneityVerdict]) -> Headline {
    let AverageVerdict { metric, variant, outcome, .. } = average;
    let row = |estimand| results.average(&metric, &variant, estimand);
    let (effect, lift) = (row(Estimand::Effect), row(Estimand::Lift));
    let interval = effect.and_then(|row| row.interval);
    let differs = heterogeneity.iter().find(|told| told.metric == metric && told.variant == variant);
    Headline {
        outcome,
        effect: effect.and_then(|row| row.estimate),
        ci_lower: interval.map(|interval| interval.lower),
        ci_upper: interval.map(|interval| interval.upper),
        p_value_adjusted: effect.and_then(|row| row.p_value_adjusted),
        lift: lift.and_then(|row| row.estimate),
        heterogeneity: differs.map(|told| told.outcome),
        metric,
        variant,
    }
}

#[cfg(test)]
mod tests;
