use super::refusal_with;

#[test]
fn a_cluster() {
    insta::assert_snapshot!(refusal_with("unit: user_id", "unit: user_id\ncluster: household_id"), @r"
    error: `cluster` is not yet available
     --> pipeline.yaml:4:1
      |
    4 | cluster: household_id
      | ^^^^^^^
      |
      = help: use the cluster as the unit: results then count clusters, and their intervals are honest
    ");
}

#[test]
fn an_allocation_of_treatments() {
    let allocate = "allocate: { maximise: revenue, subject_to: [ctr], budget: { cost: 50000 } }\noutput:\n";
    insta::assert_snapshot!(refusal_with("output:\n", allocate), @r"
    error: `allocate` is not yet available
      --> pipeline.yaml:38:1
       |
    38 | allocate: { maximise: revenue, subject_to: [ctr], budget: { cost: 50000 } }
       | ^^^^^^^^
       |
       = help: leave it out; cohorts and their effects are reported without it
    ");
}

#[test]
fn strata() {
    insta::assert_snapshot!(refusal_with("facts:\n", "  strata: [country]\nfacts:\n"), @r"
    error: `split.strata` is not yet available
      --> pipeline.yaml:16:3
       |
    16 |   strata: [country]
       |   ^^^^^^
       |
       = help: leave it out if every stratum has the same weights; else analyse one by `where`
    ");
}

#[test]
fn given_folds() {
    insta::assert_snapshot!(refusal_with("output:\n", "discover: { folds: { column: fold } }\noutput:\n"), @r"
    error: `discover.folds` is not yet available
      --> pipeline.yaml:38:13
       |
    38 | discover: { folds: { column: fold } }
       |             ^^^^^
       |
       = help: leave it out; folds follow from the experiment's name and the unit
    ");
}
