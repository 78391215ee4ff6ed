//! The session: one place that configures DataFusion.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::TableReference;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{SessionState, SessionStateBuilder, TaskContext};
use datafusion::physical_plan::{ExecutionPlan, collect};
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::future::BoxFuture;

use crate::error::EngineError;
use crate::executed::{Beginning, Ledger};
use crate::filters::{KeyFilter, KeyFilters};
use crate::functions;
use crate::key_join;
use crate::pieces::Pieces;
use crate::plan_rules;
use crate::plans::Plans;
use crate::row_store::RowStore;
use crate::rows::Rows;
use crate::scatter::{Regrouping, Scattered, Shelves, Step, scatter};
use crate::spill::SpillFolder;
use crate::stored::StoredRows;
use crate::stored_table::{KnownRows, table_of};
use crate::table::PinnedTable;
use crate::watched_pool::WatchedPool;

/// What a session may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the pool that DataFusion's operators share.
    pub memory: usize,
    /// Bytes of rows that wait in memory for later statements; more go to disk.
    pub rows: usize,
    /// Bytes of rows that each reader may collect besides, before it writes them to disk.
    pub buffer: usize,
    /// Rows in a batch. Changes no result.
    pub batch_size: usize,
    /// Where what does not fit into memory goes; the system's folder for temporary files if not given.
    pub spill: Option<PathBuf>,
    /// The most bytes that may lie there.
    pub spill_limit: Option<u64>,
    /// Threads that read and work on pieces. Changes no result.
    pub threads: NonZeroUsize,
    /// Pieces that rows are put into; from the threads if not given. Changes no result.
    pub pieces: Option<NonZeroUsize>,
    /// The most bytes of binned units in memory; more are read from disk for every pass. As much as the pool if not given.
    /// Changes no result.
    pub resident: Option<usize>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 4 << 30,
            rows: usize::MAX,
            buffer: 128 << 20,
            batch_size: 8192,
            spill: None,
            spill_limit: None,
            threads: NonZeroUsize::MIN,
            pieces: None,
            resident: None,
        }
    }
}

impl Limits {
    /// The pieces that rows are put into: one for each thread, if nothing else is asked for.
    pub fn pieces(&self) -> Pieces {
        Pieces::new(self.pieces.unwrap_or(self.threads))
    }

    /// The most bytes of binned units in memory.
    pub fn resident(&self) -> u64 {
        self.resident.unwrap_or(self.memory) as u64
    }
}

/// A session of DataFusion with our functions. One session scans the files, with as many threads as the limits allow; each
/// piece is worked by a session of its own, one partition wide.
pub struct Engine {
    context: SessionContext,
    limits: Limits,
    store: RowStore,
    filters: KeyFilters,
    ledger: Arc<Ledger>,
    pool: Arc<WatchedPool>,
    known: Arc<KnownRows>,
    /// Plans of statements that all pieces run, if this is the session of a piece.
    plans: Option<Arc<Plans>>,
    /// The same for the pieces of this session.
    of_pieces: Arc<Plans>,
}

impl Engine {
    /// A session within these limits.
    ///
    /// # Errors
    /// [`EngineError::Resources`] if there can be no folder to spill to, [`EngineError::Internal`] if the runtime cannot be
    /// set up.
    pub fn new(limits: &Limits) -> Result<Self, EngineError> {
        let parent = limits.spill.clone().unwrap_or_else(std::env::temp_dir);
        let folder = SpillFolder::create(&parent, limits.spill_limit)?;
        let pool = Arc::new(WatchedPool::new(limits.memory));
        let runtime = runtime(limits, &pool, &folder)?;
        Ok(Self::session(limits.clone(), limits.threads, RowStore::new(limits.rows, folder), (runtime, pool)))
    }

    /// A session for one piece: without tables, within the limits that this session shares with it.
    #[must_use]
    pub fn piece(&self) -> Self {
        let piece = Self::session(self.limits.clone(), NonZeroUsize::MIN, self.store.clone(), self.shared());
        Self { ledger: Arc::clone(&self.ledger), plans: Some(Arc::clone(&self.of_pieces)), ..piece }
    }

    /// A session that reads with so many readers: without tables, within the limits that this session shares with it.
    pub(crate) fn beside(&self, readers: NonZeroUsize) -> Self {
        Self::session(self.limits.clone(), readers, self.store.clone(), self.shared())
    }

