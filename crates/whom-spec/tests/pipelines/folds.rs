use super::{PLAIN, loaded, plain_with, refusal_with};

const GIVEN: &str = "discover: { folds: { column: device, discover: phone, measure: 7 } }\noutput:\n";

fn refusal(folds: &str) -> String {
    refusal_with("output:\n", &format!("discover: {{ folds: {{ {folds} }} }}\noutput:\n"))
}

#[test]
fn given_folds_are_two_levels_of_a_tag_that_is_not_searched() {
    let plan = loaded(&plain_with("output:\n", GIVEN)).unwrap().plan;
    let folds = plan.discover.folds.unwrap();
    assert_eq!((folds.column.as_str(), folds.discover.as_str(), folds.measure.as_str()), ("device", "phone", "7"));
    assert_eq!(plan.discover.tags.iter().map(|tag| tag.as_str()).collect::<Vec<_>>(), ["tenure"]);
}

#[test]
fn folds_are_part_of_what_is_sealed_and_drawn_ones_leave_identities_as_they_were() {
    let identity = |text: &str| loaded(text).unwrap().plan.analysis_identity().unwrap();
    let swapped = GIVEN.replace("discover: phone, measure: 7", "discover: 7, measure: phone");
    let given = identity(&plain_with("output:\n", GIVEN));
    assert_ne!(given, identity(&plain_with("output:\n", &swapped)));
    let plain = loaded(PLAIN).unwrap().plan;
    assert!(plain.analysis_json().unwrap()["discover"].get("folds").is_none());
    assert!(plain.analysis_json().unwrap()["discover"]["tree"].get("units").is_none());
}

#[test]
fn a_tag_that_is_not_declared() {
    insta::assert_snapshot!(refusal("column: fold, discover: a, measure: b"), @r"
    error: unknown tag `fold`
      --> pipeline.yaml:38:30
       |
    38 | discover: { folds: { column: fold, discover: a, measure: b } }
       |                              ^^^^
       |
       = help: valid names are `tenure` and `device`
    ");
}

#[test]
fn a_numeric_tag() {
    insta::assert_snapshot!(refusal("column: tenure, discover: 1, measure: 2"), @r"
    error: the tag `tenure` is numeric, and folds are two levels of a categorical one
      --> pipeline.yaml:38:30
       |
    36 |       tenure: numeric
       |       ------ the tag
    37 |       device: categorical
    38 | discover: { folds: { column: tenure, discover: 1, measure: 2 } }
       |                              ^^^^^^
       |
       = help: declare it `categorical`
    ");
}

#[test]
fn one_level_for_both_folds() {
    insta::assert_snapshot!(refusal("column: device, discover: phone, measure: phone"), @r"
    error: `discover.folds`: the units of `phone` cannot both discover and measure
      --> pipeline.yaml:38:64
       |
    38 | discover: { folds: { column: device, discover: phone, measure: phone } }
       |                                                                ^^^^^
       |
       = help: cohorts are measured on units that did not find them: name two levels of the tag
    ");
}

#[test]
fn a_fold_without_its_level() {
    insta::assert_snapshot!(refusal("column: device, discover: phone"), @r"
    error: `discover.folds` lacks `measure`
      --> pipeline.yaml:38:13
       |
    38 | discover: { folds: { column: device, discover: phone } }
       |             ^^^^^
       |
       = help: add `measure`: its level on units that measure
    ");
}

#[test]
fn trees_that_split_on_the_fold() {
    let discover = "discover: { tags: [device], folds: { column: device, discover: a, measure: b } }\noutput:\n";
    insta::assert_snapshot!(refusal_with("output:\n", discover), @r"
    error: the tag `device` holds the folds, so trees cannot split on it
      --> pipeline.yaml:38:20
       |
    38 | discover: { tags: [device], folds: { column: device, discover: a, measure: b } }
       |                    ^^^^^^
       |
       = help: leave it out of `tags`: it is the same for all units that discover
    ");
}
