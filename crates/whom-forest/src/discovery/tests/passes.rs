use whom_stats::bucket::BucketSet;
use whom_stats::pass::{ColumnShape, Histograms};

use super::population::{Population, discovery_buckets};
use super::recovery::planted;
use crate::{Controls, Discovery, DiscoveryPlan, ForestError, Target};

fn heterogeneous() -> Population {
    planted(6, |codes| if codes[0] < 8 { 6 } else { 0 } + if codes[1] < 3 { 4 } else { 0 })
}

fn refused(change: impl FnOnce(&mut DiscoveryPlan)) -> String {
    let mut plan = heterogeneous().plan(Controls::default());
    change(&mut plan);
    Discovery::new(plan).unwrap_err().to_string()
}

#[test]
fn a_state_written_and_read_between_passes_grows_the_same_trees() {
    let population = heterogeneous();
    let plan = population.plan(Controls::default());
    let mut discovery = Discovery::new(plan.clone()).unwrap();
    let mut passes = 0;
    while let Some(pass) = discovery.next() {
        let pass = serde_json::from_str(&serde_json::to_string(&pass).unwrap()).unwrap();
        let written = serde_json::to_string(&discovery).unwrap();
        discovery = serde_json::from_str(&written).unwrap();
        discovery.absorb(&population.answer(&pass)).unwrap();
        passes += 1;
    }
    assert_eq!(passes, 4, "a pass per level, and one of the left-out folds");
    assert_eq!(discovery.finish().unwrap(), population.discover(plan));
}

#[test]
fn passes_name_discovery_buckets_only_and_nothing_twice() {
    let population = heterogeneous();
    let mut discovery = Discovery::new(population.plan(Controls::default())).unwrap();
    while let Some(pass) = discovery.next() {
        assert_eq!(discovery.next().as_ref(), Some(&pass));
        for (index, tree) in pass.trees.iter().enumerate() {
            assert!(tree.buckets.without(&discovery_buckets()).is_empty());
            assert!(!pass.trees[..index].contains(tree));
        }
        discovery.absorb(&population.answer(&pass)).unwrap();
    }
}

#[test]
fn the_smaller_child_is_counted() {
    let population = heterogeneous();
    let mut discovery = Discovery::new(population.plan(Controls { pruning_folds: 0, ..Controls::default() })).unwrap();
    let root = population.answer(&discovery.next().unwrap());
    discovery.absorb(&root).unwrap();
    let pass = discovery.next().unwrap();
    assert_eq!(pass.trees[0].nodes.len(), 1);
    let counted = &population.answer(&pass).trees[0][0];
    assert!(2 * counted.totals.total_units() <= root.trees[0][0].totals.total_units());
}

