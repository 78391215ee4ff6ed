//! Finding rows of the effects by what they are about, with their place in `effects.parquet`.

use std::collections::BTreeMap;

use crate::effect::{EffectRow, Estimand};
use crate::results::{EffectKey, Results};

type Key<'a> = (&'a str, &'a str, &'a str, Estimand);

/// A row and its place among all, which is its place in `effects.parquet`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'a> {
    pub(super) place: usize,
    pub(super) row: &'a EffectRow,
}

/// The results, with their effects by key.
pub(super) struct Indexed<'a> {
    pub(super) results: &'a Results,
    rows: BTreeMap<Key<'a>, Found<'a>>,
}

impl<'a> Indexed<'a> {
    pub(super) fn new(results: &'a Results) -> Self {
        let mut rows: BTreeMap<Key<'a>, Found<'a>> = BTreeMap::new();
        for (place, row) in results.effects.iter().enumerate() {
            let key = (row.metric.as_str(), row.variant.as_str(), row.cohort.as_str(), row.estimand);
            let found = Found { place, row };
            let strictest = rows.entry(key).or_insert(found);
            if row.family < strictest.row.family {
                *strictest = found;
            }
        }
        Self { results, rows }
    }

    /// The row of a key; of several, the first of the strictest family, as [`Results::effect`] gives it.
    pub(super) fn effect(&self, key: EffectKey<'_>) -> Option<Found<'a>> {
        self.rows.get(&(key.metric, key.variant, key.cohort, key.estimand)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn the_index_finds_what_the_results_find() {
        let results = fixture::registered();
        let indexed = Indexed::new(&results);
        for row in &results.effects {
            let key =
                EffectKey { metric: &row.metric, variant: &row.variant, cohort: &row.cohort, estimand: row.estimand };
            let found = indexed.effect(key).expect("a row");
            assert_eq!(Some(found.row), results.effect(key));
            assert_eq!(&results.effects[found.place], found.row);
        }
    }
}
