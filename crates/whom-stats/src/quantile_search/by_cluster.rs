//! Quantiles of units that were assigned with their cluster.

use proptest::prelude::*;

use super::*;
use crate::distribution::Reference;
use crate::simulated::Draws;

/// A unit's values, and the cell of its cluster.
type Unit = (Vec<i64>, usize);

fn search(units: &[Unit], share: f64, of: QuantileOf, cells: Option<usize>) -> FoundQuantile {
    let mut search = QuantileSearch::new(Percentile::new(share).unwrap(), of);
    if let Some(cells) = cells {
        search = search.by_cluster(cells);
    }
    while !search.is_done() {
        let (mut one, mut other) = (search.clone(), search);
        for (place, (values, cell)) in units.iter().enumerate() {
            let part = if place % 3 == 0 { &mut one } else { &mut other };
            part.push(values, *cell);
        }
        one.add(&other);
        search = one.narrow();
    }
    search.found(Grid::INTEGER)
}

proptest! {
    #[test]
    fn clusters_of_one_unit_each_are_units(
        values in prop::collection::vec(prop::collection::vec(-200_i64..200, 0..4), 2..80), share in 0.2..0.8_f64,
    ) {
        let units: Vec<Unit> = values.into_iter().zip(0..).collect();
        let of_units = search(&units, share, QuantileOf::Events, None);
        let of_clusters = search(&units, share, QuantileOf::Events, Some(units.len()));
        prop_assert_eq!((of_units.units, of_units.value), (of_clusters.units, of_clusters.value));
        match (of_units.arm, of_clusters.arm) {
            (Ok(one), Ok(other)) => {
                prop_assert!((one.variance - other.variance).abs() <= 1e-9 * one.variance, "{one:?} {other:?}");
                let squares: f64 = of_clusters.scores.iter().map(|score| score * score).sum();
                prop_assert!((squares - other.variance).abs() <= 1e-9 * other.variance);
                prop_assert_eq!((of_clusters.clusters, of_units.clusters), (Some(of_units.units), None));
            }
            (Err(NotEstimable::OneUnit), Err(other)) => prop_assert_eq!(other, NotEstimable::OneCluster),
            (one, other) => prop_assert_eq!(one.err(), other.err()),
        }
    }

    #[test]
    fn an_order_of_units_and_cells_without_any_change_nothing(
        units in prop::collection::vec((prop::collection::vec(-200_i64..200, 0..4), 0..9_usize), 2..80),
    ) {
        let found = search(&units, 0.5, QuantileOf::Events, Some(9));
        let backwards: Vec<Unit> = units.iter().rev().cloned().collect();
        let again = search(&backwards, 0.5, QuantileOf::Events, Some(12));
        prop_assert_eq!((found.value, found.arm, found.clusters), (again.value, again.arm, again.clusters));
        prop_assert_eq!(&found.scores[..], &again.scores[..found.scores.len()]);
    }
}

#[test]
fn one_cluster_has_a_quantile_and_no_error() {
    let units: Vec<Unit> = (0..100).map(|value| (vec![value], 3)).collect();
    let found = search(&units, 0.5, QuantileOf::Units, Some(5));
    assert_eq!((found.value, found.arm, found.scores.len()), (Some(49.0), Err(NotEstimable::OneCluster), 0));
    assert_eq!((found.clusters, search(&[], 0.5, QuantileOf::Units, Some(5)).clusters), (Some(1), Some(0)));
}

/// Clusters of 2 to 20 units that share a third of the variance; values are skewed.
fn arm(draws: &mut Draws, clusters: usize) -> Vec<Unit> {
    let mut units = Vec::new();
    for cluster in 0..clusters {
        let (shared, size) = (draws.noise(), 2 + draws.below(19));
        let value = |draws: &mut Draws| {
            let sum = (shared + draws.noise() + draws.noise()) as f64 / 1_000.0;
            (1_000.0 * (0.5 * sum).exp()) as i64
        };
        units.extend((0..size).map(|_| (vec![value(draws)], cluster)));
    }
    units
}

/// How many 95 % intervals of 400 cover that nothing happens to a quantile: by cluster, and unit by unit.
fn covered(clusters: usize, share: f64) -> (u32, u32) {
    let (mut by_cluster, mut by_unit) = (0, 0);
    for seed in 0..400 {
        let mut draws = Draws::new(seed);
        let arms = [arm(&mut draws, clusters), arm(&mut draws, clusters)];
        let covers = |cells: Option<usize>| {
            let [treatment, control] = arms.each_ref().map(|units| search(units, share, QuantileOf::Units, cells).arm);
            let difference = treatment.unwrap().against(&control.unwrap()).difference().unwrap();
            u32::from(difference.interval(0.95, Reference::T).contains(0.0))
        };
        by_cluster += covers(Some(clusters));
        by_unit += covers(None);
    }
    (by_cluster, by_unit)
}

#[test]
fn intervals_by_cluster_cover_where_those_of_units_do_not() {
    let found = [(60, 0.5), (60, 0.9), (300, 0.5)].map(|(clusters, share)| covered(clusters, share));
    assert_eq!(found, [(383, 277), (390, 324), (380, 297)], "376 to 392 of 400 would be 94 to 98 %");
}
