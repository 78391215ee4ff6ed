//! Figures of tags that count too few units.

use std::collections::BTreeSet;

use super::SmallestCell;
use super::summary::Counted;
use crate::cohort::{CohortView, Fold, TagDifference, TagStatistic};

/// The cohorts of a partition without the figures that count too few units in one of them, or would tell so.
pub(super) fn of_partition(
    cell: SmallestCell,
    mut cohorts: Vec<CohortView>,
    everybody: u64,
    counted: &mut Counted,
) -> Vec<CohortView> {
    let mut hidden = Hidden::default();
    for cohort in &cohorts {
        hidden.find(cell, cohort, everybody);
    }
    hidden.find_left_over(cell, &cohorts, everybody);
    for cohort in &mut cohorts {
        hidden.withhold(cohort, counted);
    }
    cohorts
}

/// Pre-registered cohorts, each by itself.
pub(super) fn of_registered(
    cell: SmallestCell,
    mut cohorts: Vec<CohortView>,
    everybody: u64,
    counted: &mut Counted,
) -> Vec<CohortView> {
    for cohort in &mut cohorts {
        let mut hidden = Hidden::default();
        hidden.find(cell, cohort, everybody);
        hidden.withhold(cohort, counted);
    }
    cohorts
}

/// The tags whose figures are withheld.
#[derive(Default)]
struct Hidden {
    shares: BTreeSet<String>,
    means: BTreeSet<String>,
}

impl Hidden {
    /// What a cohort counts too few of, or the rest of everybody.
    fn find(&mut self, cell: SmallestCell, cohort: &CohortView, everybody: u64) {
        let Some(units) = cohort.units(Fold::All) else { return };
        for line in &cohort.profile {
            let Some((own, all)) = counts(line, units, everybody) else { continue };
            let (without, all_without) = (units.saturating_sub(own), everybody.saturating_sub(all));
            let few = [own, without, all, all_without, all.saturating_sub(own), all_without.saturating_sub(without)];
            if few.into_iter().any(|count| cell.hides(count)) {
                self.shares.insert(line.tag.clone());
            }
            let known = [without, all_without.saturating_sub(without)];
            if line.statistic == TagStatistic::Missing && known.into_iter().any(|count| cell.hides(count)) {
                self.means.insert(line.tag.clone());
            }
        }
    }

    /// What the cohorts that tell of the same level leave over for the others.
    fn find_left_over(&mut self, cell: SmallestCell, cohorts: &[CohortView], everybody: u64) {
        for line in cohorts.iter().flat_map(|cohort| &cohort.profile) {
            let same = |cohort: &CohortView| {
                let units = cohort.units(Fold::All)?;
                let other =
                    cohort.profile.iter().find(|other| other.tag == line.tag && other.statistic == line.statistic)?;
                counts(other, units, everybody)
            };
            let told: Vec<(u64, u64)> = cohorts.iter().filter_map(same).collect();
            let Some((_, all)) = told.first() else { continue };
            let sum: u64 = told.iter().map(|(own, _)| own).sum();
            if cell.hides_between(sum, *all) {
                self.shares.insert(line.tag.clone());
            }
        }
    }

    fn withhold(&self, cohort: &mut CohortView, counted: &mut Counted) {
        for line in &mut cohort.profile {
            let tags = if line.statistic == TagStatistic::Mean { &self.means } else { &self.shares };
            if tags.contains(&line.tag) && line.everybody.is_some() {
                (line.cohort, line.everybody, line.standardised) = (None, None, None);
                counted.figures += 1;
            }
        }
    }
}

/// The units that a share counts, in the cohort and over everybody; `None` of a mean and of what is withheld.
fn counts(line: &TagDifference, units: u64, everybody: u64) -> Option<(u64, u64)> {
    let count = |share: f64, units: u64| (share * units as f64).round() as u64;
    match line.statistic {
        TagStatistic::Mean => None,
        TagStatistic::Share(_) | TagStatistic::Missing => {
            Some((count(line.cohort?, units), count(line.everybody?, everybody)))
        }
    }
}
