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
       = help: did you mean `window`? valid names are `role`, `from`, `value`, `precision`, `aggregate`, `where`, `delay`, `window`, `incomplete_window`, `missing`, `non_finite`, `desired`, `test`, `matters`, `limit`, `unit_of_measure`, `cap`, `cuped`, `quantile`, `numerator` and 1 more
    ");
    insta::assert_snapshot!(refusal_with("version: 1", "version: 1\nexperimnt: x"), @r"
    error: unknown key `experimnt`
     --> pipeline.yaml:2:1
      |
    2 | experimnt: x
      | ^^^^^^^^^
      |
      = help: did you mean `experiment`? valid names are `version`, `include`, `experiment`, `unit`, `cluster`, `through`, `time_zone`, `split`, `facts`, `metrics`, `tags`, `cohorts`, `discover`, `slices`, `models`, `validate`, `looks`, `allocate` and `output`
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
      |
      = help: this program reads version 1 of the format only
    ");
}

#[test]
fn a_wrong_type() {
    insta::assert_snapshot!(refusal_with("window: 14d", "window: two weeks"), @r"
    error: `metrics.revenue.window` must be a duration such as `14d` (24 hours each) or `36h`, at most `3650d`, found `two weeks`
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
    error: `split.start` must be a day of the calendar, `YYYY-MM-DD`, from 1900 to 2199, found `2026-02-30`
      --> pipeline.yaml:14:10
       |
    14 |   start: 2026-02-30
       |          ^^^^^^^^^^
    ");
    insta::assert_snapshot!(refusal_with("start: 2026-10-01", "start: 1.10.2026"), @r"
    error: `split.start` must be a day of the calendar, `YYYY-MM-DD`, from 1900 to 2199, found `1.10.2026`
      --> pipeline.yaml:14:10
       |
    14 |   start: 1.10.2026
       |          ^^^^^^^^^
    ");
}

#[test]
fn a_day_that_is_written_otherwise() {
    for day in ["+2026-1-01", " 2026-1-01", "2026-1-001", "20261001", "2026-10-01T00:00:00", "0026-10-01", "2926-10-01"]
    {
        let message = refusal_with("start: 2026-10-01", &format!("start: \"{day}\""));
        assert!(message.starts_with("error: `split.start` must be a day of the calendar"), "{message}");
    }
}

#[test]
fn a_bad_last_day() {
    insta::assert_snapshot!(refusal_with("through: 2026-11-20", "through: 2026-11-31"), @r"
    error: `through` must be a day of the calendar, `YYYY-MM-DD`, from 1900 to 2199, found `2026-11-31`
     --> pipeline.yaml:4:10
      |
    4 | through: 2026-11-31
      |          ^^^^^^^^^^
    ");
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
fn a_line_break_at_the_end() {
    insta::assert_snapshot!(refusal_with("path: orders/", "path: \"orders/\\n\""), @r#"
    error: `facts.orders.path` must be one line without control characters, found the text `orders/`
      --> pipeline.yaml:18:11
       |
    18 |     path: "orders/\n"
       |           ^^^^^^^^^^^
       |
       = help: it ends with a line break or the like: remove that
    "#);
}

#[test]
fn a_name_that_turns_the_text_around() {
    insta::assert_snapshot!(refusal_with("      tenure: numeric\n", "      \"te\u{202e}nure\": numeric\n"), @r#"
    error: `tags.profile.columns` holds a name that is empty or has control characters
      --> pipeline.yaml:36:7
       |
    36 |       "te�nure": numeric
       |       ^^^^^^^^^
    "#);
    insta::assert_snapshot!(refusal_with("  control: control\n", "  control: \"con\u{2066}trol\"\n"), @r#"
    error: `split.control` must be one line without control characters, found the text `con�trol`
      --> pipeline.yaml:13:12
       |
    13 |   control: "con�trol"
       |            ^^^^^^^^^^
    "#);
}

#[test]
fn a_text_of_any_length_is_told_in_part() {
    let long = "x".repeat(100_000);
    for (old, new) in [
        ("role: primary", format!("role: {long}")),
        ("role: primary", format!("? {long}\n    : 1\n    role: primary")),
        ("from: orders", format!("from: {long}")),
        ("  control: control\n", format!("  control: {long}\n")),
        ("      tenure: numeric\n", format!("      ? {long}\n      : numeric\n")),
        ("version: 1", format!("version: 1\ntime_zone: {long}")),
    ] {
        let message = refusal_with(old, &new);
        assert!(message.len() < 5_000, "{} bytes: {}", message.len(), &message[..2_000]);
    }
}

#[test]
fn a_terminal_gets_no_control_characters() {
    let message = refusal_with("role: primary", "\"ro\\e[31mle\": primary\n    role: \"\\e[2Jprimary\"");
    assert!(!message.contains('\u{1b}'), "{message}");
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
      = help: did you mean `experiment`? valid names are `version`, `include`, `experiment`, `unit`, `cluster`, `through`, `time_zone`, `split`, `facts`, `metrics`, `tags`, `cohorts`, `discover`, `slices`, `models`, `validate`, `looks`, `allocate` and `output`

    error: `split.start` must be a day of the calendar, `YYYY-MM-DD`, from 1900 to 2199, found `tomorrow`
      --> pipeline.yaml:14:10
       |
    14 |   start: tomorrow
       |          ^^^^^^^^

    error: `metrics.revenue.window` must be a duration such as `14d` (24 hours each) or `36h`, at most `3650d`, found `long`
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
