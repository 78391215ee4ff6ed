//! `whom show --failed`: why the last run failed, and what it had done until then.

use serde_json::Value;

use crate::arguments::ShowArguments;
use crate::commands::wait;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::figures::{headed, plans, stages, statements, text};
use crate::request;
use crate::runs::plain;

/// Shows the record of the last failure.
pub(crate) fn show_failed(arguments: &ShowArguments, environment: &Environment) -> Result<String, Failure> {
    let request = request::of_place(&arguments.place, environment)?;
    Ok(shown(&wait(whom_pipeline::show_failure(&request))?, arguments.plans))
}

fn shown(told: &Value, with_plans: bool) -> String {
    let at_hand = told.get("at_hand").map(|statement| lines(text(statement, "sql"))).unwrap_or_default();
    let mut sections = vec![
        facts(told),
        headed("MESSAGE", lines(text(told, "message"))),
        headed("FIX", lines(text(told, "fix"))),
        headed("STATEMENT AT HAND", at_hand),
        stages(told, told.get("seconds").and_then(Value::as_f64).unwrap_or_default()),
        statements(told),
    ];
    if with_plans {
        sections.push(plans(told));
    }
    sections.into_iter().filter(|section| !section.is_empty()).collect::<Vec<_>>().join("\n")
}

/// Name and value, one line each.
fn facts(told: &Value) -> String {
    let code = told.get("code").and_then(Value::as_u64).map(|code| code.to_string()).unwrap_or_default();
    let facts = [
        ("run", text(told, "run_id")),
        ("experiment", text(told, "experiment")),
        ("exit code", code.as_str()),
        ("cause", text(told, "cause")),
        ("stage", text(told, "stage")),
        ("started", text(told, "started_at")),
        ("failed", text(told, "finished_at")),
        ("program", text(told, "tool_version")),
    ];
    let lines: Vec<String> = facts.into_iter().map(|(name, value)| format!("{name:<11} {}\n", plain(value))).collect();
    lines.concat()
}

fn lines(text: &str) -> String {
    text.lines().flat_map(|line| ["  ".to_owned(), plain(line), "\n".to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_failure_is_shown_with_its_statement() {
        let told = json!({
            "run_id": "0198c0de-0000-4000-8000-000000000001", "experiment": "checkout", "status": "failed", "code": 3,
            "stage": "unit table", "cause": "data", "message": "in fact table `orders`: value 1e300 lies beyond",
            "fix": "declare a coarser `precision`", "retryable": false, "tool_version": "0.1.0",
            "started_at": "2026-10-29T02:12:53.750000Z", "finished_at": "2026-10-29T02:14:07.250000Z", "seconds": 73.5,
            "stages": [{ "stage": "plan", "seconds": 0.01, "cpu_seconds": 0.0, "peak_bytes": 40_000_000 }],
            "at_hand": { "statement": "events of orders", "sql": "SELECT unit\nFROM units\n" },
            "statements": [{ "statement": "exposures", "plans": 1, "rows": 7, "bytes_read": 9, "bytes_spilled": 0, "seconds": 1.0, "compute_seconds": 0.5, "plan": "FilterExec: x\n" }],
        });
        insta::assert_snapshot!(shown(&told, true), @r"
        run         0198c0de-0000-4000-8000-000000000001
        experiment  checkout
        exit code   3
        cause       data
        stage       unit table
        started     2026-10-29T02:12:53.750000Z
        failed      2026-10-29T02:14:07.250000Z
        program     0.1.0

        MESSAGE
          in fact table `orders`: value 1e300 lies beyond

        FIX
          declare a coarser `precision`

        STATEMENT AT HAND
          SELECT unit
          FROM units

        STAGES
        stage  seconds   cpu  peak so far
        plan      0.01  0.00      40.0 MB
        all      73.50

        STATEMENTS  seconds of all pieces and threads together; the most memory of operators
        statement  plans  rows  read  spilled  memory  seconds  computing
        exposures      1     7   9 B                      1.00       0.50

        PLANS
        exposures
          FilterExec: x
        ");
    }
}
