//! A run: from a pipeline file to a published result.

use std::sync::Arc;

use chrono::Utc;
use serde_json::{Value, json};
use uuid::Uuid;
use whom_engine::{Engine, MemoryPlan, blocking};
use whom_query::cache::TableReads;
use whom_query::checks::Subject;
use whom_query::unit_table::{self, Checkpoints, Keeping, Watch};
use whom_query::{AnalysedUnits, QueryError, Room, UnitSchema};
use whom_report::{Colour, Results, refusal_text};
use whom_stats::Check;
use whom_store::{Address, Location, Output, Publication, Published, RunId, RunRecord, StoreError};

use crate::analysis::analyse;
use crate::checkpoints::{self, Opening, RunCheckpoints};
use crate::clock::Stages;
use crate::error::{Cause, RunError};
use crate::event::{Event, Observer, Stage};
use crate::files::{ResultFile, result_files};
use crate::identity::{VERSION, identities};
use crate::planned::Planned;
use crate::prepare::{Prepared, load_plan};
use crate::request::Request;
use crate::seal::Registrations;
use crate::shared_cache::SharedCache;
use crate::study::Study;
use crate::trail::Trail;
use crate::units_file::{UnitsFile, UnitsFileError};
use crate::waterfall::waterfall;

/// A published run.
#[derive(Debug)]
pub struct Outcome {
    /// What was found.
    pub results: Results,
    /// The published run.
    pub published: Published,
    /// Whether this run published it; otherwise another run of the same work was faster.
    pub fresh: bool,
    /// Where the output is.
    pub output: Address,
    /// Warnings about the pipeline file, each with its excerpt.
    pub warnings: Vec<String>,
}

/// Runs a pipeline and publishes its result.
///
/// # Errors
/// A [`RunError`] that says who must act. The published state is then as before, but for an unknown outcome of the last
/// write, which the message says and the next run settles.
pub async fn run(request: &Request, observer: &dyn Observer) -> Result<Outcome, RunError> {
    let mut stages = Stages::new(observer, Arc::clone(&request.cancel));
    let run = Run { request, trail: Trail::default() };
    let outcome = run.through(&mut stages).await;
    stages.end();
    if let Err(error) = &outcome {
        run.trail.tell(error, &stages).await;
    }
    outcome
}

/// How often a run that met a damaged cached day begins again with the cache.
const CACHED_ATTEMPTS: usize = 2;

struct Run<'a> {
    request: &'a Request,
    trail: Trail,
}

