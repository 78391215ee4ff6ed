use super::refusal_with;

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
