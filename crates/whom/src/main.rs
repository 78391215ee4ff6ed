//! `whom`: for whom does a treatment work?
//!
//! The command line, and the only place that reads the environment, the arguments and the machine; everything below is
//! a function of the [`Request`](whom_pipeline::Request) made here. Every command is a function to the text that it
//! puts on standard output, or to a [`Failure`]; nothing is printed there before the command has ended (of several
//! pipelines, before each has ended), so that the last line of `run` is always one line for programs. Progress, warnings and errors go to standard error.

mod allocator;
mod arguments;
mod bar;
mod bug;
mod byte_size;
mod clean;
#[cfg(feature = "cluster")]
mod cluster;
mod columns;
mod commands;
mod console;
mod environment;
mod failure;
mod figures;
mod heartbeat;
mod machine;
mod plan;
mod power;
mod progress;
mod report;
mod request;
mod result_line;
mod run;
mod runs;
mod show;
mod show_failed;
mod signals;
mod simulate;
#[cfg(feature = "cluster")]
mod struck;
mod watched;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};
use environment::Environment;
use failure::Failure;

fn main() -> ExitCode {
    allocator::restrain(machine::cores());
    bug::install_hook();
    let is_run = arguments::is_run(std::env::args_os());
    let code = catch_unwind(AssertUnwindSafe(|| execute(is_run))).unwrap_or_else(|_| Err(Failure::bug()));
    ExitCode::from(code.unwrap_or_else(|failure| console::conclude(Err(failure), is_run)))
}

/// Carries out the command, tells how it ended, and gives the exit code.
fn execute(is_run: bool) -> Result<u8, Failure> {
    let environment = Environment::collect();
    let arguments = match Arguments::try_parse() {
        Err(help) if !help.use_stderr() => {
            return Ok(console::conclude(Ok(console::help(&help, &environment)), is_run));
        }
        parsed => parsed?,
    };
    let ended = match arguments.command {
        Command::Run(arguments) => return run::run(&arguments, &environment),
        Command::Replicate(arguments) => return run::replicate(&arguments, &environment),
        Command::Register(pipeline) => commands::register(&pipeline, &environment),
        Command::Check(pipeline) => commands::check(&pipeline, &environment),
        Command::Compile(arguments) => commands::compile(&arguments, &environment),
        Command::Plan(arguments) => plan::plan(&arguments, &environment),
        Command::Simulate(arguments) => simulate::simulate(&arguments),
        Command::Schema => Ok(commands::schema()),
        Command::Runs(place) => runs::runs(&place, &environment),
        Command::Show(arguments) => show::show(&arguments, &environment),
        Command::Power(arguments) => power::power(&arguments, &environment),
        Command::Report(arguments) => report::report(&arguments, &environment),
        Command::Path { place, name } => commands::path(&place, &name, &environment),
        Command::Clean(arguments) => clean::clean(&arguments, &environment),
        #[cfg(feature = "cluster")]
        Command::Scheduler(arguments) => cluster::scheduler(&arguments, &environment),
        #[cfg(feature = "cluster")]
        Command::Executor(arguments) => cluster::executor(&arguments, &environment),
        #[cfg(feature = "cluster")]
        Command::Certs(arguments) => cluster::certs(&arguments),
        Command::Completions { shell } => Ok(commands::completions(shell)),
    };
    Ok(console::conclude(ended, is_run))
}
