use super::{PLAIN, loaded, plain_with, refusal};

/// A pipeline that asks for confidence sequences.
fn asking(text: &str) -> String {
    text.replacen("output:", "validate: { sequence_units: 40000 }\noutput:", 1)
}

#[test]
fn sequences_are_part_of_the_identity_only_where_they_are_asked_for() {
    let (plain, asked) = (loaded(PLAIN).unwrap().plan, loaded(&asking(PLAIN)).unwrap().plan);
    assert!(!plain.resolved_json().unwrap().contains("sequence_units"));
    assert_eq!(asked.validate.sequence_units, Some(40_000));
    assert_ne!(plain.analysis_identity().unwrap(), asked.analysis_identity().unwrap());
}

#[test]
fn what_changes_with_the_look_is_refused() {
    let ramp = "  allocation:\n    - { start: 2026-10-08, weights: { one_page: 0.9, control: 0.1 } }\nfacts:\n";
    let included = PLAIN.replacen("window: 14d", "window: 14d\n    incomplete_window: include", 1);
    let capped = PLAIN.replacen("window: 14d", "window: 14d\n    cap: { percentile: 0.99 }", 1);
    let refused = [plain_with("facts:\n", ramp), included, capped].map(|text| first_line(&refusal(&asking(&text))));
    insta::assert_snapshot!(refused.join("\n"), @"
    error: `validate.sequence_units` does not go with `split.allocation`: sequences need the same weights at all looks
    error: `validate.sequence_units` does not go with incomplete windows in `revenue`: a unit has to count once, and stay as it is
    error: `validate.sequence_units` does not go with the percentile that caps `revenue`, which every look computes anew
    ");
}

#[test]
fn guardrails_that_are_held_against_a_limit_have_sequences_too() {
    let with = |limit: &str| {
        let guardrail = format!(
            "  returns: {{ role: guardrail, from: orders, aggregate: any, window: 14d, desired: decrease, incomplete_window: include{limit} }}\ntags:\n"
        );
        asking(&plain_with("tags:\n", &guardrail))
    };
    insta::assert_snapshot!(first_line(&refusal(&with(", limit: 2%"))), @"error: `validate.sequence_units` does not go with incomplete windows in `returns`: a unit has to count once, and stay as it is");
    assert!(loaded(&with("")).is_ok(), "without a limit nothing is held against it");
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
