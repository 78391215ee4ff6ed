//! What a run leaves for whoever asks why it was slow, or why it failed.
//!
//! A run that succeeds tells it in its manifest; one that fails in a file of its own, `_failures/<run id>.json` in the
//! output, where no reader of results looks. That file is written as well as possible: if it cannot be, the run fails with
//! the cause that it had.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::Utc;
use serde_json::{Value, json};
use whom_engine::{Engine, Executed, Ledger};
use whom_query::compile::Statement;
use whom_query::unit_table::Watch;
use whom_store::{Output, RunId, redact};

use crate::clock::Stages;
use crate::error::RunError;
use crate::event::{Event, Observer, Stage};
use crate::identity::VERSION;
use crate::prepare::Prepared;
use crate::withheld::smallest_cell;

/// The version of the record of a failure.
const FAILURE_VERSION: u32 = 1;

/// The most characters of a plan in a manifest, which every list of runs reads.
const MOST_OF_A_PLAN: usize = 8_000;

/// How long the record of a failure may keep a run from ending.
const PATIENCE: Duration = Duration::from_secs(4);

/// The trail of one run. What is known of it grows while it works.
#[derive(Default)]
pub(crate) struct Trail(Mutex<Known>);

#[derive(Clone, Default)]
struct Known {
    /// Where the run would be published, and its id.
    output: Option<(Output, RunId)>,
    experiment: Option<String>,
    statements: Vec<Statement>,
    /// Whether numbers of rows may be told.
    tells_rows: bool,
    ledger: Arc<Ledger>,
    /// The statement that was begun last, or the first of several that run together.
    doing: Option<String>,
}

impl Trail {
    /// The run has a place to be published in.
    pub(crate) fn opened(&self, output: &Output, run: RunId, experiment: &str) {
        let mut known = self.known();
        known.output = Some((output.clone(), run));
        known.experiment = Some(experiment.to_owned());
    }

    /// The statements of the run are about to be executed.
    pub(crate) fn working(&self, prepared: &Prepared, engine: &Engine) {
        let mut known = self.known();
        known.statements.clone_from(&prepared.compiled.statements);
        known.tells_rows = smallest_cell(&prepared.loaded.plan).is_none();
        known.ledger = Arc::clone(engine.ledger());
    }

    /// A statement is about to be executed.
    pub(crate) fn doing(&self, statement: &str) {
        self.known().doing = Some(statement.to_owned());
    }

    /// What the statements took that were executed, in their order, as a manifest tells it.
    pub(crate) fn statements(&self) -> Value {
        let known = self.known();
        let told = known.executed().map(|(statement, executed)| {
            let plan = executed.explain();
            let cut = plan.char_indices().nth(MOST_OF_A_PLAN).map_or(plan.as_str(), |(end, _)| &plan[..end]);
            known.figures(statement, &executed, cut)
        });
        told.collect()
    }

    /// Writes why the run failed, if there is a place for it.
    pub(crate) async fn tell(&self, error: &RunError, stages: &Stages<'_>) {
        let known = self.known().clone();
        let Some((output, run)) = &known.output else { return };
        let record = format!("{:#}\n", known.failure(*run, error, stages));
        // The run fails with its own cause, whatever becomes of this.
        let _ = tokio::time::timeout(PATIENCE, output.write_failure(*run, record)).await;
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// The statements that were executed, with what they took.
    fn executed(&self) -> impl Iterator<Item = (&Statement, Executed)> {
        self.statements.iter().filter_map(|statement| Some((statement, self.ledger.executed(&statement.sql)?)))
    }

    /// The statement that failed; if none is known to, the one that was begun last.
    fn at_hand(&self) -> Option<&Statement> {
        let failed = self.executed().find(|(_, executed)| executed.failed).map(|(statement, _)| statement);
        let begun = || self.statements.iter().find(|statement| Some(statement.purpose.table()) == self.doing);
        failed.or_else(begun)
    }

    fn failure(&self, run: RunId, error: &RunError, stages: &Stages<'_>) -> Value {
        let figures =
            self.executed().map(|(statement, executed)| self.figures(statement, &executed, &executed.explain()));
        let at_hand = self
            .at_hand()
            .filter(|_| error.stage == Stage::UnitTable)
            .map(|statement| json!({ "statement": redact(&statement.purpose.table()), "sql": redact(&statement.sql) }));
        let finished_at = Utc::now();
        json!({
            "schema_version": FAILURE_VERSION,
            "run_id": run,
            "experiment": self.experiment,
            "status": "failed",
            "code": error.cause.exit_code(),
            "stage": error.stage.name(),
            "cause": error.cause.word(),
            "message": error.message,
            "fix": error.fix.as_deref().unwrap_or(error.cause.usual_fix()),
            "retryable": error.cause.is_retryable(),
            "tool_version": VERSION,
            "started_at": stages.started_at,
            "finished_at": finished_at,
            "seconds": (finished_at - stages.started_at).as_seconds_f64(),
            "stages": stages.to_json(),
            "at_hand": at_hand,
            "statements": figures.collect::<Vec<Value>>(),
        })
    }

    /// What a statement took, in this run or, if it is carried, in the one that this one goes on from. Seconds of pieces are
    /// added up, so that they are more than a clock shows. Where small numbers are withheld, so are all numbers of rows.
    fn figures(&self, statement: &Statement, executed: &Executed, plan: &str) -> Value {
        json!({
            "statement": redact(&statement.purpose.table()),
            "plans": executed.plans,
            "rows": self.tells_rows.then_some(executed.rows),
            "bytes_read": executed.bytes_read,
            "bytes_spilled": executed.bytes_spilled,
            "bytes_reserved": executed.bytes_reserved,
            "seconds": executed.took.as_secs_f64(),
            "compute_seconds": executed.computed.as_secs_f64(),
            "carried": executed.is_carried(),
            "plan": self.tells_rows.then(|| redact(plan)),
        })
    }
}

/// Passes the progress of the unit table on.
pub(crate) struct Watched<'a> {
    pub(crate) observer: &'a dyn Observer,
    pub(crate) trail: &'a Trail,
}

impl Watch for Watched<'_> {
    fn statement(&self, name: &str, done: usize, all: usize) {
        let event = Event::Progress { stage: Stage::UnitTable, done, all: Some(all), doing: name.to_owned() };
        self.trail.doing(name);
        self.observer.event(&event);
    }

    fn note(&self, note: &str) {
        self.observer.event(&Event::Note { stage: Stage::UnitTable, note: note.to_owned() });
    }
}
