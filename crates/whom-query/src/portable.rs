//! The unit table as one statement of plain SQL, which other programs can run and compare.

use std::fmt::Write;

use datafusion::execution::SessionState;
use whom_spec::plan::Plan;

use crate::catalog::{Catalog, Source};
use crate::compile::{Compiled, Purpose, compile_in, in_one_line, pinned_comment};
use crate::dialect::Dialect;
use crate::error::QueryError;
use crate::sql::Fragment;

/// What the reader has to know.
const HEADING: &str = "\
-- The unit table, in plain SQL as DuckDB runs it. Other engines want other words for read_parquet, HUGEINT, round_even,
-- isfinite and // (division of integers).
--
-- It gives every unit that was exposed, row by row as a run makes it: those of several variants too, which a run may
-- exclude. What a run refuses (units with tags that differ, keys with two contents, values beyond their grid, times that
-- clocks skip) is not refused here. Bucket and fold are left out: they are hashes that SQL does not have.
--
-- Metrics are whole numbers of steps:
";

/// The statement that gives the unit table of a plan, with the pinned files as its first tables.
///
/// # Errors
/// As [`compile`](crate::compile()).
pub fn portable(plan: &Plan, catalog: &Catalog, state: &SessionState) -> Result<String, QueryError> {
    let compiled = compile_in(Dialect::Portable, plan, catalog, state)?;
    let mut tables: Vec<String> = catalog.sources().map(files).collect();
    let mut last = "";
    for statement in &compiled.statements {
        match statement.purpose {
            Purpose::UnitTable => last = &statement.sql,
            _ => tables.push(named(&statement.purpose.table(), &statement.sql)),
        }
    }
    Ok(format!(
        "{HEADING}{}\nSET TimeZone = 'UTC';\n\nWITH\n\n{}\n\n{};\n",
        grids(&compiled),
        tables.join(",\n\n"),
        last.trim_end()
    ))
}

/// The step of each metric, as a comment.
fn grids(compiled: &Compiled) -> String {
    compiled.measures.iter().fold(String::new(), |mut text, metric| {
        let line = format!("--   {} in steps of {}", Fragment::identifier(&metric.column), metric.grid);
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{}", in_one_line(&line));
        text
    })
}

/// A source as a table of its pinned files.
fn files(source: &Source) -> String {
    let paths = source.pinned.files().iter().map(|file| {
        let address = source.listing.address(&file.path);
        format!("    {}", Fragment::literal(address.as_str()))
    });
    let days = match &source.partition {
        Some(column) => format!("hive_partitioning = true, hive_types = {{{}: DATE}}", Fragment::literal(column)),
        None => "hive_partitioning = false".to_owned(),
    };
    let body = format!(
        "SELECT *\nFROM read_parquet([\n{}\n  ], union_by_name = true, {days})",
        paths.collect::<Vec<_>>().join(",\n")
    );
    let comment = pinned_comment(source);
    let title = comment.lines().next().unwrap_or_default();
    format!("{title}\n{}", named(&source.table, &body))
}

/// A table that a statement gives. Its lines may continue a text literal, so they stay as they are.
fn named(table: &str, sql: &str) -> String {
    format!("{} AS (\n{}\n)", Fragment::identifier(table), sql.trim_end())
}
