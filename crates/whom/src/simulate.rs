//! `whom simulate`: a warehouse with known truth.

use std::fmt::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use whom_pipeline::Cause;
use whom_simulate::{PIPELINE_FILE, Population, Progress, SimulateError, Size, TableSize, Warehouse};

use crate::failure::Failure;
use crate::machine;

/// What to write, and where.
#[derive(Args, Clone, Debug)]
pub(crate) struct SimulateArguments {
    /// The folder to write to: one that is empty or not there yet
    folder: PathBuf,
    /// `tiny`, `small`, `large`, `tenth`, `billion` (of exposures), or a number of units
    #[arg(long, value_name = "SIZE", default_value = "small")]
    size: Size,
    /// The number that every value is a function of
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Threads, which change no byte; all cores if not given
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Show no progress
    #[arg(long, short)]
    quiet: bool,
}

/// A bar that counts files. Where nobody watches, nothing is drawn.
const COUNTING: &str = "{spinner:.cyan} {bar:24.cyan} {pos}/{len} files {wide_msg} {elapsed}";

/// Writes the warehouse. The text is how much each table holds, and what to do next.
pub(crate) fn simulate(arguments: &SimulateArguments) -> Result<String, Failure> {
    let threads = arguments.threads.unwrap_or_else(machine::cores);
    let bar = if arguments.quiet { ProgressBar::hidden() } else { ProgressBar::new(0) };
    // The plain style, if the template were wrong, which a test rules out.
    bar.set_style(ProgressStyle::with_template(COUNTING).unwrap_or_else(|_| ProgressStyle::default_bar()));
    let show = |progress: Progress| {
        bar.set_length(progress.all_files as u64);
        bar.set_position(progress.files as u64);
        bar.set_message(format!("{} rows, {}", progress.rows, HumanBytes(progress.bytes)));
    };
    let population = Population::new(Warehouse::standard(arguments.size, arguments.seed))?;
    let written = population.write(&arguments.folder, threads, &show);
    bar.finish_and_clear();
    let pipeline = arguments.folder.join(PIPELINE_FILE);
    Ok(format!("{}\nwhom run {}\n", tables(&written?), pipeline.display()))
}

/// One line for each table, in columns.
fn tables(sizes: &[TableSize]) -> String {
    let width = sizes.iter().map(|size| size.table.len()).max().unwrap_or_default();
    sizes.iter().fold(String::new(), |mut text, TableSize { table, files, rows, bytes }| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{table:<width$} {files:>6} files {rows:>14} rows {bytes:>14} bytes");
        text
    })
}

impl From<SimulateError> for Failure {
    fn from(error: SimulateError) -> Self {
        let cause = if error.is_of_the_machine() { Cause::Resources } else { Cause::Configuration };
        Self::start(cause, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_right() {
        assert!(ProgressStyle::with_template(COUNTING).is_ok());
    }

    #[test]
    fn a_small_warehouse_is_written_and_told_in_columns() {
        let folder = tempfile::tempdir().expect("a folder");
        let arguments = SimulateArguments {
            folder: folder.path().join("shop"),
            size: Size::Units(500),
            seed: 1,
            threads: None,
            quiet: true,
        };
        let text = simulate(&arguments).unwrap_or_else(|failure| panic!("{}", failure.text()));
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("exposures      7 files "), "{text}");
        assert!(lines[2].starts_with("orders        21 files "), "{text}");
        assert!(text.ends_with("shop/pipeline.yaml\n"), "{text}");
        assert_eq!(simulate(&arguments).map_err(|failure| failure.exit_code()), Err(2), "the folder is in use");
    }
}
