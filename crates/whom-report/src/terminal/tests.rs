use unicode_width::UnicodeWidthStr;

use super::*;
use crate::fixture;

fn plain(results: &Results) -> String {
    terminal_summary(results, Colour::Never)
}

#[test]
fn the_summary_of_a_good_run() {
    insta::assert_snapshot!(plain(&fixture::hillstrom()));
}

#[test]
fn the_summary_without_a_candidate_says_what_could_have_been_detected() {
    insta::assert_snapshot!(plain(&fixture::no_partition()));
}

#[test]
fn the_summary_of_too_few_units() {
    insta::assert_snapshot!(plain(&fixture::underpowered()));
}

#[test]
fn the_summary_survives_hostile_names() {
    insta::assert_snapshot!(plain(&fixture::hostile()));
}

#[test]
fn the_summary_of_forty_cohorts_is_not_forty_times_as_long() {
    let text = plain(&fixture::forty_cohorts());
    assert!(text.contains("… 28 more in effects.parquet"), "{text}");
    assert!(text.lines().count() < 100, "{text}");
}

#[test]
fn every_line_fits_eighty_columns_and_ends_with_text() {
    let results = [
        fixture::hillstrom(),
        fixture::no_partition(),
        fixture::no_discovery(),
        fixture::underpowered(),
        fixture::opposite(),
        fixture::hostile(),
        fixture::forty_cohorts(),
    ];
    for text in results.iter().map(plain) {
        for line in text.lines() {
            assert!(line.width() <= WIDTH, "{} columns: {line}", line.width());
            assert_eq!(line.trim_end(), line);
        }
        assert!(text.ends_with('\n') && !text.ends_with("\n\n"));
    }
}

#[test]
fn colour_changes_nothing_but_colour() {
    let results = fixture::hillstrom();
    let coloured = terminal_summary(&results, Colour::Ansi);
    assert!(coloured.contains("\u{1b}["));
    let mut stripped = String::new();
    let mut inside = false;
    for character in coloured.chars() {
        match character {
            '\u{1b}' => inside = true,
            'm' if inside => inside = false,
            _ if inside => {}
            other => stripped.push(other),
        }
    }
    assert_eq!(stripped, plain(&results));
}

#[test]
fn without_colour_there_is_no_escape_sequence_whatever_the_names() {
    let text = plain(&fixture::hostile());
    assert!(!text.contains(['\u{1b}', '\u{202e}']));
}

#[test]
fn a_refusal_says_why_where_and_what_to_do() {
    let waterfall = fixture::hillstrom().waterfall;
    insta::assert_snapshot!(refusal_text(&fixture::refusing_checks(), &waterfall, Colour::Never), @"");
}
