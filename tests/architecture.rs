//! The layers of the workspace: a crate knows only crates below it, and only those that its one sentence needs.
//!
//! What may change is [`LAYERS`]; a new crate is entered there, in its layer, before it builds. Dependencies of tests
//! are free.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::warehouse::repository;

/// Layer, crate, and the crates of ours that it may use.
const LAYERS: &[(u8, &str, &[&str])] = &[
    (0, "whom-spec", &[]),
    (0, "whom-stats", &[]),
    (0, "whom-store", &[]),
    (1, "whom-forest", &["whom-stats"]),
    (1, "whom-policy", &["whom-stats", "whom-forest"]),
    (2, "whom-engine", &["whom-stats", "whom-store"]),
    (2, "whom-report", &["whom-spec", "whom-stats", "whom-forest", "whom-policy"]),
    (2, "whom-simulate", &["whom-stats", "whom-store"]),
    (3, "whom-query", &["whom-spec", "whom-stats", "whom-store", "whom-engine"]),
    (3, "whom-cluster", &["whom-stats", "whom-store", "whom-engine"]),
    (4, "whom-pipeline", BELOW_PIPELINE),
    (
        5,
        "whom",
        &[
            "whom-pipeline",
            "whom-cluster",
            "whom-engine",
            "whom-report",
            "whom-simulate",
            "whom-spec",
            "whom-stats",
            "whom-store",
        ],
    ),
    (5, "whom-python", &["whom-pipeline", "whom-engine", "whom-report", "whom-spec", "whom-stats", "whom-store"]),
];

const BELOW_PIPELINE: &[&str] = &[
    "whom-spec",
    "whom-stats",
    "whom-store",
    "whom-forest",
    "whom-policy",
    "whom-engine",
    "whom-report",
    "whom-simulate",
    "whom-query",
    "whom-cluster",
];

/// Crates that compute and do nothing else, so that their numbers can depend on nothing else.
const PURE: &[&str] = &["whom-stats", "whom-forest", "whom-policy"];

/// What reads, writes, waits or parses, and so has no place in a pure crate.
const IMPURE: &[&str] = &["datafusion", "object_store", "parquet", "reqwest", "serde-saphyr", "tokio"];

#[test]
fn every_dependency_points_downwards() {
    let workspace = Workspace::read();
    let mut faults = Vec::new();
    for (name, dependencies) in &workspace.crates {
        let Some((_, _, allowed)) = LAYERS.iter().find(|(_, known, _)| known == name) else {
            faults.push(format!("`{name}` is not in the table of layers"));
            continue;
        };
        let ours = dependencies.iter().filter(|dependency| workspace.crates.contains_key(*dependency));
        faults.extend(
            ours.filter(|dependency| !allowed.contains(&dependency.as_str()))
                .map(|dependency| format!("`{name}` may not use `{dependency}`")),
        );
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_table_of_layers_has_no_upward_edge_and_no_circle() {
    let mut placed: BTreeMap<&str, u8> = BTreeMap::new();
    for (layer, name, allowed) in LAYERS {
        for lower in *allowed {
            let below = placed.get(lower);
            assert!(
                below.is_some_and(|below| below <= layer),
                "`{name}` uses `{lower}`, which is not listed before it"
            );
        }
        assert!(placed.insert(name, *layer).is_none(), "`{name}` is listed twice");
    }
}

#[test]
fn pure_crates_know_no_input_and_no_output() {
    let workspace = Workspace::read();
    for name in PURE {
        let Some(dependencies) = workspace.crates.get(*name) else { continue };
        let impure: Vec<_> = dependencies.iter().filter(|found| IMPURE.contains(&found.as_str())).collect();
        assert!(impure.is_empty(), "`{name}` is pure and uses {impure:?}");
    }
}

#[test]
fn the_map_of_the_crates_names_them_all_and_no_other() {
    let map = fs::read_to_string(repository().join("crates/README.md")).expect("crates/README.md");
    let cells = map.lines().filter(|line| line.starts_with('|')).flat_map(|line| line.split('|').take(3));
    let named: BTreeSet<String> = cells.filter_map(name_in_backticks).collect();
    let expected = Workspace::read().crates.into_keys().chain(shared_dependencies()).collect();
    assert_eq!(named, expected, "crates/README.md is on the left");
}

/// Crates with functions that wait, on which other crates build.
const WAITING: &[&str] = &["whom-engine", "whom-query", "whom-cluster", "whom-pipeline"];

/// The body of a public `async fn` would be compiled again in every crate that polls it, with all that it polls in turn.
#[test]
fn what_waits_is_compiled_where_it_is_written() {
    for name in WAITING {
        let mut sources = Vec::new();
        sources_in(&repository().join("crates").join(name).join("src"), &mut sources);
        assert!(!sources.is_empty(), "{name}");
        for path in sources {
            let text = fs::read_to_string(&path).expect("a source");
            let open = text.lines().find(|line| line.contains("pub async fn ") && !is_generic(line));
            assert_eq!(open, None, "in {}: return a `BoxFuture`", path.display());
        }
    }
}

/// Whether a function has parameters of type, so that it is compiled where it is called in any case.
fn is_generic(line: &str) -> bool {
    line.split('(').next().is_some_and(|head| head.contains('<'))
}

fn sources_in(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources_in(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The name, if a cell of a table holds one in backticks and nothing else.
fn name_in_backticks(cell: &str) -> Option<String> {
    Some(cell.trim().strip_prefix('`')?.strip_suffix('`')?.to_owned())
}

#[test]
fn every_shared_dependency_is_used() {
    let workspace = Workspace::read();
    let unused: Vec<String> =
        shared_dependencies().into_iter().filter(|name| !workspace.mentioned.contains(name)).collect();
    assert!(unused.is_empty(), "no crate uses {unused:?}");
}

/// The names under `[workspace.dependencies]`.
fn shared_dependencies() -> Vec<String> {
    let manifest = fs::read_to_string(repository().join("Cargo.toml")).expect("Cargo.toml");
    let section = manifest.lines().skip_while(|line| *line != "[workspace.dependencies]").skip(1);
    let entries = section.take_while(|line| !line.starts_with('[')).filter_map(|line| line.split_once(" = "));
    entries.map(|(name, _)| name.to_owned()).collect()
}

/// The crates of the workspace, each with what it uses to run and to build.
struct Workspace {
    crates: BTreeMap<String, BTreeSet<String>>,
    /// What any crate uses for anything, its tests included.
    mentioned: BTreeSet<String>,
}

impl Workspace {
    fn read() -> Self {
        let answer = Command::new(env!("CARGO"))
            .args(["metadata", "--format-version", "1", "--no-deps", "--locked", "--offline"])
            .current_dir(repository())
            .output()
            .expect("cargo starts");
        assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
        let metadata: Value = serde_json::from_slice(&answer.stdout).expect("cargo metadata is JSON");
        let packages = metadata["packages"].as_array().expect("packages");
        let crates = packages.iter().map(|package| (text(&package["name"]), dependencies_of(package, false))).collect();
        let mentioned = packages.iter().flat_map(|package| dependencies_of(package, true)).collect();
        Self { crates, mentioned }
    }
}

fn dependencies_of(package: &Value, of_tests: bool) -> BTreeSet<String> {
    let dependencies = package["dependencies"].as_array().expect("dependencies");
    dependencies.iter().filter(|one| of_tests || one["kind"] != "dev").map(|one| text(&one["name"])).collect()
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}
