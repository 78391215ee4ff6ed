//! Stages in time: what began, what ended, and how long it took.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::error::{Cause, RunError};
use crate::event::{Event, Observer, Stage};

/// The stages of a run as it goes through them. Times go to the observer and the manifest, never into a result.
pub(crate) struct Stages<'a> {
    observer: &'a dyn Observer,
    cancel: Arc<AtomicBool>,
    current: Option<(Stage, Instant)>,
    took: Vec<(Stage, f64)>,
    pub(crate) started_at: DateTime<Utc>,
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
        self.current = Some((stage, Instant::now()));
        Ok(())
    }

    /// Ends the current stage.
    pub(crate) fn end(&mut self) {
        if let Some((stage, began)) = self.current.take() {
            let took = began.elapsed();
            self.took.push((stage, took.as_secs_f64()));
            self.observer.event(&Event::Finished { stage, took });
        }
    }

    /// Seconds by stage, for the manifest.
    pub(crate) fn to_json(&self) -> Value {
        self.took.iter().map(|(stage, seconds)| json!({ "stage": stage.name(), "seconds": seconds })).collect()
    }
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
