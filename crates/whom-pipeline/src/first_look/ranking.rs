//! Tags by how much they change an effect, from their one-tag tables.

use whom_report::{self as report, Evidence, RankedTag, TagRanking};
use whom_stats::{Correction, Estimate, LevelEffect, Modifier, Ranking, TagTable};

use super::CountedTag;
use crate::comparison::{Comparison, Effect};
use crate::estimation::Estimation;
use crate::names;
use crate::scatter::{reliable, scatter};
use crate::study::Study;

/// The tags on one question, corrected over them by Benjamini and Yekutieli as the exploratory family is.
pub(super) fn ranking(study: &Study<'_>, estimation: &Estimation<'_>, tags: &[CountedTag]) -> TagRanking {
    let effects: Vec<_> = tags
        .iter()
        .map(|tag| {
            let levels: Vec<Comparison> =
                tag.levels.iter().map(|level| Comparison::of_strata(&level.strata, estimation)).collect();
            reliable(levels.iter()).map(level_effect).map(Ok).collect::<Vec<_>>()
        })
        .collect();
    let tables: Vec<TagTable<'_>> =
        tags.iter().zip(&effects).map(|(tag, levels)| TagTable { tag: &tag.name, levels }).collect();
    let ranking = Ranking { correction: Correction::BenjaminiYekutieli, level: study.plan.validate.level };
    let levels = |name: &str| tags.iter().find(|tag| tag.name == name).map_or(0, |tag| tag.levels.len());
    let question = estimation.question;
    TagRanking {
        variant: study.variant(question.treatment).to_owned(),
        metric: study.metric(question.metric).name.value.clone(),
        evidence: Evidence::Exploratory,
        correction: report::Correction::BenjaminiYekutieli,
        tags: ranking.rank(&tables).into_iter().map(|found| ranked(&found, levels(&found.tag))).collect(),
    }
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
