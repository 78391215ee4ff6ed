//! Who the units of a cohort are: sizes, and how their tags differ from everybody's.

use datafusion::arrow::array::{ArrayRef, AsArray};
use datafusion::arrow::datatypes::Float64Type;
use whom_query::{BinKind, TagBins};
use whom_report::{CohortSize, Fold, TagDifference, TagStatistic};
use whom_stats::{CellStatistics, CodeColumn};

use crate::study::Study;

/// The units of a cohort by fold and arm.
pub(crate) fn sizes(study: &Study<'_>, cells: &CellStatistics, cell: usize) -> Vec<CohortSize> {
    let mut sizes = Vec::new();
    for fold in [Fold::Discover, Fold::Measure, Fold::All] {
        let buckets = study.buckets(fold);
        let (own, everybody) = (cells.sum(cell, buckets), cells.pooled(buckets));
        for (arm, (units, whole)) in own.units.iter().zip(&everybody.units).enumerate() {
            sizes.push(CohortSize {
                fold,
                variant: study.variant(arm).to_owned(),
                units: *units,
                share: (*whole > 0).then(|| *units as f64 / *whole as f64),
            });
        }
    }
    sizes
}

/// How the tags of the members differ from everybody's, the largest difference in standard deviations first.
///
/// A numeric tag is compared by its mean where it is known, a categorical one by the share of the level that differs
/// most, and either by the share of missing where some miss it. The tags' values and codes and the members are in the order
/// of the unit table, in which sums run.
pub(crate) fn profile(
    bins: &[TagBins],
    tags: &[ArrayRef],
    codes: &[CodeColumn],
    members: &[bool],
) -> Vec<TagDifference> {
    let mut differences = Vec::new();
    for ((bins, values), codes) in bins.iter().zip(tags).zip(codes) {
        let counts = CodeCounts::of(codes, members);
        differences.extend(match &bins.kind {
            BinKind::Numeric { .. } => mean_difference(bins, values, members),
            BinKind::Categorical { levels, .. } => level_difference(bins, levels, &counts),
        });
        if let Some(missing) = bins.missing() {
            differences.push(share_difference(bins, TagStatistic::Missing, &counts, usize::from(missing)));
        }
    }
    let size = |difference: &TagDifference| difference.standardised.map_or(-1.0, f64::abs);
    differences.sort_by(|one, other| size(other).total_cmp(&size(one)).then_with(|| one.tag.cmp(&other.tag)));
    differences
}

fn mean_difference(bins: &TagBins, values: &ArrayRef, members: &[bool]) -> Option<TagDifference> {
    let values = values.as_primitive::<Float64Type>();
    let known: Vec<(f64, bool)> =
        values.iter().zip(members).filter_map(|(value, member)| value.map(|value| (value, *member))).collect();
    let everybody = mean(known.iter().map(|(value, _)| *value))?;
    let cohort = mean(known.iter().filter(|(_, member)| *member).map(|(value, _)| *value));
    let variance = mean(known.iter().map(|(value, _)| (value - everybody) * (value - everybody)))?;
    Some(difference(bins, TagStatistic::Mean, cohort, everybody, variance))
}

/// Units by code.
struct CodeCounts {
    /// Everybody's and the members', by code.
    by_code: Vec<[u64; 2]>,
    /// All of them.
    units: [u64; 2],
}

impl CodeCounts {
    fn of(codes: &CodeColumn, members: &[bool]) -> Self {
        let mut by_code: Vec<[u64; 2]> = Vec::new();
        for (row, member) in members.iter().enumerate() {
            let code = usize::from(codes.code(row));
            if code >= by_code.len() {
                by_code.resize(code + 1, [0; 2]);
            }
            by_code[code][0] += 1;
            by_code[code][1] += u64::from(*member);
        }
        let units = [0, 1].map(|group| by_code.iter().map(|counts| counts[group]).sum());
        Self { by_code, units }
    }

    /// The shares of a code among everybody and among members; none of nobody.
    fn shares(&self, code: usize) -> [Option<f64>; 2] {
        let counts = self.by_code.get(code).copied().unwrap_or_default();
        [0, 1].map(|group| (self.units[group] > 0).then(|| counts[group] as f64 / self.units[group] as f64))
    }
}

/// The level whose share differs most; the levels have the first codes.
fn level_difference(bins: &TagBins, levels: &[String], counts: &CodeCounts) -> Option<TagDifference> {
    let size = |difference: &TagDifference| difference.standardised.map_or(-1.0, f64::abs);
    levels
        .iter()
        .enumerate()
        .map(|(code, level)| share_difference(bins, TagStatistic::Share(level.clone()), counts, code))
        .reduce(|most, next| if size(&next) > size(&most) { next } else { most })
}

