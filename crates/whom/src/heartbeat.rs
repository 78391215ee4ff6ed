//! Progress in a log: one line of JSON when a stage begins or ends, when something is worth a note, and every 30 seconds
//! between.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde::Serialize;
use whom_pipeline::{Event, Stage, StageProgress};

/// The longest silence.
const PERIOD: Duration = Duration::from_secs(30);

/// Tells of a run line by line, from a thread of its own so that no busy run can keep it from telling.
pub(crate) struct Heartbeat {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    state: Mutex<State>,
    stopped: Condvar,
}

struct State {
    pipeline: Option<String>,
    output: Box<dyn Write + Send>,
    begin: Instant,
    now: Now,
    /// What is waited for, while no store answers.
    waiting: Option<String>,
    /// What other machines do.
    elsewhere: Option<StageProgress>,
    is_stopped: bool,
}

/// What the run does now.
#[derive(Clone, Debug, Default)]
struct Now {
    stage: Option<Stage>,
    done: usize,
    all: Option<usize>,
    doing: Option<String>,
}

/// One line. What is not known is left out.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pipeline: Option<&'a str>,
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    all: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    doing: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    elsewhere: Option<&'a StageProgress>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    took_seconds: Option<f64>,
    elapsed_seconds: f64,
}

impl Heartbeat {
    /// Heartbeats; with several pipelines, each line names this one.
    pub(crate) fn on_standard_error(pipeline: Option<String>) -> Self {
        Self::of(pipeline, PERIOD, Box::new(io::stderr()))
    }

    fn of(pipeline: Option<String>, period: Duration, output: Box<dyn Write + Send>) -> Self {
        let state = State {
            pipeline,
            output,
            begin: Instant::now(),
            now: Now::default(),
            waiting: None,
            elsewhere: None,
            is_stopped: false,
        };
        let shared = Arc::new(Shared { state: Mutex::new(state), stopped: Condvar::new() });
        let beating = Arc::clone(&shared);
        // Without a thread the stages are still told.
        let thread = thread::Builder::new().name("heartbeat".to_owned()).spawn(move || beating.beat(period)).ok();
        Self { shared, thread: Mutex::new(thread) }
    }

    pub(crate) fn tell(&self, event: &Event) {
        self.shared.state().take(event);
    }

    /// Tells at once that no store answers, and with every heartbeat until one does.
    pub(crate) fn waiting(&self, trouble: Option<&str>) {
        let mut state = self.shared.state();
        let has_begun = trouble.is_some() && state.waiting.is_none() && !state.is_stopped;
        state.waiting = trouble.map(str::to_owned);
        if has_begun {
            state.write_heartbeat("waiting");
        }
    }

    /// Tells with every heartbeat how far other machines are with what they do.
    pub(crate) fn elsewhere(&self, stage: Option<StageProgress>) {
        self.shared.state().elsewhere = stage;
    }

    /// Tells nothing more once this returns.
    pub(crate) fn finish(&self) {
        self.shared.state().is_stopped = true;
        self.shared.stopped.notify_all();
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells every `period` what the run does, until it is stopped.
    fn beat(&self, period: Duration) {
        let mut state = self.state();
        loop {
            let waited = self.stopped.wait_timeout_while(state, period, |state| !state.is_stopped);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            if state.is_stopped {
                return;
            }
            state.write_heartbeat("heartbeat");
        }
    }
}

impl State {
    fn take(&mut self, event: &Event) {
        if self.is_stopped {
            return;
        }
        match event {
            Event::Started(stage) => {
                self.now = Now { stage: Some(*stage), ..Now::default() };
                self.write_stage("started", *stage, None);
            }
            Event::Progress { stage, done, all, doing } => {
                self.now = Now { stage: Some(*stage), done: *done, all: *all, doing: Some(doing.clone()) };
            }
            Event::Note { stage, note } => self.write_note(*stage, note),
            Event::Finished { stage, took } => self.write_stage("finished", *stage, Some(*took)),
        }
    }

    fn write_stage(&mut self, event: &'static str, stage: Stage, took: Option<Duration>) {
        let took_seconds = took.map(seconds);
        let line = Line { event, stage: Some(stage.name()), took_seconds, ..self.silent_line() };
        let text = text(&line);
        self.write(&text);
    }

    fn write_note(&mut self, stage: Stage, note: &str) {
        let line = Line { event: "note", stage: Some(stage.name()), note: Some(note), ..self.silent_line() };
        let text = text(&line);
        self.write(&text);
    }

    fn write_heartbeat(&mut self, event: &'static str) {
        let now = &self.now;
        let line = Line {
            event,
            stage: now.stage.map(Stage::name),
            done: now.doing.as_ref().map(|_| now.done),
            all: now.all,
            doing: now.doing.as_deref(),
            waiting: self.waiting.as_deref(),
            elsewhere: self.elsewhere.as_ref(),
            ..self.silent_line()
        };
        let text = text(&line);
        self.write(&text);
    }

    /// A heartbeat that knows nothing but the time.
    fn silent_line(&self) -> Line<'_> {
        let elapsed_seconds = seconds(self.begin.elapsed());
        Line {
            pipeline: self.pipeline.as_deref(),
            event: "heartbeat",
            stage: None,
            done: None,
            all: None,
            doing: None,
            waiting: None,
            elsewhere: None,
            note: None,
            took_seconds: None,
            elapsed_seconds,
        }
    }

