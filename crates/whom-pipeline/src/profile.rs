//! Who the units of a cohort are: sizes, and how their tags differ from everybody's.

use whom_query::{BinKind, Spread, TagBins};
use whom_report::{CohortSize, Fold, TagDifference, TagStatistic};
use whom_stats::BucketSet;

use crate::study::Study;

/// The units of a cohort by fold and arm, given its units by arm and those of everybody in any buckets.
pub(crate) fn sizes(study: &Study<'_>, units: impl Fn(&BucketSet) -> [Vec<u64>; 2]) -> Vec<CohortSize> {
    let mut sizes = Vec::new();
    for fold in [Fold::Discover, Fold::Measure, Fold::All] {
        let [own, everybody] = units(study.buckets(fold));
        for (arm, (units, whole)) in own.iter().zip(&everybody).enumerate() {
            sizes.push(CohortSize {
                fold,
                variant: study.variant(arm).to_owned(),
                units: Some(*units),
                share: (*whole > 0).then(|| *units as f64 / *whole as f64),
            });
        }
    }
    sizes
}

/// Some units and their tags.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Group {
    pub(crate) units: u64,
    pub(crate) tags: Vec<TagGroup>,
}

/// Some units by one tag.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TagGroup {
    /// The known values of a numeric tag; `None` without one.
    Numbers(Option<Spread>),
    /// The units by code of a categorical tag.
    Codes(Vec<u64>),
}

impl Group {
    /// The share of a code, or of the units that miss a number; `None` of nobody.
    fn share(&self, tag: usize, code: usize) -> Option<f64> {
        let units = match &self.tags[tag] {
            TagGroup::Numbers(known) => self.units - known.map_or(0, |known| known.values),
            TagGroup::Codes(units) => units.get(code).copied().unwrap_or(0),
        };
        (self.units > 0).then(|| units as f64 / self.units as f64)
    }
}

/// How the tags of a cohort differ from everybody's, the largest difference in standard deviations first.
///
/// A numeric tag is compared by its mean where it is known, a categorical one by the share of the level that differs
/// most, and either by the share of missing where some miss it.
pub(crate) fn profile(bins: &[TagBins], everybody: &Group, cohort: &Group) -> Vec<TagDifference> {
    let mut differences = Vec::new();
    for (place, bins) in bins.iter().enumerate() {
        let tag = Compared { bins, place, everybody, cohort };
        differences.extend(match &bins.kind {
            BinKind::Numeric { .. } => tag.mean_difference(),
            BinKind::Categorical { levels, .. } => tag.level_difference(levels),
        });
        if let Some(missing) = bins.missing() {
            differences.push(tag.share_difference(TagStatistic::Missing, usize::from(missing)));
        }
    }
    differences.sort_by(|one, other| size(other).total_cmp(&size(one)).then_with(|| one.tag.cmp(&other.tag)));
    differences
}

fn size(difference: &TagDifference) -> f64 {
    difference.standardised.map_or(-1.0, f64::abs)
}

/// A tag of a cohort beside everybody's.
struct Compared<'a> {
    bins: &'a TagBins,
    place: usize,
    everybody: &'a Group,
    cohort: &'a Group,
}

