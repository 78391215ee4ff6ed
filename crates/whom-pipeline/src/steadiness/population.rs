//! Whose effects are sliced.

use whom_forest::Cohort;
use whom_report::{EVERYBODY, Fold};
use whom_stats::{NodeIndex, Routing};

use crate::study::Study;

/// Cohorts of one tree.
pub(super) struct Population {
    pub(super) tree: Routing,
    /// The leaves that are cut.
    pub(super) leaves: Vec<NodeIndex>,
    pub(super) groups: Vec<Group>,
}

/// Everybody or a cohort.
pub(super) struct Group {
    pub(super) name: String,
    /// Places among the leaves that are cut.
    pub(super) leaves: Vec<usize>,
    pub(super) fold: Fold,
}

/// Everybody and the cohorts of a tree, and each pre-registered cohort by itself.
pub(super) fn populations(study: &Study<'_>, tree: &Routing, cohorts: &[Cohort]) -> Vec<Population> {
    let leaves: Vec<NodeIndex> = tree.leaves().collect();
    let everybody = Group { name: EVERYBODY.to_owned(), leaves: (0..leaves.len()).collect(), fold: Fold::All };
    let discovered = cohorts.iter().map(|cohort| Group {
        name: cohort.name.clone(),
        leaves: vec![cohort.cell],
        fold: Fold::Measure,
    });
    let groups = std::iter::once(everybody).chain(discovered).collect();
    let mut populations = vec![Population { tree: tree.clone(), leaves, groups }];
    for (place, cohort) in study.plan.cohorts.iter().enumerate() {
        let mut tree = Routing::root();
        let members = tree.split(0, study.units.cohort_column(place), [1].into_iter().collect());
        let groups = vec![Group { name: cohort.name.value.clone(), leaves: vec![0], fold: Fold::All }];
        populations.extend(members.map(|(members, _)| Population { tree, leaves: vec![members], groups }));
    }
    populations
}
