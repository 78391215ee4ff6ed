//! What is told when the program itself fails.

use std::panic::{self, PanicHookInfo};

use crate::console;

/// Makes a panic tell where it happened, and nothing else: its message may hold data.
pub(crate) fn install_hook() {
    panic::set_hook(Box::new(|panic| console::note(&told(panic))));
}

fn told(panic: &PanicHookInfo<'_>) -> String {
    match panic.location() {
        Some(place) => format!("whom failed unexpectedly at {}:{}", place.file(), place.line()),
        None => "whom failed unexpectedly".to_owned(),
    }
}