impl Compared<'_> {
    fn mean_difference(&self) -> Option<TagDifference> {
        let known = |group: &Group| match &group.tags[self.place] {
            TagGroup::Numbers(known) => *known,
            TagGroup::Codes(_) => None,
        };
        let everybody = known(self.everybody)?;
        let variance = everybody.squares / everybody.values as f64;
        let cohort = known(self.cohort).map(|known| known.mean);
        Some(self.difference(TagStatistic::Mean, cohort, everybody.mean, variance))
    }

    /// The level whose share differs most; the levels have the first codes.
    fn level_difference(&self, levels: &[String]) -> Option<TagDifference> {
        levels
            .iter()
            .enumerate()
            .map(|(code, level)| self.share_difference(TagStatistic::Share(level.clone()), code))
            .reduce(|most, next| if size(&next) > size(&most) { next } else { most })
    }

    fn share_difference(&self, statistic: TagStatistic, code: usize) -> TagDifference {
        let everybody = self.everybody.share(self.place, code).unwrap_or(0.0);
        let cohort = self.cohort.share(self.place, code);
        self.difference(statistic, cohort, everybody, everybody * (1.0 - everybody))
    }

    fn difference(&self, statistic: TagStatistic, cohort: Option<f64>, everybody: f64, variance: f64) -> TagDifference {
        let standardised = cohort.filter(|_| variance > 0.0).map(|cohort| (cohort - everybody) / variance.sqrt());
        TagDifference { tag: self.bins.name.clone(), statistic, cohort, everybody: Some(everybody), standardised }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{Array, ArrayRef, AsArray, Float64Array, StringArray};
    use datafusion::arrow::datatypes::Float64Type;
    use whom_query::BucketSums;
    use whom_spec::plan::{Codes, TagKind};

    use super::*;

    fn profiled(tags: &[(&str, ArrayRef, TagKind)], members: &[bool]) -> Vec<TagDifference> {
        let fit = |(name, values, kind): &(&str, ArrayRef, TagKind)| TagBins::fit(name, values, *kind, Codes::Bits8);
        let bins: Vec<TagBins> = tags.iter().map(|tag| fit(tag).unwrap()).collect();
        let group = |holds: &dyn Fn(bool) -> bool| Group {
            units: members.iter().filter(|member| holds(**member)).count() as u64,
            tags: bins.iter().zip(tags).map(|(bins, (_, values, _))| grouped(bins, values, members, holds)).collect(),
        };
        profile(&bins, &group(&|_| true), &group(&|member| member))
    }

    fn grouped(bins: &TagBins, values: &ArrayRef, members: &[bool], holds: &dyn Fn(bool) -> bool) -> TagGroup {
        let rows = (0..members.len()).filter(|row| holds(members[*row]));
        if let Some(numbers) = values.as_primitive_opt::<Float64Type>() {
            let mut sums = BucketSums::new(1.0, 1);
            rows.filter(|row| numbers.is_valid(*row)).for_each(|row| sums.add(0, 0, numbers.value(row)));
            return TagGroup::Numbers(sums.spread(0..1));
        }
        let codes = bins.encode(values).unwrap();
        let mut units = vec![0; bins.shape().codes];
        rows.for_each(|row| units[usize::from(codes.code(row))] += 1);
        TagGroup::Codes(units)
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
        let found = profiled(&[("age", age, TagKind::Numeric)], &[false, false, true, true]);
        let [age] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((&age.statistic, age.cohort, age.everybody), (&TagStatistic::Mean, Some(7.0), Some(5.0)));
        assert!((age.standardised.unwrap() - 2.0 / 5.0_f64.sqrt()).abs() < 1e-15);
    }

    #[test]
    fn a_categorical_tag_is_compared_by_the_level_that_differs_most() {
        let city = texts(&[Some("a"), Some("a"), Some("b"), Some("c")]);
        let found = profiled(&[("city", city, TagKind::Categorical { levels: 9 })], &[true, true, false, true]);
        let [city] = found.as_slice() else { panic!("{found:?}") };
        // `b`: 0 of 3 against 1 of 4, by far the rarest among members.
        assert_eq!(city.statistic, TagStatistic::Share("b".into()));
        assert_eq!((city.cohort, city.everybody), (Some(0.0), Some(0.25)));
        assert!((city.standardised.unwrap() + 0.25 / (0.25 * 0.75_f64).sqrt()).abs() < 1e-15);
    }

    #[test]
    fn what_units_miss_is_a_difference_too_and_the_largest_comes_first() {
        let age = numbers(&[None, None, Some(3.0), Some(3.0)]);
        let found = profiled(&[("age", age, TagKind::Numeric)], &[true, true, false, false]);
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
        let found = profiled(&[("age", numbers(&[None, None]), TagKind::Numeric)], &[true, false]);
        let [age] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((age.cohort, age.everybody, age.standardised), (Some(1.0), Some(1.0), None));
    }

    #[test]
    fn a_cohort_without_units_has_no_mean() {
        let found = profiled(&[("age", numbers(&[Some(1.0), Some(2.0)]), TagKind::Numeric)], &[false, false]);
        assert_eq!((found[0].cohort, found[0].everybody, found[0].standardised), (None, Some(1.5), None));
    }
}
