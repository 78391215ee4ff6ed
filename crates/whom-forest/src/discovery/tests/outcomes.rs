use whom_stats::routing::Code;

use super::population::{Population, Stream, Unit, shape};
use crate::{Controls, DiscoveredTree, Silence, Stop, Target, Tree};

/// Units of one tag and two metrics in three arms, `value` of (arm, code, noise).
fn population(codes: usize, value: impl Fn(usize, Code, i64) -> Vec<Option<i64>>) -> Population {
    let mut stream = Stream(7);
    let mut unit = |row: usize| {
        let (arm, code) = (row % 3, stream.below(codes as u64) as Code);
        Unit { bucket: (row % 1024) as u16, arm, codes: vec![code], values: value(arm, code, stream.below(9) as i64) }
    };
    let units = (0..3000).map(&mut unit).collect();
    Population { shapes: vec![shape("tag", codes, false, None)], arms: 3, metrics: 2, units }
}

fn controls() -> Controls {
    Controls { depth: 2, units_per_arm: 20, events_per_arm: 5, ..Controls::default() }
}

fn silences(tree: &Tree) -> Vec<(Target, Silence)> {
    tree.silent.iter().map(|silent| (silent.target, silent.silence)).collect()
}

#[test]
fn a_constant_metric_is_named_and_leaves_the_others_their_say() {
    let population =
        population(4, |arm, code, noise| vec![Some(5), Some(noise + if arm == 1 && code < 2 { 6 } else { 0 })]);
    let discovered = population.discover(population.plan(controls()));
    let constant: Vec<Target> = [1, 2].map(|treatment| Target { treatment, metric: 0 }).to_vec();
    assert_eq!(
        silences(&discovered.joint.pruned),
        constant.iter().map(|target| (*target, Silence::ConstantMetric)).collect::<Vec<_>>()
    );
    assert_eq!(discovered.joint.pruned.no_split(), None);
    assert_eq!(discovered.joint.pruned.root_deviations[0], None);
    assert_eq!(discovered.single[0].unpruned.no_split(), Some(Stop::NothingToScore));
    assert_eq!(discovered.single[0].unpruned.predictions(0), Some(vec![0.0]));
    assert_eq!(discovered.single[0].pruning, None);
}

#[test]
fn an_arm_without_values_is_named() {
    let population = population(4, |arm, _, noise| vec![(arm != 2).then_some(noise), Some(noise)]);
    let discovered = population.discover(population.plan(controls()));
    assert_eq!(silences(&discovered.joint.unpruned), [(Target { treatment: 2, metric: 0 }, Silence::EmptyArm)]);
    let alone = discovered.single.iter().find(|tree| tree.unpruned.targets == [Target { treatment: 2, metric: 0 }]);
    assert_eq!(alone.unwrap().unpruned.predictions(0), None);
    assert_eq!(alone.unwrap().unpruned.cohorts()[0].standardised_estimate, 0.0);
}

#[test]
fn no_unit_at_all_is_no_split() {
    let empty = Population { units: Vec::new(), ..population(4, |_, _, noise| vec![Some(noise); 2]) };
    let discovered = empty.discover(empty.plan(controls()));
    assert_eq!(discovered.joint.pruned.no_split(), Some(Stop::NothingToScore));
    assert_eq!(discovered.joint.pruned.nodes[0].units, 0);
    assert!(discovered.joint.pruned.importance().is_empty());
}

#[test]
fn why_the_root_is_a_leaf_is_told() {
    let stop = |tree: &DiscoveredTree| tree.unpruned.no_split();
    let one_level = population(1, |_, _, noise| vec![Some(noise); 2]);
    assert_eq!(stop(&one_level.discover(one_level.plan(controls())).joint), Some(Stop::SingleLevels));

    let several = population(4, |_, _, noise| vec![Some(noise); 2]);
    let large = Controls { units_per_arm: 400, ..controls() };
    assert_eq!(stop(&several.discover(several.plan(large)).joint), Some(Stop::NoAdmissibleSplit));
    let eventful = Controls { events_per_arm: 400, ..controls() };
    assert_eq!(stop(&several.discover(several.plan(eventful)).joint), Some(Stop::NoAdmissibleSplit));
    let demanding = Controls { smallest_gain: 1e6, ..controls() };
    assert_eq!(stop(&several.discover(several.plan(demanding)).joint), Some(Stop::NoGain));
    let no_column = crate::DiscoveryPlan { columns: Vec::new(), ..several.plan(controls()) };
    assert_eq!(stop(&several.discover(no_column).joint), Some(Stop::SingleLevels));
}

#[test]
fn a_difference_without_noise_is_no_gain() {
    let population = population(4, |arm, _, _| vec![Some(arm as i64 * 3); 2]);
    let mut noisy = population.clone();
    noisy.units.iter_mut().take(2).for_each(|unit| unit.values = vec![Some(1); 2]);
    let adaptive = Controls { penalty: 0.0, events_per_arm: 0, ..controls() };
    let constant = population.discover(population.plan(adaptive));
    assert_eq!(constant.joint.unpruned.no_split(), Some(Stop::NothingToScore));
}

#[test]
fn every_one_of_256_codes_is_decided() {
    let population = population(256, |arm, code, noise| {
        vec![Some(noise + if arm == 1 && code % 3 == 0 { 9 } else { 0 }), Some(noise)]
    });
    let discovered = population.discover(population.plan(controls()));
    let tree = &discovered.single[0].unpruned;
    assert_eq!(tree.no_split(), None);
    for code in 0..256 {
        let holders =
            tree.cohorts().into_iter().filter(|cohort| cohort.rule.conditions[0].admitted.contains(code)).count();
        assert_eq!(holders, 1);
    }
}
