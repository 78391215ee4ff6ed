use whom_forest::Discovered;
use whom_report::{RankEnd, ResplitStability, SearchStability};
use whom_stats::Fold;

use super::*;
use crate::analysis::questions_of;
use crate::cohorts::MeasuredCohorts;
use crate::discovery::{declared_tree, discover};
use crate::event::Silent;
use crate::fixture::{Experiment, LETTER, Person, SMALL_TREES};
use crate::leaf_sums::LeafSums;

/// Few replicates and halves: the section `discover` of the tests.
const SOME: &str = "  search_replicates: 12\n  resplits: 4\n  treatments: [letter]\n  tree: { depth: 2, units_per_arm: 50, events_per_arm: 10, pruning_folds: 0 }";

async fn discovered(study: &Study<'_>) -> Discovered {
    discover(study, &study.targets(), &Silent).await.unwrap()
}

async fn searched(experiment: &Experiment) -> Option<SearchStability> {
    let study = experiment.study();
    let found = discovered(&study).await;
    let (name, tree) = declared_tree(&study, &study.targets(), &found).unwrap();
    let some = sampled(&study).await.unwrap();
    let of_some = some.as_ref().map(|units| study.with_units(units));
    let repeated = of_some.as_ref().unwrap_or(&study);
    let declared = Declaration { all: &study, study: repeated, name: &name, tree, observer: &Silent };
    search_stability(&declared).await.unwrap()
}

async fn halved(experiment: &Experiment) -> Option<ResplitStability> {
    let study = experiment.study();
    let found = discovered(&study).await;
    let (name, tree) = declared_tree(&study, &study.targets(), &found).unwrap();
    let sums = LeafSums::of(&study, &tree.routing).await.unwrap();
    let cohorts = tree.cohorts();
    let questions = questions_of(&study, &study.targets(), tree);
    let effects = MeasuredCohorts::new(&study, &sums, &cohorts).discovered_family(&questions);
    let some = sampled(&study).await.unwrap();
    let of_some = some.as_ref().map(|units| study.with_units(units));
    let repeated = of_some.as_ref().unwrap_or(&study);
    let declared = Declaration { all: &study, study: repeated, name: &name, tree, observer: &Silent };
    resplits(&declared, &questions, &effects).await.unwrap()
}

#[tokio::test]
async fn what_was_planted_returns_in_every_replicate() {
    let found = searched(&Experiment::with(SOME, |person| person)).await.unwrap();
    assert_eq!((found.replicates, found.without_split), (12, 0.0));
    assert_eq!((found.units, found.compared_units), (found.discovery_units, found.units), "few enough to take all");
    let root = &found.splits[0];
    assert_eq!((root.tag.as_str(), root.depth), ("age", 0));
    assert_eq!((root.tag_by_depth[0], root.near_share()), (1.0, 1.0));
    // Where the few of unknown age go is a matter of chance.
    assert!(root.cut_share() > 0.5, "{root:?}");
    let best = &found.optimism[0];
    assert_eq!((best.end, best.rank, best.replicates), (RankEnd::Highest, 1, 12));
    assert!((best.optimism.unwrap() - (best.in_bag.unwrap() - best.out_of_bag.unwrap())).abs() < 1e-12);
    // Thirty in a hundred more buy.
    assert!((best.out_of_bag.unwrap() - 0.3).abs() < 0.1, "{best:?}");
    let consensus = found.consensus.unwrap();
    assert!(consensus.similarity >= consensus.declared_similarity && !consensus.rules.is_empty());
}

#[tokio::test]
async fn outcomes_of_other_folds_move_no_replicate() {
    let folds = Experiment::new().study().folds;
    let altered = Experiment::with(SOME, |person| match folds.of(person.bucket) {
        Fold::Discover => person,
        Fold::Measure | Fold::Judge => Person { buys: 1 - person.buys, ..person },
    });
    assert_eq!(searched(&altered).await, searched(&Experiment::with(SOME, |person| person)).await);
}

#[tokio::test]
async fn where_nothing_is_to_be_found_nothing_returns() {
    let nobody = Experiment::with(SOME, |person| Person { buys: 0, ..person });
    let found = searched(&nobody).await.unwrap();
    assert_eq!((found.without_split, found.splits.len(), found.cohorts.len()), (1.0, 0, 0));
    assert!(found.optimism.iter().all(|row| row.replicates == 0 && row.optimism.is_none()));
    assert!(found.consensus.unwrap().is_declared, "all are the tree without a split");
    let halved = halved(&nobody).await.unwrap();
    assert_eq!((halved.without_split, halved.cohorts.len(), halved.detected[0].halvings), (4, 0, 0));
}

#[tokio::test]
async fn other_halves_find_the_same_cohorts_again() {
    let strong = Experiment::with(SOME, |person| {
        let convinced = person.arm == LETTER && person.age.is_some_and(|age| age >= 2.0);
        Person { buys: if convinced { 1 } else { person.buys }, ..person }
    });
    let found = halved(&strong).await.unwrap();
    assert_eq!((found.splits, found.without_split, found.units), (4, 0, found.all_units));
    assert_eq!(found.detected[0].halvings, 4);
    let best = &found.cohorts[0];
    assert!(best.returned > 0 && best.same_sign == best.returned && best.different == best.returned, "{found:?}");
    assert!(found.cohorts.iter().all(|row| row.same_sign <= row.returned && row.different <= row.returned));
}

