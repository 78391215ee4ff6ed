//! Progress on a terminal: a line for each stage that is done, and one that moves.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use whom_pipeline::{Event, Stage, StageProgress};

/// How often the line moves.
const TICK: Duration = Duration::from_millis(100);

/// A stage of unknown length. The colour goes away with `NO_COLOR`.
const WORKING: &str = "{spinner:.cyan} {prefix:<10} {wide_msg} {elapsed}";

/// A stage of known length.
const COUNTING: &str = "{spinner:.cyan} {prefix:<10} {bar:24.cyan} {pos}/{len} {wide_msg} {elapsed}";

/// The line that moves.
pub(crate) struct Bar {
    line: ProgressBar,
    said: Mutex<Said>,
}

/// What the line says.
#[derive(Debug, Default)]
struct Said {
    doing: String,
    /// What is waited for, while no store answers.
    trouble: Option<String>,
    /// How far other machines are.
    elsewhere: Option<String>,
}

impl Said {
    fn message(&self) -> String {
        let doing = self.trouble.as_ref().unwrap_or(&self.doing);
        let told = [Some(doing), self.elsewhere.as_ref()].into_iter().flatten().filter(|text| !text.is_empty());
        told.map(String::as_str).collect::<Vec<_>>().join(" · ")
    }
}

impl Bar {
    /// A bar; with several pipelines, under the name of this one.
    pub(crate) fn on_standard_error(pipeline: Option<String>) -> Self {
        let line = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Some(pipeline) = pipeline {
            line.println(pipeline);
        }
        line.enable_steady_tick(TICK);
        Self { line, said: Mutex::default() }
    }

    pub(crate) fn show(&self, event: &Event) {
        match event {
            Event::Started(stage) => {
                self.line.set_style(style(WORKING));
                self.line.set_prefix(stage.name());
                self.say(|said| *said = Said::default());
                self.line.reset_elapsed();
            }
            Event::Progress { done, all, doing, .. } => {
                if let Some(all) = all {
                    self.line.set_style(style(COUNTING));
                    self.line.set_length(*all as u64);
                }
                self.line.set_position(*done as u64);
                self.say(|said| *said = Said { doing: doing.clone(), trouble: None, elsewhere: said.elsewhere.take() });
            }
            Event::Note { note, .. } => self.line.println(note),
            Event::Finished { stage, took } => self.line.println(finished(*stage, *took)),
        }
    }

    /// Says what is waited for in place of what is done.
    pub(crate) fn waiting(&self, trouble: Option<&str>) {
        self.say(|said| said.trouble = trouble.map(str::to_owned));
    }

    /// Says how far other machines are.
    pub(crate) fn elsewhere(&self, stage: Option<&StageProgress>) {
        let told =
            |StageProgress { stage, parts, done, .. }: &StageProgress| format!("`{stage}`: {done} of {parts} parts");
        self.say(|said| said.elsewhere = stage.map(told));
    }

    fn say(&self, change: impl FnOnce(&mut Said)) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut said);
        self.line.set_message(said.message());
    }

    pub(crate) fn stopping(&self) {
        self.line.println("stopping; press Ctrl-C again to stop at once");
    }

    pub(crate) fn finish(&self) {
        self.line.finish_and_clear();
    }
}

/// A style; the plain one if a template were wrong, which a test rules out.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

fn finished(stage: Stage, took: Duration) -> String {
    format!("✓ {:<10} {:>8}", stage.name(), duration(took))
}

/// A duration to the precision that a person cares for.
fn duration(took: Duration) -> String {
    match took.as_secs() {
        0..60 => format!("{:.1} s", took.as_secs_f64()),
        60..3600 => format!("{} min {:02} s", took.as_secs() / 60, took.as_secs() % 60),
        seconds => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_are_right() {
        for template in [WORKING, COUNTING] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }

    #[test]
    fn what_is_done_is_said_again_when_a_store_answers() {
        let bar = Bar { line: ProgressBar::hidden(), said: Mutex::default() };
        bar.say(|said| said.doing = "units".to_owned());
        for trouble in [Some("503 for 2 s"), Some("503 for 3 s")] {
            bar.waiting(trouble);
            assert_eq!(Some(bar.line.message().as_str()), trouble);
        }
        bar.waiting(None);
        assert_eq!(bar.line.message(), "units");
    }

    #[test]
    fn how_far_other_machines_are_is_said_beside_what_is_done() {
        let bar = Bar { line: ProgressBar::hidden(), said: Mutex::default() };
        bar.elsewhere(Some(&StageProgress { stage: "pass".to_owned(), parts: 8, done: 3, running: 2 }));
        assert_eq!(bar.line.message(), "`pass`: 3 of 8 parts");
        bar.show(&Event::Progress { stage: Stage::Discovery, done: 1, all: None, doing: "level 2".to_owned() });
        assert_eq!(bar.line.message(), "level 2 · `pass`: 3 of 8 parts");
        bar.elsewhere(None);
        assert_eq!(bar.line.message(), "level 2");
    }

    #[test]
    fn every_stage_fits_its_column() {
        assert!(Stage::ALL.iter().all(|stage| stage.name().chars().count() <= 10));
        assert_eq!(finished(Stage::UnitTable, Duration::from_millis(1_250)), "✓ unit table    1.2 s");
        assert_eq!(finished(Stage::Checks, Duration::from_secs(75)), "✓ checks     1 min 15 s");
    }

    #[test]
    fn durations_are_as_precise_as_a_person_cares_for() {
        let told = [0.04, 59.0, 61.0, 3_599.0, 7_380.0].map(|seconds| duration(Duration::from_secs_f64(seconds)));
        assert_eq!(told, ["0.0 s", "59.0 s", "1 min 01 s", "59 min 59 s", "2 h 03 min"]);
    }
}
