//! The transformed-outcome criterion.

use whom_stats::routing::Code;
use whom_stats::{Effect, Grid, Moments};

use super::population::{Population, Unit, path, shape};
use super::recovery::planted;
use crate::{Controls, SplitCriterion};

/// The retention experiment, discovery accounts in even buckets, the metric in units of 0.0001.
fn retention() -> Population {
    let lines = include_str!("../../../../../tests/reference/transformed_outcome_retention.csv").lines();
    let units: Vec<Unit> = lines
        .map(|line| {
            let numbers: Vec<i64> = line.split(',').map(|number| number.parse().unwrap()).collect();
            let codes = numbers[3..].iter().map(|code| *code as Code).collect();
            Unit { bucket: 1 - numbers[0] as u16, arm: numbers[1] as usize, codes, values: vec![Some(numbers[2])] }
        })
        .collect();
    let names = ["risk_score", "usage_z", "log_customer_value", "tenure_months", "enterprise_plan", "support_tickets"];
    let codes = |column: usize| units.iter().map(|unit| usize::from(unit.codes[column])).max().unwrap() + 1;
    let shapes = names.iter().enumerate().map(|(column, name)| shape(name, codes(column), true, None)).collect();
    Population { shapes, arms: 2, metrics: 1, units }
}

fn lecture() -> Controls {
    Controls {
        criterion: SplitCriterion::RawTransformedOutcome,
        units: 350,
        units_per_arm: 2,
        events_per_arm: 0,
        pruning_folds: 0,
        ..Controls::default()
    }
}

#[test]
fn the_tree_of_the_lecture_is_met_to_the_printed_digit() {
    let population = retention();
    let tree = population.discover(population.plan(lecture())).joint.unpruned;
    let holdout: Vec<&Unit> = population.units.iter().filter(|unit| unit.bucket == 1).collect();
    let leaves = (0..tree.nodes.len()).filter(|node| tree.routing.nodes()[*node].is_none());
    let mut found: Vec<String> = leaves
        .map(|leaf| {
            let arm = |arm| -> Moments {
                let of_leaf =
                    holdout.iter().filter(|unit| unit.arm == arm && path(&tree.routing, unit).contains(&leaf));
                of_leaf.filter_map(|unit| unit.values[0]).collect()
            };
            let (treated, control) = (arm(1), arm(0));
            let effect = Effect::welch(&treated, &control, Grid::decimal(4).unwrap()).unwrap().difference;
            format!("{} {:.3} ({:.3})", treated.n + control.n, effect.value, effect.std_err)
        })
        .collect();
    found.sort();
    let printed =
        ["1440 4.845 (0.709)", "2752 1.282 (0.483)", "381 -1.388 (1.275)", "643 8.314 (1.030)", "784 9.266 (0.942)"];
    assert_eq!(found, printed);
}

#[test]
fn centring_makes_splits_indifferent_to_the_level_of_the_metric_and_raw_values_do_not() {
    let population = retention();
    let mut lower = population.clone();
    lower
        .units
        .iter_mut()
        .flat_map(|unit| &mut unit.values)
        .for_each(|value| *value = value.map(|value| value - 600_000));
    let tree = |population: &Population, criterion| {
        population.discover(population.plan(Controls { criterion, ..lecture() })).joint.unpruned.routing
    };
    let centred = SplitCriterion::TransformedOutcome;
    assert_eq!(tree(&population, centred), tree(&lower, centred));
    let raw = SplitCriterion::RawTransformedOutcome;
    assert_ne!(tree(&population, raw), tree(&lower, raw));
}

#[test]
fn an_unseen_value_goes_to_the_nearer_side_of_a_cut_and_without_places_to_the_right() {
    let unit = |number: u16| {
        let (code, arm) = (if number.is_multiple_of(2) { 1 } else { 5 }, usize::from(number / 2 % 2));
        let gain = if code == 5 && arm == 1 { 9 } else { 0 };
        Unit { bucket: 2 * number % 1024, arm, codes: vec![code], values: vec![Some(gain + i64::from(number % 7))] }
    };
    let shapes = vec![shape("spent", 8, true, Some(7))];
    let population = Population { shapes, arms: 2, metrics: 1, units: (0..400).map(unit).collect() };
    let left = |places: Vec<Vec<f64>>| -> Vec<Code> {
        let controls = Controls { depth: 1, units: 0, ..lecture() };
        let plan = crate::DiscoveryPlan { places, ..population.plan(controls) };
        let tree = population.discover(plan).joint.unpruned;
        tree.routing.nodes()[0].as_ref().unwrap().left.iter().filter(|code| *code < 7).collect()
    };
    assert_eq!(left(Vec::new()), [0, 1]);
    assert_eq!(left(vec![vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]]), [0, 1, 2, 3]);
    assert_eq!(left(vec![vec![0.0, 1.0, 50.0, 51.0, 52.0, 100.0, 200.0]]), [0, 1, 2]);
}

#[test]
fn a_planted_effect_is_found_by_the_centred_criterion() {
    let population = planted(2, |codes| if codes[0] < 8 { 12 } else { 0 });
    let controls = Controls { criterion: SplitCriterion::TransformedOutcome, depth: 1, ..Controls::default() };
    let tree = population.discover(population.plan(controls)).joint.pruned;
    let split = tree.routing.nodes()[0].as_ref().unwrap();
    assert_eq!((split.column, split.left.iter().filter(|code| *code < 19).max()), (0, Some(7)));
}
