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
fn a_pre_registered_cohort_is_shown_with_its_definition() {
    let text = plain(&fixture::registered());
    let registered: Vec<&str> = text.lines().filter(|line| line.contains("newcomers")).collect();
    insta::assert_snapshot!(registered.join("\n"), @"
    newcomers                  │                 ├─┼─●────┤
    newcomers  10,763   +5.04  +4.11 to +5.97         —        —  not compared
    newcomers: newbie = 1
    ");
}

#[test]
fn of_few_clusters_it_is_told_what_they_are_worth_and_both_errors() {
    let told = |clusters| {
        let mut results = fixture::hillstrom();
        for row in &mut results.effects {
            (row.clusters_control, row.clusters_variant) = (Some(clusters), Some(120));
            row.cluster_errors = Some(fixture::CLUSTER_ERRORS);
        }
        let text = plain(&results);
        text.lines().skip_while(|line| !line.contains("rests on")).take(3).map(str::to_owned).collect::<Vec<_>>()
    };
    insta::assert_snapshot!(told(49).join("\n"), @"
    ! Mens E-Mail on visit rests on 49 and 120 clusters, worth 21.4 equal ones:
      11.3 degrees of freedom, standard error 0.34 pp, of type CR1 0.42 pp
    ! Womens E-Mail on visit rests on 49 and 120 clusters, worth 21.4 equal ones:
    ");
    assert!(told(50).is_empty());
}

#[test]
fn a_cap_is_told_below_the_averages() {
    let text = plain(&fixture::capped());
    let told: Vec<&str> = text.lines().skip_while(|line| !line.contains("capped")).take(2).collect();
    insta::assert_snapshot!(told.join("\n"), @"
    · spend is capped at 312.5 USD, which 0.2% of units exceed; trees are grown on
      values capped at 308.25 USD (0.2% of those that discover).
    ");
}

#[test]
fn a_quantile_is_told_above_its_averages() {
    let text = plain(&fixture::by_quantile());
    let told: Vec<&str> = text.lines().filter(|line| line.contains("quantile")).collect();
    insta::assert_snapshot!(told.join("\n"), @"  spend in USD — 90% quantile over units, secondary, exploratory, F3");
}

#[test]
fn the_summary_of_forty_cohorts_is_not_forty_times_as_long() {
    let text = plain(&fixture::forty_cohorts());
    assert!(text.contains("… 28 more in effects.parquet"), "{text}");
    assert!(text.lines().count() < 160, "{text}");
}

#[test]
fn every_line_fits_eighty_columns_and_ends_with_text() {
    let results = [
        fixture::hillstrom(),
        fixture::no_partition(),
        fixture::no_discovery(),
        fixture::underpowered(),
        fixture::opposite(),
        fixture::registered(),
        fixture::hostile(),
        fixture::forty_cohorts(),
        fixture::sliced(),
        fixture::capped(),
        fixture::by_quantile(),
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
    insta::assert_snapshot!(refusal_text(&fixture::refusing_checks(), &waterfall, Colour::Never), @"
    REFUSED  no effect was computed and nothing was published
      ✗ sample ratio after excluding units in several variants: the variants' shares
        of the units are not the declared ones (p <0.0001, threshold 0.001)
        – No E-Mail: 20,113 units, 21,333 expected
        – Womens E-Mail: 22,580 units, 21,333 expected
        fix: find out which units are lost before they are logged, or declare the
        `weight` of each variant as it was

    CHECKS  1 with a warning, 3 passed, 1 not applicable
      ! units in several variants: 12 of 64,012 units saw several variants and are
        excluded (threshold 0.005)

    ROWS  kept, dropped and why
      101,376           split: exposure rows read
       64,012  −37,364  split: first exposure of each unit and variant (repeated
                        exposures)
       64,000      −12  units in one variant (seen in several variants)
       64,000           units whose window is complete
    ");
}