#[test]
fn an_answer_that_does_not_fit_is_refused_and_changes_nothing() {
    let population = heterogeneous();
    let mut discovery = Discovery::new(population.plan(Controls { pruning_folds: 0, ..Controls::default() })).unwrap();
    let refuse = |discovery: &mut Discovery, change: &dyn Fn(&mut Histograms)| {
        let before = discovery.clone();
        let mut answer = population.answer(&discovery.next().unwrap());
        change(&mut answer);
        let message = discovery.absorb(&answer).unwrap_err().to_string();
        assert_eq!(*discovery, before);
        message
    };
    insta::assert_snapshot!(refuse(&mut discovery, &|answer| answer.trees.clear()), @"the answer does not fit the pass: 1 trees asked for, 0 answered; answer the pass that `next` returned, from the same units");
    insta::assert_snapshot!(refuse(&mut discovery, &|answer| answer.trees[0][0].columns[1].units.truncate(4)), @"the answer does not fit the pass: 6 codes of `country` asked for, 2 answered; answer the pass that `next` returned, from the same units");
    insta::assert_snapshot!(refuse(&mut discovery, &|answer| answer.trees[0][0].columns[1].units[0] += 1), @"the answer does not fit the pass: the codes of `country` do not add up to their node; answer the pass that `next` returned, from the same units");
    insta::assert_snapshot!(refuse(&mut discovery, &|answer| answer.trees[0][0].totals.moments.clear()), @"the answer does not fit the pass: 2 arms x metrics asked for, 0 answered; answer the pass that `next` returned, from the same units");
    assert_eq!(discovery.clone().finish(), Err(ForestError::Unfinished));
    discovery.absorb(&population.answer(&discovery.next().unwrap())).unwrap();
    insta::assert_snapshot!(refuse(&mut discovery, &|answer| {
        let node = &mut answer.trees[0][0];
        node.totals.units[0] += 1;
        node.columns.iter_mut().for_each(|column| column.units[0] += 1);
    }), @"the answer does not fit the pass: the totals of node 1 are not what its parent's codes add up to; answer the pass that `next` returned, from the same units");
    insta::assert_snapshot!(refuse(&mut discovery, &|answer| {
        let column = &mut answer.trees[0][0].columns[3];
        let (first, second) = column.units.split_at_mut(column.arms);
        first.iter_mut().zip(second).for_each(|(first, second)| *first += std::mem::take(second));
        let (first, second) = column.moments.split_at_mut(column.arms);
        first.iter_mut().zip(second).for_each(|(first, second)| *first += std::mem::take(second));
    }), @"the answer does not fit the pass: a child holds units that its parent does not; answer the pass that `next` returned, from the same units");
    while let Some(pass) = discovery.next() {
        discovery.absorb(&population.answer(&pass)).unwrap();
    }
    insta::assert_snapshot!(discovery.absorb(&Histograms { trees: Vec::new() }).unwrap_err(), @"the discovery is finished and asks for nothing; call `finish`");
}

#[test]
fn an_impossible_plan_is_refused_with_the_name_of_what_is_wrong() {
    insta::assert_snapshot!(refused(|plan| plan.controls.penalty = 2.0), @"`penalty` is 2, but must be between 0 and 1");
    insta::assert_snapshot!(refused(|plan| plan.targets.clear()), @"no treatment and metric to search; name at least one treatment and one primary metric");
    insta::assert_snapshot!(refused(|plan| plan.targets.push(Target { treatment: 0, metric: 0 })), @"arm 0 is no treatment; valid are 1 to 1 (arm 0 is control)");
    insta::assert_snapshot!(refused(|plan| plan.targets.push(Target { treatment: 1, metric: 3 })), @"metric 3 does not exist; there are 1, counted from 0");
    insta::assert_snapshot!(refused(|plan| plan.targets.push(plan.targets[0])), @"treatment 1 on metric 0 is named twice; name it once");
    insta::assert_snapshot!(refused(|plan| plan.columns.push(5)), @"tag column 5 does not exist; there are 5, counted from 0");
    insta::assert_snapshot!(refused(|plan| plan.columns.push(1)), @"tag `country` is to be searched twice; name it once");
    insta::assert_snapshot!(refused(|plan| plan.shapes[1].name = "age".to_owned()), @"two tags are named `age`; rename one");
    insta::assert_snapshot!(refused(|plan| plan.shapes[1].codes = 0), @"tag `country` has 0 codes, but must have between 1 and 65536");
    insta::assert_snapshot!(refused(|plan| plan.shapes[1] = ColumnShape { missing: Some(9), ..plan.shapes[1].clone() }), @"tag `country` has the missing code 9, but its codes end at 5");
    insta::assert_snapshot!(refused(|plan| plan.folds.clear()), @"pruning folds: 5 are asked for, 0 given; every discovery bucket belongs to exactly one fold");
    insta::assert_snapshot!(refused(|plan| plan.folds[0] = plan.folds[1].clone()), @"pruning folds: bucket 0 lies in 0 of them instead of 1; every discovery bucket belongs to exactly one fold");
    insta::assert_snapshot!(refused(|plan| plan.folds[0] = BucketSet::all()), @"pruning folds: bucket 1 lies in 1 of them instead of 0; every discovery bucket belongs to exactly one fold");
    insta::assert_snapshot!(refused(|plan| {
        plan.folds[1] = plan.folds[0].iter().chain(plan.folds[1].iter()).collect();
        plan.folds[0] = BucketSet::none();
    }), @"pruning folds: fold 0 is empty; every discovery bucket belongs to exactly one fold");
}
