//! Tags by how much they change an effect, from their one-tag tables.

use whom_report::{self as report, Evidence, RankedTag, TagRanking};
use whom_stats::{ClusteredLevel, ClusteredTagTable, Correction, Estimate, LevelEffect, Modifier, Ranking, TagTable};

use super::CountedTag;
use crate::clustered::Clustered;
use crate::comparison::{Comparison, Effect};
use crate::estimation::Estimation;
use crate::names;
use crate::scatter::{reliable, scatter};
use crate::study::Study;

/// The tags on one question, corrected over them by Benjamini and Yekutieli as the exploratory family is; `clusters` are the sums of
/// clusters in the levels of each tag, where units were assigned by cluster.
pub(super) fn ranking(
    study: &Study<'_>,
    estimation: &Estimation<'_>,
    (tags, clusters): (&[CountedTag], &[Clustered]),
) -> TagRanking {
    let ranking = Ranking { correction: Correction::BenjaminiYekutieli, level: study.plan.validate.level };
    let ranked_tags = if clusters.is_empty() {
        let levels = |tag: &CountedTag| {
            let levels: Vec<Comparison> = compared(tag, estimation).collect();
            reliable(levels.iter()).map(level_effect).map(Ok).collect::<Vec<_>>()
        };
        let levels: Vec<_> = tags.iter().map(levels).collect();
        let tables = tags.iter().zip(&levels).map(|(tag, levels)| TagTable { tag: &tag.name, levels });
        ranking.rank(&tables.collect::<Vec<_>>())
    } else {
        let levels: Vec<_> =
            tags.iter().zip(clusters).map(|(tag, clusters)| by_cluster(tag, clusters, estimation)).collect();
        let tables = tags.iter().zip(&levels).map(|(tag, levels)| ClusteredTagTable { tag: &tag.name, levels });
        ranking.rank_by_cluster(&tables.collect::<Vec<_>>())
    };
    let levels = |name: &str| tags.iter().find(|tag| tag.name == name).map_or(0, |tag| tag.levels.len());
    let question = estimation.question;
    TagRanking {
        variant: study.variant(question.treatment).to_owned(),
        metric: study.metric(question.metric).name.value.clone(),
        evidence: Evidence::Exploratory,
        correction: report::Correction::BenjaminiYekutieli,
        tags: ranked_tags.into_iter().map(|found| ranked(&found, levels(&found.tag))).collect(),
    }
}

/// The levels of a tag, unit by unit.
fn compared(tag: &CountedTag, estimation: &Estimation<'_>) -> impl Iterator<Item = Comparison> {
    tag.levels.iter().map(|level| Comparison::of_strata(&level.strata, estimation))
}

/// The levels of a tag in which the method holds by cluster.
fn by_cluster(tag: &CountedTag, clusters: &Clustered, estimation: &Estimation<'_>) -> Vec<ClusteredLevel> {
    let level = |(place, units): (usize, Comparison)| {
        let of_units = units.effect.as_ref().ok().map(|effect| effect.variances()[1] * units.control.units as f64);
        let level = clusters.compare_sharing(units, &[place], estimation);
        Some(ClusteredLevel {
            difference: level.difference(),
            log_ratio: level.log_ratio(),
            control: level.control(),
            control_variance: of_units?,
            units: level.comparison.control.units + level.comparison.treatment.units,
        })
        .filter(|_| level.is_reliable())
    };
    compared(tag, estimation).enumerate().filter_map(level).collect()
}

/// A level as the ranking sees it.
fn level_effect((comparison, effect): (&Comparison, &Effect)) -> LevelEffect {
    let [_, variance] = effect.variances();
    let (control, treatment) = (comparison.control.units, comparison.treatment.units);
    LevelEffect {
        difference: effect.difference,
        log_ratio: effect.values.log_ratio(),
        control: Estimate {
            value: effect.values.control,
            std_err: variance.sqrt(),
            degrees_of_freedom: control.saturating_sub(1) as f64,
        },
        control_variance: variance * control as f64,
        units: control + treatment,
    }
}

fn ranked(found: &Modifier, levels: usize) -> RankedTag {
    let (modifying, prognostic) = (found.modifying.ok(), found.prognostic.ok());
    RankedTag {
        tag: found.tag.clone(),
        absolute: scatter(&found.heterogeneity.absolute, found.p_absolute, levels),
        relative: scatter(&found.heterogeneity.relative, found.p_relative, levels),
        differing: names::differing(found.differing),
        role: names::tag_role(found.role),
        modifying: modifying.map(|strength| strength.std_dev),
        modifying_over_control: modifying.map(|strength| strength.over_control),
        prognostic: prognostic.map(|strength| strength.std_dev),
        prognostic_over_control: prognostic.map(|strength| strength.over_control),
        prognostic_p_value: found.prognosis.ok().map(|test| test.p_value),
        prognostic_p_value_adjusted: found.p_prognosis,
    }
}
