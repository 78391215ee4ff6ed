use proptest::prelude::*;

use super::*;
use crate::bootstrap::{Against, Bootstrap, Hypothesis};
use crate::bucket::BucketSet;
use crate::grid::Grid;
use crate::measured::{Measured, Target};
use crate::simulated::{Draws, Trial};

const NORMAL: Correcting = Correcting { reference: Reference::Normal, level: 0.95 };

fn estimates(statistics: &[f64]) -> Vec<Estimate> {
    let one = |value: &f64| Estimate { value: *value, std_err: 1.0, degrees_of_freedom: f64::INFINITY };
    statistics.iter().map(one).collect()
}

/// |t*| of correlated hypotheses.
fn distances(replicates: usize, hypotheses: usize, common: f64) -> Vec<Vec<f64>> {
    let mut draws = Draws::new(5);
    let mut normal = || draws.noise() as f64 / 1000.0;
    (0..replicates)
        .map(|_| {
            let shared = normal();
            (0..hypotheses).map(|_| (common.sqrt() * shared + (1.0 - common).sqrt() * normal()).abs()).collect()
        })
        .collect()
}

/// Which hypotheses the procedure rejects by its definition: as long as the largest statistic that is left exceeds the
/// critical value of those that are left.
fn rejected(statistics: &[f64], distances: &[Vec<f64>]) -> Vec<bool> {
    let mut left: Vec<usize> = (0..statistics.len()).collect();
    let clearest = |left: &[usize]| {
        left.iter().copied().max_by(|one, other| statistics[*one].abs().total_cmp(&statistics[*other].abs()))
    };
    while let Some(largest) = clearest(&left) {
        let mut maxima: Vec<f64> =
            distances.iter().map(|row| left.iter().map(|hypothesis| row[*hypothesis]).fold(0.0, f64::max)).collect();
        maxima.sort_by(f64::total_cmp);
        let critical = maxima[((maxima.len() + 1) as f64 * 0.95).ceil() as usize - 1].max(1.959_963_984_540_054);
        if statistics[largest].abs() <= critical {
            break;
        }
        left.retain(|hypothesis| *hypothesis != largest);
    }
    (0..statistics.len()).map(|hypothesis| !left.contains(&hypothesis)).collect()
}

proptest! {
    #[test]
    fn it_rejects_what_its_definition_rejects(statistics in prop::collection::vec(-4.0..4.0_f64, 1..9), common in 0.0..0.95_f64) {
        let draws = distances(399, statistics.len(), common);
        let adjusted = NORMAL.step_down(&estimates(&statistics), &draws);
        let found: Vec<bool> = adjusted.iter().map(|p_value| *p_value < 0.05).collect();
        prop_assert_eq!(found, rejected(&statistics, &draws));
    }

    #[test]
    fn it_lies_between_the_raw_and_the_single_step_p_value_and_keeps_the_order(
        statistics in prop::collection::vec(-6.0..6.0_f64, 1..9),
        common in 0.0..0.95_f64,
    ) {
        let draws = distances(199, statistics.len(), common);
        let estimates = estimates(&statistics);
        let adjusted = NORMAL.step_down(&estimates, &draws);
        let mut maxima: Vec<f64> = draws.iter().map(|row| row.iter().copied().fold(0.0, f64::max)).collect();
        let single = NORMAL.corrected(&estimates, &mut maxima);
        for (i, estimate) in estimates.iter().enumerate() {
            prop_assert!(estimate.p_value(Reference::Normal) <= adjusted[i] + 1e-15 && adjusted[i] <= single[i]);
            for (j, other) in statistics.iter().enumerate() {
                prop_assert!(statistics[i].abs() < other.abs() || adjusted[i] <= adjusted[j]);
            }
        }
        let clearest = adjusted.iter().copied().fold(1.0, f64::min);
        prop_assert_eq!(clearest, single.iter().copied().fold(1.0, f64::min), "the first step is the single step");
    }

    #[test]
    fn the_order_of_the_family_changes_nothing(statistics in prop::collection::vec(-6.0..6.0_f64, 1..9)) {
        let draws = distances(199, statistics.len(), 0.5);
        let mut backwards: Vec<Vec<f64>> = draws.clone();
        for row in &mut backwards {
            row.reverse();
        }
        let mut reversed = statistics.clone();
        reversed.reverse();
        let mut other = NORMAL.step_down(&estimates(&reversed), &backwards);
        other.reverse();
        prop_assert_eq!(NORMAL.step_down(&estimates(&statistics), &draws), other);
    }
}

#[test]
fn copies_of_a_hypothesis_cost_nothing() {
    let one = distances(999, 1, 0.0);
    let copies: Vec<Vec<f64>> = one.iter().map(|row| vec![row[0]; 20]).collect();
    let alone = NORMAL.step_down(&estimates(&[2.5]), &one);
    assert_eq!(NORMAL.step_down(&estimates(&[2.5; 20]), &copies), vec![alone[0]; 20]);
}

#[test]
fn an_empty_family_is_empty() {
    assert!(NORMAL.step_down(&[], &[]).is_empty());
    assert_eq!(NORMAL.critical_value(&mut []), None);
}

#[test]
fn unaffected_cohorts_are_rejected_about_once_in_twenty_and_affected_ones_more_often_than_by_a_single_step() {
    let buckets: BucketSet = (0..128).collect();
    let count = |effects: &[i64; 4]| {
        let mut counts = [0, 0, 0];
        for seed in 0..200 {
            let statistics = Trial { units: 800, buckets: &buckets, effects }.run(seed);
            let measured = Measured { cells: &statistics, buckets: &buckets, grids: &[Grid::INTEGER] };
            let hypothesis =
                |cell| Hypothesis { target: Target { metric: 0, treatment: 1, cell }, against: Against::Zero };
            let bootstrap =
                Bootstrap { experiment: "simulation", replicates: 199, level: 0.95, reference: Reference::T };
            let found = bootstrap.max_t(&measured, &[0, 1, 2, 3].map(hypothesis)).outcomes;
            let outcomes: Vec<_> =
                found.into_iter().zip(effects).map(|(outcome, effect)| (outcome.unwrap(), *effect)).collect();
            let wrong = outcomes.iter().any(|(outcome, effect)| *effect == 0 && outcome.p_step_down < 0.05);
            let right = |p_value: fn(&crate::Simultaneous) -> f64| {
                outcomes.iter().filter(|(outcome, effect)| *effect != 0 && p_value(outcome) < 0.05).count()
            };
            counts[0] += usize::from(wrong);
            counts[1] += right(|outcome| outcome.p_step_down);
            counts[2] += right(|outcome| outcome.p_adjusted);
        }
        counts
    };
    let cases = [[0; 4], [500, 0, 0, 0], [500, -500, 0, 0], [500, 500, 500, 0]];
    let found = cases.map(|effects| count(&effects));
    assert_eq!(
        found,
        [[6, 0, 0], [8, 165, 165], [9, 344, 335], [7, 517, 491]],
        "families with a false rejection, of 200, at most 19; then true ones, step-down and single-step"
    );
}
