//! Stages in time: what began, what ended, and how long it took.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::error::{Cause, RunError};
use crate::event::{Event, Observer, Stage};
use crate::usage::Usage;

/// The stages of a run as it goes through them. Times go to the observer and the manifest, never into a result.
pub(crate) struct Stages<'a> {
    observer: &'a dyn Observer,
    cancel: Arc<AtomicBool>,
    current: Option<UnderWay>,
    took: Vec<Took>,
    pub(crate) started_at: DateTime<Utc>,
}

/// What a stage took.
struct Took {
    stage: Stage,
    seconds: f64,
    /// Of all cores together, where the system tells.
    cpu_seconds: Option<f64>,
    /// The most memory that was ever resident until the end of the stage, where the system tells.
    peak_bytes: Option<u64>,
}

/// A stage under way.
struct UnderWay {
    stage: Stage,
    began: Instant,
    /// What the process had used before.
    before: Usage,
}

impl<'a> Stages<'a> {
    pub(crate) fn new(observer: &'a dyn Observer, cancel: Arc<AtomicBool>) -> Self {
        Self { observer, cancel, current: None, took: Vec::new(), started_at: Utc::now() }
    }

    pub(crate) fn observer(&self) -> &'a dyn Observer {
        self.observer
    }

    /// Ends the current stage and begins the next, unless the run was cancelled.
    pub(crate) fn begin(&mut self, stage: Stage) -> Result<(), RunError> {
        self.end();
        if self.cancel.load(Ordering::Relaxed) {
            return Err(RunError::new(stage, Cause::Interrupted, "the run was stopped; nothing was published"));
        }
        self.observer.event(&Event::Started(stage));
        self.current = Some(UnderWay { stage, began: Instant::now(), before: Usage::now() });
        Ok(())
    }

    /// Ends the current stage.
    pub(crate) fn end(&mut self) {
        if let Some(UnderWay { stage, began, before }) = self.current.take() {
            let (took, now) = (began.elapsed(), Usage::now());
            let cpu_seconds = now.cpu_seconds.zip(before.cpu_seconds).map(|(now, before)| now - before);
            self.took.push(Took { stage, seconds: took.as_secs_f64(), cpu_seconds, peak_bytes: now.peak_bytes });
            self.observer.event(&Event::Finished { stage, took });
        }
    }

    /// What each stage took, for the manifest; null where the system does not tell.
    pub(crate) fn to_json(&self) -> Value {
        let told = self.took.iter().map(|Took { stage, seconds, cpu_seconds, peak_bytes }| {
            json!({
                "stage": stage.name(),
                "seconds": seconds,
                "cpu_seconds": cpu_seconds.map(hundredths),
                "peak_bytes": peak_bytes,
            })
        });
        told.collect()
    }
}

/// To the hundredth, in which the system counts.
fn hundredths(seconds: f64) -> f64 {
    (seconds * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Heard(Mutex<Vec<String>>);

    impl Observer for Heard {
        fn event(&self, event: &Event) {
            let text = match event {
                Event::Started(stage) => format!("started {}", stage.name()),
                Event::Progress { stage, .. } => format!("progress {}", stage.name()),
                Event::Note { note, .. } => note.clone(),
                Event::Finished { stage, .. } => format!("finished {}", stage.name()),
            };
            self.0.lock().unwrap().push(text);
        }
    }

    #[test]
    fn a_stage_ends_when_the_next_begins() {
        let heard = Heard::default();
        let mut stages = Stages::new(&heard, Arc::default());
        stages.begin(Stage::Plan).unwrap();
        stages.begin(Stage::Sources).unwrap();
        stages.end();
        stages.end();
        let expected = ["started plan", "finished plan", "started sources", "finished sources"];
        assert_eq!(*heard.0.lock().unwrap(), expected);
        let json = stages.to_json();
        let names: Vec<&str> = json.as_array().unwrap().iter().filter_map(|stage| stage["stage"].as_str()).collect();
        assert_eq!(names, ["plan", "sources"]);
    }

    #[test]
    fn no_stage_begins_once_the_run_is_stopped() {
        let (heard, cancel) = (Heard::default(), Arc::new(AtomicBool::new(false)));
        let mut stages = Stages::new(&heard, Arc::clone(&cancel));
        stages.begin(Stage::Plan).unwrap();
        cancel.store(true, Ordering::Relaxed);
        let error = stages.begin(Stage::Sources).unwrap_err();
        assert_eq!((error.stage, error.cause), (Stage::Sources, Cause::Interrupted));
        assert_eq!(*heard.0.lock().unwrap(), ["started plan", "finished plan"]);
    }
}
