use whom_query::{BinKind, TagBins};
use whom_report::RuleCondition;
use whom_stats::Fold as StatsFold;

use super::*;
use crate::discovery::discover;
use crate::event::Silent;
use crate::fixture::{Experiment, LETTER, Person, SMALL_TREES};

fn numeric(edges: &[f64]) -> TagBins {
    TagBins { name: "age".into(), kind: BinKind::Numeric { edges: edges.to_vec(), exact: true }, has_missing: true }
}

fn edge_of(edges: &[f64], left: &[u16]) -> Option<f64> {
    edge(&numeric(edges), &left.iter().copied().collect())
}

#[test]
fn a_cut_is_the_last_value_of_the_side_that_holds_the_smallest() {
    let edges = [1.0, 2.0, 3.0];
    assert_eq!(edge_of(&edges, &[0]), Some(1.0));
    assert_eq!(edge_of(&edges, &[0, 1]), Some(2.0));
    assert_eq!(edge_of(&edges, &[2]), Some(2.0), "the smallest are on the right");
    assert_eq!(edge_of(&edges, &[0, 3]), Some(1.0), "missing, the code after the known, moves no cut");
}

#[test]
fn known_values_on_one_side_have_no_cut() {
    assert_eq!(edge_of(&[1.0, 2.0], &[0, 1]), None);
    assert_eq!(edge_of(&[1.0, 2.0], &[2]), None, "missing against known");
    assert_eq!(edge_of(&[], &[0]), None);
    let levels = TagBins {
        name: "city".into(),
        kind: BinKind::Categorical { levels: vec!["a".into(), "b".into()], other: false },
        has_missing: false,
    };
    assert_eq!(edge(&levels, &[0].into_iter().collect()), None);
}

/// The joint tree as the declared one, and the tree of the first question.
async fn shown(experiment: &Experiment) -> (Vec<TreeView>, Vec<ImportanceRow>) {
    let study = experiment.study();
    let questions = study.targets();
    let discovered = discover(&study, &questions, &Silent).await.unwrap();
    let tree = |name: &str, tree, questions: &[Question], declared| Shown {
        name: name.to_owned(),
        tree,
        questions: questions.to_vec(),
        declared,
    };
    let trees = [
        tree("joint", &discovered.joint.pruned, &questions, true),
        tree("letter on buys", &discovered.single[1].pruned, &questions[1..], false),
    ];
    (views(&study, &trees).await.unwrap(), importance(&trees))
}

#[tokio::test]
async fn a_split_is_told_in_the_values_of_its_tag() {
    let (views, importance) = shown(&Experiment::new()).await;
    let [joint, letter] = views.as_slice() else { panic!("{views:?}") };
    assert_eq!((joint.variants.join(", "), joint.metrics.join(", ")), ("call, letter".into(), "buys".into()));
    assert_eq!(
        (letter.name.as_str(), letter.variants.as_slice()),
        ("letter on buys", ["letter".to_owned()].as_slice())
    );
    for view in &views {
        let split = view.nodes[0].split.as_ref().unwrap();
        assert_eq!((split.tag.as_str(), split.edge), ("age", Some(1.0)), "{split:?}");
        let RuleCondition::Numeric { missing: missing_left, .. } = &split.left_condition else { panic!("{split:?}") };
        assert_eq!(split.missing, Some(if *missing_left { Side::Left } else { Side::Right }));
        assert!(split.gain > 0.0);
        let share: f64 = importance.iter().filter(|row| row.tree == view.name).map(|row| row.share).sum();
        assert!((share - 1.0).abs() < 1e-12, "{importance:?}");
    }
}

#[tokio::test]
async fn cohorts_are_the_leaves_of_the_declared_tree_only() {
    let (views, _) = shown(&Experiment::new()).await;
    for node in &views[0].nodes {
        assert_eq!(node.cohort.is_some(), node.split.is_none(), "{node:?}");
    }
    assert!(views[1].nodes.iter().all(|node| node.cohort.is_none()));
}

/// Asserts a node's effect of the letter against a count of the people who are in it.
fn assert_counted(found: &[NodeEffect], experiment: &Experiment, fold: StatsFold, meets: impl Fn(&Person) -> bool) {
    let letter = found.iter().find(|effect| effect.variant == "letter").unwrap();
    let (control, treated) = (experiment.buyers(fold, 0, &meets), experiment.buyers(fold, LETTER, &meets));
    assert_eq!((letter.n_control, letter.n_variant), (Some(control.0), Some(treated.0)));
    assert!((letter.estimate.unwrap() - (treated.1 - control.1)).abs() < 1e-12, "{letter:?}");
}

#[tokio::test]
async fn a_node_has_the_effects_of_its_people_on_both_folds() {
    let experiment = Experiment::new();
    let (views, _) = shown(&experiment).await;
    let root = &views[0].nodes[0];
    let split = root.split.as_ref().unwrap();
    let young_is_left =
        matches!(&split.left_condition, RuleCondition::Numeric { ranges, .. } if ranges[0].lower.is_none());
    let left = |person: &Person| match person.age {
        None => split.missing == Some(Side::Left),
        Some(age) => (age < 2.0) == young_is_left,
    };
    assert_counted(&root.discovery, &experiment, StatsFold::Discover, |_| true);
    assert_counted(&root.measuring, &experiment, StatsFold::Measure, |_| true);
    assert_counted(&views[0].nodes[split.left].discovery, &experiment, StatsFold::Discover, left);
    assert_counted(&views[0].nodes[split.right].measuring, &experiment, StatsFold::Measure, |person| !left(person));
}

#[tokio::test]
async fn nodes_where_nobody_buys_have_units_and_no_effect() {
    let experiment = Experiment::with(SMALL_TREES, |person| Person { buys: 0, ..person });
    let (views, importance) = shown(&experiment).await;
    let [root] = views[0].nodes.as_slice() else { panic!("{views:?}") };
    assert!(root.measuring.iter().all(|effect| effect.n_control > Some(0) && effect.estimate.is_none()), "{root:?}");
    assert!(importance.is_empty());
}
