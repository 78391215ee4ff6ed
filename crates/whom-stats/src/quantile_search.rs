//! A quantile and its error from looks at values that nobody holds together: exact, ties included, in at most 96 KiB.
//!
//! The first look tells how many values there are, and with that the [ranks](QuantileRanks) of the quantile and of the ends of
//! its interval. Further looks narrow all three, those that lie in one bin together. Looks at parts of the values add up, in
//! any order.

use crate::estimate::NotEstimable;
use crate::grid::Grid;
use crate::quantile_effect::{AtRanks, QuantileArm, QuantileRanks};
use crate::rank_search::{Narrowed, RankSearch};
use crate::value_counts::Percentile;

/// A search for the quantile of one value per unit.
///
/// ```
/// use whom_stats::{Grid, Percentile, QuantileSearch};
///
/// let mut search = QuantileSearch::new(Percentile::new(0.5)?);
/// while !search.is_done() {
///     (0..1_000).for_each(|value| search.push(value));
///     search = search.narrow();
/// }
/// let median = search.found(Grid::INTEGER);
/// assert_eq!((median.units, median.value), (1_000, Some(499.0)));
/// assert!((median.arm?.variance.sqrt() - 62.0 / 3.92).abs() < 0.3, "31 ranks to either side");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct QuantileSearch {
    percentile: Percentile,
    /// The looks that are needed yet.
    looks: Vec<RankSearch>,
    /// What is sought, once it is known how many values there are.
    sought: Option<Sought>,
}

#[derive(Clone, Debug)]
struct Sought {
    units: u64,
    ranks: Result<QuantileRanks, NotEstimable>,
    /// The rank of the quantile, and those of the ends of its interval if it has one; none without a value.
    places: Vec<Place>,
}

/// A rank, and how far the search for it is.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// By the place of the look that gets nearer to it.
    Looking {
        rank: u64,
        look: usize,
    },
    Found {
        value: i64,
        ties: u64,
    },
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FoundQuantile {
    /// Units with a value.
    pub units: u64,
    /// The quantile; `None` without a unit.
    pub value: Option<f64>,
    /// The same with its error, or why it has none.
    pub arm: Result<QuantileArm, NotEstimable>,
}

impl QuantileSearch {
    /// The first look.
    pub fn new(percentile: Percentile) -> Self {
        Self { percentile, looks: vec![RankSearch::new()], sought: None }
    }

    /// Counts a value. Every look has to see every value.
    #[inline]
    pub fn push(&mut self, value: i64) {
        self.looks.iter_mut().for_each(|look| look.push(value));
    }

    /// Adds the same look at other values.
    pub fn add(&mut self, other: &Self) {
        self.looks.iter_mut().zip(&other.looks).for_each(|(look, other)| look.add(other));
    }

    /// Whether no look is needed any more.
    pub fn is_done(&self) -> bool {
        self.looks.is_empty()
    }

    /// The next look, which has counted nothing yet.
    #[must_use]
    pub fn narrow(self) -> Self {
        let Self { percentile, looks, sought } = self;
        let mut sought = sought.unwrap_or_else(|| Sought::among(looks.iter().map(RankSearch::total).sum(), percentile));
        let mut next: Vec<RankSearch> = Vec::new();
        for place in &mut sought.places {
            let Place::Looking { rank, look } = *place else { continue };
            let Some(looked) = looks.get(look) else { continue };
            *place = match looked.narrow(rank) {
                Narrowed::Again(nearer) => {
                    let known = next.iter().position(|known| known.looks_where(&nearer));
                    let look = known.unwrap_or(next.len());
                    if known.is_none() {
                        next.push(nearer);
                    }
                    Place::Looking { rank, look }
                }
                Narrowed::Found(value) => Place::Found { value, ties: looked.count(value).unwrap_or(0) },
                Narrowed::Beyond => continue,
            };
        }
        Self { percentile, looks: next, sought: Some(sought) }
    }

