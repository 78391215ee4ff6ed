//! Cohorts of too few units, and those whose sizes would tell theirs.

use std::collections::BTreeSet;

use super::{SmallestCell, trees};
use crate::cohort::{CohortSize, CohortView};
use crate::results::Results;

/// The cohorts that are withheld.
#[derive(Clone, Debug, Default)]
pub(super) struct HiddenCohorts {
    /// In the order of the results.
    names: Vec<String>,
}

impl HiddenCohorts {
    pub(super) fn of(cell: SmallestCell, results: &Results) -> Self {
        let own = |cohorts: &[&CohortView], alone: bool| -> BTreeSet<String> {
            let small = cohorts.iter().filter(|cohort| is_small(cell, cohort, alone));
            small.map(|cohort| cohort.name.clone()).collect()
        };
        let discovered: Vec<&CohortView> = results.discovered().iter().collect();
        let mut hidden = own(&discovered, false);
        if let Some(tree) = results.partition_tree() {
            hidden.extend(trees::hidden_cohorts(cell, tree, &hidden));
        }
        add_next_smallest(&discovered, &mut hidden);
        let (frozen, registered): (Vec<&CohortView>, Vec<&CohortView>) =
            results.registered.iter().partition(|cohort| cohort.is_frozen());
        let mut hidden_frozen = own(&frozen, true);
        add_next_smallest(&frozen, &mut hidden_frozen);
        hidden.extend(hidden_frozen);
        hidden.extend(own(&registered, true));
        let all = results.discovered().iter().chain(&results.registered);
        Self { names: all.map(|cohort| cohort.name.clone()).filter(|name| hidden.contains(name)).collect() }
    }

    pub(super) fn hides(&self, cohort: &str) -> bool {
        self.names.iter().any(|name| name == cohort)
    }

    pub(super) fn into_names(self) -> Vec<String> {
        self.names
    }

    /// The cohorts, those that are withheld without their sizes and figures.
    pub(super) fn views(&self, cohorts: Vec<CohortView>) -> Vec<CohortView> {
        let view = |mut cohort: CohortView| {
            if self.hides(&cohort.name) {
                for size in &mut cohort.sizes {
                    (size.units, size.share) = (None, None);
                }
                for difference in &mut cohort.profile {
                    (difference.cohort, difference.everybody, difference.standardised) = (None, None, None);
                }
            }
            cohort
        };
        cohorts.into_iter().map(view).collect()
    }
}

/// Whether some size is too small; of a cohort that is no part of a partition, also the rest of the units.
fn is_small(cell: SmallestCell, cohort: &CohortView, alone: bool) -> bool {
    cohort.sizes.iter().any(|size| {
        let rest = || whole(size).zip(size.units).map(|(whole, units)| whole.saturating_sub(units));
        size.units.is_some_and(|units| cell.hides(units)) || (alone && rest().is_some_and(|rest| cell.hides(rest)))
    })
}

/// The units of the same fold and arm over all cohorts; `None` if nobody of them is in this one.
fn whole(size: &CohortSize) -> Option<u64> {
    let units = size.units.filter(|units| *units > 0)?;
    Some((units as f64 / size.share?).round() as u64)
}

/// One cohort that is withheld alone follows from the others and everybody: the next smallest goes with it.
fn add_next_smallest(cohorts: &[&CohortView], hidden: &mut BTreeSet<String>) {
    if hidden.len() != 1 {
        return;
    }
    let shown = cohorts.iter().filter(|cohort| !hidden.contains(&cohort.name));
    let smallest = shown.min_by_key(|cohort| cohort.sizes.iter().filter_map(|size| size.units).sum::<u64>());
    hidden.extend(smallest.map(|cohort| cohort.name.clone()));
}
