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
