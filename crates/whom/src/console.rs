//! Standard output and standard error.
//!
//! Standard output gets one text, at the end. Nothing follows it on either stream, because an orchestrator that reads
//! both as one takes the last line for the result.

use std::io::{self, ErrorKind, IsTerminal, Write};

use crate::environment::Environment;
use crate::failure::Failure;

/// Tells how a command ended, part by part, and gives its exit code. `is_run` says whether there are lines for programs.
pub(crate) fn conclude(ended: Vec<Result<String, Failure>>, is_run: bool) -> u8 {
    let mut text = String::new();
    for part in &ended {
        match part {
            Ok(part) => text.push_str(part),
            Err(failure) => {
                note(failure.text().trim_end());
                if is_run {
                    text.push_str(&format!("{}\n", failure.line()));
                }
            }
        }
    }
    let failed = ended.iter().filter_map(|part| part.as_ref().err()).min_by_key(|failure| failure.ease());
    match (print(&text), failed) {
        (Ok(()), failed) => failed.map_or(0, Failure::exit_code),
        // What is published is, so the code must say so.
        (Err(error), failed) if is_run => {
            warn(&format!("standard output cannot be written: {error}"));
            failed.map_or(0, Failure::exit_code)
        }
        (Err(_), Some(failure)) => failure.exit_code(),
        (Err(error), None) => conclude(vec![Err(Failure::output(&error))], false),
    }
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
    if environment.allows_colour(io::stdout().is_terminal()) { text.ansi().to_string() } else { text.to_string() }
}

/// The text on standard output. A reader who has seen enough and left is not an error.
fn print(text: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
