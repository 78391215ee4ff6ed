use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;
use whom_report::CohortView;

use crate::tests::tiny;
use crate::{Cause, RunError, Silent, path, run, show, show_failure};

/// The pipeline of 600 users, with a smallest cell.
fn pipeline(text: &str, smallest: u64) -> String {
    text.replace("  path: out/", &format!("  path: out/\n  smallest_cell: {smallest}"))
}

async fn refused(folder: &TempDir, smallest: u64, keep_units: bool) -> RunError {
    let request = tiny(folder, |text| pipeline(&text, smallest));
    run(&crate::Request { keep_units, ..request }, &Silent).await.unwrap_err()
}

/// Every count in a document, with the name it stands under.
fn counts(value: &Value, found: &mut Vec<(String, u64)>) {
    const COUNTS: [&str; 6] = ["units", "n_control", "n_variant", "kept", "dropped", "rows"];
    match value {
        Value::Object(fields) => {
            let named = fields.iter().filter(|(name, _)| COUNTS.contains(&name.as_str()));
            found.extend(named.filter_map(|(name, count)| Some((name.clone(), count.as_u64()?))));
            fields.values().for_each(|field| counts(field, found));
        }
        Value::Array(entries) => entries.iter().for_each(|entry| counts(entry, found)),
        _ => {}
    }
}

#[tokio::test]
async fn no_small_count_is_in_the_documents_and_effects_are_as_they_were() {
    let [open, closed] = [0, 40].map(|smallest| (tempfile::tempdir().unwrap(), smallest));
    let request = tiny(&open.0, |text| pipeline(&text, open.1));
    let everything = run(&request, &Silent).await.unwrap().results;
    assert_eq!(everything.withheld, None);
    let request = tiny(&closed.0, |text| pipeline(&text, closed.1));
    let shown = run(&request, &Silent).await.unwrap().results;
    let told = shown.withheld.as_ref().expect("an account of what is withheld");
    assert!(!told.cohorts.is_empty() && told.steps > 0, "{told:?}");

    for file in ["result.json", "tree.json", "report.json"] {
        let place = path(&request, file).await.unwrap();
        let document: Value = serde_json::from_slice(&fs::read(place.path().unwrap()).unwrap()).unwrap();
        let mut found = Vec::new();
        counts(&document, &mut found);
        assert!(!found.is_empty() && found.iter().all(|(_, count)| *count == 0 || *count >= 40), "{file}: {found:?}");
    }
    let details = show(&request, None).await.unwrap().published.manifest.run.details;
    for statement in details["statements"].as_array().unwrap() {
        assert_eq!((&statement["rows"], &statement["plan"]), (&Value::Null, &Value::Null), "{statement}");
    }
    assert_eq!(details["waterfall"], serde_json::to_value(&shown.waterfall).unwrap());

    for (row, before) in shown.effects.iter().zip(&everything.effects) {
        let name = format!("{} on {} in {}", row.variant, row.metric, row.cohort);
        assert_eq!((&row.metric, &row.cohort, row.estimand), (&before.metric, &before.cohort, before.estimand));
        let is_shown = row.estimate.is_some();
        assert!(
            !is_shown
                || (row.estimate, row.std_err, row.interval) == (before.estimate, before.std_err, before.interval),
            "{name}"
        );
        assert!(is_shown || (row.mean_control, row.n_control) == (None, None) || before.estimate.is_none(), "{name}");
    }
    let small =
        |cohort: &&CohortView| cohort.sizes.iter().any(|size| size.units.is_some_and(|units| 0 < units && units < 40));
    let small: Vec<&String> = everything.discovered().iter().filter(small).map(|cohort| &cohort.name).collect();
    assert!(small.iter().all(|name| told.cohorts.contains(name)), "{small:?} of {:?}", told.cohorts);
}

#[tokio::test]
async fn single_units_are_not_published_beside_what_is_withheld() {
    let folder = tempfile::tempdir().unwrap();
    let error = refused(&folder, 40, true).await;
    assert_eq!((error.cause, Path::new(&folder.path().join("out")).exists()), (Cause::Configuration, false));
    assert!(
        error.headline.ends_with(
            "`--keep-units` publishes every single unit, and `output.smallest_cell` shows no number about fewer than 40"
        ),
        "{error:?}"
    );
    assert_eq!(error.fix.as_deref(), Some("run it without `--keep-units`, or take `smallest_cell` out"));
}

#[tokio::test]
async fn a_variant_that_is_too_small_leaves_nothing_to_publish() {
    let folder = tempfile::tempdir().unwrap();
    let error = refused(&folder, 5_000, false).await;
    assert_eq!((error.cause, error.fix.is_some()), (Cause::Data, true));
    assert_eq!(error.headline, "variant `control` has fewer than 5000 units, and results show no number about so few");
}

#[tokio::test]
async fn a_refusal_shows_no_small_count_either() {
    let folder = tempfile::tempdir().unwrap();
    let request = tiny(&folder, |text| pipeline(&text, 40).replace("at_most: 0.5%", "at_most: 0.0001%"));
    let error = run(&request, &Silent).await.unwrap_err();
    assert_eq!(error.cause, Cause::Data, "{error:?}");
    let told = show_failure(&request).await.unwrap();
    assert!(told["statements"].as_array().unwrap().iter().all(|statement| statement["rows"].is_null()));
    assert!(error.message.contains("units in several variants: withheld: fewer than 40 units"), "{}", error.message);
}
