//! Colours, where they were asked for. Everything reads as well without.

use owo_colors::OwoColorize;

/// Whether text carries ANSI colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Plain text.
    Never,
    /// ANSI escape sequences.
    Ansi,
}

/// The few ways in which text stands out.
#[derive(Clone, Copy)]
pub(super) struct Palette {
    coloured: bool,
}

impl Palette {
    pub(super) fn new(colour: Colour) -> Self {
        Self { coloured: colour == Colour::Ansi }
    }

    pub(super) fn heading(self, text: &str) -> String {
        if self.coloured { text.bold().to_string() } else { text.to_owned() }
    }

    pub(super) fn strong(self, text: &str) -> String {
        if self.coloured { text.cyan().to_string() } else { text.to_owned() }
    }

    pub(super) fn good(self, text: &str) -> String {
        if self.coloured { text.green().to_string() } else { text.to_owned() }
    }

    pub(super) fn bad(self, text: &str) -> String {
        if self.coloured { text.red().to_string() } else { text.to_owned() }
    }

    pub(super) fn doubtful(self, text: &str) -> String {
        if self.coloured { text.yellow().to_string() } else { text.to_owned() }
    }

    pub(super) fn faint(self, text: &str) -> String {
        if self.coloured { text.dimmed().to_string() } else { text.to_owned() }
    }
}
