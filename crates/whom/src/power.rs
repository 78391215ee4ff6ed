//! `whom power`: what an experiment could find, from a published run or from days before it.

use std::sync::Arc;

use serde_json::json;
use whom_pipeline::report::{Planning, Results, planning_text};
use whom_pipeline::{Cause, PrePeriod, Rehearsal};

use crate::arguments::PowerArguments;
use crate::commands::{runtime, wait, watching_runtime};
use crate::console;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::request;
use crate::run::counting_threads;
use crate::watched::watched;

/// A table, and a line for programs.
pub(crate) fn power(arguments: &PowerArguments, environment: &Environment) -> Result<String, Failure> {
    let (results, planning) = planned(arguments, environment)?;
    if planning.rows.is_empty() {
        let message = "there is no primary metric and no guardrail with a margin, so there is nothing to plan for";
        return Err(Failure::start(Cause::Configuration, message));
    }
    let text = planning_text(&results, &planning, console::colour(environment));
    Ok(format!("{text}\n{}\n", json!({ "status": "planned", "planning": planning })))
}

fn planned(arguments: &PowerArguments, environment: &Environment) -> Result<(Results, Planning), Failure> {
    let units = arguments.units.map(u64::from);
    let Some((days, units_of)) = arguments.pre_period.zip(arguments.units_of.clone()) else {
        let results = published(arguments, environment)?;
        let planning = Planning::of(&results, units);
        return Ok((results, planning));
    };
    let Rehearsal { results, period, warnings } = rehearsed(PrePeriod { days, units_of }, arguments, environment)?;
    for warning in &warnings {
        console::warn(warning);
    }
    let planning = Planning::of_pre_period(&results, period, units);
    Ok((results, planning))
}

fn published(arguments: &PowerArguments, environment: &Environment) -> Result<Results, Failure> {
    let request = request::of_place(&arguments.place, environment)?;
    wait(whom_pipeline::results(&request, arguments.run))
}

/// Analyses the days before the experiment, watched as a run is.
fn rehearsed(period: PrePeriod, arguments: &PowerArguments, environment: &Environment) -> Result<Rehearsal, Failure> {
    let request = request::of_power(arguments, environment)?;
    let threads = request.limits.threads;
    counting_threads(threads)?;
    let (runtime, watching) = (runtime(threads)?, watching_runtime()?);
    let progress = Arc::new(Progress::suited(arguments.quiet, None));
    let work = watched(&runtime, request, Arc::clone(&progress), |request, progress| async move {
        whom_pipeline::rehearse(&request, &period, progress.as_ref()).await
    });
    let rehearsal = watching.block_on(work);
    progress.finish();
    // Whatever still works where it was stopped is not waited for.
    runtime.shutdown_background();
    rehearsal
}
