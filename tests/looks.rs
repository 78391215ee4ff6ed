//! The ledger of looks: only the first discovery of an experiment is evidence of anything.

use serde_json::Value;

use crate::program::{Answer, Published, whom};
use crate::warehouse::{Sample, Warehouse};

/// The number of a run's look.
fn look(published: &Published) -> Option<u64> {
    published.manifest["run"]["details"]["look"].as_u64()
}

/// What the global tests are evidence of.
fn evidence(published: &Published) -> Vec<Value> {
    let tests = published.json("result.json")["global_tests"].as_array().cloned().expect("global tests");
    assert!(!tests.is_empty());
    tests.into_iter().map(|test| test["evidence"].clone()).collect()
}

#[test]
fn a_second_discovery_is_exploratory_and_the_first_keeps_its_number() {
    let warehouse = Warehouse::copy(Sample::Tiny);
    let first = warehouse.run(&[]);
    assert_eq!(look(&first), Some(1));
    assert!(evidence(&first).iter().all(|evidence| evidence == "held_out"));

    warehouse.edit("matters: 10%", "matters: 5%");
    let answer = Answer::of(&mut warehouse.run_command(&[] as &[&str])).expect_success();
    assert_eq!(answer.last_line()["look"], 2);
    assert!(answer.stdout.contains("Look 2 at the units that measure cohorts"), "{}", answer.stdout);
    let second = warehouse.published().pop().expect("a run");
    assert!(evidence(&second).iter().all(|evidence| evidence == "exploratory"));

    warehouse.edit("matters: 5%", "matters: 10%");
    let again = warehouse.run(&[]);
    assert_eq!(look(&again), Some(1));
    first.assert_same_files(&again, "the first discovery, repeated after the second");
}

#[test]
fn a_night_that_is_no_look_searches_nothing_and_the_day_of_the_look_is_the_first() {
    let warehouse = Warehouse::copy(Sample::Tiny);
    let through = warehouse.run(&[]).json("result.json")["through"].as_str().expect("a day").to_owned();
    let warehouse = Warehouse::copy(Sample::Tiny);
    warehouse.edit("output:\n", "looks: { dates: [2099-01-01] }\noutput:\n");
    let quiet = warehouse.run(&[]);
    let result = quiet.json("result.json");
    assert_eq!((look(&quiet), result["global_tests"].as_array().map(Vec::len)), (None, Some(0)));
    assert!(quiet.effects().iter().any(|row| row.family == "F1"), "averages are there");
    assert!(quiet.text("summary.md").contains("No cohorts were searched for"));

    warehouse.edit("dates: [2099-01-01]", &format!("dates: [{through}, 2099-01-01]"));
    let first = warehouse.run(&[]);
    assert_eq!(look(&first), Some(1));
    assert!(evidence(&first).iter().all(|evidence| evidence == "held_out"));
}

#[test]
fn removing_older_runs_forgets_no_look() {
    let warehouse = Warehouse::copy(Sample::Tiny);
    warehouse.run(&[]);
    warehouse.edit("matters: 10%", "matters: 5%");
    warehouse.run(&[]);
    Answer::of(whom().arg("clean").arg(warehouse.pipeline()).args(["--keep", "1"])).expect_success();
    assert_eq!(warehouse.published().len(), 1);
    warehouse.edit("matters: 5%", "matters: 6%");
    assert_eq!(look(&warehouse.run(&[])), Some(3));
}
