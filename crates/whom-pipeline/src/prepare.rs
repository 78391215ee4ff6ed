//! From a pipeline file to statements that fit the tables: what `check`, `compile` and `run` begin with.

use std::borrow::Cow;
use std::sync::Arc;

use futures::future::BoxFuture;
use whom_engine::{Engine, Limits, blocking};
use whom_query::compile::Compiled;
use whom_query::{AnalysedUnits, Cache, Catalog, QueryError, Room, UnitSchema, UnitTable};
use whom_spec::plan::Plan;
use whom_spec::{FileReader, LoadedPlan, Settings, load};
use whom_store::redact;

use crate::earlier::Earlier;
use crate::error::{Cause, RunError};
use crate::event::Stage;
use crate::request::Request;

/// A plan that fits its tables, ready to run.
pub(crate) struct Prepared {
    pub(crate) loaded: LoadedPlan,
    pub(crate) catalog: Catalog,
    pub(crate) compiled: Compiled,
    /// The run whose cohorts were added to the plan.
    pub(crate) earlier: Option<Earlier>,
    /// Whether messages show what they quote of the data.
    show_ids: bool,
}

impl Prepared {
    /// Opens the tables of a loaded plan and compiles it.
    pub(crate) async fn new(request: &Request, loaded: LoadedPlan) -> Result<Self, RunError> {
        Self::with(request, loaded, None).await
    }

    /// As [`Self::new`]; of days in the cache no footer is read.
    pub(crate) async fn with(request: &Request, loaded: LoadedPlan, cache: Option<&Cache>) -> Result<Self, RunError> {
        let failed = |error: &whom_query::QueryError| RunError::query(Stage::Sources, error, &loaded.sources);
        let engine = session(&request.limits)?;
        let opened = Catalog::open_with(&loaded.plan, &loaded.sources, &request.stores, cache).await;
        let catalog = opened.map_err(|error| failed(&error))?;
        let compiled = whom_query::compile(&loaded.plan, &catalog, &engine.state()).map_err(|error| failed(&error))?;
        Ok(Self { loaded, catalog, compiled, earlier: None, show_ids: request.show_ids })
    }

    /// The plan as its file declares it.
    pub(crate) fn declared(&self) -> Cow<'_, Plan> {
        let plan = &self.loaded.plan;
        self.earlier.as_ref().map_or(Cow::Borrowed(plan), |earlier| Cow::Owned(earlier.declared(plan)))
    }

    /// The units of a table as passes see them.
    pub(crate) async fn analysed(
        &self,
        request: &Request,
        engine: &Engine,
        table: UnitTable,
    ) -> Result<Arc<AnalysedUnits>, QueryError> {
        let table = Arc::new(table);
        let room = Room {
            resident: engine.limits().resident(),
            folder: Arc::clone(engine.store().folder()),
            cancel: Arc::clone(&request.cancel),
        };
        let schema = UnitSchema::new(&self.loaded.plan, &self.compiled)?;
        let work = move || AnalysedUnits::new(schema, table, &room);
        Ok(Arc::new(blocking(&request.cancel, work).await?))
    }

    /// An error of the query layer, with excerpts of the pipeline file.
    pub(crate) fn refused(&self, stage: Stage, error: &whom_query::QueryError) -> RunError {
        match error {
            whom_query::QueryError::NoValue { subject, reason } if self.show_ids => {
                RunError::new(stage, Cause::Data, format!("in {subject}: {}", reason.in_full()))
            }
            error => RunError::query(stage, error, &self.loaded.sources),
        }
    }

    /// The warnings of the pipeline file, as they are shown.
    pub(crate) fn warnings(&self) -> Vec<String> {
        self.loaded.warnings.iter().map(|warning| redact(&self.loaded.sources.render(warning))).collect()
    }
}

/// A session of the engine.
pub(crate) fn session(limits: &Limits) -> Result<Engine, RunError> {
    Engine::new(limits).map_err(|error| RunError::engine(Stage::Sources, &error))
}

/// Reads the pipeline file.
pub(crate) fn load_plan(request: &Request) -> Result<LoadedPlan, RunError> {
    let environment = |name: &str| request.environment.get(name).cloned();
    let settings = Settings { variables: request.variables.clone(), environment: &environment };
    load(&request.pipeline, &settings, &FileReader).map_err(|error| RunError::spec(&error))
}

/// What a check of a pipeline found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Warnings, each with its excerpt.
    pub warnings: Vec<String>,
    /// The tables by their names in SQL, with files and rows.
    pub tables: Vec<(String, usize, u64)>,
}

/// Checks a pipeline without running it: the file, the tables' footers, every column and expression.
///
/// # Errors
/// A [`RunError`] with everything that is wrong.
pub fn check(request: &Request) -> BoxFuture<'_, Result<Checked, RunError>> {
    Box::pin(async move {
        let prepared = Prepared::new(request, load_plan(request)?).await?;
        let tables = prepared
            .catalog
            .sources()
            .map(|source| (source.table.clone(), source.pinned.files().len(), source.pinned.rows()))
            .collect();
        Ok(Checked { warnings: prepared.warnings(), tables })
    })
}

/// The SQL of a pipeline, exactly as it runs.
///
/// # Errors
/// As [`check`].
pub fn compile(request: &Request) -> BoxFuture<'_, Result<String, RunError>> {
    Box::pin(async move {
        let prepared = Prepared::new(request, load_plan(request)?).await?;
        prepared
            .compiled
            .print(&prepared.catalog)
            .map_err(|error| RunError::new(Stage::Sources, Cause::Internal, error.to_string()))
    })
}

/// The unit table of a pipeline as one statement of plain SQL, which other programs can run.
///
/// # Errors
/// As [`check`].
pub fn compile_portable(request: &Request) -> BoxFuture<'_, Result<String, RunError>> {
    Box::pin(async move {
        let prepared = Prepared::new(request, load_plan(request)?).await?;
        let state = session(&request.limits)?.state();
        whom_query::portable(&prepared.loaded.plan, &prepared.catalog, &state)
            .map_err(|error| prepared.refused(Stage::Sources, &error))
    })
}
