//! The commands that do little work.

use std::num::NonZeroUsize;

use clap::CommandFactory;
use clap_complete::Shell;
use tokio::runtime::{Builder, Runtime};
use whom_pipeline::{Cause, Checked, Registered, RunError};

use crate::arguments::{Arguments, CompileArguments, PipelineArguments, PlaceArguments};
use crate::console;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::request;

/// Threads of a command that only looks at files.
const FEW_THREADS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1);

/// `whom check`: the tables that were found.
pub(crate) fn check(pipeline: &PipelineArguments, environment: &Environment) -> Result<String, Failure> {
    let request = request::of_pipeline(pipeline, environment)?;
    let checked = wait(whom_pipeline::check(&request))?;
    checked.warnings.iter().for_each(|warning| console::warn(warning));
    Ok(format!("{}`{}` can be run\n", tables(&checked), pipeline.pipeline.display()))
}

/// `whom register`: what was sealed, when and where.
pub(crate) fn register(pipeline: &PipelineArguments, environment: &Environment) -> Result<String, Failure> {
    let request = request::of_pipeline(pipeline, environment)?;
    Ok(sealed(&wait(whom_pipeline::register(&request))?))
}

/// `whom compile`: the SQL.
pub(crate) fn compile(arguments: &CompileArguments, environment: &Environment) -> Result<String, Failure> {
    let request = request::of_pipeline(&arguments.pipeline, environment)?;
    if arguments.portable {
        return wait(whom_pipeline::compile_portable(&request));
    }
    wait(whom_pipeline::compile(&request))
}

/// `whom schema`: the JSON Schema.
pub(crate) fn schema() -> String {
    format!("{:#}\n", whom_pipeline::schema())
}

/// `whom path`: where a published file lies.
pub(crate) fn path(place: &PlaceArguments, name: &str, environment: &Environment) -> Result<String, Failure> {
    let request = request::of_place(place, environment)?;
    let address = wait(whom_pipeline::path(&request, name))?;
    Ok(format!("{address}\n"))
}

/// `whom completions`: a script.
pub(crate) fn completions(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "whom", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// The runtime that a command works on, with threads that read files and work on pieces.
///
/// # Errors
/// If the system has no threads to give.
pub(crate) fn runtime(threads: NonZeroUsize) -> Result<Runtime, Failure> {
    built(Builder::new_multi_thread().worker_threads(threads.get()))
}

/// The runtime of the main thread, which only watches.
///
/// # Errors
/// If the system cannot tell of events.
pub(crate) fn watching_runtime() -> Result<Runtime, Failure> {
    built(&mut Builder::new_current_thread())
}

fn built(builder: &mut Builder) -> Result<Runtime, Failure> {
    let runtime = builder.enable_all().build();
    runtime.map_err(|error| Failure::start(Cause::Resources, format!("no threads to work with: {error}")))
}

/// Waits for the work of a command.
pub(crate) fn wait<T>(work: impl Future<Output = Result<T, RunError>>) -> Result<T, Failure> {
    Ok(runtime(FEW_THREADS)?.block_on(work)?)
}

/// One line on when and where, and one on what follows.
fn sealed(registered: &Registered) -> String {
    let Registered { registration, registered_at, fresh, address } = registered;
    format!(
        "{} analysis {} at {}, in {address}\n{}\n",
        if *fresh { "sealed" } else { "was sealed before:" },
        registration.analysis.get(..12).unwrap_or(&registration.analysis),
        registered_at.format("%Y-%m-%d %H:%M:%S UTC"),
        "what it declares is sealed evidence in runs whose first exposure is later, if no other plan is sealed in between"
    )
}

/// One line for each table, in columns.
fn tables(checked: &Checked) -> String {
    let width = checked.tables.iter().map(|(table, ..)| table.chars().count()).max().unwrap_or_default();
    let line =
        |(table, files, rows): &(String, usize, u64)| format!("{table:<width$} {files:>6} files {rows:>14} rows\n");
    checked.tables.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn tables_stand_in_columns() {
        let table = |name: &str, files, rows| (name.to_owned(), files, rows);
        let checked = Checked { warnings: Vec::new(), tables: vec![table("split", 28, 71_234), table("visits", 3, 9)] };
        insta::assert_snapshot!(tables(&checked), @r"
        split      28 files          71234 rows
        visits      3 files              9 rows
        ");
    }

    #[test]
    fn every_shell_gets_a_script_that_knows_the_commands() {
        for shell in Shell::value_variants() {
            let script = completions(*shell);
            assert!(script.contains("whom") && script.contains("memory-limit"), "{shell}");
        }
    }
}
