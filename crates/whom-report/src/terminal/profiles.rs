//! Profiles: how the tags of each cohort differ from everybody's.

use super::palette::Palette;
use super::{headed, marked};
use crate::cohort::{CohortView, TagDifference, TagStatistic};
use crate::label;
use crate::number;
use crate::results::Results;
use crate::verdict::cohort_label;

/// Cohorts whose profiles are shown, if there are no more.
const COHORTS_SHOWN: usize = 8;

/// Differences that are shown of each.
const DIFFERENCES_SHOWN: usize = 3;

/// The profiles of the discovered cohorts; nothing if there are none, or so many that nobody would read them.
pub(super) fn section(results: &Results, palette: Palette) -> Option<String> {
    let cohorts = results.discovered();
    let lines: Vec<String> = cohorts.iter().filter_map(profile).collect();
    (!lines.is_empty() && cohorts.len() <= COHORTS_SHOWN).then(|| {
        let head = headed("PROFILES", "where a cohort differs most; everybody's figure in brackets", palette);
        format!("{head}\n{}", lines.join("\n"))
    })
}

fn profile(cohort: &CohortView) -> Option<String> {
    let told: Vec<String> = cohort.profile.iter().filter_map(difference).take(DIFFERENCES_SHOWN).collect();
    (!told.is_empty()).then(|| marked("·", &format!("{}: {}", cohort_label(&cohort.name), told.join(", "))))
}

/// A difference in words; `None` where a figure is unknown.
fn difference(difference: &TagDifference) -> Option<String> {
    let tag = label::name(&difference.tag);
    let (cohort, everybody) = (difference.cohort?, difference.everybody?);
    Some(match &difference.statistic {
        TagStatistic::Mean => {
            let decimals = number::decimals(everybody.abs());
            format!("mean {tag} {} [{}]", number::fixed(cohort, decimals), number::fixed(everybody, decimals))
        }
        TagStatistic::Share(level) => {
            format!("{tag} {} {} [{}]", label::name(level), number::share(cohort), number::share(everybody))
        }
        TagStatistic::Missing => format!("{tag} unknown {} [{}]", number::share(cohort), number::share(everybody)),
    })
}
