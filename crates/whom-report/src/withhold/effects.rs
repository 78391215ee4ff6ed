//! Effects about too few units.

use std::collections::BTreeSet;

use super::SmallestCell;
use super::checks::counts_in;
use super::cohorts::HiddenCohorts;
use super::summary::Counted;
use crate::cohort::{CohortView, Fold};
use crate::effect::{EVERYBODY, EffectRow, Estimand};
use crate::replication::FindingPart;
use crate::results::{EffectKey, Results};
use crate::sliced::{SliceRow, SlicedEffect};
use crate::tree::NodeEffect;

/// What is withheld of metrics.
pub(super) struct HiddenMetrics {
    cell: SmallestCell,
    /// Metric and cohort.
    rows: BTreeSet<(String, String)>,
    /// Metric and variant whose effect by first exposure would tell who saw several variants.
    by_first_exposure: BTreeSet<(String, String)>,
    /// The metrics whose numbers of units would tell how many have no value.
    numbers: BTreeSet<String>,
}

impl HiddenMetrics {
    pub(super) fn of(cell: SmallestCell, results: &Results, cohorts: &HiddenCohorts) -> Self {
        let mut hidden =
            Self { cell, rows: BTreeSet::new(), by_first_exposure: BTreeSet::new(), numbers: BTreeSet::new() };
        for row in results.effects.iter().filter(|row| !cohorts.hides(&row.cohort)) {
            let key = (row.metric.clone(), row.variant.clone());
            if row.estimand == Estimand::EffectByFirstExposure {
                hidden.by_first_exposure.extend(hidden.tells_several(results, row).then_some(key));
            } else if numbers(row).any(|n| cell.hides(n))
                || hidden.tells_rest(results, row)
                || hidden.tells_a_few(results, row)
            {
                hidden.rows.insert((row.metric.clone(), row.cohort.clone()));
            } else if hidden.tells_missing(results, row) {
                hidden.numbers.insert(row.metric.clone());
            }
        }
        hidden.spread_over(results.discovered().iter());
        hidden.spread_over(results.registered.iter().filter(|cohort| cohort.is_frozen()));
        for node in results.trees.iter().flat_map(|tree| &tree.nodes) {
            hidden.compare_metrics(&node.discovery);
            hidden.compare_metrics(&node.measuring);
        }
        hidden
    }

    /// The row, without what is withheld of it.
    pub(super) fn row(&self, row: EffectRow, cohorts: &HiddenCohorts, counted: &mut Counted) -> EffectRow {
        let by_first_exposure = row.estimand == Estimand::EffectByFirstExposure
            && self.by_first_exposure.contains(&(row.metric.clone(), row.variant.clone()));
        if by_first_exposure || self.hides(&row.metric, &row.cohort, cohorts) {
            counted.effects += usize::from(!cohorts.hides(&row.cohort));
            return withheld(row, self.cell.reason());
        }
        let hides_numbers = self.hides_numbers(&row.metric);
        self.told(row, hides_numbers)
    }

    /// A row that is shown, its reasons without counts of too few, and without numbers of clusters that are too few and what tells them. A
    /// sequence is as wide as its units are many, so it goes with them.
    pub(super) fn told(&self, row: EffectRow, hides_numbers: bool) -> EffectRow {
        let shown = |n: Option<u64>| n.filter(|_| !hides_numbers);
        let clusters = [row.clusters_control, row.clusters_variant];
        // One of the two would tell the other where their sum is known.
        let hides_clusters = clusters.into_iter().flatten().any(|n| self.cell.hides(n));
        let [clusters_control, clusters_variant] = clusters.map(|n| shown(n).filter(|_| !hides_clusters));
        EffectRow {
            clusters_control,
            clusters_variant,
            cluster_errors: row.cluster_errors.filter(|_| !hides_numbers && !hides_clusters),
            n_control: shown(row.n_control),
            n_variant: shown(row.n_variant),
            sequence: row.sequence.filter(|_| !hides_numbers),
            unreliable: row.unreliable.map(|reason| self.worded(reason)),
            not_estimable: row.not_estimable.map(|reason| self.worded(reason)),
            ..row
        }
    }