    /// What the looks came to, the values being on this grid.
    pub fn found(&self, grid: Grid) -> FoundQuantile {
        let Some(sought) = &self.sought else {
            return FoundQuantile { units: 0, value: None, arm: Err(NotEstimable::NotCounted) };
        };
        let at = |place: usize| match sought.places.get(place) {
            Some(Place::Found { value, ties }) => Some((*value, *ties)),
            Some(Place::Looking { .. }) | None => None,
        };
        let quantile = at(0);
        let arm = sought.ranks.and_then(|ranks| {
            let ((quantile, ties), lower, upper) =
                quantile.zip(at(1)).zip(at(2)).map(|((q, l), u)| (q, l.0, u.0)).ok_or(NotEstimable::NotCounted)?;
            Ok(QuantileArm::at_ranks(&ranks, &AtRanks { quantile, ties, interval: [lower, upper] }, grid))
        });
        FoundQuantile { units: sought.units, value: quantile.map(|(value, _)| grid.from_grid(value)), arm }
    }
}

impl Sought {
    fn among(units: u64, percentile: Percentile) -> Self {
        let ranks = QuantileRanks::of_units(units, percentile);
        let quantile = (units > 0).then(|| percentile.rank(units));
        let all = quantile.into_iter().chain(ranks.iter().flat_map(|ranks| ranks.interval));
        Self { units, ranks, places: all.map(|rank| Place::Looking { rank, look: 0 }).collect() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::grid::MAX_GRID_VALUE;
    use crate::value_counts::ValueCounts;

    /// What is found, and in how many looks; every look is merged from parts.
    fn search(parts: &[&[i64]], share: f64) -> (FoundQuantile, usize) {
        let mut search = QuantileSearch::new(Percentile::new(share).unwrap());
        let mut looks = 0;
        while !search.is_done() {
            let mut merged = search.clone();
            for part in parts {
                let mut of_part = search.clone();
                part.iter().for_each(|value| of_part.push(*value));
                merged.add(&of_part);
            }
            search = merged.narrow();
            looks += 1;
        }
        (search.found(Grid::INTEGER), looks)
    }

    fn wide_and_tied() -> impl Strategy<Value = Vec<i64>> {
        let value = prop_oneof![-MAX_GRID_VALUE..=MAX_GRID_VALUE, -5_i64..5, Just(7), 0_i64..100_000];
        prop::collection::vec(value, 0..150)
    }

    proptest! {
        #[test]
        fn looks_find_what_counting_every_value_finds(values in wide_and_tied(), share in 0.02..0.98_f64, cut in 0..150_usize) {
            let counts: ValueCounts = values.iter().copied().collect();
            let percentile = Percentile::new(share).unwrap();
            let (one, other) = values.split_at(cut.min(values.len()));
            let (found, looks) = search(&[one, other], share);
            prop_assert_eq!(found.units, counts.total());
            prop_assert_eq!(found.value, counts.quantile(percentile).map(|value| value as f64));
            prop_assert_eq!(found.arm, QuantileArm::of_units(&counts, percentile, Grid::INTEGER));
            prop_assert!(looks <= 4);
        }

        #[test]
        fn the_order_of_values_and_of_parts_changes_nothing(values in wide_and_tied(), cut in 0..150_usize) {
            let mut backwards = values.clone();
            backwards.reverse();
            let (one, other) = values.split_at(cut.min(values.len()));
            prop_assert_eq!(search(&[one, other], 0.5), search(&[&backwards], 0.5));
            prop_assert_eq!(search(&[other, one, &[]], 0.5), search(&[one, other], 0.5));
        }
    }

    #[test]
    fn a_quantile_without_an_error_is_still_told() {
        let (few, _) = search(&[&[3, 1, 2]], 0.9);
        assert_eq!((few.units, few.value, few.arm), (3, Some(3.0), Err(NotEstimable::TooFewBeyondQuantile)));
        let (none, looks) = search(&[], 0.5);
        assert_eq!((none.units, none.value, none.arm), (0, None, Err(NotEstimable::EmptyArm)));
        assert_eq!(looks, 1);
        let untouched = QuantileSearch::new(Percentile::new(0.5).unwrap()).found(Grid::INTEGER);
        assert_eq!(untouched.arm, Err(NotEstimable::NotCounted));
    }
}
