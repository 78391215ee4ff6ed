//! `whom runs`: what is published, the latest first.

use serde_json::Value;
use whom_pipeline::report::count;
use whom_pipeline::{ListedRun, Manifest};

use crate::arguments::PlaceArguments;
use crate::byte_size;
use crate::columns::{Column, table};
use crate::commands::wait;
use crate::console;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::request;

/// What stands where nothing is known.
const UNKNOWN: &str = "–";

const COLUMNS: [Column; 9] = [
    Column::Right("run"),
    Column::Left("published (UTC)"),
    Column::Left("experiment"),
    Column::Left("through"),
    Column::Left("analysis"),
    Column::Left("plan"),
    Column::Right("units"),
    Column::Right("seconds"),
    Column::Right("size"),
];

/// How many digits of an identity tell two apart.
const DIGITS: usize = 8;

/// Lists the published runs, one line each.
pub(crate) fn runs(place: &PlaceArguments, environment: &Environment) -> Result<String, Failure> {
    let request = request::of_place(place, environment)?;
    let runs = wait(whom_pipeline::runs(&request))?;
    runs.iter().filter_map(|listed| listed.run.as_ref().err()).for_each(|error| {
        console::warn(&error.to_string());
    });
    Ok(listed(&runs))
}

fn listed(runs: &[ListedRun]) -> String {
    let rows = runs.iter().map(|listed| match &listed.run {
        Ok(run) => row(&run.manifest),
        Err(_) => unreadable(listed.number),
    });
    table(COLUMNS, &rows.collect::<Vec<_>>())
}

/// A run of which only the number is known.
fn unreadable(number: u64) -> [String; COLUMNS.len()] {
    std::array::from_fn(|column| if column == 0 { number.to_string() } else { UNKNOWN.to_owned() })
}

fn row(manifest: &Manifest) -> [String; COLUMNS.len()] {
    let text = |name: &str| detail(manifest, name).and_then(Value::as_str).map_or_else(|| UNKNOWN.to_owned(), plain);
    let digits = |identity: &str| plain(identity).chars().take(DIGITS).collect::<String>();
    [
        manifest.number.to_string(),
        manifest.run.finished_at.format("%Y-%m-%d %H:%M:%S").to_string(),
        text("experiment"),
        text("through"),
        digits(&manifest.run.identities.analysis),
        digits(&manifest.run.identities.plan),
        detail(manifest, "units").and_then(Value::as_u64).map_or_else(|| UNKNOWN.to_owned(), count),
        format!("{:.1}", seconds(manifest)),
        byte_size::shown(manifest.files.iter().map(|file| file.bytes).sum()),
    ]
}

/// What a run says about itself.
pub(crate) fn detail<'a>(manifest: &'a Manifest, name: &str) -> Option<&'a Value> {
    manifest.run.details.get(name)
}

/// A text of a manifest without control characters: whoever can write there must not reach the terminal.
pub(crate) fn plain(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).collect()
}

/// From the beginning of a run to its last result.
pub(crate) fn seconds(manifest: &Manifest) -> f64 {
    (manifest.run.finished_at - manifest.run.started_at).as_seconds_f64()
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    /// A manifest with everything that is shown.
    pub(crate) fn manifest() -> Manifest {
        let input = |table: &str, path: &str, size: u64| json!({ "table": table, "location": "lake/", "path": path, "size": size, "etag": null });
        let file = |name: &str, bytes: u64, rows: Option<u64>| json!({ "name": name, "path": format!("runs/1/{name}"), "bytes": bytes, "sha256": "", "rows": rows });
        let details = json!({
            "experiment": "check\u{1b}[31mout", "through": "2026-10-28", "units": 64_000, "look": 2, "threads": 2,
            "stages": [{ "stage": "plan", "seconds": 0.004 }, { "stage": "unit table", "seconds": 73.25 }],
            "read": [{ "table": "split", "bytes": 310_000, "files": 1, "cache": { "bytes": 900_000, "days_reused": 1, "days_filled": 1 } }],
        });
        serde_json::from_value(json!({
            "schema_version": 1, "number": 7, "run_id": "0198c0de-0000-4000-8000-000000000001", "parent": 6,
            "run": {
                "identities": { "analysis": "51ab03c2d4", "plan": "9f2c1d00e5", "inputs": "0d77" },
                "tool_version": "0.1.0",
                "started_at": "2026-10-29T02:12:53.750000Z",
                "finished_at": "2026-10-29T02:14:07.250000Z",
                "inputs": [input("split", "a.parquet", 1_000_000), input("split", "b.parquet", 500_000), input("fact orders", "c.parquet", 9)],
                "details": details,
            },
            "files": [file("effects.parquet", 10_500, Some(54)), file("summary.md", 1_400, None)],
        }))
        .expect("a manifest")
    }

    #[test]
    fn runs_stand_in_columns_whatever_is_known_of_them() {
        insta::assert_snapshot!(table(COLUMNS, &[row(&manifest()), unreadable(6)]), @r"
        run  published (UTC)      experiment    through     analysis  plan       units  seconds     size
          7  2026-10-29 02:14:07  check[31mout  2026-10-28  51ab03c2  9f2c1d00  64,000     73.5  11.9 kB
          6  –                    –             –           –         –              –        –        –
        ");
    }
}
