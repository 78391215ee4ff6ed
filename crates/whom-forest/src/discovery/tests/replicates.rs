use proptest::prelude::*;
use whom_stats::{BUCKETS, BucketWeights};

use super::oracle::populations;
use super::population::Population;
use super::recovery::planted;
use crate::{Controls, Discoveries, Discovery, ForestError};

fn finished(population: &Population, mut discovery: Discovery) -> crate::DiscoveredTree {
    while let Some(pass) = discovery.next() {
        discovery.absorb(&population.answer(&pass)).unwrap();
    }
    discovery.finish().unwrap().joint
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn a_replicate_is_the_tree_of_repeated_rows(
        population in populations(), weights in prop::collection::vec(0..4_u8, BUCKETS), pruning_folds in prop::sample::select(vec![0, 3]),
    ) {
        let controls = Controls { depth: 2, units_per_arm: 2, events_per_arm: 0, pruning_folds, ..Controls::default() };
        let plan = population.plan(controls);
        let times = |bucket: u16| weights[usize::from(bucket)];
        let units = population.units.iter();
        let repeated = Population {
            units: units.flat_map(|unit| std::iter::repeat_n(unit.clone(), times(unit.bucket).into())).collect(),
            ..population.clone()
        };
        let replicate = Discovery::replicate(plan.clone(), BucketWeights::from_fn(times)).unwrap();
        let replicate = finished(&population, replicate);
        let grown = repeated.discover(plan).joint;
        // Bit for bit, whatever floating point is in it.
        prop_assert_eq!(format!("{replicate:?}"), format!("{grown:?}"));
    }
}

#[test]
fn discoveries_that_share_passes_grow_what_each_grows_alone() {
    let population = planted(6, |codes| if codes[0] < 8 { 6 } else { 0 });
    let weighted = |replicate| {
        let plan = population.plan(Controls { pruning_folds: 2, ..Controls::default() });
        Discovery::replicate(plan, BucketWeights::poisson("shared", "search", replicate)).unwrap()
    };
    let flat = Discovery::new(population.plan(Controls { depth: 1, pruning_folds: 0, ..Controls::default() })).unwrap();
    let alone: Vec<Discovery> = (0..3).map(weighted).chain([flat]).collect();
    let mut together = Discoveries::new(alone.clone());
    let mut passes = 0;
    while let Some(pass) = together.next() {
        assert_eq!(together.next().as_ref(), Some(&pass));
        together.absorb(population.answer(&pass)).unwrap();
        passes += 1;
    }
    assert_eq!(passes, 4, "as many as the deepest of them needs");
    let found: Vec<_> = together.finish().unwrap().into_iter().map(|found| found.joint).collect();
    assert_eq!(found, alone.into_iter().map(|one| finished(&population, one)).collect::<Vec<_>>());
}

#[test]
fn an_answer_of_other_trees_than_asked_for_is_refused() {
    let population = planted(6, |_| 0);
    let plan = population.plan(Controls { pruning_folds: 0, ..Controls::default() });
    let mut together = Discoveries::new(vec![Discovery::new(plan.clone()).unwrap(), Discovery::new(plan).unwrap()]);
    let mut answer = population.answer(&together.next().unwrap());
    answer.trees.push(answer.trees[0].clone());
    insta::assert_snapshot!(together.absorb(answer).unwrap_err(), @"the answer does not fit the pass: 1 trees that nobody asked for; answer the pass that `next` returned, from the same units");
    assert_eq!(together.finish(), Err(ForestError::Unfinished));
}
