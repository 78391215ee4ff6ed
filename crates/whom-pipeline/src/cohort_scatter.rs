//! How much effects differ between the cohorts of the declared partition: beside the global tests, deciding nothing.

use whom_report::CohortScatter;
use whom_stats::{BothScales, Correction, Heterogeneity, NotEstimable};

use crate::clustered::Sharing;
use crate::cohorts::MeasuredCohorts;
use crate::comparison::Comparison;
use crate::names;
use crate::scatter::{reliable, scatter};
use crate::study::Question;

/// Heterogeneity on both scales on the measuring fold, for every question that was searched; each scale corrected by Holm over
/// the questions. Nothing where there is no cohort. By cluster the tests know what cohorts that share clusters have to do with each
/// other.
pub(crate) fn cohort_scatter(cohorts: &MeasuredCohorts<'_>, questions: &[Question]) -> Vec<CohortScatter> {
    let (study, groups) = (cohorts.study, cohorts.units().count());
    if groups == 0 {
        return Vec::new();
    }
    let level = study.plan.validate.level;
    let on_both = |question: &Question| {
        if study.is_clustered() {
            return by_cluster(&cohorts.sharing(*question), level);
        }
        let compared: Vec<Comparison> = cohorts.contrasts(*question).map(|(_, contrast)| contrast.cohort).collect();
        let absolute: Vec<_> = reliable(compared.iter()).map(|(_, effect)| Ok(effect.difference)).collect();
        let relative: Vec<_> = reliable(compared.iter()).map(|(_, effect)| effect.values.log_ratio()).collect();
        BothScales::of(&absolute, &relative, level)
    };
    let found: Vec<BothScales> = questions.iter().map(on_both).collect();
    let adjusted = holm(found.iter().map(|both| &both.absolute)).into_iter();
    let adjusted = adjusted.zip(holm(found.iter().map(|both| &both.relative)));
    let rows =
        questions.iter().zip(found).zip(adjusted).map(|((question, both), (absolute, relative))| CohortScatter {
            variant: study.variant(question.treatment).to_owned(),
            metric: study.metric(question.metric).name.value.clone(),
            evidence: study.discovered_evidence(),
            absolute: scatter(&both.absolute, absolute, groups),
            relative: scatter(&both.relative, relative, groups),
            differing: names::differing(BothScales::differing(absolute, relative, level)),
        });
    rows.collect()
}

/// Heterogeneity on both scales of the cohorts in which the method holds.
fn by_cluster(compared: &[Sharing], level: f64) -> BothScales {
    let reliable = || compared.iter().filter(|cohort| cohort.is_reliable());
    let absolute: Vec<_> = reliable().map(Sharing::difference).collect();
    let relative: Vec<_> = reliable().map(Sharing::log_ratio).collect();
    BothScales::by_cluster(&absolute, &relative, level)
}

/// The p-values of the tests that effects are equal, corrected over those that were tested.
fn holm<'a>(found: impl Iterator<Item = &'a Result<Heterogeneity, NotEstimable>>) -> Vec<Option<f64>> {
    let raw: Vec<Option<f64>> =
        found.map(|found| found.as_ref().ok().map(|found| found.equal_effects.p_value)).collect();
    Correction::Holm.adjust_tested(&raw)
}

#[cfg(test)]
mod tests;
