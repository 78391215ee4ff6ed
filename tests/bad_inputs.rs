//! Inputs that no analysis should be made of. Each is refused with an exact message and the exit code that says who
//! must act, and nothing is published.
//!
//! The messages are in `snapshots/refused__*.snap`; `[folder]` stands for the folder of the test.

use std::fs;
use std::time::{Duration, Instant};

use crate::program::{Answer, assert_text};
use crate::spoil::{
    as_text, one_key, where_variant, with_a_rating, with_a_stranger, with_integer_ids, without, without_units_of,
};
use crate::warehouse::{Sample, Warehouse};

/// The configuration, the schema or a file is to be mended.
const CONFIGURATION: i32 = 2;
/// The content of the data was refused.
const DATA: i32 = 3;
/// Something is not there yet.
const NOT_YET: i32 = 4;
/// The same, where the caller calls that nothing to do.
const NOT_READY: i32 = 99;

/// One test for each line: its name, the exit code, and what is done to the tiny sample.
macro_rules! refused {
    ($($name:ident, $code:expr, $spoil:expr;)+) => {
        $(#[test]
        fn $name() {
            refused(Sample::Tiny, stringify!($name), $code, $spoil);
        })+
    };
}

// The pipeline file.
refused! {
    an_unknown_key, CONFIGURATION, |it| { it.edit("aggregate: any", "agregate: any"); };
    a_key_given_twice, CONFIGURATION, |it| { it.edit("role: primary", "role: primary\n    role: secondary"); };
    an_unknown_fact, CONFIGURATION, |it| {
        it.edit("from: events\n    aggregate: any", "from: event\n    aggregate: any");
    };
    an_unknown_control, CONFIGURATION, |it| { it.edit("control: control\n", "control: contol\n"); };
    weights_that_are_no_shares, CONFIGURATION, |it| { it.edit("new: { weight: 0.5 }", "new: { weight: 0.4 }"); };
    what_is_not_available_yet, CONFIGURATION, |it| {
        it.edit("\nsplit:\n", "\nallocate: { maximise: visit }\nsplit:\n");
    };
    tags_without_a_date, CONFIGURATION, |it| { it.edit("    date: dt\n", ""); };
    tags_of_the_exposure_day, CONFIGURATION, |it| { it.edit("day_before_first_exposure", "day_of_first_exposure"); };
    a_variable_that_is_not_set, CONFIGURATION, |it| {
        it.edit("path: warehouse/homes.parquet", "path: \"${var.homes}\"");
    };
    an_unquoted_variable_in_braces, CONFIGURATION, |it| {
        it.edit("new: { weight: 0.5 }", "new: { weight: ${var.share} }");
    };
    broken_yaml, CONFIGURATION, |it| { it.edit("split:\n", "split: [\n"); };
    a_tab_for_indentation, CONFIGURATION, |it| {
        it.edit("  path: warehouse/exposures.parquet", "\tpath: warehouse/exposures.parquet");
    };
    an_alias_bomb, CONFIGURATION, |it| it.append(ALIAS_BOMB);
    deep_nesting, CONFIGURATION, |it| it.append(&format!("deep: {}{}\n", "[".repeat(20_000), "]".repeat(20_000)));
    a_file_over_one_mebibyte, CONFIGURATION, |it| it.append(&format!("# {}\n", "x".repeat(1 << 20)));
    bytes_that_are_no_text, CONFIGURATION, |it| fs::write(it.pipeline(), [0xff, 0xfe, 0x00, 0x80]).expect("a file");
    no_pipeline_file, CONFIGURATION, |it| fs::remove_file(it.pipeline()).expect("a file");
    a_pipeline_file_of_another_name, CONFIGURATION, |it| {
        fs::rename(it.pipeline(), it.pipeline().with_file_name("tinny.yaml")).expect("another name");
    };
    a_smallest_cell_that_is_no_number, CONFIGURATION, |it| {
        it.edit("output:\n", "output:\n  smallest_cell: few\n");
    };
    a_search_for_nothing, CONFIGURATION, |it| { it.edit("discover:\n", "discover:\n  treatments: []\n"); };
}

// Expressions.
refused! {
    an_expression_that_is_a_statement, CONFIGURATION, |it| it.filter_sign_ups("kind = 'sign_up'; drop table units");
    an_expression_with_a_subquery, CONFIGURATION, |it| it.filter_sign_ups("kind in (select kind from events)");
    an_expression_that_aggregates, CONFIGURATION, |it| it.filter_sign_ups("count(*) > 1");
    an_expression_that_rolls_dice, CONFIGURATION, |it| it.filter_sign_ups("random() < 0.5");
    an_expression_that_reads_the_clock, CONFIGURATION, |it| it.filter_sign_ups("happened_at < now()");
    an_expression_of_another_type, CONFIGURATION, |it| it.filter_sign_ups("rating + 1");
    an_expression_with_an_unknown_column, CONFIGURATION, |it| it.filter_sign_ups("kinds = 'sign_up'");
    an_unfinished_expression, CONFIGURATION, |it| it.filter_sign_ups("kind = 'sign_up");
}