impl Run<'_> {
    /// Goes through the stages; again, if a cached day turned out damaged, and in the end without the cache.
    async fn through(&self, stages: &mut Stages<'_>) -> Result<Outcome, RunError> {
        for _ in 0..CACHED_ATTEMPTS {
            let Some(shared) = self.request.cache.as_deref() else { break };
            let outcome = self.once(stages, Some(shared)).await;
            if outcome.is_ok() || !shared.forget_damaged().await? {
                return outcome;
            }
        }
        self.once(stages, None).await
    }

    async fn once(&self, stages: &mut Stages<'_>, shared: Option<&SharedCache>) -> Result<Outcome, RunError> {
        stages.begin(Stage::Plan)?;
        let loaded = load_plan(self.request)?;
        stages.begin(Stage::Sources)?;
        let mut prepared = Prepared::with(self.request, loaded, shared.map(SharedCache::cache)).await?;
        let mut planned = Planned::new(self.request, &prepared).await?;
        let output = self.open_output(&prepared).await?;
        let run_id = RunId::from(Uuid::new_v4());
        self.trail.opened(&output, run_id, &prepared.loaded.plan.experiment);
        if let Some(shared) = shared {
            stages.begin(Stage::Cache)?;
            let engine = planned.engine(self.request)?;
            shared.fill(self.request, &mut prepared, &engine, stages.observer()).await?;
            planned = Planned::new(self.request, &prepared).await?;
        }
        let registrations = Registrations::read(&output, &prepared.loaded.plan).await?;
        let stage = output.stage(run_id).await.map_err(|error| store(&error))?;
        let (request, observer) = (self.request, stages.observer());
        let opening = Opening { request, prepared: &prepared, output: &output, observer };
        let kept = RunCheckpoints::open(opening, &mut planned).await;
        let worked = match &kept {
            Ok(kept) => {
                let found = Found { registrations, checkpoints: kept.get() };
                self.worked(&prepared, &planned, found, stages).await
            }
            Err(error) => Err(error.clone()),
        };
        let outcome = match worked {
            Ok(work) => self.publish(&prepared, &output, Ready { work, stage }, stages).await,
            Err(error) => {
                stage.discard().await;
                Err(error)
            }
        };
        if let Ok(kept) = kept {
            kept.end(&outcome);
        }
        outcome
    }

    async fn open_output(&self, prepared: &Prepared) -> Result<Output, RunError> {
        let location = output_location(prepared)?;
        let output = Output::create(&self.request.stores, &location, Uuid::new_v4()).await;
        output.map_err(|error| RunError::store(Stage::Sources, &error))
    }

    /// Everything up to the result files, with nothing written.
    async fn worked(
        &self,
        prepared: &Prepared,
        planned: &Planned,
        found: Found<'_>,
        stages: &mut Stages<'_>,
    ) -> Result<Work, RunError> {
        stages.begin(Stage::UnitTable)?;
        let engine = planned.engine(self.request)?;
        self.trail.working(&prepared.compiled, &engine);
        let units = self.units(prepared, &engine, found.checkpoints, stages).await;
        let (units, keeping) = units.map_err(|error| prepared.refused(Stage::UnitTable, &error))?;
        let plan = &prepared.loaded.plan;
        let registrations = found.registrations;
        let seal = registrations.judge(plan, units.tally.earliest_exposure)?;
        let study = Study { seal, ..Study::new(plan, &prepared.compiled, &units) };

        stages.begin(Stage::Checks)?;
        let checks = judged(&study)?;
        let results = analyse(&study, checks, stages).await?;
        let files = result_files(&results).map_err(|error| internal(&error))?;
        let memory = MemoryUse {
            planned: planned.memory.clone(),
            spilled: engine.store().folder().peak(),
            units_on_disk: units.source.is_streamed(),
        };
        let units = if self.request.keep_units {
            let file = UnitsFile::new(&study, &results.analysis);
            Some(file.map_err(|error| prepared.refused(Stage::Publish, &error))?)
        } else {
            None
        };
        Ok(Work { results, files, units, memory, keeping, registrations })
    }

    /// The units as passes see them, and what was kept of the way to their table.
    async fn units(
        &self,
        prepared: &Prepared,
        engine: &Engine,
        checkpoints: Option<&Checkpoints>,
        stages: &Stages<'_>,
    ) -> Result<(Arc<AnalysedUnits>, Option<Keeping>), QueryError> {
        let watch = Told { observer: stages.observer(), trail: &self.trail };
        let Prepared { compiled, catalog, .. } = prepared;
        let (table, keeping) = match checkpoints {
            None => (unit_table::build(compiled, catalog, engine, &watch).await?, None),
            Some(kept) => {
                let (table, keeping) = unit_table::build_kept(compiled, catalog, engine, &watch, kept).await?;
                (table, Some(keeping))
            }
        };
        let table = Arc::new(table);
        let room = Room {
            resident: engine.limits().resident(),
            folder: Arc::clone(engine.store().folder()),
            cancel: Arc::clone(&self.request.cancel),
        };
        let schema = UnitSchema::new(&prepared.loaded.plan, &prepared.compiled)?;
        let work = move || AnalysedUnits::new(schema, table, &room);
        Ok((blocking(&self.request.cancel, work).await.map(Arc::new)?, keeping))
    }

    async fn publish(
        &self,
        prepared: &Prepared,
        output: &Output,
        ready: Ready,
        stages: &mut Stages<'_>,
    ) -> Result<Outcome, RunError> {
        let Ready { mut work, mut stage } = ready;
        let record = match self.staged(prepared, &mut work, &mut stage, stages).await {
            Ok(record) => record,
            Err(error) => {
                stage.discard().await;
                return Err(error);
            }
        };
        let publication = stage.publish(record).await.map_err(|error| store(&error))?;
        Ok(Outcome {
            results: work.results,
            fresh: matches!(publication, Publication::Published(_)),
            published: publication.published().clone(),
            output: output.address(),
            warnings: prepared.warnings(),
        })
    }

    /// Writes the files and gives the record that publishes them.
    async fn staged(
        &self,
        prepared: &Prepared,
        work: &mut Work,
        stage: &mut whom_store::Stage,
        stages: &mut Stages<'_>,
    ) -> Result<RunRecord, RunError> {
        stages.begin(Stage::Publish)?;
        write(stage, &work.files).await.map_err(|error| store(&error))?;
        if let Some(units) = work.units.take() {
            units.write(stage).await.map_err(|error| match error {
                UnitsFileError::Store(error) => store(&error),
                UnitsFileError::Units(error) => prepared.refused(Stage::Publish, &error),
            })?;
        }
        prepared.catalog.verify_unchanged().await.map_err(|error| store(&error))?;
        self.record(prepared, work, stages)
    }

    fn record(&self, prepared: &Prepared, work: &Work, stages: &Stages<'_>) -> Result<RunRecord, RunError> {
        let Work { results, memory, keeping, registrations, .. } = work;
        let inputs = prepared.catalog.inputs();
        let identities =
            identities(&prepared.loaded.plan, &prepared.compiled, &inputs).map_err(|error| internal(&error))?;
        Ok(RunRecord {
            identities,
            tool_version: VERSION.to_owned(),
            started_at: stages.started_at,
            finished_at: Utc::now(),
            inputs,
            details: json!({
                "experiment": results.experiment,
                "registrations": registrations.to_json(),
                "through": results.through,
                "units": results.units(),
                "waterfall": results.waterfall,
                "checks": results.checks,
                "stages": stages.to_json(),
                "statements": self.trail.statements(),
                "read": prepared.catalog.reads().iter().map(read_of).collect::<Vec<_>>(),
                "threads": self.request.limits.threads,
                "pieces": memory.planned.pieces.count(),
                "memory": memory.to_json(),
                "checkpoints": keeping.as_ref().map(checkpoints::to_json),
            }),
        })
    }
}

