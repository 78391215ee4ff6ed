use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Date32Array, RecordBatch};
use proptest::prelude::*;

use super::*;

fn columns(names: &[&str]) -> Vec<NamedColumn> {
    names.iter().map(|name| NamedColumn { name: (*name).to_owned(), column: format!("stratum {name}") }).collect()
}

/// Strata of periods that start on these days, by columns `country` and `city`.
fn strata(starts: &[i32], names: &[&str]) -> Strata {
    Strata { starts: starts.to_vec(), columns: columns(names), values: StrataValues::default() }
}

/// Units by day, country and city.
fn rows(units: &[(i32, Option<&str>, Option<&str>)]) -> UnitRows {
    let days: ArrayRef = Arc::new(units.iter().map(|unit| Some(unit.0)).collect::<Date32Array>());
    let countries: ArrayRef = Arc::new(units.iter().map(|unit| unit.1).collect::<StringArray>());
    let cities: ArrayRef = Arc::new(units.iter().map(|unit| unit.2).collect::<StringArray>());
    let columns = [("exposure_day", days), ("stratum country", countries), ("stratum city", cities)];
    UnitRows::new(RecordBatch::try_from_iter(columns).unwrap())
}

/// The strata once they hold the values of units.
fn holding(mut strata: Strata, units: &UnitRows) -> Strata {
    let mut values = StrataValues::default();
    values.add(&strata.columns, units).unwrap();
    strata.hold(values).unwrap();
    strata
}

#[test]
fn a_day_belongs_to_the_last_period_that_has_begun() {
    let units: Vec<_> = [9, 10, 16, 17, 18, 99].map(|day| (day, None, None)).to_vec();
    let periods = holding(strata(&[10, 17, 18], &[]), &rows(&units));
    assert_eq!(periods.of_units(&rows(&units)).unwrap(), [0, 0, 0, 1, 2, 2]);
    let codes: Vec<usize> = periods.shapes(["new"].into_iter()).map(|shape| shape.codes).collect();
    assert_eq!((codes, Strata::cell(2, true)), (vec![3, 6], 5));
}

#[test]
fn codes_follow_periods_and_then_values_and_a_missing_value_is_a_stratum_of_its_own() {
    let units =
        rows(&[(20, Some("fr"), Some("x")), (5, Some("fr"), None), (5, Some("de"), Some("")), (5, None, Some("x"))]);
    let found = holding(strata(&[0, 10], &["country", "city"]), &units);
    assert_eq!((found.count(), found.periods(), found.values_by_period()), (8, 2, 4));
    assert_eq!(found.of_units(&units).unwrap(), [7, 2, 1, 0]);
    let words: Vec<String> = (4..8).map(|stratum| found.value_words(stratum)).collect();
    assert_eq!(
        words,
        ["country missing, city x", "country de, city ", "country fr, city missing", "country fr, city x"]
    );
}

#[test]
fn more_strata_than_codes_are_refused_with_their_number_and_the_fix() {
    let names: Vec<String> = (0..129).map(|school| format!("{school}")).collect();
    let units: Vec<_> = names.iter().map(|name| (0, Some(name.as_str()), None)).collect();
    let refused = |starts: &[i32], units: &[_]| {
        let mut strata = strata(starts, &["country"]);
        let mut values = StrataValues::default();
        values.add(&strata.columns, &rows(units)).unwrap();
        strata.hold(values).err().map(|error| error.to_string())
    };
    assert_eq!(refused(&[0], &units[..128]), None);
    assert_eq!(
        refused(&[0], &units).unwrap(),
        "`split.strata` finds 129 values of `country`, and there may be 128 strata; name a column with fewer values, or \
         choose some of them by `where`"
    );
    let ramped = refused(&[0, 7], &units[..65]).unwrap();
    assert!(ramped.contains("65 values of `country` in 2 periods"), "{ramped}");
}

#[test]
fn a_column_of_ids_is_refused_without_holding_all_of_them() {
    let names: Vec<String> = (0..9_000).map(|unit| unit.to_string()).collect();
    let units: Vec<_> = names.iter().map(|name| (0, Some(name.as_str()), None)).collect();
    let mut strata = strata(&[0], &["country"]);
    let mut values = StrataValues::default();
    values.add(&strata.columns, &rows(&units)).unwrap();
    assert_eq!(values.0.len(), MOST_TOLD + 1);
    assert!(strata.hold(values).unwrap_err().to_string().contains("more than 4096 values"));
}

proptest! {
    #[test]
    fn no_order_of_units_and_no_way_to_part_them_changes_a_code(
        units in prop::collection::vec((0..30_i32, prop::option::of("[a-c]{0,2}"), prop::option::of("[a-b]")), 1..40),
        cut in 0..40_usize,
    ) {
        let units: Vec<_> = units.iter().map(|(day, one, other)| (*day, one.as_deref(), other.as_deref())).collect();
        let whole = holding(strata(&[0, 12], &["country", "city"]), &rows(&units));
        let (mut one, mut other) = (StrataValues::default(), StrataValues::default());
        let cut = cut.min(units.len());
        one.add(&whole.columns, &rows(&units[cut..])).unwrap();
        other.add(&whole.columns, &rows(&units[..cut])).unwrap();
        let mut parted = strata(&[0, 12], &["country", "city"]);
        parted.hold(one.merged(other)).unwrap();
        prop_assert_eq!(&parted, &whole);
        let codes = whole.of_units(&rows(&units)).unwrap();
        for (code, unit) in codes.iter().zip(&units) {
            let same = codes.iter().zip(&units).all(|(other, (day, country, city))| {
                (code == other) == ((*day < 12) == (unit.0 < 12) && (*country, *city) == (unit.1, unit.2))
            });
            prop_assert!(same && *code < whole.count());
        }
    }
}
