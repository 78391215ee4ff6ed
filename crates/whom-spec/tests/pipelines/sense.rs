use super::refusal_with;

#[test]
fn dates_in_the_wrong_order() {
    insta::assert_snapshot!(refusal_with("end: 2026-10-28", "end: 2026-09-28"), @r"
    error: `split.end` (2026-09-28) lies before `split.start` (2026-10-01)
      --> pipeline.yaml:15:8
       |
    14 |   start: 2026-10-01
       |          ---------- the first day
    15 |   end: 2026-09-28
       |        ^^^^^^^^^^
    ");
    insta::assert_snapshot!(refusal_with("through: 2026-11-20", "through: 2026-09-20"), @r"
    error: `through` (2026-09-20) lies before `start` (2026-10-01)
      --> pipeline.yaml:4:10
       |
     4 | through: 2026-09-20
       |          ^^^^^^^^^^
    ...
    14 |   start: 2026-10-01
       |          ---------- the first day
    ");
}

#[test]
fn an_experiment_of_centuries() {
    insta::assert_snapshot!(refusal_with("end: 2026-10-28", "end: 2126-10-28"), @r"
    error: `split.end` (2126-10-28) lies more than ten years after `split.start` (2026-10-01)
      --> pipeline.yaml:15:8
       |
    14 |   start: 2026-10-01
       |          ---------- the first day
    15 |   end: 2126-10-28
       |        ^^^^^^^^^^
       |
       = help: check the year
    ");
}

#[test]
fn partitions_without_a_last_day() {
    insta::assert_snapshot!(refusal_with("through: 2026-11-20\n", ""), @r#"
    error: `through` is missing: it is the last day whose partitions are read
     --> pipeline.yaml:7:14
      |
    7 |   partition: dt
      |              ^^ partitioned by day
      |
      = help: add `through: "${var.ds}"`, or a date
    "#);
}

#[test]
fn weights_that_do_not_sum_to_one() {
    insta::assert_snapshot!(refusal_with("one_page: { weight: 0.5 }", "one_page: { weight: 0.4 }"), @r"
    error: the weights of `split.variants` must sum to 1, but sum to 0.9
      --> pipeline.yaml:10:3
       |
    10 |   variants:
       |   ^^^^^^^^
       |
       = help: a weight is the planned share of units; write thirds with seven digits, as `0.3333333`
    ");
}

#[test]
fn a_weight_that_is_not_positive() {
    insta::assert_snapshot!(refusal_with("one_page: { weight: 0.5 }", "one_page: { weight: 0 }"), @r"
    error: `split.variants.one_page.weight` must be a number above 0 and at most 1, found `0`
      --> pipeline.yaml:12:25
       |
    12 |     one_page: { weight: 0 }
       |                         ^
    ");
}

#[test]
fn a_single_variant() {
    insta::assert_snapshot!(refusal_with("    control: { weight: 0.5 }\n    one_page: { weight: 0.5 }\n", "    control: { weight: 1 }\n"), @r"
    error: one variant is no experiment: there must be two or more
      --> pipeline.yaml:10:3
       |
    10 |   variants:
       |   ^^^^^^^^
    ");
}

#[test]
fn more_variants_than_a_byte_tells_apart() {
    let many: Vec<String> = (0..255).map(|arm| format!("\n    v{arm}: {{ weight: 0.001 }}")).collect();
    let all = format!("one_page: {{ weight: 0.5 }}{}", many.concat());
    let message = refusal_with("one_page: { weight: 0.5 }", &all);
    assert!(message.starts_with("error: `split.variants` names 257 variants, and may name 255\n"), "{message}");
}

#[test]
fn a_search_for_nothing() {
    insta::assert_snapshot!(refusal_with("output:\n", "discover: { treatments: [], metrics: [] }\noutput:\n"), @r"
    error: `discover.treatments` is empty: there is nothing to grow a tree for
      --> pipeline.yaml:38:25
       |
    38 | discover: { treatments: [], metrics: [] }
       |                         ^
       |
       = help: name at least one, or leave the key out for all

    error: `discover.metrics` is empty: there is nothing to grow a tree for
      --> pipeline.yaml:38:38
       |
    38 | discover: { treatments: [], metrics: [] }
       |                                      ^
       |
       = help: name at least one, or leave the key out for all
    ");
    assert!(super::loaded(&super::plain_with("output:\n", "discover: { tags: [] }\noutput:\n")).is_ok());
}

#[test]
fn a_share_that_is_none() {
    insta::assert_snapshot!(refusal_with("facts:\n", "  several_variants: { rule: exclude, at_most: 120% }\nfacts:\n"), @r"
    error: `split.several_variants.at_most` must be a share such as `0.5%` or `0.005`, found `120%`
      --> pipeline.yaml:16:47
       |
    16 |   several_variants: { rule: exclude, at_most: 120% }
       |                                               ^^^^
    ");
    insta::assert_snapshot!(refusal_with("facts:\n", "  several_variants: { rule: refuse, at_most: 1% }\nfacts:\n"), @r"
    error: `refuse` tolerates no unit in several variants, so it takes no `at_most`
      --> pipeline.yaml:16:46
       |
    16 |   several_variants: { rule: refuse, at_most: 1% }
       |                                              ^^
    ");
}

#[test]
fn an_empty_window() {
    insta::assert_snapshot!(refusal_with("window: 14d", "window: 0h"), @r"
    error: `metrics.revenue.window` must be longer than `0h`
      --> pipeline.yaml:27:13
       |
    27 |     window: 0h
       |             ^^
    ");
}

#[test]
fn a_value_where_none_is_looked_at_or_none_where_one_is() {
    insta::assert_snapshot!(refusal_with("aggregate: sum", "aggregate: count"), @r"
    error: `metrics.revenue.value` has no meaning here: `count` and `any` look at no value
      --> pipeline.yaml:26:5
       |
    26 |     value: amount
       |     ^^^^^
       |
       = help: leave it out, or use `aggregate: sum`; `where` says which events count
    ");
    insta::assert_snapshot!(refusal_with("    value: amount\n", ""), @r"
    error: `metrics.revenue` lacks `value`
      --> pipeline.yaml:22:3
       |
    22 |   revenue:
       |   ^^^^^^^
       |
       = help: add `value`: SQL: what is aggregated. Needed for all aggregates but `count` and `any`
    ");
}

#[test]
fn a_correction_that_keeps_no_family_wise_level() {
    for correction in ["none", "benjamini_hochberg", "benjamini_yekutieli"] {
        let message = refusal_with("output:\n", &format!("validate: {{ correction: {correction} }}\noutput:\n"));
        assert!(message.contains("would not keep the level of this family"), "{message}");
    }
    insta::assert_snapshot!(refusal_with("output:\n", "validate: { correction: benjamini_hochberg }\noutput:\n"), @r"
    error: `validate.correction`: `benjamini_hochberg` would not keep the level of this family
      --> pipeline.yaml:38:25
       |
    38 | validate: { correction: benjamini_hochberg }
       |                         ^^^^^^^^^^^^^^^^^^
       |
       = help: discovered cohorts are shown as proven, so the chance of a single false one is bounded: use `max_t`, or `holm`, which assumes less and finds less
    ");
}

#[test]
fn a_grid_where_different_values_are_counted() {
    insta::assert_snapshot!(refusal_with("aggregate: sum", "aggregate: distinct\n    precision: 0.01"), @r"
    error: `metrics.revenue.precision` has no meaning here: `distinct` counts in whole numbers
      --> pipeline.yaml:26:5
       |
    26 |     precision: 0.01
       |     ^^^^^^^^^
       |
       = help: leave it out
    ");
}

#[test]
fn a_made_up_value_where_one_decides() {
    for aggregate in ["min", "max", "last"] {
        let message = refusal_with("aggregate: sum", &format!("aggregate: {aggregate}\n    non_finite: zero"));
        assert!(message.contains("a single value decides here"), "{message}");
    }
    insta::assert_snapshot!(refusal_with("aggregate: sum", "aggregate: last\n    non_finite: zero"), @r"
    error: `metrics.revenue.non_finite`: a single value decides here, and it may not be made up; use `drop_unit`, or leave such events out by `where`
      --> pipeline.yaml:26:17
       |
    26 |     non_finite: zero
       |                 ^^^^
    ");
}

#[test]
fn a_size_with_the_wrong_sign_or_unit() {
    insta::assert_snapshot!(refusal_with("matters: 1%", "matters: -1%"), @r"
    error: `metrics.revenue.matters` must be positive: it is the size of an effect, in either direction
      --> pipeline.yaml:29:14
       |
    29 |     matters: -1%
       |              ^^^
    ");
    insta::assert_snapshot!(refusal_with("matters: 1%", "matters: 1 USD"), @r"
    error: `metrics.revenue.matters` must be a relative size such as `1%` or a number in the metric's unit, found `1 USD`
      --> pipeline.yaml:29:14
       |
    29 |     matters: 1 USD
       |              ^^^^^
    ");
    insta::assert_snapshot!(refusal_with("matters: 1%", "limit: 1%"), @r"
    error: `metrics.revenue.limit`: only a guardrail has a limit; did you mean `matters`?
      --> pipeline.yaml:29:12
       |
    29 |     limit: 1%
       |            ^^
    ");
    let guardrail = |rest: &str| {
        format!("  slow: {{ role: guardrail, from: orders, aggregate: any, window: 1d, {rest} }}\ntags:\n")
    };
    insta::assert_snapshot!(refusal_with("tags:\n", &guardrail("desired: increase, limit: 1%")), @r"
    error: `metrics.slow.limit`: an increase is desired, so the worst tolerated effect is negative, such as `-1%`
      --> pipeline.yaml:30:96
       |
    30 |   slow: { role: guardrail, from: orders, aggregate: any, window: 1d, desired: increase, limit: 1% }
       |                                                                                                ^^
    ");
    insta::assert_snapshot!(refusal_with("tags:\n", &guardrail("desired: decrease, limit: -1%")), @r"
    error: `metrics.slow.limit`: a decrease is desired, so the worst tolerated effect is positive, such as `1%`
      --> pipeline.yaml:30:96
       |
    30 |   slow: { role: guardrail, from: orders, aggregate: any, window: 1d, desired: decrease, limit: -1% }
       |                                                                                                ^^^
    ");
    insta::assert_snapshot!(refusal_with("tags:\n", &guardrail("desired: none")), @r"
    error: the guardrail `metrics.slow` must say which way is good: `increase` or `decrease`
      --> pipeline.yaml:30:79
       |
    30 |   slow: { role: guardrail, from: orders, aggregate: any, window: 1d, desired: none }
       |                                                                               ^^^^
    ");
}

#[test]
fn a_metric_that_does_not_say_which_way_is_good() {
    insta::assert_snapshot!(refusal_with("    desired: increase\n", ""), @r"
    error: `metrics.revenue` lacks `desired`
      --> pipeline.yaml:22:3
       |
    22 |   revenue:
       |   ^^^^^^^
       |
       = help: add `desired`: which way is good. Needed for `primary` and `guardrail`
    ");
    let neither = refusal_with("    desired: increase\n", "    desired: none\n");
    let expected = "error: the primary metric `metrics.revenue` must say which way is good: `increase` or `decrease`\n";
    assert!(neither.starts_with(expected), "{neither}");
}

#[test]
fn an_undated_tag_table() {
    insta::assert_snapshot!(refusal_with("    date: dt\n    at_most: 7d\n", ""), @r"
    error: `tags.profile` has neither `date` nor `static: true`
      --> pipeline.yaml:31:3
       |
    31 |   profile:
       |   ^^^^^^^
       |
       = note: without a date, a tag may hold what happened after exposure, and then cohorts leak outcomes
       = help: name the partition of daily snapshots as `date: dt`, or declare that the tags cannot change
    ");
}

#[test]
fn a_snapshot_of_the_day_of_exposure() {
    insta::assert_snapshot!(refusal_with("    at_most: 7d\n", "    at_most: 7d\n    as_of: day_of_exposure\n"), @r"
    error: `tags.profile.as_of` cannot be `day_of_exposure`
      --> pipeline.yaml:35:12
       |
    35 |     as_of: day_of_exposure
       |            ^^^^^^^^^^^^^^^
       |
       = note: a snapshot of the day of exposure or later may hold what the treatment did
       = help: use `as_of: day_before_first_exposure`
    ");
    insta::assert_snapshot!(refusal_with("    at_most: 7d\n", "    at_most: 7d\n    as_of: yesterday\n"), @r"
    error: `tags.profile.as_of` cannot be `yesterday`
      --> pipeline.yaml:35:12
       |
    35 |     as_of: yesterday
       |            ^^^^^^^^^
       |
       = help: the only valid name is `day_before_first_exposure`
    ");
}

#[test]
fn an_age_that_is_missing_or_not_in_days() {
    insta::assert_snapshot!(refusal_with("    at_most: 7d\n", ""), @r"
    error: `tags.profile` lacks `at_most`
      --> pipeline.yaml:31:3
       |
    31 |   profile:
       |   ^^^^^^^
       |
       = help: add `at_most`: the oldest snapshot that counts, in whole days
    ");
    insta::assert_snapshot!(refusal_with("    at_most: 7d\n", "    at_most: 36h\n"), @r"
    error: `tags.profile.at_most` must be whole days, one or more: snapshots are daily
      --> pipeline.yaml:34:14
       |
    34 |     at_most: 36h
       |              ^^^
    ");
}

#[test]
fn a_static_table_with_dates() {
    insta::assert_snapshot!(refusal_with("    at_most: 7d\n", "    static: true\n"), @r"
    error: `tags.profile.date` and `static: true` contradict each other
      --> pipeline.yaml:33:5
       |
    33 |     date: dt
       |     ^^^^
       |
       = help: a static table has no dates; leave one of the two out
    ");
}

#[test]
fn more_levels_than_codes() {
    insta::assert_snapshot!(refusal_with("device: categorical", "device: { categorical: { levels: 300 } }"), @r"
    error: `device`: 8-bit codes hold at most 254 levels, not 300
      --> pipeline.yaml:37:7
       |
    37 |       device: { categorical: { levels: 300 } }
       |       ^^^^^^
       |
       = help: ask for fewer levels, or for `codes: 16` in `discover`
    ");
}

#[test]
fn a_fold_that_validates_nothing() {
    insta::assert_snapshot!(refusal_with("output:\n", "discover: { tree: { pruning_folds: 1 } }\noutput:\n"), @r"
    error: `discover.tree.pruning_folds` must be 0 (no pruning) or 2 and more: one fold validates nothing
      --> pipeline.yaml:38:36
       |
    38 | discover: { tree: { pruning_folds: 1 } }
       |                                    ^
    ");
}
