//! Effects by slice about too few units.
//!
//! The slices of a cohort add up to it, and the cohorts of a partition to everybody, so slices are withheld as a whole: all slices
//! of a cohort if one of them is too small, of all cohorts of the partition if it is one of them, and of everybody's all.

use std::collections::{BTreeMap, BTreeSet};

use super::SmallestCell;
use super::cohorts::HiddenCohorts;
use super::effects::HiddenMetrics;
use super::summary::Counted;
use crate::effect::EVERYBODY;
use crate::sliced::{SliceRow, SlicedBy, SlicedEffect, Steadiness};

/// What else is withheld, and who the cohorts of the partition are.
pub(super) struct Beside<'a> {
    pub(super) cohorts: &'a HiddenCohorts,
    pub(super) metrics: &'a HiddenMetrics,
    pub(super) partition: &'a [String],
}

/// The rows, those that tell of too few without their figures.
pub(super) fn withheld(
    cell: SmallestCell,
    rows: Vec<SlicedEffect>,
    beside: &Beside<'_>,
    counted: &mut Counted,
) -> Vec<SlicedEffect> {
    let hidden = hidden(cell, &rows, beside.partition);
    let shown = |row: SlicedEffect| {
        let key = (row.sliced_by.clone(), row.cohort.clone());
        let hides_metric = beside.metrics.hides(&row.metric, &row.cohort, beside.cohorts);
        if !hidden.contains(&key) && !hides_metric && !beside.metrics.hides_numbers(&row.metric) {
            return beside.metrics.told_slices(row);
        }
        counted.effects += if beside.cohorts.hides(&row.cohort) { 0 } else { row.slices.len() };
        without_figures(row, &cell.reason())
    };
    rows.into_iter().map(shown).collect()
}

/// Slicings and cohorts of which nothing is told.
fn hidden(cell: SmallestCell, rows: &[SlicedEffect], partition: &[String]) -> BTreeSet<(SlicedBy, String)> {
    let found = rows.iter().filter(|row| tells(cell, row, rows));
    let mut hidden: BTreeSet<_> = found.map(|row| (row.sliced_by.clone(), row.cohort.clone())).collect();
    hidden.extend(tells_discovery(cell, rows, partition).into_iter().map(|by| (by, EVERYBODY.to_owned())));
    for row in rows {
        let hides = |cohort: &String| hidden.contains(&(row.sliced_by.clone(), cohort.clone()));
        let is_part = partition.contains(&row.cohort);
        if hides(&EVERYBODY.to_owned()) || (is_part && partition.iter().any(hides)) {
            hidden.insert((row.sliced_by.clone(), row.cohort.clone()));
        }
    }
    hidden
}

/// Whether a row counts too few by itself, beside another metric of the same units, or beside everybody.
fn tells(cell: SmallestCell, row: &SlicedEffect, rows: &[SlicedEffect]) -> bool {
    let is_few = row.slices.iter().flat_map(numbers).any(|n| cell.hides(n));
    is_few
        || rows.iter().filter(|other| other.sliced_by == row.sliced_by && other.variant == row.variant).any(|other| {
            let is_beside = other.cohort == row.cohort || (other.cohort == EVERYBODY && other.metric == row.metric);
            let both = row.slices.iter().flat_map(numbers).zip(other.slices.iter().flat_map(numbers));
            is_beside && both.into_iter().any(|(one, other)| cell.hides_between(one, other))
        })
}

/// The slicings in which everybody less the cohorts of the partition, which are measured on one fold, leaves too few of the others.
fn tells_discovery(cell: SmallestCell, rows: &[SlicedEffect], partition: &[String]) -> BTreeSet<SlicedBy> {
    let mut sums = BTreeMap::<(&SlicedBy, &str, &str), Vec<u64>>::new();
    for row in rows.iter().filter(|row| partition.contains(&row.cohort)) {
        let sum = sums.entry((&row.sliced_by, &row.metric, &row.variant)).or_default();
        let numbers: Vec<u64> = row.slices.iter().flat_map(numbers).collect();
        sum.resize(sum.len().max(numbers.len()), 0);
        sum.iter_mut().zip(numbers).for_each(|(sum, n)| *sum += n);
    }
    let everybody = rows.iter().filter(|row| row.cohort == EVERYBODY);
    let told = everybody.filter(|row| {
        let sum = sums.get(&(&row.sliced_by, row.metric.as_str(), row.variant.as_str()));
        let both = sum.into_iter().flatten().zip(row.slices.iter().flat_map(numbers));
        both.into_iter().any(|(sum, whole)| cell.hides_between(*sum, whole))
    });
    told.map(|row| row.sliced_by.clone()).collect()
}

