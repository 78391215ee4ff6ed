//! Folds that the data give: the tree of the lecture on its own half, and what must hold of any given folds.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use serde_json::Value;

use crate::effects::Table;
use crate::honesty::{is_among, measuring_units, rule, with_numbers};
use crate::program::{Answer, Published};
use crate::warehouse::{Sample, Warehouse};

/// The lecture's search, in place of the sample's.
const SEARCH: &str = "codes: 16
  folds: { column: fold50, discover: discovery, measure: holdout }
  search_replicates: 4
  resplits: 2
  tree: { criterion: raw_transformed_outcome, depth: 3, units: 350, units_per_arm: 2, events_per_arm: 0, pruning_folds: 0 }";

/// The retention experiment with the halves of the lecture.
fn lecture() -> Warehouse {
    let warehouse = Warehouse::copy(Sample::Retention);
    let table = "path: data/retention/folds.parquet\n    static: true\n    columns:\n      fold50: categorical\n";
    warehouse
        .edit("      support_tickets: numeric\n", &format!("      support_tickets: numeric\n  lecture:\n    {table}"))
        .edit("tags: [risk_score, usage_z, customer_value,", "tags: [risk_score, usage_z, log_customer_value,")
        .edit("tree: { criterion: causal_mse, depth: 3, units_per_arm: 150, events_per_arm: 0, penalty: 0.5 }", SEARCH);
    warehouse
}

fn analysed() -> &'static Published {
    static LECTURE: LazyLock<Published> = LazyLock::new(|| lecture().run(&["--keep-units"]));
    &LECTURE
}

/// The cuts of the declared tree: tag and value.
fn cuts(published: &Published) -> Vec<(String, f64)> {
    let document = published.json("tree.json");
    let nodes = document["trees"][0]["nodes"].as_array().expect("nodes").clone();
    let splits = nodes.iter().map(|node| &node["split"]).filter(|split| !split.is_null());
    let cut =
        |split: &Value| (split["tag"].as_str().expect("a tag").to_owned(), split["edge"].as_f64().expect("a cut"));
    splits.map(cut).collect()
}

#[test]
fn the_tree_of_the_lecture_has_its_cuts_and_its_leaves_to_the_printed_digit() {
    let published = analysed();
    let cuts = cuts(published);
    let between =
        [("risk_score", 0.14028, 0.14068), ("risk_score", 0.58967, 0.59032), ("risk_score", 0.43601, 0.43606)];
    for (tag, low, high) in between {
        let lies = |(of, cut): &&(String, f64)| of == tag && (low - 5e-6..high).contains(cut);
        assert_eq!(cuts.iter().filter(lies).count(), 1, "{low} to {high}: {cuts:?}");
    }
    assert!(cuts.contains(&("support_tickets".to_owned(), 2.0)) && cuts.len() == 4, "{cuts:?}");
    let effects = published.effects();
    let of_leaf = effects.iter().filter(|row| {
        row.evidence == "held_out" && row.estimand == "effect" && row.cohort.starts_with('c') && row.metric == "outcome"
    });
    let mut leaves: Vec<String> = of_leaf
        .map(|row| {
            let (estimate, std_err) = (row.estimate.expect("an effect"), row.std_err.expect("an error"));
            format!("{} {estimate:.3} ({std_err:.3})", row.n_control + row.n_variant)
        })
        .collect();
    leaves.sort();
    let printed =
        ["1440 4.845 (0.709)", "2752 1.282 (0.483)", "381 -1.388 (1.275)", "643 8.314 (1.030)", "784 9.266 (0.942)"];
    assert_eq!(leaves, printed);
}

#[test]
fn a_unit_is_in_the_fold_that_its_tag_gives() {
    let units = Table(analysed().table("units.parquet"));
    let given = units.words("fold50");
    assert_eq!(given.iter().filter(|given| *given == "discovery").count(), 6000);
    for (given, fold) in given.iter().zip(units.words("fold")) {
        assert_eq!(fold, if given == "discovery" { "discover" } else { "measure" });
    }
}