// Tables.
refused! {
    no_such_file, CONFIGURATION, |it| fs::remove_file(it.table("events.parquet")).expect("a file");
    a_truncated_file, CONFIGURATION, |it| it.truncate("events.parquet", 2);
    an_empty_file, CONFIGURATION, |it| it.truncate("events.parquet", usize::MAX);
    a_file_that_is_no_parquet, CONFIGURATION, |it| {
        fs::write(it.table("events.parquet"), "user_id,kind\n1,sign_up\n").expect("a file");
    };
    a_damaged_file, CONFIGURATION, |it| it.damage("events.parquet");
    a_missing_column, CONFIGURATION, |it| { it.edit("value: amount", "value: amuont"); };
    a_missing_unit_column, CONFIGURATION, |it| { it.rewrite("events.parquet", |_, rows| without(&rows, "user_id")); };
    a_time_that_is_text, CONFIGURATION, |it| {
        it.rewrite("events.parquet", |_, rows| as_text(&rows, "happened_at"));
    };
    a_value_that_is_text, CONFIGURATION, |it| { it.rewrite("events.parquet", |_, rows| as_text(&rows, "amount")); };
    ids_of_two_types, CONFIGURATION, |it| { it.rewrite("events.parquet", |_, rows| with_integer_ids(&rows)); };
    a_tag_that_is_no_number, CONFIGURATION, |it| { it.edit("device: categorical", "device: numeric"); };
}

// The content of the data.
refused! {
    an_empty_variant, DATA, |it| {
        it.rewrite("exposures.parquet", |_, rows| where_variant(&rows, |variant| variant != "new"));
    };
    an_unknown_variant, DATA, |it| { it.rewrite("exposures.parquet", |_, rows| with_a_stranger(&rows)); };
    no_exposures, DATA, |it| { it.rewrite("exposures.parquet", |_, rows| rows.slice(0, 0)); };
    a_unit_in_two_variants, DATA, |it| { it.edit("{ rule: exclude, at_most: 0.5% }", "refuse"); };
    more_units_in_two_variants_than_tolerated, DATA, |it| { it.edit("at_most: 0.5%", "at_most: 0.1%"); };
    shares_that_were_not_planned, DATA, |it| {
        it.edit("control: { weight: 0.5 }", "control: { weight: 0.7 }").edit("new: { weight: 0.5 }", "new: { weight: 0.3 }");
    };
    a_metric_that_is_no_number, DATA, |it| {
        it.rewrite("events.parquet", |_, rows| with_a_rating(&rows, f64::NAN));
    };
    an_infinite_metric, DATA, |it| {
        it.rewrite("events.parquet", |_, rows| with_a_rating(&rows, f64::NEG_INFINITY));
    };
    a_metric_beyond_its_grid, DATA, |it| { it.rewrite("events.parquet", |_, rows| with_a_rating(&rows, 1e15)); };
    tags_missing_in_one_arm, DATA, |it| { it.rewrite("profiles", |_, rows| without_units_of(it, "new", &rows)); };
}

#[test]
fn a_missing_day() {
    refused(Sample::Hillstrom, "a_missing_day", NOT_YET, |it| {
        fs::remove_dir_all(it.table("visits/dt=2008-03-12")).expect("a folder");
        fs::remove_dir_all(it.table("visits/dt=2008-03-20")).expect("a folder");
    });
}

#[test]
fn a_missing_day_can_count_as_nothing_to_do() {
    let warehouse = Warehouse::copy(Sample::Hillstrom);
    fs::remove_dir_all(warehouse.table("visits/dt=2008-03-12")).expect("a folder");
    let answer = Answer::of(&mut warehouse.run_command(&["--quiet", "--not-ready=skip"]));
    assert_eq!(answer.code, Some(NOT_READY), "{}", answer.stderr);
    assert!(warehouse.published().is_empty());
}

#[test]
fn keys_with_two_contents() {
    refused(Sample::Hillstrom, "keys_with_two_contents", DATA, |it| {
        it.rewrite(
            "orders",
            |path, rows| if path.to_string_lossy().contains("dt=2008-03-10") { one_key(&rows) } else { rows },
        );
    });
}

/// Spoils a fresh copy of the sample, runs it, and looks at the refusal.
fn refused(sample: Sample, name: &str, code: i32, spoil: impl Fn(&Warehouse)) {
    let warehouse = Warehouse::copy(sample);
    spoil(&warehouse);
    let started = Instant::now();
    let answer = Answer::of(&mut warehouse.run_command(&["--quiet"]));
    let took = started.elapsed();
    let told = warehouse.without_folder(&answer.stderr);
    assert!(warehouse.published().is_empty(), "published\n{told}");
    let line = warehouse.without_folder(&answer.stdout);
    let shown = answer.code.unwrap_or(-1);
    assert_text(
        &format!("refused__{name}"),
        &format!("exit code {shown}\n\n{told}\nlast line of standard output:\n{line}"),
    );
    assert_eq!(answer.code, Some(code), "{told}");
    assert!(answer.stdout.len() < 1_500, "{} bytes for programs", answer.stdout.len());
    let line = answer.last_line();
    assert_eq!((line["status"].as_str(), line["code"].as_i64()), (Some("failed"), Some(code.into())));
    if code == CONFIGURATION {
        assert!(took < Duration::from_secs(10), "refused only after {took:?}");
    }
}

const ALIAS_BOMB: &str = "
a: &a [x, x, x, x, x, x, x, x, x, x]
b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]
c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]
d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]
e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]
f: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]
g: &g [*f, *f, *f, *f, *f, *f, *f, *f, *f, *f]
h: [*g, *g, *g, *g, *g, *g, *g, *g, *g, *g]
";
