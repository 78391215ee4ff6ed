//! The first look at every tag: levels and effects meet plain SQL over the units, and those of the e-mail challenge meet what
//! `tests/reference/make_first_look.py` makes of the original file, with their heterogeneity.

use std::collections::BTreeMap;
use std::fs;

use crate::checker::assert_agrees;
use crate::effects::{Effect, Table};
use crate::program::{Baseline, Published};
use crate::warehouse::{Sample, repository};

#[test]
fn the_levels_of_hillstrom_in_duckdb() {
    levels_in_duckdb(Sample::Hillstrom);
}

#[test]
fn the_levels_of_retention_in_duckdb() {
    levels_in_duckdb(Sample::Retention);
}

#[test]
fn the_levels_of_tiny_in_duckdb() {
    levels_in_duckdb(Sample::Tiny);
}

#[test]
fn the_levels_of_star_in_duckdb() {
    levels_in_duckdb(Sample::Star);
}

fn levels_in_duckdb(sample: Sample) {
    let folder = Baseline::of(sample).published.unpacked();
    assert_agrees("check_tags.py", &[&folder.path().to_string_lossy()]);
}

#[test]
fn the_levels_of_hillstrom_meet_the_original_file() {
    let table = Table(hillstrom().table("tags.parquet"));
    let estimands = table.words("estimand");
    let keys = keys(&table, &["variant", "tag", "tag_level"]);
    let effects: BTreeMap<String, usize> = keys
        .into_iter()
        .enumerate()
        .filter(|(row, _)| estimands[*row] == "effect")
        .map(|(row, key)| (key, row))
        .collect();
    let counts = ["units", "n_variant", "n_control"].map(|name| table.counts(name));
    let numbers = ["estimate", "std_err", "p_value"].map(|name| table.numbers(name));
    let expected = reference("first_look_levels.csv");
    assert_eq!(expected.len(), 48);
    for line in expected {
        let (key, figures) = (line[..3].join(" | "), figures(&line[3..]));
        let row = effects[&key];
        assert_eq!(counts.each_ref().map(|column| column[row] as f64), figures[..3], "{key}");
        for (column, expected) in numbers.iter().zip(&figures[3..]) {
            assert_close(column[row], *expected, &key);
        }
    }
}

#[test]
fn the_heterogeneity_of_hillstroms_tags_meets_the_original_file() {
    let table = Table(hillstrom().table("ranking.parquet"));
    let rows: BTreeMap<String, usize> =
        keys(&table, &["variant", "tag"]).into_iter().enumerate().map(|(row, key)| (key, row)).collect();
    let expected = reference("first_look_tags.csv");
    assert_eq!(expected.len(), 28);
    for line in expected {
        let [variant, tag, scale, levels, figures @ ..] = line.as_slice() else { panic!("too few fields: {line:?}") };
        let (key, of_scale) = (format!("{variant} | {tag}"), |name: &str| format!("{scale}_{name}"));
        let names = [
            of_scale("cochran_q"),
            of_scale("cochran_p_value"),
            of_scale("p_value"),
            of_scale("i_squared"),
            of_scale("between"),
            "modifying".to_owned(),
            "prognostic".to_owned(),
            "prognostic_p_value".to_owned(),
        ];
        assert_eq!(table.counts(&of_scale("levels"))[rows[&key]].to_string(), *levels, "{key}");
        assert_eq!(names.len(), figures.len(), "{key}");
        for (name, expected) in names.iter().zip(figures) {
            let expected = expected.parse().expect("a number");
            assert_close(table.numbers(name)[rows[&key]], expected, &format!("{key}, {name}"));
        }
    }
}

/// Adjusted means and ratios in a level are those of the same units as a pre-registered cohort, which
/// `tests/reference/make_metrics.py` computes event by event.
#[test]
fn a_level_has_the_numbers_of_the_cohort_of_its_units() {
    let published = &Baseline::of(Sample::Shop).published;
    let table = Table(published.table("tags.parquet"));
    let words = ["rule", "metric", "estimand", "method"].map(|name| table.words(name));
    let numbers = ["estimate", "std_err", "mean_control", "mean_variant"].map(|name| table.numbers(name));
    let counts = ["n_control", "n_variant"].map(|name| table.counts(name));
    let rows: Vec<usize> = (0..table.0.num_rows()).filter(|row| words[0][*row] == "device is phone").collect();
    let methods: Vec<&str> = rows.iter().map(|row| words[3][*row].as_str()).collect();
    assert_eq!(methods, ["cuped", "delta", "ratio_cuped", "delta"]);
    let effects = published.effects();
    for row in rows {
        let [_, metric, estimand, _] = words.each_ref().map(|column| column[row].as_str());
        let is_meant =
            |found: &&Effect| found.cohort == "phones" && found.metric == metric && found.estimand == estimand;
        let cohort = effects.iter().find(is_meant).expect("the cohort's row");
        let expected = [cohort.estimate, cohort.std_err, cohort.mean_control, cohort.mean_variant];
        assert_eq!(numbers.each_ref().map(|column| column[row]), expected, "{metric}, {estimand}");
        assert_eq!(counts.each_ref().map(|column| column[row]), [cohort.n_control, cohort.n_variant]);
    }
}

