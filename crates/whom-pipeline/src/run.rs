//! A run: from a pipeline file to a published result.

use std::sync::Arc;

use futures::future::BoxFuture;
use uuid::Uuid;
use whom_engine::Engine;
use whom_query::unit_table::{self, Checkpoints, Keeping};
use whom_query::{AnalysedUnits, Elsewhere, QueryError, build_elsewhere};
use whom_report::Results;
use whom_store::{Address, Output, Publication, Published, RunId, RunRecord, StoreError};

use crate::analysis::analyse;
use crate::checkpoints::{Opening, RunCheckpoints};
use crate::checks::{checks, let_through};
use crate::clock::Stages;
use crate::declared::measure_declared;
use crate::earlier::Earlier;
use crate::elsewhere::RunElsewhere;
use crate::error::{Cause, RunError};
use crate::event::{Event, Observer, Stage};
use crate::files::{ResultFile, result_files};
use crate::looks::{Discovery, Looks};
use crate::planned::Planned;
use crate::prepare::{Prepared, load_plan};
use crate::record::{MemoryUse, Recorded, Worked};
use crate::replication::{Replication, measure_again};
use crate::request::Request;
use crate::seal::Registrations;
use crate::shared_cache::SharedCache;
use crate::study::Study;
use crate::trail::{Trail, Watched};
use crate::units_file::{UnitsFile, UnitsFileError};
use crate::{output, withheld};

/// A published run.
#[derive(Debug)]
pub struct Outcome {
    /// What was found.
    pub results: Results,
    /// The published run.
    pub published: Published,
    /// Whether this run published it; otherwise another run of the same work was faster.
    pub fresh: bool,
    /// The how-manieth discovery of the experiment this is on the units that measure cohorts; `None` if it searches nothing.
    pub look: Option<usize>,
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
pub fn run<'a>(request: &'a Request, observer: &'a dyn Observer) -> BoxFuture<'a, Result<Outcome, RunError>> {
    Box::pin(async move {
        let mut stages = Stages::new(observer, Arc::clone(&request.cancel));
        let run = Run { request, trail: Trail::default() };
        let outcome = Box::pin(run.through(&mut stages)).await;
        stages.end();
        if let Err(error) = &outcome {
            run.trail.tell(error, &stages).await;
        }
        outcome
    })
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
            let outcome = Box::pin(self.once(stages, Some(shared))).await;
            if outcome.is_ok() || !shared.forget_damaged().await? {
                return outcome;
            }
        }
        Box::pin(self.once(stages, None)).await
    }

    async fn once(&self, stages: &mut Stages<'_>, shared: Option<&SharedCache>) -> Result<Outcome, RunError> {
        stages.begin(Stage::Plan)?;
        let mut loaded = load_plan(self.request)?;
        stages.begin(Stage::Sources)?;
        let earlier = match &self.request.findings_of {
            Some(source) => Some(Earlier::read(self.request, source).await?),
            None => None,
        };
        earlier.as_ref().map_or(Ok(()), |earlier| earlier.enter(&mut loaded))?;
        let mut prepared = Prepared::with(self.request, loaded, shared.map(SharedCache::cache)).await?;
        prepared.earlier = earlier;
        withheld::refuse_units(self.request, &prepared)?;
        let cache = match shared {
            Some(shared) => Some(shared.expected(self.request, &prepared).await?),
            None => None,
        };
        let mut planned = Planned::with(self.request, &prepared, cache).await?;
        let output = output::create(self.request, &prepared).await?;
        for (bucket, region) in self.request.stores.found_regions() {
            let note =
                format!("bucket `{bucket}` lies in region `{region}`, as S3 tells; `AWS_REGION` saves the question");
            stages.observer().event(&Event::Note { stage: Stage::Sources, note });
        }
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
        // After the stage has fixed its predecessor: whoever publishes in between makes this run's publication fail.
        let looks = Looks::read(&output, &prepared.loaded.plan.experiment).await?;
        let (request, observer) = (self.request, stages.observer());
        let opening = Opening { request, prepared: &prepared, output: &output, observer };
        let kept = RunCheckpoints::open(opening, &mut planned).await;
        let elsewhere = RunElsewhere::open(request, &prepared);
        let worked = match (&kept, &elsewhere) {
            (Ok(kept), Ok(elsewhere)) => {
                let found = Found { registrations, looks, checkpoints: kept.get(), elsewhere: elsewhere.get() };
                self.worked(&prepared, &planned, found, stages).await
            }
            (Err(error), _) | (_, Err(error)) => Err(error.clone()),
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
        if let Ok(elsewhere) = elsewhere {
            elsewhere.end(&outcome).await;
        }
        outcome
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
        self.trail.working(prepared, &engine);
        let units = self.units(prepared, &engine, &found, stages).await;
        let (units, keeping) = units.map_err(|error| prepared.refused(Stage::UnitTable, &error))?;
        let plan = &prepared.loaded.plan;
        let Found { registrations, mut looks, .. } = found;
        let first = units.tally.earliest_exposure;
        let seal = registrations.judge(&prepared.declared(), first)?;
        let replication =
            prepared.earlier.as_ref().map(|earlier| Replication { earlier, not_fresh: earlier.not_fresh(plan, first) });
        let mut study =
            Study { seal, replication: replication.clone(), ..Study::new(plan, &prepared.compiled, &units) };
        let look = entered(&study, &mut looks)?;
        study.look = look.unwrap_or(1);

        stages.begin(Stage::Checks)?;
        let mut checks = let_through(&study, checks(&study))?;
        checks.extend(study.unsearched());
        let analysed = match &replication {
            Some(replication) => measure_again(&study, replication, checks, stages).await?,
            None if !study.searches() => measure_declared(&study, checks, stages).await?.0,
            None => analyse(&study, checks, stages).await?,
        };
        let results = withheld::results(plan, analysed.results)?;
        let files = result_files(&results).map_err(|error| internal(&error))?;
        let memory = MemoryUse {
            planned: planned.memory.clone(),
            spilled: engine.store().folder().peak(),
            units_on_disk: units.source.is_streamed(),
        };
        let units = if self.request.keep_units {
            let file = UnitsFile::new(&study, &results.analysis, analysed.of_units);
            Some(file.map_err(|error| prepared.refused(Stage::Publish, &error))?)
        } else {
            None
        };
        Ok(Work { results, files, units, beside: Worked { memory, keeping, registrations, looks, look } })
    }

    /// The units as passes see them, and what was kept of the way to their table.
    async fn units(
        &self,
        prepared: &Prepared,
        engine: &Engine,
        found: &Found<'_>,
        stages: &Stages<'_>,
    ) -> Result<(Arc<AnalysedUnits>, Option<Keeping>), QueryError> {
        let watch = Watched { observer: stages.observer(), trail: &self.trail };
        let Prepared { compiled, catalog, .. } = prepared;
        let (table, keeping) = match (found.elsewhere, found.checkpoints) {
            (Some(elsewhere), _) => {
                let (table, keeping) = build_elsewhere(compiled, catalog, engine, &watch, elsewhere).await?;
                (table, Some(keeping))
            }
            (None, None) => (unit_table::build(compiled, catalog, engine, &watch).await?, None),
            (None, Some(kept)) => {
                let (table, keeping) = unit_table::build_kept(compiled, catalog, engine, &watch, kept).await?;
                (table, Some(keeping))
            }
        };
        Ok((prepared.analysed(self.request, engine, table).await?, keeping))
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
            look: work.beside.look,
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
        let (results, worked, threads) = (&work.results, &work.beside, self.request.limits.threads.get());
        let elsewhere = self.request.elsewhere.as_deref();
        let recorded = Recorded { prepared, results, worked, trail: &self.trail, threads, elsewhere };
        recorded.record(stages).map_err(|error| internal(&error))
    }
}

