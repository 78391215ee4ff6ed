//! `whom show`: one published run: what it found, what from, and where its time went.

use serde_json::Value;
use whom_pipeline::report::count;
use whom_pipeline::{Manifest, ShownRun};

use crate::arguments::ShowArguments;
use crate::byte_size;
use crate::columns::Column;
use crate::commands::wait;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::figures::{headed, plans, section, stages, statements};
use crate::request;
use crate::runs::{detail, plain, seconds};
use crate::show_failed::show_failed;

/// Shows a run.
pub(crate) fn show(arguments: &ShowArguments, environment: &Environment) -> Result<String, Failure> {
    if arguments.failed {
        return show_failed(arguments, environment);
    }
    let request = request::of_place(&arguments.place, environment)?;
    Ok(shown(&wait(whom_pipeline::show(&request, arguments.run))?, arguments.plans))
}

fn shown(run: &ShownRun, with_plans: bool) -> String {
    let manifest = &run.published.manifest;
    let verdict = run.verdict.iter().flat_map(|sentence| ["  ".to_owned(), plain(sentence), "\n".to_owned()]).collect();
    let details = &manifest.run.details;
    let mut sections = vec![
        facts(manifest),
        headed("VERDICT", verdict),
        stages(details, seconds(manifest)),
        statements(details),
        inputs(manifest),
        files(run),
    ];
    if with_plans {
        sections.push(plans(details));
    }
    sections.into_iter().filter(|section| !section.is_empty()).collect::<Vec<_>>().join("\n")
}

/// Name and value, one line each.
fn facts(manifest: &Manifest) -> String {
    let text = |name: &str| detail(manifest, name).and_then(Value::as_str).map(plain);
    let number = |name: &str| detail(manifest, name).and_then(Value::as_u64).map(count);
    let run = &manifest.run;
    let facts = [
        ("run", Some(format!("{} ({})", manifest.number, manifest.run_id))),
        ("experiment", text("experiment")),
        ("through", text("through")),
        ("units", number("units")),
        ("look", number("look").map(|look| format!("{look} at the units that measure cohorts"))),
        ("published", Some(run.finished_at.format("%Y-%m-%d %H:%M:%S UTC").to_string())),
        ("analysis", Some(plain(&run.identities.analysis))),
        ("plan", Some(plain(&run.identities.plan))),
        ("inputs", Some(plain(&run.identities.inputs))),
        ("program", Some(format!("whom {}", plain(&run.tool_version)))),
        ("threads", number("threads")),
        ("resumed", resumed(manifest)),
    ];
    let lines = facts.into_iter().filter_map(|(name, value)| Some(format!("{name:<11} {}\n", value?)));
    lines.collect()
}

/// Where the run went on, if an earlier one had been stopped.
fn resumed(manifest: &Manifest) -> Option<String> {
    let checkpoints = detail(manifest, "checkpoints")?;
    let after = plain(checkpoints.get("resumed_after")?.as_str()?);
    let saved = checkpoints.get("seconds_saved").and_then(Value::as_f64).unwrap_or_default();
    Some(format!("after `{after}`: {saved:.0} s of an earlier run were not repeated"))
}

/// What was read, table by table: the files that the tables are, and how much of them had to be read where they lie. Days
/// that were in the cache are read from there.
fn inputs(manifest: &Manifest) -> String {
    let mut tables: Vec<(&str, &str, usize, u64)> = Vec::new();
    for input in &manifest.run.inputs {
        match tables.iter_mut().find(|(name, ..)| *name == input.table) {
            Some((_, _, files, bytes)) => (*files, *bytes) = (*files + 1, bytes.saturating_add(input.size)),
            None => tables.push((&input.table, &input.location, 1, input.size)),
        }
    }
    let rows: Vec<[String; 6]> = tables
        .into_iter()
        .map(|(name, location, files, bytes)| {
            let [read, cached] = read(manifest, name);
            [plain(name), count(files as u64), byte_size::shown(bytes), read, cached, plain(location)]
        })
        .collect();
    let columns = [
        Column::Left("table"),
        Column::Right("files"),
        Column::Right("size"),
        Column::Right("read"),
        Column::Right("from cache"),
        Column::Left("location"),
    ];
    section("READ", columns, &rows)
}

/// The bytes that were read of a table, and those read from the cache; empty where nothing is known.
fn read(manifest: &Manifest, table: &str) -> [String; 2] {
    let tables = detail(manifest, "read").and_then(Value::as_array).into_iter().flatten();
    let found = tables.into_iter().find(|read| read.get("table").and_then(Value::as_str) == Some(table));
    let shown = |bytes: Option<&Value>| bytes.and_then(Value::as_u64).map(byte_size::shown).unwrap_or_default();
    [shown(found.and_then(|read| read.get("bytes"))), shown(found.and_then(|read| read.get("cache")?.get("bytes")))]
}

/// What was written, and where it lies.
fn files(run: &ShownRun) -> String {
    let rows: Vec<[String; 4]> = run
        .published
        .manifest
        .files
        .iter()
        .map(|file| {
            let rows = file.rows.map(count).unwrap_or_default();
            let address = run.published.address(&file.name).map(|address| format!("{address}"));
            [plain(&file.name), rows, byte_size::shown(file.bytes), address.unwrap_or_default()]
        })
        .collect();
    let columns = [Column::Left("file"), Column::Right("rows"), Column::Right("size"), Column::Left("path")];
    section("WRITTEN", columns, &rows)
}

#[cfg(test)]
mod tests {
    use crate::runs::tests::manifest;

    use super::*;

    #[test]
    fn a_run_is_shown_in_sections() {
        let manifest = manifest();
        let text = [facts(&manifest), stages(&manifest.run.details, seconds(&manifest)), inputs(&manifest)].join("\n");
        insta::assert_snapshot!(text, @r"
        run         7 (0198c0de-0000-4000-8000-000000000001)
        experiment  check[31mout
        through     2026-10-28
        units       64,000
        look        2 at the units that measure cohorts
        published   2026-10-29 02:14:07 UTC
        analysis    51ab03c2d4
        plan        9f2c1d00e5
        inputs      0d77
        program     whom 0.1.0
        threads     2

        STAGES
        stage       seconds  cpu  peak so far
        plan           0.00
        unit table    73.25
        all           73.50

        READ
        table        files    size      read  from cache  location
        split            2  1.5 MB  310.0 kB    900.0 kB  lake/
        fact orders      1     9 B                        lake/
        ");
    }

    #[test]
    fn a_run_that_says_little_about_itself_is_shown() {
        let mut manifest = manifest();
        manifest.run.details = Value::Null;
        manifest.run.inputs.clear();
        insta::assert_snapshot!([facts(&manifest), stages(&manifest.run.details, seconds(&manifest)), inputs(&manifest)].join("\n"), @r"
        run         7 (0198c0de-0000-4000-8000-000000000001)
        published   2026-10-29 02:14:07 UTC
        analysis    51ab03c2d4
        plan        9f2c1d00e5
        inputs      0d77
        program     whom 0.1.0

        STAGES
        stage  seconds  cpu  peak so far
        all      73.50
        ");
    }
}
