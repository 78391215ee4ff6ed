//! `whom power`: what an experiment like a published one could find.

use serde_json::json;
use whom_pipeline::Cause;
use whom_pipeline::report::{Planning, planning_text};

use crate::arguments::PowerArguments;
use crate::commands::wait;
use crate::console;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::request;

/// A table, and a line for programs.
pub(crate) fn power(arguments: &PowerArguments, environment: &Environment) -> Result<String, Failure> {
    let request = request::of_place(&arguments.place, environment)?;
    let results = wait(whom_pipeline::results(&request, arguments.run))?;
    let planning = Planning::of(&results, arguments.units.map(u64::from));
    if planning.rows.is_empty() {
        let message = "the run has no primary metric and no guardrail with a margin, so there is nothing to plan for";
        return Err(Failure::start(Cause::Configuration, message));
    }
    let text = planning_text(&results, &planning, console::colour(environment));
    Ok(format!("{text}\n{}\n", json!({ "status": "planned", "planning": planning })))
}