    /// Slices that are shown, their reasons without counts of too few.
    pub(super) fn told_slices(&self, row: SlicedEffect) -> SlicedEffect {
        let slice = |slice: SliceRow| SliceRow {
            unreliable: slice.unreliable.map(|reason| self.worded(reason)),
            not_estimable: slice.not_estimable.map(|reason| self.worded(reason)),
            ..slice
        };
        SlicedEffect {
            not_tested: row.not_tested.map(|reason| self.worded(reason)),
            slices: row.slices.into_iter().map(slice).collect(),
            ..row
        }
    }

    /// A part of a finding that is shown, its reasons without counts of too few.
    pub(super) fn told_part(&self, part: FindingPart) -> FindingPart {
        FindingPart {
            unreliable: part.unreliable.map(|reason| self.worded(reason)),
            not_judged: part.not_judged.map(|reason| self.worded(reason)),
            ..part
        }
    }

    /// Whether nothing is told of a metric in a cohort.
    pub(super) fn hides(&self, metric: &str, cohort: &str, cohorts: &HiddenCohorts) -> bool {
        cohorts.hides(cohort) || self.rows.contains(&(metric.to_owned(), cohort.to_owned()))
    }

    /// Whether the numbers of units with a value are withheld.
    pub(super) fn hides_numbers(&self, metric: &str) -> bool {
        self.numbers.contains(metric)
    }

    /// A reason, if it counts not too few.
    pub(super) fn worded(&self, reason: String) -> String {
        if counts_in(&reason).any(|count| self.cell.hides(count)) { self.cell.reason() } else { reason }
    }

    /// A metric that is withheld in one cohort of the partition is so in all of them.
    fn spread_over<'a>(&mut self, partition: impl Iterator<Item = &'a CohortView>) {
        let names: Vec<&str> = partition.map(|cohort| cohort.name.as_str()).collect();
        let found = self.rows.iter().filter(|(_, cohort)| names.contains(&cohort.as_str()));
        let metrics: BTreeSet<String> = found.map(|(metric, _)| metric.clone()).collect();
        let all = metrics.iter().flat_map(|metric| names.iter().map(|name| (metric.clone(), (*name).to_owned())));
        self.rows.extend(all.collect::<Vec<_>>());
    }

    /// Whether the row's numbers beside those of all exposed units tell of too few in several variants.
    fn tells_several(&self, results: &Results, row: &EffectRow) -> bool {
        let key =
            EffectKey { metric: &row.metric, variant: &row.variant, cohort: &row.cohort, estimand: Estimand::Effect };
        let few = numbers(row).any(|n| self.cell.hides(n));
        few || results.effect(key).is_some_and(|effect| {
            numbers(row).zip(numbers(effect)).any(|(one, other)| self.cell.hides_between(one, other))
        })
    }

    /// Whether the row of a pre-registered cohort, beside that of everybody, tells of too few others.
    fn tells_rest(&self, results: &Results, row: &EffectRow) -> bool {
        if !results.registered.iter().any(|cohort| cohort.name == row.cohort) {
            return false;
        }
        let everybody = results.average(&row.metric, &row.variant, Estimand::Effect);
        everybody.is_some_and(|all| numbers(row).zip(numbers(all)).any(|(n, all)| self.cell.hides_between(n, all)))
    }

    /// Takes note of metrics whose numbers of units in a node tell how few have no value, beside those of another metric.
    fn compare_metrics(&mut self, effects: &[NodeEffect]) {
        for (one, other) in effects.iter().flat_map(|one| effects.iter().map(move |other| (one, other))) {
            let control = one.n_control.zip(other.n_control);
            let variant = one.n_variant.zip(other.n_variant).filter(|_| one.variant == other.variant);
            let tells = |(one, other): (u64, u64)| one < other && self.cell.hides(other - one);
            if control.is_some_and(tells) || variant.is_some_and(tells) {
                self.numbers.insert(one.metric.clone());
            }
        }
    }

    /// Whether the quantile of an arm is the value of one of too few units.
    fn tells_a_few(&self, results: &Results, row: &EffectRow) -> bool {
        let quantile = results.metric(&row.metric).and_then(|metric| metric.quantile);
        let is_few = |side: u64| side < self.cell.0;
        quantile.is_some_and(|quantile| numbers(row).any(|n| n > 0 && quantile.sides(n).into_iter().any(is_few)))
    }

    /// Whether the row's numbers beside the sizes of its cohort tell of too few without a value.
    fn tells_missing(&self, results: &Results, row: &EffectRow) -> bool {
        let control = results.variants.first().map(|variant| variant.name.as_str());
        let arms = [(control, row.n_control), (Some(row.variant.as_str()), row.n_variant)];
        arms.into_iter().any(|(arm, n)| {
            let size = arm.and_then(|arm| size(results, &row.cohort, arm));
            size.zip(n).is_some_and(|(size, n)| self.cell.hides_between(size, n))
        })
    }
}