#[tokio::test]
async fn how_many_grow_together_changes_nothing() {
    let experiment = Experiment::with(SOME, |person| person);
    let study = experiment.study();
    let plan = crate::discovery::plan_of(&study, &study.targets());
    let repetition = |number| Repetition {
        weights: Some(whom_stats::BucketWeights::poisson("made_up", "search", number)),
        ..Repetition::of(plan.clone())
    };
    let repetitions: Vec<Repetition> = (0..5).map(repetition).collect();
    let mut grown = Vec::new();
    for together in [5, 2, 1] {
        let searches = Searches { plan: plan.clone(), together };
        grown.push(searches.grow("replicates", &study.units.source, &repetitions, |_| ()).await.unwrap());
    }
    assert!(grown[0] == grown[1] && grown[0] == grown[2]);
    for Repeated { discovered, unseen } in &grown[0] {
        assert_eq!(unseen.len(), discovered.joint.pruned.leaves().len());
        assert!(unseen[0].totals.total_units() > 0, "a third of the buckets weigh nothing");
    }
}

#[tokio::test]
async fn nothing_is_looked_at_that_was_not_asked_for() {
    let none = SMALL_TREES.to_owned() + "\n  search_replicates: 0\n  resplits: 0";
    let experiment = Experiment::with(&none, |person| person);
    assert_eq!((searched(&experiment).await, halved(&experiment).await), (None, None));
}

/// The same, where about 2,000 of the 6,000 people stand for all.
const OF_SOME: &str = "  repeated_units: 2000\n";

#[tokio::test]
async fn a_sample_stands_for_all_where_there_are_too_many_units() {
    let some = OF_SOME.to_owned() + SOME;
    let experiment = Experiment::with(&some, |person| person);
    let found = searched(&experiment).await.unwrap();
    assert!((800..1_200).contains(&found.units), "{}", found.units);
    assert!((2_700..3_300).contains(&found.discovery_units), "{}", found.discovery_units);
    assert_eq!(found.splits[0].tag, "age");
    assert_eq!(found.splits[0].tag_by_depth[0], 1.0, "what was planted is found in a third of the people as well");
    let halved = halved(&experiment).await.unwrap();
    assert!((1_800..2_200).contains(&halved.units) && halved.all_units == 6_000, "{halved:?}");
    assert_eq!(halved.detected[0].halvings, 4);
    // The declared tree and the folds are those of all people.
    let study = experiment.study();
    let sample = sampled(&study).await.unwrap().unwrap();
    let of_sample = study.with_units(&sample);
    assert_eq!(of_sample.folds.buckets(Fold::Discover), study.folds.buckets(Fold::Discover));
}

#[tokio::test]
async fn a_sample_is_the_same_on_disk() {
    let some = OF_SOME.to_owned() + SOME;
    let (memory, disk) = (Experiment::with(&some, |person| person), Experiment::on_disk_with(&some));
    assert_eq!(searched(&memory).await, searched(&disk).await);
    assert_eq!(halved(&memory).await, halved(&disk).await);
}

#[tokio::test]
async fn ranked_groups_follow_what_was_planted() {
    let found = halved(&Experiment::with(SOME, |person| person)).await.unwrap();
    let groups: Vec<Option<usize>> = found.groups.iter().map(|row| row.group).collect();
    assert_eq!(groups, [Some(1), Some(2), Some(3), Some(4), None]);
    let estimates: Vec<f64> = found.groups.iter().map(|row| row.estimate.unwrap()).collect();
    // Half of the people buy thirty in a hundred more often, half do not.
    assert!(estimates[0].abs() < 0.1 && (estimates[3] - 0.3).abs() < 0.1, "{estimates:?}");
    let spread = &found.groups[4];
    assert!(
        spread.interval.unwrap().lower > 0.0 && spread.p_value.unwrap() < 1e-4 && spread.halvings == 4,
        "{spread:?}"
    );

    let nobody = halved(&Experiment::with(SOME, |person| Person { buys: 0, ..person })).await.unwrap();
    assert!(nobody.groups.iter().all(|row| row.estimate.is_none() && row.not_estimable.is_some()));
}

#[tokio::test]
async fn corrected_p_values_go_to_the_ranked_groups_that_were_tested() {
    let mut found = halved(&Experiment::with(SOME, |person| person)).await.unwrap();
    found.groups[1].p_value = None;
    let p_values = ranked_p_values(Some(&found));
    assert_eq!((p_values.len(), ranked_p_values(None).len()), (4, 0));
    assert!(found.groups.iter().all(|row| row.p_value_adjusted.is_none() && row.family.as_str() == "F3"));
    let corrected = with_corrected(found.clone(), vec![0.1, 0.2, 0.3, 0.4]);
    let adjusted: Vec<Option<f64>> = corrected.groups.iter().map(|row| row.p_value_adjusted).collect();
    assert_eq!(adjusted, [Some(0.1), None, Some(0.2), Some(0.3), Some(0.4)]);
}
