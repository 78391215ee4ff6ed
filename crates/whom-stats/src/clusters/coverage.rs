//! How often intervals of clusters cover the truth, in simulations fixed by their seeds: the counts are exact.

use crate::clusters::ClusterMeans;
use crate::comparison::{Comparison, Source};
use crate::distribution::Reference;
use crate::effect::Effect;
use crate::grid::Grid;
use crate::moments::Moments;
use crate::simulated::Draws;

const TRIALS: u64 = 2_000;
const LEVEL: f64 = 0.95;

/// Clusters of 2 to 40 units that share a third of the variance, half of them treated, to no effect: the totals of both arms.
fn experiment(seed: u64, clusters: usize) -> [Vec<Moments>; 2] {
    let mut draws = Draws::new(seed);
    let mut arms = [Vec::new(), Vec::new()];
    for cluster in 0..clusters {
        let (shared, size) = (draws.noise(), 2 + draws.below(39));
        let values = (0..size).map(|_| shared + draws.noise() + draws.noise());
        arms[cluster % 2].push(values.collect());
    }
    arms
}

/// How many intervals cover zero: by cluster, and unit by unit.
fn covered(clusters: usize) -> (u64, u64) {
    let (mut by_cluster, mut by_unit) = (0, 0);
    for seed in 0..TRIALS {
        let arms = experiment(seed, clusters);
        let [treatment, control] = [&arms[1], &arms[0]]
            .map(|totals| ClusterMeans { totals, grid: Grid::INTEGER, centre: 0 }.mean().expect("two clusters"));
        let source = |variance, degrees_of_freedom| Source { degrees_of_freedom, ..variance };
        let sources = vec![
            source(Source { treatment: treatment.variance, ..Source::default() }, treatment.degrees_of_freedom),
            source(Source { control: control.variance, ..Source::default() }, control.degrees_of_freedom),
        ];
        let difference = treatment.offset - control.offset;
        let compared =
            Comparison { treatment: treatment.offset, control: control.offset, difference, sources, unreliable: None };
        let covers = |estimate: crate::estimate::Estimate| estimate.interval(LEVEL, Reference::T).contains(0.0);
        by_cluster += u64::from(covers(compared.difference().expect("an error")));
        let whole = |totals: &[Moments]| totals.iter().fold(Moments::default(), |sum, total| sum + *total);
        let welch = Effect::welch(&whole(&arms[1]), &whole(&arms[0]), Grid::INTEGER).expect("an error");
        by_unit += u64::from(covers(welch.difference));
    }
    (by_cluster, by_unit)
}

#[test]
fn intervals_by_cluster_cover_with_20_and_200_clusters_where_those_of_units_do_not() {
    // Of 2,000 intervals, 94 to 96 % would be 1,880 to 1,920.
    assert_eq!([20, 200].map(covered), [(1_897, 919), (1_904, 971)]);
}
