//! `whom runs`: what is published, the latest first.

use serde_json::Value;
use whom_pipeline::report::count;
use whom_pipeline::{Manifest, PublishedRuns};

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

/// How many digits of an identity tell two apart.
const DIGITS: usize = 8;

/// Lists the published runs, one line each.
pub(crate) fn runs(place: &PlaceArguments, environment: &Environment) -> Result<String, Failure> {
    let request = request::of_place(place, environment)?;
    let published = wait(whom_pipeline::runs(&request))?;
    published.runs.iter().filter_map(|listed| listed.run.as_ref().err()).for_each(|error| {
        console::warn(&error.to_string());
    });
    Ok(listed(&published))
}

fn listed(published: &PublishedRuns) -> String {
    let columns = [
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
    let rows = published.runs.iter().map(|listed| match &listed.run {
        Ok(run) => row(&run.manifest),
        Err(_) => {
            std::array::from_fn(|column| if column == 0 { listed.number.to_string() } else { UNKNOWN.to_owned() })
        }
    });
    table(columns, &rows.collect::<Vec<_>>())
}

fn row(manifest: &Manifest) -> [String; 9] {
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