    /// Nobody could be told that standard error cannot be written.
    fn write(&mut self, text: &str) {
        let _ = self.output.write_all(format!("{text}\n").as_bytes());
    }
}

/// Seconds to the millisecond.
fn seconds(duration: Duration) -> f64 {
    duration.as_millis() as f64 / 1_000.0
}

fn text(line: &Line<'_>) -> String {
    // Text and finite numbers can always be encoded.
    serde_json::to_string(line).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// A log that the test keeps a hand on.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Log {
        fn lines(&self) -> Vec<Value> {
            let bytes = self.0.lock().unwrap().clone();
            String::from_utf8(bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
        }
    }

    fn working() -> Event {
        Event::Progress { stage: Stage::Discovery, done: 2, all: Some(5), doing: "level 2".to_owned() }
    }

    #[test]
    fn stages_are_told_as_they_begin_and_end() {
        let log = Log::default();
        let heartbeat = Heartbeat::of(None, PERIOD, Box::new(log.clone()));
        heartbeat.tell(&Event::Started(Stage::Checks));
        heartbeat.tell(&working());
        heartbeat.tell(&Event::Finished { stage: Stage::Checks, took: Duration::from_millis(1_500) });
        heartbeat.finish();
        let lines = log.lines();
        assert_eq!(lines.len(), 2);
        assert_eq!((&lines[0]["event"], &lines[0]["stage"]), (&"started".into(), &"checks".into()));
        assert_eq!((&lines[1]["event"], &lines[1]["took_seconds"]), (&"finished".into(), &1.5.into()));
    }

    #[test]
    fn a_long_stage_is_told_again_and_again_with_what_it_does() {
        let log = Log::default();
        let heartbeat = Heartbeat::of(None, Duration::from_millis(2), Box::new(log.clone()));
        heartbeat.tell(&working());
        while log.lines().iter().filter(|line| line["doing"] == "level 2").count() < 2 {
            thread::sleep(Duration::from_millis(1));
        }
        heartbeat.finish();
        let last = log.lines().pop().unwrap();
        assert_eq!((&last["event"], &last["stage"]), (&"heartbeat".into(), &"discovery".into()));
        assert_eq!((&last["done"], &last["all"]), (&2.into(), &5.into()));
    }

    #[test]
    fn each_line_names_its_pipeline_if_there_are_several() {
        let log = Log::default();
        let heartbeat = Heartbeat::of(Some("b.yaml".to_owned()), PERIOD, Box::new(log.clone()));
        heartbeat.tell(&Event::Started(Stage::Cache));
        heartbeat.finish();
        let [line] = <[Value; 1]>::try_from(log.lines()).expect("one line");
        assert_eq!((&line["pipeline"], &line["stage"]), (&"b.yaml".into(), &"cache".into()));
    }

    #[test]
    fn a_wait_for_a_store_is_told_once_and_with_every_heartbeat() {
        let log = Log::default();
        let heartbeat = Heartbeat::of(None, PERIOD, Box::new(log.clone()));
        heartbeat.tell(&working());
        for trouble in [Some("503 for 2 s"), Some("503 for 3 s"), None, None] {
            heartbeat.waiting(trouble);
        }
        let [line] = log.lines().try_into().unwrap();
        assert_eq!((&line["event"], &line["waiting"]), (&"waiting".into(), &"503 for 2 s".into()));
        assert_eq!(line["doing"], "level 2");
        heartbeat.waiting(Some("503 for 9 s"));
        heartbeat.shared.state().write_heartbeat("heartbeat");
        assert_eq!(log.lines()[2]["waiting"], "503 for 9 s");
        heartbeat.finish();
    }

    #[test]
    fn how_far_other_machines_are_is_told_with_every_heartbeat() {
        let log = Log::default();
        let heartbeat = Heartbeat::of(None, PERIOD, Box::new(log.clone()));
        let stage = StageProgress { stage: "pass".to_owned(), parts: 8, done: 3, running: 2 };
        for elsewhere in [Some(stage), None] {
            heartbeat.elsewhere(elsewhere);
            heartbeat.shared.state().write_heartbeat("heartbeat");
        }
        let [first, second] = log.lines().try_into().unwrap();
        assert_eq!(first["elsewhere"], serde_json::json!({ "stage": "pass", "parts": 8, "done": 3, "running": 2 }));
        assert!(second.get("elsewhere").is_none());
        heartbeat.finish();
    }

    #[test]
    fn what_happens_on_the_way_is_told_at_once() {
        let log = Log::default();
        let heartbeat = Heartbeat::of(None, PERIOD, Box::new(log.clone()));
        heartbeat.tell(&Event::Note { stage: Stage::UnitTable, note: "resumed after `units`".to_owned() });
        heartbeat.finish();
        let [line] = log.lines().try_into().unwrap();
        assert_eq!((&line["event"], &line["stage"]), (&"note".into(), &"unit table".into()));
        assert_eq!(line["note"], "resumed after `units`");
    }

    #[test]
    fn nothing_is_told_after_the_end() {
        let log = Log::default();
        let heartbeat = Heartbeat::of(None, Duration::from_millis(1), Box::new(log.clone()));
        heartbeat.finish();
        let told = log.lines().len();
        heartbeat.tell(&Event::Started(Stage::Checks));
        thread::sleep(Duration::from_millis(5));
        assert_eq!(log.lines().len(), told);
    }
}