fn share_difference(bins: &TagBins, statistic: TagStatistic, counts: &CodeCounts, code: usize) -> TagDifference {
    let [everybody, cohort] = counts.shares(code);
    let everybody = everybody.unwrap_or(0.0);
    difference(bins, statistic, cohort, everybody, everybody * (1.0 - everybody))
}

fn difference(
    bins: &TagBins,
    statistic: TagStatistic,
    cohort: Option<f64>,
    everybody: f64,
    variance: f64,
) -> TagDifference {
    let standardised = cohort.filter(|_| variance > 0.0).map(|cohort| (cohort - everybody) / variance.sqrt());
    TagDifference { tag: bins.name.clone(), statistic, cohort, everybody: Some(everybody), standardised }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0_u64), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / count as f64)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{Float64Array, StringArray};
    use whom_spec::plan::{Codes, TagKind};

    use super::*;

    fn profiled(tags: Vec<(&str, ArrayRef, TagKind)>, members: &[bool]) -> Vec<TagDifference> {
        let bins: Vec<TagBins> =
            tags.iter().map(|(name, values, kind)| TagBins::fit(name, values, *kind, Codes::Bits8)).collect();
        let values: Vec<ArrayRef> = tags.into_iter().map(|(_, values, _)| values).collect();
        let codes: Vec<CodeColumn> = bins.iter().zip(&values).map(|(bins, values)| bins.encode(values)).collect();
        profile(&bins, &values, &codes, members)
    }

    fn numbers(values: &[Option<f64>]) -> ArrayRef {
        Arc::new(Float64Array::from(values.to_vec()))
    }

    fn texts(values: &[Option<&str>]) -> ArrayRef {
        Arc::new(StringArray::from(values.to_vec()))
    }

    #[test]
    fn a_numeric_tag_is_compared_by_its_mean() {
        // Everybody: mean 5, variance 5; the cohort: mean 7. 2 / sqrt(5) = 0.894...
        let age = numbers(&[Some(2.0), Some(4.0), Some(6.0), Some(8.0)]);
        let found = profiled(vec![("age", age, TagKind::Numeric)], &[false, false, true, true]);
        let [age] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((&age.statistic, age.cohort, age.everybody), (&TagStatistic::Mean, Some(7.0), Some(5.0)));
        assert!((age.standardised.unwrap() - 2.0 / 5.0_f64.sqrt()).abs() < 1e-15);
    }

    #[test]
    fn a_categorical_tag_is_compared_by_the_level_that_differs_most() {
        let city = texts(&[Some("a"), Some("a"), Some("b"), Some("c")]);
        let found = profiled(vec![("city", city, TagKind::Categorical { levels: 9 })], &[true, true, false, true]);
        let [city] = found.as_slice() else { panic!("{found:?}") };
        // `b`: 0 of 3 against 1 of 4, by far the rarest among members.
        assert_eq!(city.statistic, TagStatistic::Share("b".into()));
        assert_eq!((city.cohort, city.everybody), (Some(0.0), Some(0.25)));
        assert!((city.standardised.unwrap() + 0.25 / (0.25 * 0.75_f64).sqrt()).abs() < 1e-15);
    }

    #[test]
    fn what_units_miss_is_a_difference_too_and_the_largest_comes_first() {
        let age = numbers(&[None, None, Some(3.0), Some(3.0)]);
        let found = profiled(vec![("age", age, TagKind::Numeric)], &[true, true, false, false]);
        assert_eq!(
            found.iter().map(|difference| &difference.statistic).collect::<Vec<_>>(),
            [&TagStatistic::Missing, &TagStatistic::Mean]
        );
        assert_eq!((found[0].cohort, found[0].everybody, found[0].standardised), (Some(1.0), Some(0.5), Some(1.0)));
        assert_eq!(
            (found[1].cohort, found[1].standardised),
            (None, None),
            "no member has an age, and ages do not vary"
        );
    }

    #[test]
    fn a_tag_that_nobody_has_has_only_a_missing_share() {
        let found = profiled(vec![("age", numbers(&[None, None]), TagKind::Numeric)], &[true, false]);
        let [age] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((age.cohort, age.everybody, age.standardised), (Some(1.0), Some(1.0), None));
    }

    #[test]
    fn a_cohort_without_units_has_no_mean() {
        let found = profiled(vec![("age", numbers(&[Some(1.0), Some(2.0)]), TagKind::Numeric)], &[false, false]);
        assert_eq!((found[0].cohort, found[0].everybody, found[0].standardised), (None, Some(1.5), None));
    }
}