fn numbers(slice: &SliceRow) -> impl Iterator<Item = u64> {
    [slice.n_control, slice.n_variant].into_iter().flatten()
}

/// The row with its key and nothing else: every field is named, so that a new one does not compile until it is decided.
fn without_figures(row: SlicedEffect, reason: &str) -> SlicedEffect {
    let slice = |slice: SliceRow| SliceRow {
        slice: slice.slice,
        estimate: None,
        std_err: None,
        interval: None,
        unreliable: None,
        not_estimable: Some(reason.to_owned()),
        n_control: None,
        n_variant: None,
        mean_control: None,
        mean_variant: None,
    };
    SlicedEffect {
        sliced_by: row.sliced_by,
        metric: row.metric,
        role: row.role,
        variant: row.variant,
        cohort: row.cohort,
        evidence: row.evidence,
        family: row.family,
        level: row.level,
        found: Steadiness::NotTested,
        not_tested: Some(reason.to_owned()),
        p_differences: None,
        trend: None,
        trend_std_err: None,
        p_trend: None,
        p_value: None,
        p_value_adjusted: None,
        correction: row.correction,
        slices: row.slices.into_iter().map(slice).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use crate::results::Results;

    /// The slices that are shown with an estimate, by slicing and cohort.
    fn shown(bound: u64, change: impl Fn(&mut Results)) -> Vec<String> {
        let mut results = fixture::sliced();
        change(&mut results);
        let results = SmallestCell::new(bound).unwrap().apply(results).unwrap();
        let rows = results.slices.iter().filter(|row| row.slices.iter().any(|slice| slice.n_control.is_some()));
        rows.map(|row| format!("{:?} {} {}", row.sliced_by, row.variant, row.cohort)).collect()
    }

    fn week(results: &mut Results, cohort: &str, units: u64) {
        let rows = results.slices.iter_mut().filter(|row| row.cohort == cohort && row.sliced_by == SlicedBy::Week);
        rows.for_each(|row| row.slices[0].n_variant = Some(units));
    }

    #[test]
    fn large_slices_stay() {
        assert_eq!(shown(50, |_| {}).len(), 5);
    }

    #[test]
    fn a_small_week_of_a_cohort_takes_the_weeks_of_the_partition_with_it() {
        let left = shown(50, |results| week(results, "3", 20));
        assert_eq!(left.len(), 3, "{left:?}");
        assert!(left.iter().all(|row| row.ends_with(" all")));
    }

    #[test]
    fn a_small_week_of_everybody_takes_all_weeks_and_no_other_slicing() {
        assert_eq!(shown(50, |results| week(results, EVERYBODY, 20)), ["Tag(\"channel\") Womens E-Mail all"]);
    }

    #[test]
    fn what_is_withheld_has_no_figure_and_a_reason() {
        let mut results = fixture::sliced();
        week(&mut results, EVERYBODY, 20);
        let results = SmallestCell::new(50).unwrap().apply(results).unwrap();
        let row = &results.slices[1];
        assert_eq!((row.found, row.trend, row.p_value_adjusted), (Steadiness::NotTested, None, None));
        assert!(row.slices.iter().all(|slice| slice.estimate.is_none() && slice.not_estimable.is_some()));
        assert_eq!(SmallestCell::new(50).unwrap().apply(results.clone()).unwrap().slices, results.slices);
    }

    #[test]
    fn a_reason_counts_nobody_below_the_bound() {
        let few = || Some("an arm has 9 events where 50 are needed".to_owned());
        let mut results = fixture::sliced();
        results.slices[0].slices[0].unreliable = few();
        results.slices[0].not_tested = few();
        let results = SmallestCell::new(20).unwrap().apply(results).unwrap();
        let row = &results.slices[0];
        assert!(row.slices[0].n_control.is_some(), "the slice itself is large");
        let reason = SmallestCell::new(20).unwrap().reason();
        assert_eq!((row.slices[0].unreliable.as_ref(), row.not_tested.as_ref()), (Some(&reason), Some(&reason)));
    }
}