    /// What sessions have in common that share their limits.
    fn shared(&self) -> (Arc<RuntimeEnv>, Arc<WatchedPool>) {
        (self.context.runtime_env(), Arc::clone(&self.pool))
    }

    /// The context in which plans of this session run.
    pub(crate) fn task_context(&self) -> Arc<TaskContext> {
        self.context.task_ctx()
    }

    /// Lets plans of this session read the files of a table.
    pub(crate) fn know(&self, table: &PinnedTable) {
        self.context.runtime_env().register_object_store(table.store_url().as_ref(), table.store());
    }

    fn session(
        limits: Limits,
        partitions: NonZeroUsize,
        store: RowStore,
        (runtime, pool): (Arc<RuntimeEnv>, Arc<WatchedPool>),
    ) -> Self {
        let known = Arc::new(KnownRows::default());
        let state = SessionStateBuilder::new()
            .with_config(configuration(&limits, partitions).with_extension(Arc::clone(&known)))
            .with_runtime_env(runtime)
            .with_default_features()
            .build();
        let context = SessionContext::new_with_state(state);
        let filters = KeyFilters::default();
        functions::register(&context, &filters);
        let (ledger, of_pieces) = (Arc::default(), Arc::default());
        Self { context, limits, store, filters, ledger, pool, known, plans: None, of_pieces }
    }

    /// What the session may use.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Makes a pinned table known under its name.
    ///
    /// # Errors
    /// [`EngineError::Internal`] if the name is taken.
    pub fn add_pinned(&self, name: &str, table: Arc<PinnedTable>) -> Result<(), EngineError> {
        self.know(&table);
        self.add(name, table)
    }

    /// Makes the result of a query known as a table; an empty result keeps its columns.
    ///
    /// # Errors
    /// [`EngineError::Internal`] if the name is taken.
    pub fn add_rows(&self, name: &str, rows: Rows) -> Result<(), EngineError> {
        self.add_stored(name, Arc::new(StoredRows::uncounted(rows)))
    }

    /// Makes rows known as a table, wherever they lie.
    ///
    /// # Errors
    /// As [`Self::add_rows`].
    pub fn add_stored(&self, name: &str, rows: Arc<StoredRows>) -> Result<(), EngineError> {
        self.add(name, table_of(name, rows.schema())?)?;
        self.known.add(name, rows);
        Ok(())
    }

    /// The rows that are known as a table.
    ///
    /// # Errors
    /// [`EngineError::Internal`] if there are none under this name.
    pub fn rows(&self, name: &str) -> Result<Arc<StoredRows>, EngineError> {
        self.known.get(name)
    }

    /// Where rows wait for later statements.
    pub fn store(&self) -> &RowStore {
        &self.store
    }

    /// What was executed here and in the pieces of this session.
    pub fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// Makes a filter known, which `may_hold` asks by its name.
    pub fn add_filter(&self, name: &str, filter: impl Into<Arc<KeyFilter>>) {
        self.filters.add(name, filter.into());
    }

    fn add(&self, name: &str, table: Arc<dyn TableProvider>) -> Result<(), EngineError> {
        let reference = TableReference::bare(name);
        if self.context.table_exist(reference.clone())? {
            return Err(EngineError::Internal(format!("table `{name}` is registered already")));
        }
        self.context.register_table(reference, table)?;
        Ok(())
    }

    /// Forgets a table that is needed no longer.
    ///
    /// # Errors
    /// [`EngineError::Internal`] if there is no such table.
    pub fn remove(&self, name: &str) -> Result<(), EngineError> {
        self.known.remove(name);
        match self.context.deregister_table(TableReference::bare(name))? {
            Some(_) => Ok(()),
            None => Err(EngineError::Internal(format!("table `{name}` is not registered"))),
        }
    }

    /// The physical plan of a query, checked by [`plan_rules`].
    ///
    /// # Errors
    /// [`EngineError::Internal`] if the SQL cannot be planned or the plan breaks a rule.
    pub fn plan<'a>(&'a self, sql: &'a str) -> BoxFuture<'a, Result<Arc<dyn ExecutionPlan>, EngineError>> {
        Box::pin(async move {
            let read_only = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
            let frame = self.context.sql_with_options(sql, read_only).await?;
            let plan = frame.create_physical_plan().await?;
            plan_rules::check(&plan)?;
            Ok(key_join::in_place_of_hash_joins(plan)?)
        })
    }

