use std::sync::Mutex;
use std::sync::atomic::Ordering;

use super::*;
use crate::event::Silent;
use crate::fixture::{Experiment, Person, SMALL_TREES};

async fn discovered(experiment: &Experiment) -> Discovered {
    let study = experiment.study();
    discover(&study, &study.targets(), &Silent).await.unwrap()
}

#[test]
fn the_search_is_what_the_plan_declares() {
    let narrowed = Experiment::with(
        "  tags: [city]\n  treatments: [letter]\n  tree: { depth: 1, units_per_arm: 40, pruning_folds: 3 }",
        |person| person,
    );
    let study = narrowed.study();
    let plan = plan_of(&study, &study.targets());
    assert_eq!(plan.columns, [1]);
    assert_eq!(plan.targets, [Target { treatment: 2, metric: 0 }]);
    assert_eq!((plan.arms, plan.metrics, plan.shapes.len()), (3, 3, 4));
    assert_eq!((plan.controls.depth, plan.controls.units_per_arm, plan.folds.len()), (1, 40, 3));
    assert_eq!(plan.controls.honesty_ratio, 1.0, "as many buckets discover as measure");
    assert_eq!(&plan.buckets, study.folds.buckets(Fold::Discover));
    assert_eq!(plan.validate(), Ok(()));
}

#[test]
fn everything_primary_is_searched_unless_the_plan_narrows_it() {
    let experiment = Experiment::new();
    let study = experiment.study();
    let plan = plan_of(&study, &study.targets());
    assert_eq!(plan.columns, [0, 1]);
    assert_eq!(plan.targets, [Target { treatment: 1, metric: 0 }, Target { treatment: 2, metric: 0 }]);
    assert!(plan.folds.is_empty(), "without pruning there are no folds of it");
}

#[tokio::test]
async fn what_was_planted_is_found_by_every_criterion() {
    for criterion in ["causal_mse", "transformed_outcome", "raw_transformed_outcome"] {
        let discover = SMALL_TREES.replace("depth:", &format!("criterion: {criterion}, depth:"));
        let experiment = Experiment::with(&discover, |person| person);
        let study = experiment.study();
        let grown = format!("{:?}", plan_of(&study, &study.targets()).controls.criterion);
        assert_eq!(grown.to_lowercase(), criterion.replace('_', ""));
        let found = discovered(&experiment).await;
        let first_split = |tree: &Tree| tree.routing.nodes()[0].as_ref().map(|split| split.column);
        assert_eq!((first_split(&found.single[1].pruned), first_split(&found.joint.pruned)), (Some(0), Some(0)));
    }
}

#[tokio::test]
async fn outcomes_of_the_measuring_fold_move_no_tree() {
    let folds = Experiment::new().study().folds;
    let altered = Experiment::with(SMALL_TREES, |person| match folds.of(person.bucket) {
        Fold::Discover => person,
        Fold::Measure | Fold::Judge => Person { buys: 1 - person.buys, ..person },
    });
    assert_eq!(discovered(&altered).await, discovered(&Experiment::new()).await);
}

/// Keeps what was told of progress.
#[derive(Default)]
struct Told(Mutex<Vec<(usize, String)>>);

impl Observer for Told {
    fn event(&self, event: &Event) {
        if let Event::Progress { stage: Stage::Discovery, done, doing, .. } = event {
            self.0.lock().unwrap().push((*done, doing.clone()));
        }
    }
}

#[tokio::test]
async fn every_pass_is_told_before_it_is_made() {
    let (experiment, told) = (Experiment::new(), Told::default());
    let study = experiment.study();
    discover(&study, &study.targets(), &told).await.unwrap();
    let told = told.0.into_inner().unwrap();
    assert_eq!(told.first(), Some(&(0, "1 nodes of 1 trees".to_owned())));
    assert!(told.len() > 1 && told.iter().enumerate().all(|(pass, (done, _))| pass == *done), "{told:?}");
}

#[tokio::test]
async fn a_search_that_is_stopped_says_so() {
    struct Stop(std::sync::Arc<std::sync::atomic::AtomicBool>);
    impl Observer for Stop {
        fn event(&self, _event: &Event) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let experiment = Experiment::new();
    let (study, stop) = (experiment.study(), Stop(std::sync::Arc::clone(&experiment.cancel)));
    let error = discover(&study, &study.targets(), &stop).await.unwrap_err();
    assert_eq!((error.stage, error.cause), (Stage::Discovery, Cause::Interrupted));
}

#[tokio::test]
async fn the_declared_partition_is_the_joint_tree_unless_the_plan_names_another() {
    let experiment = Experiment::new();
    let (study, found) = (experiment.study(), discovered(&experiment).await);
    let (name, tree) = declared_tree(&study, &study.targets(), &found).unwrap();
    assert_eq!((name.as_str(), tree), ("joint", &found.joint.pruned));

    let named = format!("  partition: {{ treatment: letter, metric: buys }}\n{SMALL_TREES}");
    let experiment = Experiment::with(&named, |person| person);
    let (study, found) = (experiment.study(), discovered(&experiment).await);
    let (name, tree) = declared_tree(&study, &study.targets(), &found).unwrap();
    assert_eq!((name.as_str(), tree), ("letter on buys", &found.single[1].pruned));
    assert!(declared_tree(&study, &study.targets()[..1], &found).is_none(), "a tree that was not grown");
}