/// What was read of a table, for the manifest.
fn read_of(reads: &TableReads) -> Value {
    let TableReads { table, source, cache } = reads;
    let cache =
        cache.map(|cache| json!({ "bytes": cache.bytes, "days_reused": cache.reused, "days_filled": cache.filled }));
    json!({ "table": table, "bytes": source.bytes, "files": source.files, "cache": cache })
}

/// What lies there when a run begins to work.
struct Found<'a> {
    registrations: Registrations,
    /// None, if none are to be kept.
    checkpoints: Option<&'a Checkpoints>,
}

/// What a run found, and the files that say it.
struct Work {
    results: Results,
    files: Vec<ResultFile>,
    /// The unit table, if it is kept: written while it is encoded, because it may be larger than memory.
    units: Option<UnitsFile>,
    memory: MemoryUse,
    /// What was kept on the way, if anything was to be.
    keeping: Option<Keeping>,
    registrations: Registrations,
}

/// What was planned, and what came of it.
struct MemoryUse {
    planned: MemoryPlan,
    /// The most bytes on disk at any moment.
    spilled: u64,
    /// Whether passes read the units from disk.
    units_on_disk: bool,
}

impl MemoryUse {
    fn to_json(&self) -> serde_json::Value {
        json!({
            "limit": self.planned.limit,
            "expected_peak": self.planned.peak,
            "expected_spill": self.planned.spilled,
            "spilled": self.spilled,
            "units_on_disk": self.units_on_disk,
        })
    }
}

/// Work that is done, and the place where it waits to be published.
struct Ready {
    work: Work,
    stage: whom_store::Stage,
}

/// Where a plan's results go.
pub(crate) fn output_location(prepared: &Prepared) -> Result<Location, RunError> {
    let path = &prepared.loaded.plan.output.path;
    located(path, &prepared.loaded.sources)
}

/// An output location, relative to the folder of the file it stands in.
pub(crate) fn located(path: &whom_spec::Spanned<String>, texts: &whom_spec::SourceMap) -> Result<Location, RunError> {
    Location::output(path, texts.folder(path.span)).map_err(|error| {
        let diagnostic = whom_spec::Diagnostic::error(error.to_string()).at(path.span);
        RunError::diagnosed(Stage::Plan, Cause::Configuration, &[diagnostic], texts)
    })
}

async fn write(stage: &mut whom_store::Stage, files: &[ResultFile]) -> Result<(), StoreError> {
    for file in files {
        stage.write(file.name, file.bytes.clone(), file.rows).await?;
    }
    Ok(())
}

/// The checks, if they let the run go on.
fn judged(study: &Study<'_>) -> Result<Vec<Check>, RunError> {
    let subject = Subject { plan: study.plan, compiled: study.compiled, units: study.units, folds: &study.folds };
    let checks = subject.judge();
    let refusing: Vec<&Check> = checks.iter().filter(|check| check.refuses()).collect();
    if refusing.is_empty() {
        return Ok(checks);
    }
    Err(RunError::checks(&refusing, &refusal_text(&checks, &waterfall(study), Colour::Never)))
}

fn store(error: &StoreError) -> RunError {
    RunError::store(Stage::Publish, error)
}

fn internal(error: &dyn std::fmt::Display) -> RunError {
    RunError::new(Stage::Publish, Cause::Internal, error.to_string())
}

/// Passes the progress of the unit table on.
struct Told<'a> {
    observer: &'a dyn Observer,
    trail: &'a Trail,
}

impl Watch for Told<'_> {
    fn statement(&self, name: &str, done: usize, all: usize) {
        let event = Event::Progress { stage: Stage::UnitTable, done, all: Some(all), doing: name.to_owned() };
        self.trail.doing(name);
        self.observer.event(&event);
    }

    fn note(&self, note: &str) {
        self.observer.event(&Event::Note { stage: Stage::UnitTable, note: note.to_owned() });
    }
}
