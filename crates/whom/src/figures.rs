//! Where the time of a run went, as its manifest or the record of its failure tells.

use serde_json::Value;
use whom_pipeline::report::count;

use crate::byte_size;
use crate::columns::{Column, table};
use crate::runs::plain;

/// A heading with a table of the stages; the last row is the whole run. What was not measured stays empty.
pub(crate) fn stages(told: &Value, all: f64) -> String {
    let mut rows: Vec<[String; 4]> = list(told, "stages")
        .filter_map(|stage| {
            Some([
                name(stage, "stage")?,
                seconds(stage, "seconds"),
                seconds(stage, "cpu_seconds"),
                size(stage, "peak_bytes"),
            ])
        })
        .collect();
    rows.push(["all".to_owned(), format!("{all:.2}"), String::new(), String::new()]);
    let columns = [Column::Left("stage"), Column::Right("seconds"), Column::Right("cpu"), Column::Right("peak so far")];
    section("STAGES", columns, &rows)
}

/// A heading with a table of the statements that were executed, in their order.
pub(crate) fn statements(told: &Value) -> String {
    let rows: Vec<[String; 8]> = list(told, "statements")
        .filter_map(|statement| {
            Some([
                executed(statement)?,
                number(statement, "plans"),
                number(statement, "rows"),
                size(statement, "bytes_read"),
                size(statement, "bytes_spilled"),
                size(statement, "bytes_reserved"),
                seconds(statement, "seconds"),
                seconds(statement, "compute_seconds"),
            ])
        })
        .collect();
    let columns = [
        Column::Left("statement"),
        Column::Right("plans"),
        Column::Right("rows"),
        Column::Right("read"),
        Column::Right("spilled"),
        Column::Right("memory"),
        Column::Right("seconds"),
        Column::Right("computing"),
    ];
    section("STATEMENTS  seconds of all pieces and threads together; the most memory of operators", columns, &rows)
}

/// The plan of each statement with the figures of its operators.
pub(crate) fn plans(told: &Value) -> String {
    let plan = |statement: &Value| {
        let lines = text(statement, "plan").lines();
        let lines: String = lines.flat_map(|line| ["  ".to_owned(), plain(line), "\n".to_owned()]).collect();
        Some(format!("{}\n{lines}", name(statement, "statement")?))
    };
    headed("PLANS", list(told, "statements").filter_map(plan).collect::<Vec<_>>().join("\n"))
}

/// A table under its heading; nothing if it has no row.
pub(crate) fn section<const COLUMNS: usize>(
    heading: &str,
    columns: [Column; COLUMNS],
    rows: &[[String; COLUMNS]],
) -> String {
    headed(heading, if rows.is_empty() { String::new() } else { table(columns, rows) })
}

/// A text under its heading; nothing if there is none.
pub(crate) fn headed(heading: &str, text: String) -> String {
    if text.is_empty() { text } else { format!("{heading}\n{text}") }
}

fn list<'a>(told: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    told.get(name).and_then(Value::as_array).into_iter().flatten()
}

pub(crate) fn text<'a>(told: &'a Value, name: &str) -> &'a str {
    told.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn name(told: &Value, name: &str) -> Option<String> {
    told.get(name)?.as_str().map(plain)
}

/// A statement; one that an earlier run executed, from which this one goes on, is marked.
fn executed(statement: &Value) -> Option<String> {
    let is_carried = statement.get("carried").and_then(Value::as_bool).unwrap_or_default();
    Some(name(statement, "statement")? + if is_carried { " (earlier run)" } else { "" })
}

fn number(told: &Value, name: &str) -> String {
    told.get(name).and_then(Value::as_u64).map(count).unwrap_or_default()
}

fn size(told: &Value, name: &str) -> String {
    told.get(name).and_then(Value::as_u64).filter(|bytes| *bytes > 0).map(byte_size::shown).unwrap_or_default()
}

fn seconds(told: &Value, name: &str) -> String {
    told.get(name).and_then(Value::as_f64).map(|seconds| format!("{seconds:.2}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn statements_and_their_plans_are_shown() {
        let told = json!({ "statements": [
            { "statement": "exposures", "plans": 1, "rows": 71_234, "bytes_read": 1_500_000, "bytes_spilled": 0, "seconds": 0.254, "compute_seconds": 0.4, "plan": "FilterExec: x\n  DataSourceExec: y\n" },
            { "statement": "metrics of \u{1b}[31morders", "plans": 64, "rows": 9, "bytes_read": 0, "bytes_spilled": 12_000_000, "bytes_reserved": 48_000_000, "seconds": 12.0, "compute_seconds": 11.5, "plan": "AggregateExec: z\n" },
        ] });
        insta::assert_snapshot!(format!("{}\n{}", statements(&told), plans(&told)), @r"
        STATEMENTS  seconds of all pieces and threads together; the most memory of operators
        statement              plans    rows    read  spilled   memory  seconds  computing
        exposures                  1  71,234  1.5 MB                       0.25       0.40
        metrics of [31morders     64       9          12.0 MB  48.0 MB    12.00      11.50

        PLANS
        exposures
          FilterExec: x
            DataSourceExec: y

        metrics of [31morders
          AggregateExec: z
        ");
    }

    #[test]
    fn what_an_earlier_run_executed_is_marked() {
        let told = json!({ "statements": [
            { "statement": "exposures", "carried": true },
            { "statement": "units", "carried": false },
        ] });
        let shown = statements(&told);
        assert!(shown.contains("exposures (earlier run)") && !shown.contains("units (earlier run)"), "{shown}");
    }

    #[test]
    fn what_is_not_told_is_not_shown() {
        assert_eq!(statements(&Value::Null) + &plans(&Value::Null), "");
    }
}
