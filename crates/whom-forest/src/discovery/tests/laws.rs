use proptest::prelude::*;
use whom_stats::routing::Code;

use super::oracle::{controls, populations};
use super::population::{Population, Unit, folds, shape};
use crate::{Cohort, Controls, Discovered, DiscoveredTree, Importance, SplitCriterion, Tree};

fn discover(population: &Population, controls: &Controls) -> Discovered {
    population.discover(population.plan(controls.clone()))
}

fn trees(discovered: &Discovered) -> Vec<&DiscoveredTree> {
    discovered.single.iter().chain([&discovered.joint]).collect()
}

/// Splits and gains, without estimates.
fn splits(tree: &Tree) -> Vec<String> {
    let nodes = tree.routing.nodes().iter().zip(&tree.nodes);
    nodes.map(|(split, node)| format!("{split:?} {:?} {:?} {}", node.gain, node.stop, node.score)).collect()
}

/// Everything that a reader sees of a tree, with tags by name.
fn seen(tree: &Tree) -> String {
    let rules: Vec<String> = tree
        .cohorts()
        .iter()
        .map(|Cohort { name, leaf, cell, standardised_estimate, rule }| {
            let conditions: Vec<String> = rule
                .conditions
                .iter()
                .map(|condition| format!("{} {:?}", condition.name, condition.admitted))
                .collect();
            format!("{name} {leaf} {cell} {standardised_estimate} {conditions:?}")
        })
        .collect();
    let importance: Vec<Importance> = tree.importance();
    format!("{rules:#?} {importance:?} {:?} {:?}", tree.nodes, tree.silent)
}

fn pruning_too() -> impl Strategy<Value = Controls> {
    (controls(), prop::sample::select(vec![0, 2, 4]))
        .prop_map(|(controls, pruning_folds)| Controls { pruning_folds, ..controls })
}

