use whom_spec::plan::{Correction, Split};

use super::{PLAIN, loaded, plain_with, refusal, refusal_with};

/// The plain pipeline, whose weights change so.
fn ramped(periods: &str) -> String {
    plain_with("facts:\n", &format!("  allocation:\n{periods}facts:\n"))
}

fn split(text: &str) -> Split {
    loaded(text).unwrap().plan.split
}

#[test]
fn periods_follow_the_first_one_and_name_weights_in_the_order_of_the_variants() {
    let split = split(&ramped(
        "    - { start: 2026-10-08, weights: { one_page: 0.9, control: 0.1 } }\n    - { start: 2026-10-28, weights: { control: 0.5, one_page: 0.5 } }\n",
    ));
    let periods: Vec<_> =
        split.periods().into_iter().map(|period| (period.start.to_string(), period.weights)).collect();
    let day = |day: &str, weights: [f64; 2]| (day.to_owned(), weights.to_vec());
    assert_eq!(periods, [day("2026-10-01", [0.5, 0.5]), day("2026-10-08", [0.1, 0.9]), day("2026-10-28", [0.5, 0.5])]);
    assert!(split.is_ramped());
}

#[test]
fn without_a_change_there_is_one_period_and_the_identity_is_what_it_was() {
    let (plain, empty) =
        (loaded(PLAIN).unwrap().plan, loaded(&plain_with("facts:\n", "  allocation: []\nfacts:\n")).unwrap().plan);
    assert!(!plain.split.is_ramped() && !plain.resolved_json().unwrap().contains("allocation"));
    assert_eq!(plain.split.periods().len(), 1);
    assert_eq!(plain.analysis_identity().unwrap(), empty.analysis_identity().unwrap());
    let ramped =
        loaded(&ramped("    - { start: 2026-10-14, weights: { control: 0.1, one_page: 0.9 } }\n")).unwrap().plan;
    assert_ne!(plain.analysis_identity().unwrap(), ramped.analysis_identity().unwrap());
}

#[test]
fn periods_lie_within_the_split_and_in_their_order() {
    insta::assert_snapshot!(refusal(&ramped(
        "    - { start: 2026-10-01, weights: { control: 0.1, one_page: 0.9 } }\n    - { start: 2026-11-01, weights: { control: 0.5, one_page: 0.5 } }\n    - { start: 2026-10-20, weights: { control: 0.5, one_page: 0.5 } }\n"
    )));
}

#[test]
fn a_period_gives_every_variant_a_weight_and_no_other() {
    insta::assert_snapshot!(refusal(&ramped(
        "    - { start: 2026-10-08, weights: { control: 0.1, onepage: 0.9 } }\n    - { start: 2026-10-09, weights: { control: 0.1, one_page: 0.8 } }\n    - { start: 2026-10-10, weights: { control: 0, one_page: 1 } }\n    - { weights: { control: 0.5, one_page: 0.5 } }\n"
    )));
}

#[test]
fn cohorts_of_a_ramp_are_corrected_as_others_are() {
    let text = ramped("    - { start: 2026-10-14, weights: { control: 0.1, one_page: 0.9 } }\n");
    let ramp = loaded(&text).unwrap();
    assert!(ramp.warnings.is_empty() && ramp.plan.searches());
    assert_eq!(ramp.plan.validate.correction, Correction::MaxT);
    let asked =
        |correction: &str| text.replace("output:\n", &format!("validate: {{ correction: {correction} }}\noutput:\n"));
    for (name, correction) in [("holm", Correction::Holm), ("romano_wolf", Correction::RomanoWolf)] {
        assert_eq!(loaded(&asked(name)).unwrap().plan.validate.correction, correction);
    }
}

#[test]
fn an_allocation_is_a_list_of_periods() {
    insta::assert_snapshot!(refusal_with("facts:\n", "  allocation: { control: 0.5 }\nfacts:\n"));
}
