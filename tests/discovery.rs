//! What is found in the samples is what is there.

use serde_json::Value;

use crate::effects::{Effect, Table};
use crate::program::{Baseline, Published, assert_text};
use crate::warehouse::{Sample, Warehouse};

/// The women's campaign and visits, one split: past buyers of women's goods against all others. Halves of the customers
/// follow from the experiment's name; a few halves in a hundred prefer `mens`, which is nearly its opposite.
#[test]
fn the_campaign_for_women_differs_by_past_purchases_of_womens_goods() {
    let runs: Vec<Published> = (1..=HALVES).map(womens_campaign).collect();
    let by_womens = |published: &&Published| root_of(published, "joint")["split"]["tag"] == "womens";
    assert!(runs.iter().filter(by_womens).count() >= HALVES - 2);
    for published in runs.iter().filter(by_womens) {
        let [buyers, others] = ["womens is 1", "womens is 0"].map(|rule| cohort_where(published, rule));
        for cohort in [&buyers, &others] {
            let contrast = effect_of(published, cohort, "contrast");
            assert!(contrast.p_value_adjusted.is_some_and(|p| p < 0.05), "{contrast:?}");
        }
        let gain = effect_of(published, &buyers, "effect");
        assert!(gain.interval.is_some_and(|(lower, _)| lower > 0.0), "{gain:?}");
    }
    assert_text("womens_campaign_summary", runs[0].text("summary.md"));
}

const HALVES: usize = 20;

#[test]
fn the_planted_effect_of_tiny_is_found_on_phones() {
    let published = &Baseline::of(Sample::Tiny).published;
    assert_eq!(root_of(published, "joint")["split"]["tag"], "device");
    let effects = published.effects();
    let phones =
        effects.iter().find(|row| row.cohort == "on_phones" && row.metric == "sign_up" && row.estimand == "effect");
    assert!(phones.and_then(|row| row.interval).is_some_and(|(lower, _)| lower > 0.0), "{phones:?}");
}

#[test]
fn the_first_split_of_retention_is_on_the_risk_score() {
    let published = &Baseline::of(Sample::Retention).published;
    assert_eq!(root_of(published, "joint")["split"]["tag"], "risk_score");
}

fn womens_campaign(half: usize) -> Published {
    let warehouse = Warehouse::copy(Sample::Hillstrom);
    warehouse
        .rename_experiment(&format!("half_{half}"))
        .edit("discover:\n", "discover:\n  treatments: [Womens E-Mail]\n")
        .edit("depth: 3", "depth: 1");
    warehouse.run(&[])
}

fn root_of(published: &Published, tree: &str) -> Value {
    let document = published.json("tree.json");
    let trees = document["trees"].as_array().expect("trees");
    let tree = trees.iter().find(|found| found["name"] == tree).expect("the tree");
    tree["nodes"][0].clone()
}

/// The cohort with this rule.
fn cohort_where(published: &Published, rule: &str) -> String {
    let cohorts = Table(published.table("cohorts.parquet"));
    let mut named = cohorts.words("rule").into_iter().zip(cohorts.words("cohort"));
    named.find(|(found, _)| found == rule).expect("a cohort with this rule").1
}

fn effect_of(published: &Published, cohort: &str, estimand: &str) -> Effect {
    let is_asked = |row: &Effect| {
        row.cohort == cohort && row.estimand == estimand && row.metric == "visit" && row.variant == "Womens E-Mail"
    };
    published.effects().into_iter().find(is_asked).expect("a row")
}