/// By criteria that a shift of the outcome does not move.
fn centred() -> impl Strategy<Value = Controls> {
    let criteria = vec![SplitCriterion::CausalMse, SplitCriterion::TransformedOutcome];
    (pruning_too(), prop::sample::select(criteria)).prop_map(|(controls, criterion)| Controls { criterion, ..controls })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn swapping_the_arms_leaves_the_splits_and_turns_the_sign(population in populations(), controls in pruning_too()) {
        let population = Population { arms: 2, units: population.units.into_iter().filter(|unit| unit.arm < 2).collect(), ..population };
        let mut swapped = population.clone();
        swapped.units.iter_mut().for_each(|unit| unit.arm = 1 - unit.arm);
        let (before, after) = (discover(&population, &controls), discover(&swapped, &controls));
        for (before, after) in trees(&before).into_iter().zip(trees(&after)) {
            prop_assert_eq!(splits(&before.pruned), splits(&after.pruned));
            prop_assert_eq!(splits(&before.unpruned), splits(&after.unpruned));
            for (before, after) in before.unpruned.nodes.iter().zip(&after.unpruned.nodes) {
                for (before, after) in before.estimates.iter().zip(&after.estimates) {
                    prop_assert_eq!(before.estimate.map(|estimate| -estimate), after.estimate);
                }
            }
        }
    }

    #[test]
    fn shifting_a_metric_changes_nothing(population in populations(), controls in centred(), shift in -1_000_000_000_i64..1_000_000_000) {
        let controls = Controls { events_per_arm: 0, ..controls };
        let mut shifted = population.clone();
        shifted.units.iter_mut().flat_map(|unit| &mut unit.values).flatten().for_each(|value| *value += shift);
        let (before, after) = (discover(&population, &controls), discover(&shifted, &controls));
        for (before, after) in trees(&before).into_iter().zip(trees(&after)) {
            prop_assert_eq!(splits(&before.unpruned), splits(&after.unpruned));
            prop_assert_eq!(&before.pruned.routing, &after.pruned.routing);
            prop_assert_eq!(before.pruned.predictions(0), after.pruned.predictions(0));
        }
    }

    #[test]
    fn the_order_of_rows_changes_nothing(population in populations(), controls in pruning_too(), rotation in 0_usize..160) {
        let mut shuffled = population.clone();
        let length = shuffled.units.len();
        shuffled.units.rotate_left(rotation % length);
        shuffled.units[rotation % length..].reverse();
        prop_assert_eq!(discover(&population, &controls), discover(&shuffled, &controls));
    }

    #[test]
    fn the_position_of_columns_changes_nothing(population in populations(), controls in pruning_too(), rotation in 0_usize..3) {
        let mut permuted = population.clone();
        let columns = population.shapes.len();
        permuted.shapes.rotate_left(rotation % columns);
        permuted.units.iter_mut().for_each(|unit| unit.codes.rotate_left(rotation % columns));
        let (before, after) = (discover(&population, &controls), discover(&permuted, &controls));
        for (before, after) in trees(&before).into_iter().zip(trees(&after)) {
            prop_assert_eq!(seen(&before.unpruned), seen(&after.unpruned));
            prop_assert_eq!(seen(&before.pruned), seen(&after.pruned));
            prop_assert_eq!(&before.pruning, &after.pruning);
        }
    }

    #[test]
    fn units_outside_the_discovery_buckets_change_nothing(population in populations(), controls in pruning_too(), value in -5_i64..5) {
        let mut altered = population.clone();
        for unit in altered.units.iter_mut().filter(|unit| unit.bucket % 2 == 1) {
            unit.arm = 0;
            unit.codes.fill(0);
            unit.values.fill(Some(value));
        }
        let bytes = |population: &Population| serde_json::to_string(&discover(population, &controls)).unwrap();
        prop_assert_eq!(bytes(&population), bytes(&altered));
    }

    #[test]
    fn a_treatment_outside_its_targets_does_not_touch_a_tree(population in populations(), controls in pruning_too()) {
        let mut altered = population.clone();
        for unit in altered.units.iter_mut().filter(|unit| unit.arm == 2) {
            unit.codes.fill(0);
            unit.values.fill(Some(7));
        }
        let (before, after) = (discover(&population, &controls), discover(&altered, &controls));
        prop_assert_eq!(&before.single[..population.metrics], &after.single[..population.metrics]);
    }

    #[test]
    fn a_left_out_column_is_never_split(population in populations(), controls in controls()) {
        let mut plan = population.plan(controls);
        plan.columns = vec![population.shapes.len() - 1];
        plan.folds = folds(0);
        let discovered = population.discover(plan.clone());
        let splits = discovered.joint.unpruned.routing.nodes().iter().flatten();
        prop_assert!(splits.into_iter().all(|split| split.column == plan.columns[0]));
    }
}

/// Units of three codes, the first and the last of which hold the same values, in columns of the given names.
fn symmetric(names: &[&str]) -> Population {
    let units = (0..240_u16).map(|row| {
        let (arm, code, noise) = (usize::from(row % 2), row / 2 % 3, i64::from(row / 6 % 4));
        let value = noise + if arm == 1 && code == 1 { 9 } else { 0 };
        Unit { bucket: row * 2, arm, codes: vec![code; names.len()], values: vec![Some(value)] }
    });
    let shapes = names.iter().map(|name| shape(name, 3, true, None)).collect();
    Population { shapes, arms: 2, metrics: 1, units: units.collect() }
}

fn first_split(names: &[&str]) -> (String, Vec<Code>) {
    let population = symmetric(names);
    let controls = Controls { depth: 1, units_per_arm: 5, events_per_arm: 5, pruning_folds: 0, ..Controls::default() };
    let tree = discover(&population, &controls).joint.unpruned;
    let split = tree.routing.nodes()[0].clone().unwrap();
    (tree.columns[split.column].name.clone(), split.left.iter().collect())
}

#[test]
fn a_tie_between_columns_goes_to_the_name_that_comes_first() {
    assert_eq!(first_split(&["b", "a", "c"]).0, "a");
    assert_eq!(first_split(&["c", "b"]).0, "b");
}

#[test]
fn a_tie_in_a_column_goes_to_the_left_side_whose_codes_come_first() {
    assert_eq!(first_split(&["a"]).1, [0]);
}
