use serde_json::json;

use super::*;

/// One primary metric, one guardrail and two treatments, the second without an estimate.
fn results() -> Results {
    let metric = |name: &str, role: &str| {
        json!({ "name": name, "role": role, "unit_of_measure": null, "proportion": true, "desired": "increase",
                "matters": null, "limit": null })
    };
    let effect = |variant: &str, estimand: &str, estimate: Option<f64>| {
        let interval = estimate.map(|center| json!({ "lower": center - 0.01, "upper": center + 0.01 }));
        json!({ "metric": "visit", "role": "primary", "variant": variant, "cohort": "all", "evidence": "declared",
                "family": "F1", "estimand": estimand, "method": "welch", "reference": "t", "estimate": estimate,
                "std_err": estimate.map(|_| 0.004), "interval": interval, "individual_interval": interval, "level": 0.95,
                "p_value": estimate.map(|_| 0.0001), "p_value_adjusted": estimate.map(|_| 0.0002), "correction": "holm",
                "unreliable": null, "not_estimable": estimate.is_none().then_some("one unit"), "n_control": 100,
                "n_variant": 90, "mean_control": 0.1, "mean_variant": 0.17 })
    };
    serde_json::from_value(json!({
        "experiment": "e-mail", "analysis": "a1b2", "through": "2026-10-28", "level": 0.95,
        "variants": [{ "name": "none", "units": 100 }, { "name": "mens", "units": 90 }, { "name": "womens", "units": 1 }],
        "metrics": [metric("visit", "primary"), metric("spend", "guardrail")],
        "waterfall": [], "checks": [],
        "effects": [effect("mens", "effect", Some(0.07)), effect("mens", "lift", Some(0.7)), effect("womens", "effect", None)],
        "partition": null, "registered": [], "trees": [],
        "global_tests": [{ "variant": "mens", "metric": "visit", "evidence": "held_out", "leaves": 4, "slope": 0.9,
            "std_err": 0.2, "degrees_of_freedom": 300.0, "p_value": 0.001, "p_value_adjusted": 0.002, "open": true,
            "cochran_q": null, "cochran_p_value": null }],
        "importance": [], "detectable_differences": [], "confirming_tests": [], "tag_tables": [], "tag_rankings": [],
        "cohort_scatter": [], "shrunken_effects": [], "stability": { "search": null, "resplits": null }
    }))
    .expect("results")
}

fn publication() -> Publication<'static> {
    Publication {
        run: "00000000-0000-4000-8000-000000000001".to_owned(),
        status: Status::AlreadyPublished,
        number: 3,
        look: Some(2),
        analysis: "a1b2",
        plan: "c3d4",
        locations: BTreeMap::from([("summary.md", "/out/runs/1/summary.md".to_owned())]),
        warnings: 1,
    }
}

#[test]
fn programs_learn_which_run_where_and_what_in_one_line() {
    let (results, publication) = (results(), publication());
    let line = ResultLine::new(publication, &results);
    assert!(!line.to_json().contains('\n'));
    insta::assert_snapshot!(serde_json::to_string_pretty(&line).expect("JSON"));
}
