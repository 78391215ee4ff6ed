use whom_stats::routing::Code;

use super::population::{Population, Stream, Unit, shape};
use crate::{Controls, Importance, Rule, Stop};

/// 20,000 units; the first treatment moves the metric by `effect`, on a noise of a few units.
pub(crate) fn planted(seed: u64, effect: impl Fn(&[Code]) -> i64) -> Population {
    let shapes = vec![
        shape("age", 20, true, Some(19)),
        shape("country", 6, false, None),
        shape("device", 3, false, Some(2)),
        shape("noise", 30, true, None),
        shape("city", 40, false, None),
    ];
    let mut stream = Stream(seed);
    let mut unit = || {
        let codes: Vec<Code> = shapes.iter().map(|shape| stream.below(shape.codes as u64) as Code).collect();
        let arm = stream.below(2) as usize;
        let noise = stream.below(21) as i64 + stream.below(21) as i64;
        let value = noise + if arm == 1 { effect(&codes) } else { 0 };
        Unit { bucket: stream.below(1024) as u16, arm, codes, values: vec![Some(value)] }
    };
    let units = (0..20_000).map(|_| unit()).collect();
    Population { shapes, arms: 2, metrics: 1, units }
}

fn words(rule: &Rule) -> String {
    let conditions = rule.conditions.iter().map(|condition| {
        let codes: Vec<String> = condition.admitted.iter().map(|code| code.to_string()).collect();
        format!("{} in {{{}}}", condition.name, codes.join(" "))
    });
    conditions.collect::<Vec<_>>().join(" and ")
}

#[test]
fn a_planted_tree_is_recovered() {
    let young = |codes: &[Code]| codes[0] < 8;
    let population = planted(1, |codes| match (young(codes), codes[1]) {
        (true, 1 | 4) => 12,
        (true, _) => 4,
        (false, _) => -3,
    });
    let discovered = population.discover(population.plan(Controls { depth: 2, ..Controls::default() }));
    let tree = &discovered.joint.pruned;
    assert_eq!(discovered.single, std::slice::from_ref(&discovered.joint));
    let rules: Vec<String> =
        tree.cohorts().iter().map(|cohort| format!("{}: {}", cohort.name, words(&cohort.rule))).collect();
    insta::assert_snapshot!(rules.join("\n"), @"
c1: age in {0 1 2 3 4 5 6 7} and country in {1 4}
c2: age in {0 1 2 3 4 5 6 7} and country in {0 2 3 5}
c3: age in {8 9 10 11 12 13 14 15 16 17 18 19}
");
    let shares: Vec<String> =
        tree.importance().iter().map(|Importance { name, share }| format!("{name} {share:.3}")).collect();
    insta::assert_snapshot!(shares.join(", "), @"age 0.833, country 0.167");
    let predictions: Vec<String> = tree.predictions(0).unwrap().iter().map(|effect| format!("{effect:.2}")).collect();
    insta::assert_snapshot!(predictions.join(", "), @"-3.22, 4.28, 11.88");
}

#[test]
fn forty_levels_are_separated_along_their_effects() {
    let gains = [3, 17, 18, 29, 39];
    let population = planted(2, |codes| if gains.contains(&codes[4]) { 20 } else { 0 });
    let discovered = population.discover(population.plan(Controls { depth: 1, ..Controls::default() }));
    let cohorts = discovered.joint.pruned.cohorts();
    insta::assert_snapshot!(words(&cohorts[0].rule), @"city in {3 17 18 29 39}");
}

#[test]
fn missing_goes_where_it_belongs() {
    let population = planted(3, |codes| if codes[0] < 5 || codes[0] == 19 { 9 } else { 0 });
    let discovered = population.discover(population.plan(Controls { depth: 1, ..Controls::default() }));
    insta::assert_snapshot!(words(&discovered.joint.pruned.cohorts()[0].rule), @"age in {0 1 2 3 4 19}");
    let population = planted(4, |codes| if codes[0] == 19 { 30 } else { 0 });
    let discovered =
        population.discover(population.plan(Controls { depth: 1, units_per_arm: 100, ..Controls::default() }));
    insta::assert_snapshot!(words(&discovered.joint.pruned.cohorts()[0].rule), @"age in {19}");
}

#[test]
fn pruning_takes_a_constant_effect_back_to_the_root() {
    let controls = Controls { depth: 4, units_per_arm: 100, events_per_arm: 10, ..Controls::default() };
    let leaves = (10..18).map(|seed| {
        let mut population = planted(seed, |_| 5);
        population.units.truncate(6_000);
        let joint = population.discover(population.plan(controls.clone())).joint;
        (joint.unpruned.leaves().len(), joint.pruned.leaves().len())
    });
    insta::assert_compact_debug_snapshot!(leaves.collect::<Vec<_>>(), @"[(8, 1), (10, 1), (9, 1), (7, 1), (9, 1), (10, 1), (9, 1), (10, 1)]");
}

#[test]
fn pruning_keeps_what_is_real_and_tells_the_path() {
    let population = planted(5, |codes| if codes[1] < 3 { 8 } else { 0 });
    let tree = population.discover(population.plan(Controls { units_per_arm: 100, ..Controls::default() })).joint;
    let pruning = tree.pruning.unwrap();
    assert_eq!(pruning.path[0].leaves, tree.unpruned.leaves().len());
    assert_eq!(pruning.path[pruning.chosen].leaves, tree.pruned.leaves().len());
    assert_eq!(pruning.path.last().unwrap().leaves, 1);
    assert!(pruning.path.is_sorted_by(|one, other| one.complexity < other.complexity && one.leaves > other.leaves));
    assert!(pruning.path.iter().all(|step| pruning.path[pruning.chosen].loss <= step.loss));
    assert!(tree.pruned.nodes.iter().all(|node| node.gain.is_some() != node.stop.is_some()));
    assert!(tree.pruned.nodes.iter().any(|node| node.stop == Some(Stop::Pruned)));
}