#[test]
fn swapping_the_values_swaps_the_folds() {
    let warehouse = lecture();
    warehouse.edit("discover: discovery, measure: holdout", "discover: holdout, measure: discovery");
    let swapped = warehouse.run(&["--keep-units"]);
    assert_eq!(swapped.units_of_fold("discover"), sorted_as(&swapped, analysed().units_of_fold("measure")));
    assert_eq!(swapped.units_of_fold("measure"), sorted_as(&swapped, analysed().units_of_fold("discover")));
    assert_ne!(rule(&swapped), rule(analysed()));
    let everybody = |published: &Published| {
        let effects = published.effects().into_iter();
        effects
            .filter(|row| row.cohort == "all")
            .map(|row| (row.estimand, row.estimate, row.std_err))
            .collect::<Vec<_>>()
    };
    assert_eq!(everybody(&swapped), everybody(analysed()), "averages know no folds");
}

/// Units in the order in which a run holds them.
fn sorted_as(published: &Published, units: Vec<String>) -> Vec<String> {
    let units: BTreeSet<String> = units.into_iter().collect();
    let table = Table(published.table("units.parquet"));
    table.words("unit").into_iter().filter(|unit| units.contains(unit)).collect()
}

#[test]
fn outcomes_of_the_measuring_fold_do_not_touch_the_rule() {
    let measuring = measuring_units(analysed());
    let warehouse = lecture();
    warehouse.rewrite("outcomes.parquet", |_, rows| {
        let of_fold = is_among(&rows, "account_id", &measuring);
        with_numbers(&rows, "value", |row, value| if of_fold[row] { 200.0 - 3.0 * value } else { value })
    });
    let altered = warehouse.run(&[]);
    assert_eq!(rule(analysed()), rule(&altered));
    assert_ne!(analysed().effects(), altered.effects(), "the outcomes were not altered");
}

#[test]
fn threads_pieces_and_where_units_lie_change_no_byte() {
    for arguments in [
        &["--keep-units", "--threads", "1", "--pieces", "3"][..],
        &["--keep-units", "--threads", "2", "--pieces", "11", "--resident-limit", "1B"][..],
    ] {
        analysed().assert_same_files(&lecture().run(arguments), &format!("{arguments:?}"));
    }
}

#[test]
fn whoever_reads_the_results_is_told_that_the_folds_were_given() {
    let (published, told) =
        (analysed(), "Folds were given, not drawn: units whose fold50 is discovery discovered cohorts");
    for file in ["summary.md", "result.json"] {
        assert!(published.text(file).replace('\n', " ").contains(told), "{file}: {}", published.text(file));
    }
    assert!(published.text("report.html").contains("Folds were given, not drawn"));
    assert!(published.text("report.html").contains("held out is what it measures if nobody chose the folds"));
    let folds = serde_json::json!({ "column": "fold50", "discover": "discovery", "measure": "holdout" });
    assert_eq!(published.manifest["run"]["details"]["folds"], folds);
    let (trees, named) = (published.text("tree.json"), published.json("result.json"));
    assert!(!trees.contains("fold50"), "no tree splits on the fold");
    assert_eq!(named["folds"], folds);
}

#[test]
fn units_without_a_fold_are_refused_with_their_number() {
    let refused = refused(|given, row| if row % 1000 == 7 { None } else { Some(given) });
    assert!(refused.contains("12 units have neither `discovery` nor `holdout` in the tag `fold50`"), "{refused}");
}

#[test]
fn a_fold_without_units_is_refused() {
    let refused = refused(|_, _| Some("discovery"));
    assert!(refused.contains("no unit has `holdout` in the tag `fold50`"), "{refused}");
}

/// The refusal of the lecture with other folds.
fn refused(change: impl Fn(&str, usize) -> Option<&str>) -> String {
    let warehouse = lecture();
    warehouse.rewrite("folds.parquet", |_, rows| {
        let given = Table(rows.clone()).words("fold50");
        let changed: StringArray = given.iter().enumerate().map(|(row, given)| change(given, row)).collect();
        let index = rows.schema().index_of("fold50").expect("a column");
        let mut columns: Vec<ArrayRef> = rows.columns().to_vec();
        columns[index] = Arc::new(changed);
        RecordBatch::try_new(rows.schema(), columns).expect("the same columns")
    });
    let answer = Answer::of(&mut warehouse.run_command::<&str>(&[]));
    assert_eq!(answer.code, Some(3), "{}", answer.stderr);
    answer.stderr.split_whitespace().collect::<Vec<_>>().join(" ")
}
