use whom_spec::plan::{Split, StrataShares};

use super::{PLAIN, loaded, plain_with, refusal};

/// The plain pipeline, compared within these strata.
fn stratified(strata: &str) -> String {
    plain_with("facts:\n", &format!("  strata: {strata}\nfacts:\n"))
}

fn split(strata: &str) -> Split {
    loaded(&stratified(strata)).unwrap().plan.split
}

fn refused(strata: &str) -> String {
    refusal(&stratified(strata))
}

#[test]
fn strata_are_columns_whose_shares_are_the_weights_unless_they_are_said_to_differ() {
    let declared = |strata: &str| {
        let strata = split(strata).strata.unwrap();
        (strata.columns.into_iter().map(|column| column.value).collect::<Vec<_>>(), strata.shares)
    };
    let columns = vec!["country".to_owned(), "school id".to_owned()];
    assert_eq!(declared("[country, school id]"), (columns.clone(), StrataShares::Declared));
    assert_eq!(declared("{ columns: [country, school id] }"), (columns.clone(), StrataShares::Declared));
    assert_eq!(declared("{ columns: [country, school id], shares: realised }"), (columns, StrataShares::Realised));
}

#[test]
fn arms_have_other_shares_only_in_strata_that_say_so() {
    let asked = |strata: &str| {
        let split = split(strata);
        [split.is_ramped(), split.is_stratified(), split.has_unequal_strata()]
    };
    assert_eq!(asked("[country]"), [false, true, false]);
    assert_eq!(asked("{ columns: [country], shares: realised }"), [false, true, true]);
    let plain = loaded(PLAIN).unwrap().plan.split;
    assert!(!plain.is_stratified() && !plain.has_unequal_strata());
}

#[test]
fn strata_are_part_of_what_is_sealed_and_without_them_the_identity_is_what_it_was() {
    let identity = |text: &str| loaded(text).unwrap().plan.analysis_identity().unwrap();
    let plain = loaded(PLAIN).unwrap().plan;
    assert!(!plain.resolved_json().unwrap().contains("strata"));
    let [one, other, realised] =
        ["[country]", "[city]", "{ columns: [country], shares: realised }"].map(|text| identity(&stratified(text)));
    assert!(one != plain.analysis_identity().unwrap() && one != other && one != realised);
}

#[test]
fn looks_are_kept_within_strata() {
    let looks =
        |day: &str| stratified("[country]").replace("output:\n", &format!("looks: {{ dates: [{day}] }}\noutput:\n"));
    let through = loaded(PLAIN).unwrap().plan.through.unwrap().to_string();
    assert!(loaded(&looks(&through)).unwrap().plan.searches());
    assert!(!loaded(&looks("2027-03-01")).unwrap().plan.searches());
}

#[test]
fn no_sequence_is_promised_within_strata() {
    let text = stratified("[country]");
    insta::assert_snapshot!(refusal(&text.replace(
        "output:\n",
        "discover: { tags: [device] }\nslices: [device]\nvalidate: { sequence_units: 4000 }\noutput:\n"
    )));
}

#[test]
fn strata_are_other_columns_than_unit_and_variant_each_once() {
    insta::assert_snapshot!(refused("[country, user_id, country, variant]"));
}

#[test]
fn strata_name_columns_and_shares_are_one_of_two_words() {
    let refusals = [
        "[]",
        "country",
        "{ columns: [a, b, c, d, e, f, g, h, i] }",
        "{ columns: [a], shares: any }",
        "{ shares: realised }",
    ];
    insta::assert_snapshot!(refusals.map(refused).join("\n\n"));
}

#[test]
fn a_stratum_may_have_weights_of_its_own() {
    let weights = "{ fr: { control: 0.9, one_page: 0.1 }, \"49\": { control: 0.3, one_page: 0.7 } }";
    let split = split(&format!("{{ columns: [country], weights: {weights} }}"));
    let strata = split.strata.as_ref().unwrap();
    assert!(split.has_unequal_strata() && strata.shares == StrataShares::Declared);
    let of = |value: &str| strata.weights_of(value).map(<[f64]>::to_vec);
    assert_eq!([of("fr"), of("49"), of("de")], [Some(vec![0.9, 0.1]), Some(vec![0.3, 0.7]), None]);
    let identity = |text: &str| loaded(&stratified(text)).unwrap().plan.analysis_identity().unwrap();
    assert_ne!(identity("[country]"), identity(&format!("{{ columns: [country], weights: {weights} }}")));
    assert_eq!(identity("[country]"), identity("{ columns: [country], weights: {} }"));
}

#[test]
fn weights_of_strata_name_every_variant_in_one_column_and_hold_at_all_times() {
    let fr = "fr: { control: 0.9, one_page: 0.1 }";
    let refusals = [
        "{ columns: [country], weights: { fr: { control: 0.9 } } }".to_owned(),
        "{ columns: [country], weights: { fr: { control: 0.9, one_page: 0.2 } } }".to_owned(),
        "{ columns: [country], weights: { fr: { control: 0.9, on_page: 0.1 } } }".to_owned(),
        format!("{{ columns: [country, city], weights: {{ {fr} }} }}"),
        format!("{{ columns: [country], shares: realised, weights: {{ {fr} }} }}"),
        format!(
            "{{ columns: [country], weights: {{ {fr} }} }}\n  allocation: [{{ start: 2026-10-14, weights: {{ control: 0.1, one_page: 0.9 }} }}]"
        ),
    ];
    insta::assert_snapshot!(refusals.map(|strata| refused(&strata)).join("\n\n"));
}
