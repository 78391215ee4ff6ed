//! Old manifests stay readable.

use serde_json::Value;

use super::fixture::{record, run_id};
use crate::{FileEntry, MANIFEST_VERSION, Manifest, Redacted, StoreError};

/// A manifest as the first version wrote it. Never changed; each release adds its own.
const VERSION_1: &[u8] = include_bytes!("../fixtures/manifest-1.json");

fn location() -> Redacted {
    Redacted::new("out/")
}

fn manifest() -> Manifest {
    Manifest {
        schema_version: MANIFEST_VERSION,
        number: 7,
        run_id: run_id(0x0198_c0de),
        parent: Some(6),
        run: record("plan"),
        files: vec![FileEntry {
            name: "effects.parquet".to_owned(),
            path: "runs/1/effects.parquet".to_owned(),
            bytes: 3,
            sha256: crate::digest::sha256(b"abc"),
            rows: None,
        }],
    }
}

#[test]
fn a_manifest_of_version_1_is_read() {
    let manifest = Manifest::parse(VERSION_1, 42, &location()).unwrap();
    assert_eq!((manifest.number, manifest.parent), (42, Some(41)));
    assert_eq!(manifest.run.identities.plan, "9f2c");
    assert_eq!(manifest.run.inputs[0].table, "orders");
    assert_eq!(manifest.run.finished_at.to_rfc3339(), "2026-10-29T02:14:07.250+00:00");
    assert_eq!((manifest.files[0].rows, manifest.files[1].rows), (Some(24), None));
    assert_eq!(manifest.run.details["waterfall"][0]["rows"], 64_000);
}

#[test]
fn what_is_written_is_read_again() {
    let body = manifest().to_json(&location()).unwrap();
    assert_eq!(Manifest::parse(&body, 7, &location()).unwrap(), manifest());
}

#[test]
fn a_field_of_tomorrow_is_passed_over() {
    let mut value: Value = serde_json::from_slice(VERSION_1).unwrap();
    value["signature"] = "x".into();
    value["run"]["mood"] = "good".into();
    Manifest::parse(value.to_string().as_bytes(), 42, &location()).unwrap();
}

#[test]
fn what_is_no_manifest_of_ours_is_refused_with_the_reason() {
    let message = |body: &[u8]| Manifest::parse(body, 7, &location()).unwrap_err().to_string();
    insta::assert_snapshot!(message(b"{\"schema_version\": 2}"), @"manifest 7 of `out/` has schema version 2, this program reads up to 1; use a newer version of whom");
    insta::assert_snapshot!(message(b""), @"manifest 7 of `out/` cannot be read: EOF while parsing a value at line 1 column 0");
    insta::assert_snapshot!(message(b"{\"schema_version\": 1}"), @"manifest 7 of `out/` cannot be read: missing field `number` at line 1 column 21");
    insta::assert_snapshot!(message(VERSION_1), @"manifest 7 of `out/` cannot be read: it says that it is number 42");
    assert!(matches!(
        Manifest::parse(b"{\"schema_version\": 2}", 7, &location()),
        Err(StoreError::ManifestTooNew { version: 2, supported: 1, .. })
    ));
}
