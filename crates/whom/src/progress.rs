//! What a run shows while it works: a bar on a terminal, otherwise a heartbeat for whoever reads the log.

use std::io::{self, IsTerminal};
use std::sync::{Mutex, PoisonError};

use whom_pipeline::{Event, Observer, Stage, StageProgress};

use crate::bar::Bar;
use crate::heartbeat::Heartbeat;

/// Listens to a run, shows it, and knows how far it has come.
pub(crate) struct Progress {
    stage: Mutex<Stage>,
    display: Display,
}

enum Display {
    Bar(Bar),
    Heartbeat(Heartbeat),
    Nothing,
}

impl Progress {
    /// What suits standard error. Only whether it is a terminal decides; what `TERM` says is true of people alone. With
    /// several pipelines it says which one it is about.
    pub(crate) fn suited(quiet: bool, pipeline: Option<String>) -> Self {
        Self::shown(match (quiet, io::stderr().is_terminal()) {
            (true, _) => Display::Nothing,
            (false, true) => Display::Bar(Bar::on_standard_error(pipeline)),
            (false, false) => Display::Heartbeat(Heartbeat::on_standard_error(pipeline)),
        })
    }

    fn shown(display: Display) -> Self {
        Self { stage: Mutex::new(Stage::Plan), display }
    }

    /// The stage that began last.
    pub(crate) fn stage(&self) -> Stage {
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells a person that the run was asked to stop.
    pub(crate) fn stopping(&self) {
        if let Display::Bar(bar) = &self.display {
            bar.stopping();
        }
    }

    /// Tells that no store answers, or that one does again.
    pub(crate) fn waiting(&self, trouble: Option<&str>) {
        match &self.display {
            Display::Bar(bar) => bar.waiting(trouble),
            Display::Heartbeat(heartbeat) => heartbeat.waiting(trouble),
            Display::Nothing => {}
        }
    }

    /// Tells how far other machines are with what they do; nothing where they do nothing.
    pub(crate) fn elsewhere(&self, stage: Option<StageProgress>) {
        match &self.display {
            Display::Bar(bar) => bar.elsewhere(stage.as_ref()),
            Display::Heartbeat(heartbeat) => heartbeat.elsewhere(stage),
            Display::Nothing => {}
        }
    }

    /// Shows nothing more.
    pub(crate) fn finish(&self) {
        match &self.display {
            Display::Bar(bar) => bar.finish(),
            Display::Heartbeat(heartbeat) => heartbeat.finish(),
            Display::Nothing => {}
        }
    }
}

impl Observer for Progress {
    fn event(&self, event: &Event) {
        if let Event::Started(stage) = event {
            *self.stage.lock().unwrap_or_else(PoisonError::into_inner) = *stage;
        }
        match &self.display {
            Display::Bar(bar) => bar.show(event),
            Display::Heartbeat(heartbeat) => heartbeat.tell(event),
            Display::Nothing => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stage_that_began_last_is_known() {
        let progress = Progress::shown(Display::Nothing);
        assert_eq!(progress.stage(), Stage::Plan);
        progress.event(&Event::Started(Stage::Discovery));
        progress.event(&Event::Progress { stage: Stage::Discovery, done: 1, all: None, doing: String::new() });
        assert_eq!(progress.stage(), Stage::Discovery);
        progress.finish();
    }
}
