//! `whom run`: the main job, watched and stoppable.

use std::num::NonZeroUsize;
use std::sync::Arc;

use tokio::runtime::Runtime;
use whom_pipeline::report::terminal_summary;
use whom_pipeline::{Cause, FindingsOf, Outcome, Request};

use crate::arguments::{NotReady, ReplicateArguments, RunArguments};
use crate::commands::{runtime, watching_runtime};
use crate::console;
use crate::environment::Environment;
use crate::failure::{Failure, hardest};
use crate::machine;
use crate::progress::Progress;
use crate::request;
use crate::result_line::ResultLine;
use crate::watched::watched;

/// Runs pipelines one after the other, and tells of each when it has ended: its summary and, as the last line, the result
/// for programs. One that fails stops no other, unless somebody asked all of them to stop. The answer is the exit code.
pub(crate) fn run(arguments: &RunArguments, environment: &Environment) -> Result<u8, Failure> {
    run_all(request::of_runs(arguments, environment)?, arguments, environment)
}

/// `whom replicate`: the same, with the findings of another run measured again in place of a search.
pub(crate) fn replicate(arguments: &ReplicateArguments, environment: &Environment) -> Result<u8, Failure> {
    let ReplicateArguments { run, from, number } = arguments;
    let findings_of = FindingsOf { place: from.clone(), run: *number };
    let requests = request::of_runs(run, environment)?.into_iter();
    let requests = requests.map(|request| Request { findings_of: Some(findings_of.clone()), ..request });
    run_all(requests.collect(), run, environment)
}

fn run_all(requests: Vec<Request>, arguments: &RunArguments, environment: &Environment) -> Result<u8, Failure> {
    let threads = arguments.resources.threads.unwrap_or_else(machine::cores);
    counting_threads(threads)?;
    let runtime = runtime(threads)?;
    let watching = watching_runtime()?;
    let are_several = requests.len() > 1;
    let mut codes = Vec::new();
    for request in requests {
        let named = are_several.then(|| request.pipeline.display().to_string());
        let request = match elsewhere(&runtime, request, arguments, environment) {
            Ok(request) => request,
            Err(failure) => {
                codes.push(console::conclude(Err(named.into_iter().fold(failure, Failure::of_pipeline)), true));
                continue;
            }
        };
        let progress = Arc::new(Progress::suited(arguments.quiet, named.clone()));
        let outcome =
            watching.block_on(watched(&runtime, request, Arc::clone(&progress), |request, progress| async move {
                whom_pipeline::run(&request, progress.as_ref()).await
            }));
        progress.finish();
        let ended = outcome.map(|outcome| told(&outcome, named.clone(), environment)).map_err(|failure| {
            let failure = named.into_iter().fold(failure, Failure::of_pipeline);
            if arguments.not_ready == NotReady::Skip { failure.skipping_not_ready() } else { failure }
        });
        let is_over = ended.as_ref().is_err_and(Failure::is_interruption);
        codes.push(console::conclude(ended, true));
        if is_over {
            break;
        }
    }
    // Whatever still works on a run that was stopped is not waited for.
    runtime.shutdown_background();
    Ok(hardest(&codes))
}

/// The summary of a run, and its line for programs.
fn told(outcome: &Outcome, pipeline: Option<String>, environment: &Environment) -> String {
    outcome.warnings.iter().for_each(|warning| console::warn(warning));
    let colour = console::colour(environment);
    let summary = terminal_summary(&outcome.results, colour);
    let look = outcome.look.map(look_told).unwrap_or_default();
    format!("{summary}{look}\n{}\n", ResultLine::of(outcome, pipeline).to_json())
}

/// What it means that so many discoveries have looked at the units that measure cohorts.
fn look_told(look: usize) -> String {
    if look < 2 {
        return "\nFirst look at the units that measure cohorts.\n".to_owned();
    }
    format!(
        "\nLook {look} at the units that measure cohorts: what is found now is exploratory until fresh units measure it \
         (whom replicate).\n"
    )
}

/// The request, with who has its work done on other machines if that is asked for.
#[cfg(feature = "cluster")]
fn elsewhere(
    runtime: &Runtime,
    request: Request,
    arguments: &RunArguments,
    environment: &Environment,
) -> Result<Request, Failure> {
    let elsewhere = runtime.block_on(crate::cluster::dispatch(&arguments.cluster, &request, environment))?;
    Ok(Request { elsewhere, ..request })
}

/// The request: this program knows no other machines.
#[cfg(not(feature = "cluster"))]
#[expect(clippy::unnecessary_wraps, reason = "programs that know a cluster may fail to reach it")]
fn elsewhere(_: &Runtime, request: Request, _: &RunArguments, _: &Environment) -> Result<Request, Failure> {
    Ok(request)
}

/// Sets the threads that count; they change no result.
pub(crate) fn counting_threads(threads: NonZeroUsize) -> Result<(), Failure> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.get()).build_global();
    pool.map_err(|error| Failure::start(Cause::Resources, format!("no {threads} threads for counting: {error}")))
}
