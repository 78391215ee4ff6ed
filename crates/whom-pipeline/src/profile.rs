//! Who the units of a cohort are: sizes, and how their tags differ from everybody's.

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::Float64Type;
use whom_query::{BinKind, TagBins};
use whom_report::{CohortSize, Fold, TagDifference, TagStatistic};
use whom_stats::CellStatistics;

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
/// most, and either by the share of missing where some miss it. Sums run in the order of the unit table.
pub(crate) fn profile(study: &Study<'_>, members: &[bool]) -> Vec<TagDifference> {
    let mut differences = Vec::new();
    for (bins, values) in study.units.bins.iter().zip(&study.units.tags) {
        differences.extend(match &bins.kind {
            BinKind::Numeric { .. } => mean_difference(bins, values, members),
            BinKind::Categorical { levels, .. } => level_difference(bins, levels, values, members),
        });
        if bins.has_missing {
            differences.push(missing_difference(bins, values, members));
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

fn level_difference(bins: &TagBins, levels: &[String], values: &ArrayRef, members: &[bool]) -> Option<TagDifference> {
    let values = values.as_string::<i32>();
    levels
        .iter()
        .map(|level| {
            let has = |row: usize| values.is_valid(row) && values.value(row) == level;
            share_difference(bins, TagStatistic::Share(level.clone()), members, &has)
        })
        .reduce(|most, next| {
            let size = |difference: &TagDifference| difference.standardised.map_or(-1.0, f64::abs);
            if size(&next) > size(&most) { next } else { most }
        })
}

fn missing_difference(bins: &TagBins, values: &ArrayRef, members: &[bool]) -> TagDifference {
    share_difference(bins, TagStatistic::Missing, members, &|row| values.is_null(row))
}

fn share_difference(
    bins: &TagBins,
    statistic: TagStatistic,
    members: &[bool],
    has: &dyn Fn(usize) -> bool,
) -> TagDifference {
    let share = |rows: &mut dyn Iterator<Item = usize>| mean(rows.map(|row| f64::from(u8::from(has(row)))));
    let everybody = share(&mut (0..members.len())).unwrap_or(0.0);
    let cohort = share(&mut (0..members.len()).filter(|row| members[*row]));
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
