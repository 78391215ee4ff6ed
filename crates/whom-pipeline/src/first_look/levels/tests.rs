use proptest::prelude::*;
use whom_report::condition_words;

use super::*;

fn numeric(values: usize, has_missing: bool) -> TagBins {
    let edges = (0..values).map(|value| value as f64).collect();
    TagBins { name: "age".into(), kind: BinKind::Numeric { edges, exact: false }, has_missing }
}

fn categorical(names: &[&str], other: bool, has_missing: bool) -> TagBins {
    let levels = names.iter().map(|name| (*name).to_owned()).collect();
    TagBins { name: "city".into(), kind: BinKind::Categorical { levels, other }, has_missing }
}

/// The rules of all levels.
fn words(bins: &TagBins, units: &[u64]) -> Vec<String> {
    levels(bins, units).iter().map(|level| condition_words(&level.condition(bins))).collect()
}

#[test]
fn ten_equal_codes_are_five_groups_of_two() {
    assert_eq!(
        words(&numeric(10, true), &[7; 11]),
        [
            "age up to 1",
            "age above 1 and up to 3",
            "age above 3 and up to 5",
            "age above 5 and up to 7",
            "age above 7",
            "age is unknown"
        ]
    );
}

#[test]
fn a_value_that_most_units_share_is_a_group_of_its_own() {
    assert_eq!(
        words(&numeric(8, false), &[900, 5, 5, 5, 5, 5, 5, 70]),
        ["age up to 0", "age above 0"],
        "the rest lies above nine tenths"
    );
}

#[test]
fn few_values_stand_by_themselves_however_unequal() {
    assert_eq!(words(&numeric(3, false), &[1, 1_000, 1]), ["age up to 0", "age above 0 and up to 1", "age above 1"]);
}

#[test]
fn rare_categories_are_told_together_by_who_is_not_in_them() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    let bins = categorical(&names, true, true);
    let units = [5, 50, 9, 9, 9, 9, 9, 9, 9, 9, 30, 4];
    let found = levels(&bins, &units);
    assert_eq!(found.len(), 11);
    let RuleCondition::Categorical { levels, other, missing, .. } = found[9].condition(&bins) else {
        panic!("categorical")
    };
    assert_eq!((levels.len(), missing), (0, false));
    assert_eq!(other.unwrap(), ["b", "c", "d", "e", "f", "g", "h", "i", "j"], "`a` is rarer than all of them");
    assert_eq!(found[9].codes.iter().collect::<Vec<_>>(), [0, 10], "with what has no code of its own");
    assert_eq!(words(&bins, &units)[10], "city is unknown");
}

#[test]
fn of_equally_frequent_categories_the_last_by_name_go_together() {
    let names: Vec<String> = (b'a'..=b'l').map(|letter| char::from(letter).to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let found = levels(&categorical(&names, false, false), &[3; 12]);
    assert_eq!(found[9].codes.iter().collect::<Vec<_>>(), [9, 10, 11]);
}

#[test]
fn nobody_has_no_level_and_missing_alone_is_one() {
    assert!(levels(&numeric(8, true), &[0; 9]).is_empty());
    assert_eq!(words(&numeric(0, true), &[4]), ["age is unknown"]);
    assert!(levels(&categorical(&[], false, false), &[]).is_empty());
}

proptest! {
    #[test]
    fn every_code_that_a_unit_has_is_in_one_level(
        units in prop::collection::vec(prop_oneof![Just(0), 1..5_u64, Just(1_000)], 0..40), ordered: bool, has_missing: bool,
    ) {
        let known = units.len().saturating_sub(usize::from(has_missing));
        let names: Vec<String> = (0..known).map(|code| format!("{code:02}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let bins = if ordered { numeric(known, has_missing) } else { categorical(&names, false, has_missing) };
        let found = levels(&bins, &units);
        let most = if ordered { 6 } else { 11 };
        prop_assert!(found.len() <= most, "{} levels", found.len());
        let mut codes: Vec<usize> = found.iter().flat_map(|level| level.codes.iter()).map(usize::from).collect();
        codes.sort_unstable();
        let expected: Vec<usize> = (0..units.len()).filter(|code| units[*code] > 0).collect();
        prop_assert_eq!(codes, expected);
    }

    #[test]
    fn no_group_is_far_from_a_fifth_where_every_code_is_small(units in prop::collection::vec(1..20_u64, 60..200)) {
        let all: u64 = units.iter().sum();
        let found = levels(&numeric(units.len(), false), &units);
        prop_assert_eq!(found.len(), 5);
        for level in found {
            let held: u64 = level.codes.iter().map(|code| units[usize::from(code)]).sum();
            prop_assert!(held.abs_diff(all / 5) <= 20, "{} of {}", held, all);
        }
    }
}
