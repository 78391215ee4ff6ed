//! Searches within strata.

use proptest::prelude::*;

use super::oracle::{controls, populations};
use super::population::{Population, Stream, Unit, shape};
use crate::{Controls, Discovered, DiscoveryPlan, SplitCriterion, Stop, Tree};

/// A population with a column of strata, which is no tag: that of the last place.
fn in_strata(population: Population, strata: usize) -> Population {
    let mut shapes = population.shapes;
    shapes.push(shape("stratum", strata, true, None));
    let stratum = |place: usize| ((7 * place + place / 3) % strata) as u16;
    let units = population.units.into_iter().enumerate();
    let units = units.map(|(place, mut unit)| {
        unit.codes.push(stratum(place));
        unit
    });
    Population { shapes, units: units.collect(), ..population }
}

fn plan(population: &Population, controls: &Controls) -> DiscoveryPlan {
    let tags = population.shapes.len() - 1;
    DiscoveryPlan { columns: (0..tags).collect(), within: Some(tags), ..population.plan(controls.clone()) }
}

fn discover(population: &Population, controls: &Controls) -> Discovered {
    population.discover(plan(population, controls))
}

fn splits(tree: &Tree) -> Vec<String> {
    let nodes = tree.routing.nodes().iter().zip(&tree.nodes);
    nodes.map(|(split, node)| format!("{split:?} {:?} {:?} {}", node.gain, node.stop, node.score)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn swapping_the_arms_leaves_the_splits_and_turns_the_sign(population in populations(), controls in controls()) {
        let units = population.units.into_iter().filter(|unit| unit.arm < 2).collect();
        let population = in_strata(Population { arms: 2, units, ..population }, 3);
        let mut swapped = population.clone();
        swapped.units.iter_mut().for_each(|unit| unit.arm = 1 - unit.arm);
        let (before, after) = (discover(&population, &controls).joint, discover(&swapped, &controls).joint);
        prop_assert_eq!(splits(&before.pruned), splits(&after.pruned));
        for (before, after) in before.unpruned.nodes.iter().zip(&after.unpruned.nodes) {
            for (before, after) in before.estimates.iter().zip(&after.estimates) {
                prop_assert_eq!(before.estimate.map(|estimate| -estimate), after.estimate);
            }
        }
    }

    #[test]
    fn what_a_stratum_has_in_common_moves_no_split(population in populations(), controls in controls(), shift in -1000_i64..1000) {
        let criterion = match controls.criterion {
            SplitCriterion::RawTransformedOutcome => SplitCriterion::TransformedOutcome,
            criterion => criterion,
        };
        // A shift makes events of zeros.
        let controls = Controls { criterion, events_per_arm: 0, pruning_folds: 2, ..controls };
        let population = in_strata(population, 3);
        let mut shifted = population.clone();
        for unit in shifted.units.iter_mut().filter(|unit| unit.codes.last() == Some(&1)) {
            unit.values.iter_mut().flatten().for_each(|value| *value += shift);
        }
        prop_assert_eq!(splits(&discover(&population, &controls).joint.pruned), splits(&discover(&shifted, &controls).joint.pruned));
    }

    #[test]
    fn one_stratum_is_no_stratum(population in populations(), controls in controls()) {
        let population = in_strata(population, 1);
        let within = plan(&population, &controls);
        let over = DiscoveryPlan { within: None, ..within.clone() };
        prop_assert_eq!(splits(&population.discover(within).joint.unpruned), splits(&population.discover(over).joint.unpruned));
    }
}

/// 20,000 units of three countries: what they buy without treatment and how often they are treated rise together, and a tag tells
/// the countries apart for the most part. The treatment adds `effect`, by the other tag.
fn shop(seed: u64, effect: impl Fn(u16) -> i64) -> Population {
    let shapes = vec![shape("language", 3, false, None), shape("age", 20, true, None), shape("stratum", 3, true, None)];
    let mut stream = Stream(seed);
    let mut unit = || {
        let country = stream.below(3);
        let language = if stream.below(10) < 6 { country } else { stream.below(3) };
        let age = stream.below(20) as u16;
        let arm = usize::from(stream.below(10) < [1, 5, 9][country as usize]);
        let value = 20 * country as i64 + stream.below(21) as i64 + if arm == 1 { effect(age) } else { 0 };
        let codes = vec![language as u16, age, country as u16];
        Unit { bucket: stream.below(1024) as u16, arm, codes, values: vec![Some(value)] }
    };
    let units = (0..20_000).map(|_| unit()).collect();
    Population { shapes, arms: 2, metrics: 1, units }
}

fn each_criterion() -> impl Iterator<Item = Controls> {
    let criteria = [SplitCriterion::CausalMse, SplitCriterion::TransformedOutcome];
    criteria.into_iter().map(|criterion| Controls { criterion, depth: 2, units_per_arm: 100, ..Controls::default() })
}

#[test]
fn shares_that_differ_between_strata_look_like_effects_and_are_none() {
    for controls in each_criterion() {
        let population = shop(1, |_| 3);
        let within = discover(&population, &controls).joint.pruned;
        let over = population.discover(DiscoveryPlan { within: None, ..plan(&population, &controls) }).joint.pruned;
        assert_eq!(within.no_split().map(|_| ()), Some(()), "{:?} {:?}", controls.criterion, within.importance());
        assert_eq!(over.importance()[0].name, "language", "{:?}: units of all countries mislead", controls.criterion);
        let effect = |tree: &Tree| tree.nodes[0].estimates[0].estimate.unwrap();
        assert!((effect(&within) - 3.0).abs() < 0.5 && effect(&over) > 12.0, "{} {}", effect(&within), effect(&over));
    }
}

#[test]
fn an_effect_that_differs_within_strata_is_found() {
    for controls in each_criterion() {
        let population = shop(2, |age| if age < 8 { 6 } else { -2 });
        let tree = discover(&population, &controls).joint.pruned;
        let age = &tree.importance()[0];
        assert!(age.name == "age" && age.share > 0.9, "{:?} {:?}", controls.criterion, tree.importance());
        let cohorts = tree.cohorts();
        let best: Vec<u16> = cohorts[0].rule.conditions[0].admitted.iter().collect();
        assert!(best.iter().all(|code| *code < 8), "{best:?}");
        let estimates: Vec<f64> = [cohorts.first(), cohorts.last()]
            .into_iter()
            .flatten()
            .map(|cohort| tree.nodes[cohort.leaf].estimates[0].estimate.unwrap())
            .collect();
        assert!((estimates[0] - 6.0).abs() < 1.0 && (estimates[1] + 2.0).abs() < 1.0, "{estimates:?}");
    }
}

#[test]
fn strata_that_are_not_there_are_refused() {
    let population = shop(3, |_| 0);
    let refused = crate::Discovery::new(DiscoveryPlan { within: Some(9), ..plan(&population, &Controls::default()) });
    insta::assert_snapshot!(refused.unwrap_err().to_string(), @"tag column 9 does not exist; there are 3, counted from 0");
}

#[test]
fn strata_of_one_arm_each_leave_nothing_to_score() {
    let mut population = shop(4, |_| 0);
    population.units.iter_mut().for_each(|unit| unit.arm = usize::from(unit.codes[2] > 0));
    let tree = discover(&population, &Controls::default()).joint.pruned;
    assert_eq!(tree.no_split(), Some(Stop::NothingToScore));
    assert_eq!(tree.silent[0].silence, crate::Silence::EmptyArm);
    assert_eq!(tree.nodes[0].estimates[0].estimate, None);
}
