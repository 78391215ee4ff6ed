//! `whom`: for whom does a treatment work?
//!
//! The command line, and the only place that reads the environment, the arguments and the machine; everything below is
//! a function of the [`Request`](whom_pipeline::Request) made here. Every command is a function to the text that it
//! puts on standard output, or to a [`Failure`]; nothing is printed there before the command has ended, so that the
//! last line of `run` is always one line for programs. Progress, warnings and errors go to standard error.

mod arguments;
mod bar;
mod bug;
mod byte_size;
mod clean;
mod columns;
mod commands;
mod console;
mod environment;
mod failure;
mod heartbeat;
mod machine;
mod plan;
mod progress;
mod request;
mod result_line;
mod run;
mod runs;
mod show;
mod signals;
mod simulate;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};
use environment::Environment;
use failure::Failure;

fn main() -> ExitCode {
    bug::install_hook();
    let ended = catch_unwind(AssertUnwindSafe(execute)).unwrap_or_else(|_| Err(Failure::bug()));
    let ended = ended.unwrap_or_else(|failure| vec![Err(failure)]);
    ExitCode::from(console::conclude(ended, arguments::is_run(std::env::args_os())))
}

/// How each part of the command ended: one, but for a run of several pipelines.
fn execute() -> Result<Vec<Result<String, Failure>>, Failure> {
    let environment = Environment::collect();
    let arguments = match Arguments::try_parse() {
        Err(help) if !help.use_stderr() => return Ok(vec![Ok(console::help(&help, &environment))]),
        parsed => parsed?,
    };
    let ended = match arguments.command {
        Command::Run(arguments) => return run::run(&arguments, &environment),
        Command::Check(pipeline) => commands::check(&pipeline, &environment),
        Command::Compile(arguments) => commands::compile(&arguments, &environment),
        Command::Plan(arguments) => plan::plan(&arguments, &environment),
        Command::Simulate(arguments) => simulate::simulate(&arguments),
        Command::Schema => Ok(commands::schema()),
        Command::Runs(place) => runs::runs(&place, &environment),
        Command::Show(arguments) => show::show(&arguments, &environment),
        Command::Path { place, name } => commands::path(&place, &name, &environment),
        Command::Clean(arguments) => clean::clean(&arguments, &environment),
        Command::Completions { shell } => Ok(commands::completions(shell)),
    };
    Ok(vec![ended])
}
