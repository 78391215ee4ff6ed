use super::{PLAIN, loaded, plain_with, refusal};

/// The plain pipeline, assigned by household.
fn clustered() -> String {
    plain_with("unit: user_id\n", "unit: user_id\ncluster: household_id\n")
}

#[test]
fn a_cluster_is_a_column_and_cohorts_are_searched_beside_it() {
    let plan = loaded(&clustered()).unwrap().plan;
    assert_eq!(plan.cluster.as_ref().map(|cluster| cluster.as_str()), Some("household_id"));
    assert!(plan.searches());
}

#[test]
fn a_cluster_changes_the_identity_and_its_absence_does_not() {
    let identity = |text: &str| loaded(text).unwrap().plan.analysis_identity().unwrap();
    assert_ne!(identity(&clustered()), identity(PLAIN));
    let plain = loaded(PLAIN).unwrap().plan;
    assert!(!plain.resolved_json().unwrap().contains("cluster"), "identities of older plans stay as they were");
}

#[test]
fn neither_the_unit_nor_the_variant_is_a_cluster() {
    let refused =
        |cluster: &str| refusal(&plain_with("unit: user_id\n", &format!("unit: user_id\ncluster: {cluster}\n")));
    insta::assert_snapshot!(refused("user_id"));
    insta::assert_snapshot!(refused("variant"));
}

#[test]
fn clusters_are_looked_at_every_night_and_searched_on_named_ones() {
    let text = clustered()
        .replace("output:\n", "validate: { sequence_units: 1000 }\nlooks: { dates: [2026-11-28] }\noutput:\n");
    let plan = loaded(&text).unwrap().plan;
    assert_eq!((plan.validate.sequence_units, plan.looks.len()), (Some(1_000), 1));
}

#[test]
fn what_would_be_done_unit_by_unit_is_refused() {
    let text = clustered()
        .replace("facts:\n", "  strata: [country]\n  several_variants: first\nfacts:\n")
        .replace("output:\n", "validate: { sequence_units: 1000 }\ndiscover: { folds: { column: device, discover: a, measure: b } }\noutput:\n");
    insta::assert_snapshot!(refusal(&text));
}

#[test]
fn means_and_ratios_are_adjusted_by_cluster() {
    let adjusted = clustered().replace("    matters: 1%\n", "    matters: 1%\n    cuped: 7d\n");
    assert!(loaded(&adjusted).is_ok());
    let ratio = "  basket:\n    role: secondary\n    window: 14d\n    desired: increase\n    numerator: { from: orders, aggregate: sum, value: amount }\n    denominator: { from: orders, aggregate: count }\n    cuped: 7d\n";
    assert!(loaded(&clustered().replace("tags:\n", &format!("{ratio}tags:\n"))).is_ok());
}