/// The units of an arm that a cohort's effects are measured on.
fn size(results: &Results, cohort: &str, arm: &str) -> Option<u64> {
    if cohort == EVERYBODY {
        return results.variants.iter().find(|variant| variant.name == arm).map(|variant| variant.units);
    }
    let of = |cohorts: &[CohortView], fold: Fold| {
        let cohort = cohorts.iter().find(|view| view.name == cohort)?;
        cohort.sizes.iter().find(|size| size.fold == fold && size.variant == arm)?.units
    };
    of(results.discovered(), Fold::Measure).or_else(|| of(&results.registered, Fold::All))
}

pub(super) fn numbers(row: &EffectRow) -> impl Iterator<Item = u64> {
    [row.n_control, row.n_variant].into_iter().flatten()
}

/// The row with its key and nothing else: every field is named, so that a new one does not compile until it is decided.
pub(super) fn withheld(row: EffectRow, reason: String) -> EffectRow {
    EffectRow {
        metric: row.metric,
        role: row.role,
        variant: row.variant,
        cohort: row.cohort,
        evidence: row.evidence,
        family: row.family,
        estimand: row.estimand,
        method: row.method,
        reference: row.reference,
        estimate: None,
        std_err: None,
        interval: None,
        individual_interval: None,
        level: row.level,
        alternative: row.alternative,
        p_value: None,
        p_value_adjusted: None,
        correction: row.correction,
        unreliable: None,
        not_estimable: Some(reason),
        n_control: None,
        n_variant: None,
        mean_control: None,
        mean_variant: None,
        variance_reduction: None,
        clusters_control: None,
        clusters_variant: None,
        cluster_errors: None,
        sequence: None,
        holds: row.holds,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn few_clusters_are_not_counted() {
        let mut results = fixture::no_discovery();
        for (row, clusters) in results.effects.iter_mut().zip([49, 50].into_iter().cycle()) {
            (row.clusters_control, row.clusters_variant) = (Some(900), Some(clusters));
            row.cluster_errors = Some(fixture::CLUSTER_ERRORS);
        }
        let shown = SmallestCell::new(50).unwrap().apply(results).unwrap();
        for (place, row) in shown.effects.iter().enumerate() {
            let expected = if place % 2 == 0 { (None, None) } else { (Some(900), Some(50)) };
            assert_eq!((row.clusters_control, row.clusters_variant), expected);
            assert_eq!(
                row.cluster_errors.is_some(),
                expected.0.is_some(),
                "what tells how many there are goes with them"
            );
        }
    }
}
