//! Shrunken effects of cohorts that are withheld.

use super::SmallestCell;
use super::cohorts::HiddenCohorts;
use super::effects::HiddenMetrics;
use crate::shrunken::{ShrunkenEffect, ShrunkenEffects};

/// The effects without those of cohorts that nothing is told of. The mean over all cohorts stays.
pub(super) fn withheld(
    cell: SmallestCell,
    found: ShrunkenEffects,
    cohorts: &HiddenCohorts,
    metrics: &HiddenMetrics,
) -> ShrunkenEffects {
    let shown = |effect: ShrunkenEffect| {
        if metrics.hides(&found.metric, &effect.cohort, cohorts) {
            nothing_of(effect.cohort, cell.reason())
        } else {
            ShrunkenEffect {
                unreliable: effect.unreliable.map(|reason| metrics.worded(reason)),
                not_estimable: effect.not_estimable.map(|reason| metrics.worded(reason)),
                ..effect
            }
        }
    };
    let cohorts = found.cohorts.into_iter().map(shown).collect();
    ShrunkenEffects { cohorts, ..found }
}

fn nothing_of(cohort: String, reason: String) -> ShrunkenEffect {
    ShrunkenEffect {
        cohort,
        estimate: None,
        std_dev: None,
        interval: None,
        positive: None,
        best: None,
        shrinkage: None,
        unreliable: None,
        not_estimable: Some(reason),
    }
}