/// What lies there when a run begins to work.
struct Found<'a> {
    registrations: Registrations,
    looks: Looks,
    /// None, if none are to be kept.
    checkpoints: Option<&'a Checkpoints>,
    /// None, if all work is done here.
    elsewhere: Option<&'a Elsewhere>,
}

/// What a run found, and the files that say it.
struct Work {
    results: Results,
    files: Vec<ResultFile>,
    /// The unit table, if it is kept: written while it is encoded, because it may be larger than memory.
    units: Option<UnitsFile>,
    beside: Worked,
}

/// Work that is done, and the place where it waits to be published.
struct Ready {
    work: Work,
    stage: whom_store::Stage,
}

/// Enters the discovery of a run into the ledger and gives its number; `None` if it searches nothing.
fn entered(study: &Study<'_>, looks: &mut Looks) -> Result<Option<usize>, RunError> {
    if study.replication.is_some() || study.targets().is_empty() {
        return Ok(None);
    }
    let discovery = Discovery::of(study.plan).map_err(|error| internal(&error))?;
    Ok(Some(looks.enter(discovery)))
}

async fn write(stage: &mut whom_store::Stage, files: &[ResultFile]) -> Result<(), StoreError> {
    for file in files {
        stage.write(file.name, file.bytes.clone(), file.rows).await?;
    }
    Ok(())
}

fn store(error: &StoreError) -> RunError {
    RunError::store(Stage::Publish, error)
}

fn internal(error: &dyn std::fmt::Display) -> RunError {
    RunError::new(Stage::Publish, Cause::Internal, error.to_string())
}
