//! Tags by how much they change an effect, from their one-tag tables.

use whom_report::{self as report, Evidence, RankedTag, TagRanking};
use whom_stats::{Correction, Modifier, Ranking, TagTable};

use super::CountedTag;
use crate::names;
use crate::scatter::{reliable, scatter};
use crate::study::{Question, Study};

/// The tags on one question, corrected over them by Benjamini and Yekutieli as the exploratory family is.
pub(super) fn ranking(study: &Study<'_>, question: Question, tags: &[CountedTag]) -> TagRanking {
    let effects: Vec<_> =
        tags.iter().map(|tag| reliable(tag.levels.iter().map(|level| level.compare(study, question).effect))).collect();
    let tables: Vec<TagTable<'_>> =
        tags.iter().zip(&effects).map(|(tag, levels)| TagTable { tag: &tag.name, levels }).collect();
    let ranking = Ranking { correction: Correction::BenjaminiYekutieli, level: study.plan.validate.level };
    let levels = |name: &str| tags.iter().find(|tag| tag.name == name).map_or(0, |tag| tag.levels.len());
    TagRanking {
        variant: study.variant(question.treatment).to_owned(),
        metric: study.metric(question.metric).name.value.clone(),
        evidence: Evidence::Exploratory,
        correction: report::Correction::BenjaminiYekutieli,
        tags: ranking.rank(&tables).into_iter().map(|found| ranked(&found, levels(&found.tag))).collect(),
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
