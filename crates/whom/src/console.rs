//! Standard output and standard error.
//!
//! Standard output gets one text, at the end; of several runs each, when it has ended. Nothing follows it on either stream, because an orchestrator that reads
//! both as one takes the last line for the result.

use std::io::{self, ErrorKind, IsTerminal, Write};

use whom_pipeline::report::Colour;

use crate::environment::Environment;
use crate::failure::Failure;

/// Tells how a command, or one of several runs, ended, and gives its exit code. `is_run` says whether the last line is for
/// programs.
pub(crate) fn conclude(ended: Result<String, Failure>, is_run: bool) -> u8 {
    match ended {
        Ok(text) => match print(&text) {
            Ok(()) => 0,
            // The run is published, so the code must be 0.
            Err(error) if is_run => {
                warn(&format!("standard output cannot be written: {error}"));
                0
            }
            Err(error) => conclude(Err(Failure::output(&error)), false),
        },
        Err(failure) => {
            note(failure.text().trim_end());
            if is_run && let Err(error) = print(&format!("{}\n", failure.line())) {
                warn(&format!("standard output cannot be written: {error}"));
            }
            failure.exit_code()
        }
    }
}

/// Whether what goes to standard output is coloured.
pub(crate) fn colour(environment: &Environment) -> Colour {
    if environment.allows_colour(io::stdout().is_terminal()) { Colour::Ansi } else { Colour::Never }
}

/// A line on standard error. Nobody could be told that it cannot be written.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// A warning on standard error, under one heading.
pub(crate) fn warn(warning: &str) {
    const TITLE: &str = "warning: ";
    note(&if warning.starts_with(TITLE) { warning.to_owned() } else { format!("{TITLE}{warning}") });
}

/// The help that was asked for.
pub(crate) fn help(help: &clap::Error, environment: &Environment) -> String {
    let text = help.render();
    match colour(environment) {
        Colour::Ansi => text.ansi().to_string(),
        Colour::Never => text.to_string(),
    }
}

/// The text on standard output. A reader who has seen enough and left is not an error.
fn print(text: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