#[test]
fn the_ranking_is_corrected_over_the_tags_of_a_question() {
    let table = Table(hillstrom().table("ranking.parquet"));
    let variants = table.words("variant");
    for kind in ["absolute", "relative", "prognostic"] {
        let (raw, adjusted) =
            (table.numbers(&format!("{kind}_p_value")), table.numbers(&format!("{kind}_p_value_adjusted")));
        for variant in ["Mens E-Mail", "Womens E-Mail"] {
            let of_variant = |row: &usize| variants[*row] == variant;
            let rows: Vec<usize> = (0..variants.len()).filter(of_variant).collect();
            assert_eq!(rows.len(), 8);
            assert_corrected(rows.iter().map(|row| (raw[*row], adjusted[*row])).collect());
        }
    }
}

#[test]
fn one_tag_tables_and_ranked_groups_are_corrected_with_everything_that_is_exploratory() {
    for published in [hillstrom(), &Baseline::of(Sample::Tiny).published] {
        let in_family = |file: &str| {
            let table = Table(published.table(file));
            let (families, estimands) = (table.words("family"), table.words("estimand"));
            let (raw, adjusted) = (table.numbers("p_value"), table.numbers("p_value_adjusted"));
            let is_test = |row: &usize| families[*row] == "F3" && estimands[*row] != "lift";
            (0..families.len()).filter(is_test).map(|row| (raw[row], adjusted[row])).collect::<Vec<_>>()
        };
        let (others, tags) = (in_family("effects.parquet"), in_family("tags.parquet"));
        assert!(others.len() > 2 && tags.len() > 8, "{} and {}", others.len(), tags.len());
        let groups = Table(published.table("stability.parquet"));
        let groups = groups.numbers("p_value").into_iter().zip(groups.numbers("p_value_adjusted")).collect::<Vec<_>>();
        assert!(groups.iter().filter(|(raw, _)| raw.is_some()).count() > 4, "ranked groups are tested");
        assert_corrected([others, tags, groups].concat());
    }
}

/// Asserts that p-values are corrected by Benjamini and Yekutieli: each is the least of m (1 + 1/2 + … + 1/m) p / rank over
/// those that are not smaller.
fn assert_corrected(pairs: Vec<(Option<f64>, Option<f64>)>) {
    assert!(pairs.iter().all(|(raw, adjusted)| raw.is_some() == adjusted.is_some()));
    let pairs: Vec<(f64, f64)> = pairs.into_iter().filter_map(|(raw, adjusted)| raw.zip(adjusted)).collect();
    let tests = pairs.len() as f64;
    let harmonic: f64 = (1..=pairs.len()).map(|rank| 1.0 / rank as f64).sum();
    let scaled = |p_value: f64| {
        let rank = pairs.iter().filter(|(other, _)| *other <= p_value).count();
        tests * harmonic / rank as f64 * p_value
    };
    for (raw, adjusted) in &pairs {
        let larger = pairs.iter().map(|(other, _)| *other).filter(|other| other >= raw);
        let expected = larger.map(scaled).fold(1.0, f64::min);
        assert!((adjusted - expected).abs() <= 1e-12 * expected, "{raw}: {adjusted}, not {expected}");
    }
}

fn hillstrom() -> &'static Published {
    &Baseline::of(Sample::Hillstrom).published
}

/// What identifies each row of a table.
fn keys(table: &Table, names: &[&str]) -> Vec<String> {
    let columns: Vec<Vec<String>> = names.iter().map(|name| table.words(name)).collect();
    let row = |row: usize| columns.iter().map(|column| column[row].as_str()).collect::<Vec<_>>().join(" | ");
    (0..table.0.num_rows()).map(row).collect()
}

/// The fields of every line but the first. None holds a comma.
fn reference(file: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(repository().join("tests/reference").join(file)).expect("reference numbers");
    text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

fn figures(fields: &[String]) -> Vec<f64> {
    fields.iter().map(|field| field.parse().expect("a number")).collect()
}

fn assert_close(found: Option<f64>, expected: f64, place: &str) {
    let close = |found: f64| (found - expected).abs() <= 1e-8 * expected.abs() + 1e-12;
    assert!(found.is_some_and(close), "{place}: {found:?}, not {expected}");
}
