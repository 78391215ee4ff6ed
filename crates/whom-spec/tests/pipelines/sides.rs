use super::{plain_with, refusal, refusal_with};

#[test]
fn a_one_sided_test_that_nothing_rests_on() {
    let secondary = "  slow: { role: secondary, from: orders, aggregate: any, window: 1d, test: one_sided }\ntags:\n";
    insta::assert_snapshot!(refusal_with("tags:\n", secondary), @r"
    error: `metrics.slow.test`: a secondary metric is exploratory, and looks both ways; leave `test` out
      --> pipeline.yaml:30:76
       |
    30 |   slow: { role: secondary, from: orders, aggregate: any, window: 1d, test: one_sided }
       |                                                                            ^^^^^^^^^
    ");
    let guardrail = secondary.replace("secondary", "guardrail").replace("test:", "desired: decrease, test:");
    let refused = refusal_with("tags:\n", &guardrail);
    let expected = "error: `metrics.slow.test`: a guardrail is held against its `limit` by a one-sided test already; leave `test` out\n";
    assert!(refused.starts_with(expected), "{refused}");
}

#[test]
fn a_one_sided_test_at_a_level_that_leaves_no_interval() {
    let edited = plain_with("    desired: increase\n", "    desired: increase\n    test: one_sided\n");
    let edited = edited.replace("output:", "validate: { level: 0.5 }\noutput:");
    insta::assert_snapshot!(refusal(&edited), @r"
    error: `validate.level` is 0.5, and the one-sided test of `revenue` needs more than 0.5: its intervals are at 2 level - 1
      --> pipeline.yaml:22:3
       |
    22 |   revenue:
       |   ^^^^^^^
       |
       = help: raise `level`, such as to 0.95
    ");
}