    /// The plan of a query; of a statement that runs in every piece, the one that the first of them has made.
    async fn plan_once(&self, sql: &str) -> Result<Arc<dyn ExecutionPlan>, EngineError> {
        let Some(plans) = &self.plans else { return self.plan(sql).await };
        if let Some(plan) = plans.fresh(sql)? {
            return Ok(plan);
        }
        let plan = self.plan(sql).await?;
        plans.keep(sql, &plan);
        Ok(plans.fresh(sql)?.unwrap_or(plan))
    }

    /// Runs a query and collects its rows.
    ///
    /// # Errors
    /// What reading, evaluating or planning refuses, by who must act.
    pub fn query<'a>(&'a self, sql: &'a str) -> BoxFuture<'a, Result<Rows, EngineError>> {
        Box::pin(async move {
            let plan = self.plan_once(sql).await?;
            let began = Beginning::now(&self.pool);
            let batches = collect(Arc::clone(&plan), self.context.task_ctx()).await;
            self.ledger.note(sql, plan.as_ref(), &began, &batches);
            Ok(Rows { schema: plan.schema(), batches: batches? })
        })
    }

    /// Runs a query over the files and puts its rows into pieces, by the unit in its first column.
    ///
    /// # Errors
    /// As [`Self::query`]; [`EngineError::Internal`] if the query lacks the columns to put rows by.
    pub fn scatter<'a>(
        &'a self,
        sql: &'a str,
        pieces: Pieces,
        step: Option<Step<'a>>,
    ) -> BoxFuture<'a, Result<Scattered, EngineError>> {
        Box::pin(async move {
            let plan = self.plan(sql).await?;
            let began = Beginning::now(&self.pool);
            let scattered = scatter(Arc::clone(&plan), self.context.task_ctx(), self.shelves(pieces), step).await;
            self.ledger.note(sql, plan.as_ref(), &began, &scattered);
            let scattered = scattered?;
            self.ledger.note_spilled(sql, scattered.pieces.iter().map(StoredRows::spilled_bytes).sum());
            Ok(scattered)
        })
    }

    /// Puts rows that pieces make into pieces anew, by what stands in their first column.
    pub fn regrouping(&self, pieces: Pieces) -> Regrouping {
        Regrouping::new(self.shelves(pieces))
    }

    fn shelves(&self, pieces: Pieces) -> Shelves {
        Shelves { pieces, store: self.store.clone(), buffer: self.limits.buffer, batch_size: self.limits.batch_size }
    }

    /// The session's state, to resolve expressions against a schema.
    pub fn state(&self) -> SessionState {
        self.context.state()
    }
}

fn configuration(limits: &Limits, partitions: NonZeroUsize) -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_target_partitions(partitions.get())
        .with_batch_size(limits.batch_size)
        .with_information_schema(false)
        .with_collect_statistics(false);
    let options = config.options_mut();
    options.sql_parser.enable_ident_normalization = false;
    options.sql_parser.map_string_types_to_utf8view = false;
    options.execution.time_zone = Some("UTC".to_owned());
    // Row groups are skipped by their statistics all the same; a condition that the Parquet reader evaluates on single
    // rows would lose the kind of its error.
    options.execution.parquet.pushdown_filters = false;
    options.execution.parquet.schema_force_view_types = false;
    // The units of a piece are sorted at once rather than in batches that are merged.
    options.execution.sort_in_place_threshold_bytes = 64 << 20;
    // What a sort sets aside for merging, of a pool that may be small.
    options.execution.sort_spill_reservation_bytes = (limits.memory / 16).min(10 << 20);
    options.optimizer.join_reordering = false;
    options.optimizer.enable_round_robin_repartition = false;
    options.optimizer.repartition_aggregations = false;
    options.optimizer.repartition_file_scans = false;
    options.optimizer.enable_dynamic_filter_pushdown = false;
    config
}

fn runtime(limits: &Limits, pool: &Arc<WatchedPool>, folder: &SpillFolder) -> Result<Arc<RuntimeEnv>, EngineError> {
    let mode = DiskManagerMode::Directories(vec![folder.path().to_owned()]);
    let disk = DiskManagerBuilder::default().with_mode(mode);
    let disk = match limits.spill_limit {
        Some(limit) => disk.with_max_temp_directory_size(limit),
        None => disk,
    };
    Ok(RuntimeEnvBuilder::new().with_memory_pool(Arc::clone(pool) as _).with_disk_manager_builder(disk).build_arc()?)
}

#[cfg(test)]
mod tests;
