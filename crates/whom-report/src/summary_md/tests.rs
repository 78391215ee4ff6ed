use super::*;
use crate::fixture;

#[test]
fn the_summary_of_a_good_run() {
    insta::assert_snapshot!(summary_md(&fixture::hillstrom()), @"");
}

#[test]
fn the_summary_survives_hostile_names() {
    insta::assert_snapshot!(summary_md(&fixture::hostile()), @"");
}

#[test]
fn a_summary_fits_a_chat_message() {
    let results = [
        fixture::hillstrom(),
        fixture::no_partition(),
        fixture::underpowered(),
        fixture::opposite(),
        fixture::forty_cohorts(),
    ];
    for text in results.iter().map(summary_md) {
        assert!(text.lines().count() <= 40, "{text}");
    }
}
