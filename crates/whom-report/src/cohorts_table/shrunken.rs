//! The shrunken effects of each cohort as a list.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, ListArray, StringArray};
use arrow::error::ArrowError;
use whom_stats::{Interval, Prior};

use super::list;
use crate::cohort::CohortView;
use crate::parquet_file::finite;
use crate::results::Results;
use crate::shrunken::{ShrunkenEffect, ShrunkenEffects};

/// A cohort's effect under one model.
type Entry<'a> = (&'a ShrunkenEffects, &'a ShrunkenEffect);

/// A list per cohort, with an entry per treatment and metric; empty for cohorts that are no part of the partition.
pub(super) fn shrunken(results: &Results, cohorts: &[&CohortView]) -> Result<ListArray, ArrowError> {
    let of_cohort = |cohort: &CohortView| -> Vec<Entry<'_>> {
        let in_partition = cohort.rule().is_some();
        let models = results.shrunken_effects.iter().filter(|_| in_partition);
        models
            .filter_map(|model| Some((model, model.cohorts.iter().find(|found| found.cohort == cohort.name)?)))
            .collect()
    };
    let entries: Vec<Vec<Entry<'_>>> = cohorts.iter().map(|cohort| of_cohort(cohort)).collect();
    let words = |word: fn(&Entry<'_>) -> Option<String>| -> ArrayRef {
        Arc::new(entries.iter().flatten().map(word).collect::<StringArray>())
    };
    let numbers = |number: fn(&Entry<'_>) -> Option<f64>| -> ArrayRef {
        Arc::new(entries.iter().flatten().map(|entry| finite(number(entry))).collect::<Float64Array>())
    };
    let columns: Vec<(&str, bool, ArrayRef)> = vec![
        ("metric", false, words(|(model, _)| Some(model.metric.clone()))),
        ("variant", false, words(|(model, _)| Some(model.variant.clone()))),
        ("model", false, words(|(model, _)| Some(model.model.clone()))),
        ("prior", true, words(|(model, _)| model.prior.map(|prior| prior_word(prior).to_owned()))),
        ("prior_scale", true, numbers(|(model, _)| model.prior.and_then(prior_scale))),
        ("estimate", true, numbers(|(_, effect)| effect.estimate)),
        ("std_dev", true, numbers(|(_, effect)| effect.std_dev)),
        ("ci_lower", true, numbers(|(_, effect)| effect.interval.map(|Interval { lower, .. }| lower))),
        ("ci_upper", true, numbers(|(_, effect)| effect.interval.map(|Interval { upper, .. }| upper))),
        ("level", true, numbers(|(model, _)| Some(model.level))),
        ("positive", true, numbers(|(_, effect)| effect.positive)),
        ("best", true, numbers(|(_, effect)| effect.best)),
        ("shrinkage", true, numbers(|(_, effect)| effect.shrinkage)),
        ("unreliable", true, words(|(_, effect)| effect.unreliable.clone())),
        ("not_estimable", true, words(|(_, effect)| effect.not_estimable.clone())),
    ];
    list(columns, entries.iter().map(Vec::len))
}

fn prior_word(prior: Prior) -> &'static str {
    match prior {
        Prior::Rayleigh { .. } => "rayleigh",
        Prior::HalfNormal { .. } => "half_normal",
        Prior::HalfCauchy { .. } => "half_cauchy",
        Prior::Flat => "flat",
    }
}

fn prior_scale(prior: Prior) -> Option<f64> {
    match prior {
        Prior::Rayleigh { scale } | Prior::HalfNormal { scale } | Prior::HalfCauchy { scale } => Some(scale),
        Prior::Flat => None,
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray};

    use crate::cohorts_table::cohorts_batch;
    use crate::fixture;

    #[test]
    fn only_cohorts_of_the_partition_are_drawn_to_each_other() {
        let results = fixture::registered();
        let batch = cohorts_batch(&results).expect("a batch");
        let lists = batch.column_by_name("shrunken").expect("a column").as_list::<i32>();
        let lengths: Vec<usize> = (0..lists.len()).map(|row| lists.value(row).len()).collect();
        assert_eq!(lengths, [2, 2, 2, 2, 0]);
        let fields = lists.value(0);
        let priors = fields.as_struct().column_by_name("prior").expect("a field").as_string::<i32>();
        assert_eq!(priors.value(0), "rayleigh");
    }
}
