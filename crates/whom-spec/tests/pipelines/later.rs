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
fn interim_looks() {
    insta::assert_snapshot!(refusal_with("output:\n", "looks: { dates: [2026-11-01] }\noutput:\n"), @r"
    error: `looks` is not yet available
      --> pipeline.yaml:38:1
       |
    38 | looks: { dates: [2026-11-01] }
       | ^^^^^
       |
       = help: analyse once, when the experiment is over
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
fn periods_with_other_weights() {
    let allocation = "  allocation:\n    - { start: 2026-10-14, weights: { control: 0.1, one_page: 0.9 } }\nfacts:\n";
    insta::assert_snapshot!(refusal_with("facts:\n", allocation), @r"
    error: `split.allocation` is not yet available
      --> pipeline.yaml:16:3
       |
    16 |   allocation:
       |   ^^^^^^^^^^
       |
       = help: set `start` and `end` to a period in which the weights did not change
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
fn an_exposure_filter() {
    insta::assert_snapshot!(refusal_with("facts:\n", "  exposure_filter: { from: orders }\nfacts:\n"), @r"
    error: `split.exposure_filter` is not yet available
      --> pipeline.yaml:16:3
       |
    16 |   exposure_filter: { from: orders }
       |   ^^^^^^^^^^^^^^^
       |
       = help: leave it out; effects on everybody who was assigned are the ones to trust
    ");
}

#[test]
fn a_cap() {
    insta::assert_snapshot!(refusal_with("    matters: 1%\n", "    cap: { percentile: 0.999, of: non_zero }\n    matters: 1%\n"), @r"
    error: `metrics.revenue.cap` is not yet available
      --> pipeline.yaml:29:5
       |
    29 |     cap: { percentile: 0.999, of: non_zero }
       |     ^^^
       |
       = help: cap in `value`: `case when amount > 1000 then 1000 else amount end`
    ");
}

#[test]
fn a_pre_period() {
    insta::assert_snapshot!(refusal_with("    matters: 1%\n", "    cuped: 14d\n    matters: 1%\n"), @r"
    error: `metrics.revenue.cuped` is not yet available
      --> pipeline.yaml:29:5
       |
    29 |     cuped: 14d
       |     ^^^^^
       |
       = help: leave it out; effects stay right, with wider intervals
    ");
}

#[test]
fn a_ratio() {
    let ratio = "  ctr:\n    role: secondary\n    window: 14d\n    numerator: { from: orders, aggregate: sum, value: clicked }\n    denominator: { from: orders, aggregate: count }\ntags:\n";
    insta::assert_snapshot!(refusal_with("tags:\n", ratio), @r"
    error: `metrics.ctr.numerator` is not yet available
      --> pipeline.yaml:33:5
       |
    33 |     numerator: { from: orders, aggregate: sum, value: clicked }
       |     ^^^^^^^^^
       |
       = help: make two metrics, one of the numerator and one of the denominator

    error: `metrics.ctr.denominator` is not yet available
      --> pipeline.yaml:34:5
       |
    34 |     denominator: { from: orders, aggregate: count }
       |     ^^^^^^^^^^^
       |
       = help: make two metrics, one of the numerator and one of the denominator
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

#[test]
fn other_corrections() {
    insta::assert_snapshot!(refusal_with("output:\n", "validate: { correction: bonferroni }\noutput:\n"), @r"
    error: `validate.correction`: the correction `bonferroni` is not yet available
      --> pipeline.yaml:38:25
       |
    38 | validate: { correction: bonferroni }
       |                         ^^^^^^^^^^
       |
       = help: use `max_t`, or `holm`, which assumes less and finds less
    ");
}

#[test]
fn other_criteria() {
    insta::assert_snapshot!(refusal_with("output:\n", "discover: { tree: { criterion: transformed_outcome } }\noutput:\n"), @r"
    error: `discover.tree.criterion`: the criterion `transformed_outcome` is not yet available
      --> pipeline.yaml:38:32
       |
    38 | discover: { tree: { criterion: transformed_outcome } }
       |                                ^^^^^^^^^^^^^^^^^^^
       |
       = help: use `causal_mse`
    ");
}

#[test]
fn slips_inside_are_found_all_the_same() {
    insta::assert_snapshot!(refusal_with("    matters: 1%\n", "    cap: { percentil: 0.999, of: nonzero }\n    matters: 1%\n"), @r"
    error: `metrics.revenue.cap` is not yet available
      --> pipeline.yaml:29:5
       |
    29 |     cap: { percentil: 0.999, of: nonzero }
       |     ^^^
       |
       = help: cap in `value`: `case when amount > 1000 then 1000 else amount end`

    error: unknown key `percentil` in `metrics.revenue.cap`
      --> pipeline.yaml:29:12
       |
    29 |     cap: { percentil: 0.999, of: nonzero }
       |            ^^^^^^^^^
       |
       = help: did you mean `percentile`? valid names are `percentile`, `value` and `of`

    error: `metrics.revenue.cap.of` cannot be `nonzero`
      --> pipeline.yaml:29:34
       |
    29 |     cap: { percentil: 0.999, of: nonzero }
       |                                  ^^^^^^^
       |
       = help: did you mean `non_zero`? valid names are `all` and `non_zero`
    ");
}
