use super::{PLAIN, refusal, refusal_with};

#[test]
fn an_unknown_key() {
    insta::assert_snapshot!(refusal_with("    window: 14d\n", "    windw: 14d\n"), @r"
    error: unknown key `windw` in `metrics.revenue`
      --> pipeline.yaml:27:5
       |
    27 |     windw: 14d
       |     ^^^^^
       |
       = help: did you mean `window`? valid names are `role`, `from`, `value`, `precision`, `aggregate`, `where`, `delay`, `window`, `incomplete_window`, `missing`, `non_finite`, `desired`, `matters`, `limit`, `unit_of_measure`, `cap`, `cuped`, `numerator` and `denominator`
    ");
    insta::assert_snapshot!(refusal_with("version: 1", "version: 1\nexperimnt: x"), @r"
    error: unknown key `experimnt`
     --> pipeline.yaml:2:1
      |
    2 | experimnt: x
      | ^^^^^^^^^
      |
      = help: did you mean `experiment`? valid names are `version`, `include`, `experiment`, `unit`, `cluster`, `through`, `time_zone`, `split`, `facts`, `metrics`, `tags`, `cohorts`, `discover`, `validate`, `looks`, `allocate` and `output`
    ");
}

#[test]
fn a_missing_key() {
    insta::assert_snapshot!(refusal_with("    window: 14d\n", ""), @r"
    error: `metrics.revenue` lacks `window`
      --> pipeline.yaml:22:3
       |
    22 |   revenue:
       |   ^^^^^^^
       |
       = help: add `window`: how long the window is open
    ");
    insta::assert_snapshot!(refusal_with("unit: user_id\n", ""), @r"
    error: `unit` is missing
     --> pipeline.yaml:1:1
      |
    1 | version: 1
      | ^
      |
      = help: add `unit`: the column that names the unit (a user, a customer), the same in every table
    ");
}

#[test]
fn a_key_without_a_value() {
    insta::assert_snapshot!(refusal_with("    window: 14d\n", "    window:\n"), @r"
    error: `metrics.revenue.window` has no value
      --> pipeline.yaml:27:5
       |
    27 |     window:
       |     ^^^^^^
       |
       = help: give it one, or leave the key out
    ");
    insta::assert_snapshot!(refusal_with("    date: dt\n", "    date: ~\n"), @r"
    error: `tags.profile` has neither `date` nor `static: true`
      --> pipeline.yaml:31:3
       |
    31 |   profile:
       |   ^^^^^^^
       |
       = note: without a date, a tag may hold what happened after exposure, and then cohorts leak outcomes
       = help: name the partition of daily snapshots as `date: dt`, or declare that the tags cannot change

    error: `tags.profile.date` has no value
      --> pipeline.yaml:33:5
       |
    33 |     date: ~
       |     ^^^^
       |
       = help: give it one, or leave the key out
    ");
}

#[test]
fn a_version_of_the_future() {
    insta::assert_snapshot!(refusal_with("version: 1", "version: 2"), @r"
    error: `version` must be `1`, found `2`
     --> pipeline.yaml:1:10
      |
    1 | version: 2
      |          ^
    ");
}

#[test]
fn a_wrong_type() {
    insta::assert_snapshot!(refusal_with("window: 14d", "window: two weeks"), @r"
    error: `metrics.revenue.window` must be a duration such as `14d` (24 hours each) or `36h`, found `two weeks`
      --> pipeline.yaml:27:13
       |
    27 |     window: two weeks
       |             ^^^^^^^^^
    ");
    insta::assert_snapshot!(refusal_with("{ weight: 0.5 }\n    one", "{ weight: half }\n    one"), @r"
    error: `split.variants.control.weight` must be a number above 0 and at most 1, found `half`
      --> pipeline.yaml:11:24
       |
    11 |     control: { weight: half }
       |                        ^^^^
    ");
    insta::assert_snapshot!(refusal_with("{ weight: 0.5 }\n    one", "{ weight: \"0.5\" }\n    one"), @r#"
    error: `split.variants.control.weight` must be a number above 0 and at most 1, found the text `0.5`
      --> pipeline.yaml:11:24
       |
    11 |     control: { weight: "0.5" }
       |                        ^^^^^
       |
       = help: leave the quotes out
    "#);
    insta::assert_snapshot!(refusal_with("{ weight: 0.5 }\n    one", "0.5\n    one"), @r"
    error: `split.variants.control` must be a mapping, found `0.5`
      --> pipeline.yaml:11:14
       |
    11 |     control: 0.5
       |              ^^^
       |
       = help: its keys are `weight`, `cost`
    ");
    insta::assert_snapshot!(refusal_with("path: orders/", "path: [orders/]"), @r"
    error: `facts.orders.path` must be a text, found a list
      --> pipeline.yaml:18:11
       |
    18 |     path: [orders/]
       |           ^
    ");
    insta::assert_snapshot!(refusal_with("path: orders/", "path: \"\""), @r#"
    error: `facts.orders.path` must be a text that is not empty, found an empty text
      --> pipeline.yaml:18:11
       |
    18 |     path: ""
       |           ^^
    "#);
    insta::assert_snapshot!(refusal_with("output:\n", "discover: { tags: tenure }\noutput:\n"), @r"
    error: `discover.tags` must be a list, found `tenure`
      --> pipeline.yaml:38:19
       |
    38 | discover: { tags: tenure }
       |                   ^^^^^^
       |
       = help: write it as `[a, b]`
    ");
    insta::assert_snapshot!(refusal_with("output:\n", "discover: { tree: { depth: 2.5 } }\noutput:\n"), @r"
    error: `discover.tree.depth` must be a whole number from 1 to 16, found `2.5`
      --> pipeline.yaml:38:28
       |
    38 | discover: { tree: { depth: 2.5 } }
       |                            ^^^
    ");
    insta::assert_snapshot!(refusal_with("date: dt\n", "static: yes\n"), @r"
    error: `tags.profile.static` must be `true` or `false`, found `yes`
      --> pipeline.yaml:33:13
       |
    33 |     static: yes
       |             ^^^
    ");
}

#[test]
fn a_number_that_is_not_finite() {
    insta::assert_snapshot!(refusal_with("{ weight: 0.5 }\n    one", "{ weight: .nan }\n    one"), @r"
    error: `split.variants.control.weight` must be a number above 0 and at most 1, found `.nan`
      --> pipeline.yaml:11:24
       |
    11 |     control: { weight: .nan }
       |                        ^^^^
    ");
    insta::assert_snapshot!(refusal_with("{ weight: 0.5 }\n    one", "{ weight: 1e999 }\n    one"), @r"
    error: `split.variants.control.weight` must be a number above 0 and at most 1, found `1e999`
      --> pipeline.yaml:11:24
       |
    11 |     control: { weight: 1e999 }
       |                        ^^^^^
    ");
}

#[test]
fn a_word_that_is_no_choice() {
    insta::assert_snapshot!(refusal_with("role: primary", "role: primry"), @r"
    error: `metrics.revenue.role` cannot be `primry`
      --> pipeline.yaml:23:11
       |
    23 |     role: primry
       |           ^^^^^^
       |
       = help: did you mean `primary`? valid names are `primary`, `guardrail` and `secondary`
    ");
    insta::assert_snapshot!(refusal_with("device: categorical", "device: text"), @r"
    error: `tags.profile.columns.device` cannot be `text`
      --> pipeline.yaml:37:15
       |
    37 |       device: text
       |               ^^^^
       |
       = help: valid names are `numeric` and `categorical`
    ");
}

#[test]
fn a_bad_date() {
    insta::assert_snapshot!(refusal_with("start: 2026-10-01", "start: 2026-02-30"), @r"
    error: `split.start` must be a date as `YYYY-MM-DD`, found `2026-02-30`
      --> pipeline.yaml:14:10
       |
    14 |   start: 2026-02-30
       |          ^^^^^^^^^^
    ");
    insta::assert_snapshot!(refusal_with("start: 2026-10-01", "start: 1.10.2026"), @r"
    error: `split.start` must be a date as `YYYY-MM-DD`, found `1.10.2026`
      --> pipeline.yaml:14:10
       |
    14 |   start: 1.10.2026
       |          ^^^^^^^^^
    ");
}

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
fn an_unknown_time_zone() {
    insta::assert_snapshot!(refusal_with("version: 1", "version: 1\ntime_zone: Europe/Berln"), @r"
    error: unknown time zone `Europe/Berln`
     --> pipeline.yaml:2:12
      |
    2 | time_zone: Europe/Berln
      |            ^^^^^^^^^^^^
      |
      = help: did you mean `Europe/Berlin`?
    ");
    insta::assert_snapshot!(refusal_with("version: 1", "version: 1\ntime_zone: MEZ"), @r"
    error: unknown time zone `MEZ`
     --> pipeline.yaml:2:12
      |
    2 | time_zone: MEZ
      |            ^^^
      |
      = help: did you mean `MET`?
    ");
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
       = help: add `value`: SQL: what is aggregated. Needed for `sum` and `mean`
    ");
}

#[test]
fn a_grid_that_is_no_power() {
    insta::assert_snapshot!(refusal_with("    value: amount\n", "    value: amount\n    precision: 0.05\n"), @r"
    error: `metrics.revenue.precision` must be a power such as `0.01` (down to 10^-13) or `2^-10` (down to 2^-45), found `0.05`
      --> pipeline.yaml:27:16
       |
    27 |     precision: 0.05
       |                ^^^^
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

#[test]
fn a_level_in_percent() {
    insta::assert_snapshot!(refusal_with("output:\n", "validate: { level: 95 }\noutput:\n"), @r"
    error: `validate.level` must be a level between 0 and 1, such as 0.95, found `95`
      --> pipeline.yaml:38:20
       |
    38 | validate: { level: 95 }
       |                    ^^
    ");
}

#[test]
fn a_path_on_two_lines() {
    insta::assert_snapshot!(refusal_with("path: orders/", "path: \"orders/\\n; drop\""), @r#"
    error: `facts.orders.path` must be one line without control characters, found the text `orders/…`
      --> pipeline.yaml:18:11
       |
    18 |     path: "orders/\n; drop"
       |           ^^^^^^^^^^^^^^^^^
    "#);
}

#[test]
fn an_empty_name() {
    insta::assert_snapshot!(refusal_with("      tenure: numeric\n", "      \"\": numeric\n"), @r#"
    error: `tags.profile.columns` holds a name that is empty or has control characters
      --> pipeline.yaml:36:7
       |
    36 |       "": numeric
       |       ^^
    "#);
}

#[test]
fn all_mistakes_are_reported_at_once_and_in_the_order_of_the_file() {
    let text = PLAIN
        .replace("experiment: checkout", "experimnt: checkout")
        .replace("start: 2026-10-01", "start: tomorrow")
        .replace("window: 14d", "window: long")
        .replace("tenure: numeric", "tenure: number");
    insta::assert_snapshot!(refusal(&text), @r"
    error: unknown key `experimnt`
     --> pipeline.yaml:2:1
      |
    2 | experimnt: checkout
      | ^^^^^^^^^
      |
      = help: did you mean `experiment`? valid names are `version`, `include`, `experiment`, `unit`, `cluster`, `through`, `time_zone`, `split`, `facts`, `metrics`, `tags`, `cohorts`, `discover`, `validate`, `looks`, `allocate` and `output`

    error: `split.start` must be a date as `YYYY-MM-DD`, found `tomorrow`
      --> pipeline.yaml:14:10
       |
    14 |   start: tomorrow
       |          ^^^^^^^^

    error: `metrics.revenue.window` must be a duration such as `14d` (24 hours each) or `36h`, found `long`
      --> pipeline.yaml:27:13
       |
    27 |     window: long
       |             ^^^^

    error: `tags.profile.columns.tenure` cannot be `number`
      --> pipeline.yaml:36:15
       |
    36 |       tenure: number
       |               ^^^^^^
       |
       = help: valid names are `numeric` and `categorical`
    ");
}
