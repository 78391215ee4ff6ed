use serde_json::{Value, json};

use super::validator::violation;
use super::{PLAIN, plain_with, refusal};

#[test]
fn the_schema_names_its_dialect_and_refuses_unknown_keys() {
    let schema = whom_spec::json_schema();
    assert_eq!(schema["$schema"], json!("https://json-schema.org/draft/2020-12/schema"));
    assert_eq!(schema["additionalProperties"], json!(false));
    assert_eq!(schema["title"], json!("Whom pipeline"));
}

#[test]
fn every_key_says_what_it_is() {
    let schema = whom_spec::json_schema();
    let definitions = schema["$defs"].as_object().unwrap().values().chain([&schema]);
    let properties = definitions.filter_map(|definition| definition["properties"].as_object()).flatten();
    let undocumented: Vec<&String> =
        properties.filter(|(_, property)| !documented(property)).map(|(key, _)| key).collect();
    assert!(undocumented.is_empty(), "{undocumented:?}");
}

fn documented(property: &Value) -> bool {
    property["description"].as_str().is_some_and(|text| !text.is_empty())
}

fn violation_of(text: &str) -> Option<String> {
    violation(&whom_spec::json_schema(), &serde_saphyr::from_str(text).unwrap())
}

#[test]
fn the_sample_pipelines_are_valid() {
    for name in ["hillstrom", "retention"] {
        let path = format!("{}/../../pipelines/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
        assert_eq!(violation_of(&std::fs::read_to_string(path).unwrap()), None, "{name}");
    }
    assert_eq!(violation_of(include_str!("design.yaml")), None);
    assert_eq!(violation_of(PLAIN), None);
}

#[test]
fn unknown_keys_and_wrong_types_are_invalid() {
    for (old, new) in [
        ("version: 1", "versoin: 1"),
        ("window: 14d", "windw: 14d"),
        ("window: 14d", "window: 14"),
        ("role: primary", "role: main"),
        ("device: categorical", "device: { categorical: { level: 3 } }"),
        ("start: 2026-10-01", "start: October"),
        ("{ weight: 0.5 }\n    one", "{ weight: half }\n    one"),
    ] {
        assert!(violation_of(&plain_with(old, new)).is_some(), "{new}");
    }
}

#[test]
fn a_replaced_value_may_stand_where_a_number_does() {
    assert_eq!(violation_of(&plain_with("{ weight: 0.5 }\n    one", "{ weight: \"${var.w}\" }\n    one")), None);
}

/// A list of a list is right nowhere, so a key that takes it is a key that nobody reads.
#[test]
fn every_key_of_the_schema_is_read() {
    let schema = whom_spec::json_schema();
    let sections =
        "discover: { tree: { depth: 3 } }\nvalidate: { level: 0.9 }\nmodels: { m: { metric: revenue } }\noutput:\n";
    let extended = plain_with("output:\n", sections);
    let plain: Value = serde_saphyr::from_str(&extended).unwrap();
    for (place, definition) in [
        ("", &schema),
        ("split", &schema["$defs"]["Split"]),
        ("split.variants.one_page", &schema["$defs"]["Variant"]),
        ("facts.orders", &schema["$defs"]["Fact"]),
        ("metrics.revenue", &schema["$defs"]["Metric"]),
        ("tags.profile", &schema["$defs"]["TagTable"]),
        ("discover", &schema["$defs"]["Discover"]),
        ("discover.tree", &schema["$defs"]["Tree"]),
        ("validate", &schema["$defs"]["Validate"]),
        ("models.m", &schema["$defs"]["Model"]),
        ("output", &schema["$defs"]["Output"]),
    ] {
        for key in definition["properties"].as_object().unwrap().keys() {
            let mut document = plain.clone();
            let pointer = if place.is_empty() { String::new() } else { format!("/{}", place.replace('.', "/")) };
            document.pointer_mut(&pointer).unwrap()[key] = json!([[1]]);
            let message = refusal(&document.to_string());
            let path = format!("{place}.{key}");
            assert!(message.contains(&format!("`{}", path.trim_start_matches('.'))), "{path}: {message}");
        }
    }
}
