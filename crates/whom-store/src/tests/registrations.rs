//! Sealed plans.

use std::fs;

use serde_json::json;

use super::fixture::{Folder, create};
use crate::{ErrorKind, REGISTRATION_VERSION, Registration, Retention, Stores};

fn plan(experiment: &str, digit: char) -> Registration {
    Registration {
        schema_version: REGISTRATION_VERSION,
        experiment: experiment.to_owned(),
        analysis: digit.to_string().repeat(64),
        plan: json!({ "metrics": [{ "name": "revenue", "window": 336 }] }),
        tool_version: "0.1.0".to_owned(),
    }
}

#[tokio::test]
async fn a_plan_is_sealed_once_and_keeps_its_time() {
    let folder = Folder::new();
    let output = create(&Stores::new(), &folder.output(), 1).await.unwrap();
    let first = output.register(&plan("checkout", 'a')).await.unwrap();
    assert!(first.fresh);
    let again = output.register(&Registration { tool_version: "9.9.9".to_owned(), ..plan("checkout", 'a') }).await;
    let again = again.unwrap();
    assert!(!again.fresh);
    assert_eq!((again.registered_at, &again.registration), (first.registered_at, &plan("checkout", 'a')));
    assert_eq!(
        again.address.path(),
        Some(folder.path(&format!("out/_registrations/{}.json", "a".repeat(64))).as_path())
    );
}

#[tokio::test]
async fn the_plans_of_an_experiment_are_listed_in_the_order_of_their_times() {
    let folder = Folder::new();
    let output = create(&Stores::new(), &folder.output(), 1).await.unwrap();
    for (experiment, digit) in [("checkout", 'c'), ("search", 'b'), ("checkout", 'a')] {
        output.register(&plan(experiment, digit)).await.unwrap();
        // Files carry their times in steps that may be as coarse as some milliseconds.
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    folder.write("out/_registrations/notes.txt", "not ours");
    let found = output.registrations("checkout").await.unwrap();
    let found: Vec<char> = found.iter().filter_map(|found| found.registration.analysis.chars().next()).collect();
    assert_eq!(found, ['c', 'a']);
    assert!(output.registrations("other").await.unwrap().is_empty());
}

#[tokio::test]
async fn what_is_no_registration_is_refused() {
    let folder = Folder::new();
    let output = create(&Stores::new(), &folder.output(), 1).await.unwrap();
    output.register(&plan("checkout", 'a')).await.unwrap();
    let path = folder.path(&format!("out/_registrations/{}.json", "a".repeat(64)));
    let text = fs::read_to_string(&path).unwrap();
    for (content, problem) in [
        ("{".to_owned(), "it is no registration"),
        (text.replace("\"schema_version\": 1", "\"schema_version\": 2"), "schema version 2"),
    ] {
        fs::write(&path, content).unwrap();
        let error = output.registrations("checkout").await.unwrap_err();
        assert!(error.to_string().contains(problem), "{error}");
        assert_eq!(error.kind(), ErrorKind::Configuration);
    }
}

#[tokio::test]
async fn cleaning_leaves_sealed_plans_alone() {
    let folder = Folder::new();
    let output = create(&Stores::new(), &folder.output(), 1).await.unwrap();
    output.register(&plan("checkout", 'a')).await.unwrap();
    let all = chrono::DateTime::<chrono::Utc>::MAX_UTC;
    let retention = Retention { keep: 1, finished_before: Some(all), abandoned_before: all, failed_before: all };
    let surplus = output.surplus(&retention).await.unwrap();
    output.remove(&surplus).await.unwrap();
    assert_eq!(output.registrations("checkout").await.unwrap().len(), 1);
}
