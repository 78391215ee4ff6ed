//! `result.json`: the headline numbers and the verdict, for programs.

use serde::Serialize;
use whom_stats::Check;

use crate::cohort::{CohortSize, CohortView, TagDifference};
use crate::effect::{EVERYBODY, EffectRow};
use crate::error::ReportError;
use crate::folds::GivenFolds;
use crate::heterogeneity::{ConfirmingTest, DetectableDifference, GlobalTestRow};
use crate::json::document;
use crate::model::ModelView;
use crate::ranking::TagRanking;
use crate::replication::ReplicationView;
use crate::results::{MetricView, Results, VariantView};
use crate::scatter::CohortScatter;
use crate::seal::Seal;
use crate::shrunken::ShrunkenEffects;
use crate::sliced::SlicedEffect;
use crate::stability::Stability;
use crate::verdict::Verdict;
use crate::waterfall::WaterfallStep;
use crate::withhold::Withheld;

/// The version of `result.json`.
pub const RESULT_SCHEMA_VERSION: u32 = 1;

#[derive(Serialize)]
struct ResultDocument<'a> {
    schema: &'static str,
    schema_version: u32,
    experiment: &'a str,
    analysis: &'a str,
    through: &'a str,
    level: f64,
    seal: Option<&'a Seal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    folds: Option<&'a GivenFolds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    withheld: Option<&'a Withheld>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replication: Option<&'a ReplicationView>,
    summary: Vec<&'a str>,
    verdict: &'a Verdict,
    variants: &'a [VariantView],
    metrics: &'a [MetricView],
    averages: Vec<&'a EffectRow>,
    tag_rankings: &'a [TagRanking],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    models: &'a [ModelView],
    global_tests: &'a [GlobalTestRow],
    cohort_scatter: &'a [CohortScatter],
    shrunken_effects: &'a [ShrunkenEffects],
    detectable_differences: &'a [DetectableDifference],
    confirming_tests: &'a [ConfirmingTest],
    cohorts: Vec<CohortEntry<'a>>,
    #[serde(skip_serializing_if = "is_empty")]
    slices: &'a [SlicedEffect],
    stability: &'a Stability,
    checks: &'a [Check],
    waterfall: &'a [WaterfallStep],
}

#[derive(Serialize)]
struct CohortEntry<'a> {
    name: &'a str,
    registered: bool,
    rule: String,
    sizes: &'a [CohortSize],
    profile: &'a [TagDifference],
}

/// The text of `result.json`, with its keys in a fixed order and numbers that read back as the same doubles.
///
/// # Errors
/// If the document cannot be encoded, which would be a bug.
pub fn result_json(results: &Results) -> Result<String, ReportError> {
    let verdict = Verdict::of(results);
    let cohorts = results.discovered().iter().chain(&results.registered);
    let result_document = ResultDocument {
        schema: "result",
        schema_version: RESULT_SCHEMA_VERSION,
        experiment: &results.experiment,
        analysis: &results.analysis,
        through: &results.through,
        level: results.level,
        seal: results.seal.as_ref(),
        folds: results.folds.as_ref(),
        withheld: results.withheld.as_ref(),
        replication: results.replication.as_ref(),
        summary: verdict.sentences().collect(),
        verdict: &verdict,
        variants: &results.variants,
        metrics: &results.metrics,
        averages: results.effects.iter().filter(|row| row.cohort == EVERYBODY).collect(),
        tag_rankings: &results.tag_rankings,
        models: &results.models,
        global_tests: &results.global_tests,
        cohort_scatter: &results.cohort_scatter,
        shrunken_effects: &results.shrunken_effects,
        detectable_differences: &results.detectable_differences,
        confirming_tests: &results.confirming_tests,
        cohorts: cohorts.map(cohort_entry).collect(),
        slices: &results.slices,
        stability: &results.stability,
        checks: &results.checks,
        waterfall: &results.waterfall,
    };
    document("result.json", &result_document)
}

/// Whether there is nothing to tell, neither weeks nor slices.
fn is_empty(rows: &&[SlicedEffect]) -> bool {
    rows.is_empty()
}

fn cohort_entry(cohort: &CohortView) -> CohortEntry<'_> {
    CohortEntry {
        name: &cohort.name,
        registered: cohort.rule().is_none(),
        rule: cohort.definition.in_words(),
        sizes: &cohort.sizes,
        profile: &cohort.profile,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn the_headline_is_told_to_programs() {
        insta::assert_snapshot!(result_json(&fixture::hillstrom()).expect("a document"));
    }

    #[test]
    fn numbers_read_back_as_the_same_doubles() {
        let results = fixture::hillstrom();
        let text = result_json(&results).expect("a document");
        let average = results.effects.first().and_then(|row| row.estimate).expect("an estimate");
        assert!(text.contains(&format!("\"estimate\": {average:?},")));
    }
}
