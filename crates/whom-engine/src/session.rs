//! The session: one place that configures DataFusion.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datafusion::catalog::TableProvider;
use datafusion::common::TableReference;
use datafusion::datasource::MemTable;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{FairSpillPool, MemoryConsumer, MemoryReservation};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::physical_plan::{ExecutionPlan, collect};
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::error::EngineError;
use crate::filters::{KeyFilter, KeyFilters};
use crate::functions;
use crate::pieces::Pieces;
use crate::plan_rules;
use crate::rows::Rows;
use crate::scatter::{Scattered, Step, regroup, scatter};
use crate::table::PinnedTable;

/// What a session may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the pool that DataFusion's operators share.
    pub memory: usize,
    /// Rows in a batch. Changes no result.
    pub batch_size: usize,
    /// Where operators spill; the system's folder for temporary files if not given.
    pub spill: Option<PathBuf>,
    /// Threads that read and work on pieces. Changes no result.
    pub threads: NonZeroUsize,
    /// Pieces that rows are put into; from the threads if not given. Changes no result.
    pub pieces: Option<NonZeroUsize>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory: 4 << 30, batch_size: 8192, spill: None, threads: NonZeroUsize::MIN, pieces: None }
    }
}

impl Limits {
    /// The pieces that rows are put into: one for each thread, if nothing else is asked for.
    pub fn pieces(&self) -> Pieces {
        Pieces::new(self.pieces.unwrap_or(self.threads))
    }
}

/// A session of DataFusion with our functions. One session scans the files, with as many threads as the limits allow; each
/// piece is worked by a session of its own, one partition wide.
pub struct Engine {
    context: SessionContext,
    limits: Limits,
    filters: KeyFilters,
    kept: Mutex<BTreeMap<String, KeptRows>>,
}

/// Rows that are known as a table, and the memory that they take.
struct KeptRows {
    rows: Rows,
    _reserved: MemoryReservation,
}

impl Engine {
    /// A session within these limits.
    ///
    /// # Errors
    /// [`EngineError::Internal`] if the runtime cannot be set up.
    pub fn new(limits: &Limits) -> Result<Self, EngineError> {
        Ok(Self::session(limits.clone(), limits.threads, runtime(limits)?))
    }

    /// A session for one piece: without tables, within the limits that this session shares with it.
    #[must_use]
    pub fn piece(&self) -> Self {
        Self::session(self.limits.clone(), NonZeroUsize::MIN, self.context.runtime_env())
    }

    fn session(limits: Limits, partitions: NonZeroUsize, runtime: Arc<RuntimeEnv>) -> Self {
        let state = SessionStateBuilder::new()
            .with_config(configuration(&limits, partitions))
            .with_runtime_env(runtime)
            .with_default_features()
            .build();
        let context = SessionContext::new_with_state(state);
        let filters = KeyFilters::default();
        functions::register(&context, &filters);
        Self { context, limits, filters, kept: Mutex::default() }
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
        self.context.runtime_env().register_object_store(table.store_url().as_ref(), table.store());
        self.add(name, table)
    }

    /// Makes the result of a query known as a table; an empty result keeps its columns. Until it is removed, its memory
    /// counts.
    ///
    /// # Errors
    /// [`EngineError::Internal`] if the name is taken, [`EngineError::Resources`] if the rows leave the limit.
    pub fn add_rows(&self, name: &str, rows: Rows) -> Result<(), EngineError> {
        let reserved = MemoryConsumer::new(format!("rows of {name}")).register(&self.context.runtime_env().memory_pool);
        reserved.try_grow(rows.bytes())?;
        let table = MemTable::try_new(Arc::clone(&rows.schema), vec![rows.batches.clone()])?;
        self.add(name, Arc::new(table))?;
        self.kept().insert(name.to_owned(), KeptRows { rows, _reserved: reserved });
        Ok(())
    }

    /// The rows that are known as a table.
    ///
    /// # Errors
    /// [`EngineError::Internal`] if there are none under this name.
    pub fn rows(&self, name: &str) -> Result<Rows, EngineError> {
        let kept = self.kept();
        let kept = kept.get(name).ok_or_else(|| EngineError::Internal(format!("no rows are known as `{name}`")))?;
        Ok(kept.rows.clone())
    }

    /// Makes a filter known, which `may_hold` asks by its name.
    pub fn add_filter(&self, name: &str, filter: KeyFilter) {
        self.filters.add(name, filter);
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<String, KeptRows>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, name: &str, table: Arc<dyn TableProvider>) -> Result<(), EngineError> {
        let reference = TableReference::bare(name);
        if self.context.table_exist(reference.clone())? {
            return Err(EngineError::Internal(format!("table `{name}` is registered already")));
        }
        self.context.register_table(reference, table)?;
        Ok(())
    }

    /// Forgets a table that is needed no longer, with the memory of its rows.
    ///
    /// # Errors
    /// [`EngineError::Internal`] if there is no such table.
    pub fn remove(&self, name: &str) -> Result<(), EngineError> {
        self.kept().remove(name);
        match self.context.deregister_table(TableReference::bare(name))? {
            Some(_) => Ok(()),
            None => Err(EngineError::Internal(format!("table `{name}` is not registered"))),
        }
    }

    /// The physical plan of a query, checked by [`plan_rules`].
    ///
    /// # Errors
    /// [`EngineError::Internal`] if the SQL cannot be planned or the plan breaks a rule.
    pub async fn plan(&self, sql: &str) -> Result<Arc<dyn ExecutionPlan>, EngineError> {
        let read_only = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        let frame = self.context.sql_with_options(sql, read_only).await?;
        let plan = frame.create_physical_plan().await?;
        plan_rules::check(&plan)?;
        Ok(plan)
    }

    /// Runs a query and collects its rows.
    ///
    /// # Errors
    /// What reading, evaluating or planning refuses, by who must act.
    pub async fn query(&self, sql: &str) -> Result<Rows, EngineError> {
        let plan = self.plan(sql).await?;
        let schema = plan.schema();
        let batches = collect(plan, self.context.task_ctx()).await?;
        Ok(Rows { schema, batches })
    }

    /// Runs a query over the files and puts its rows into pieces, by the unit in its first column.
    ///
    /// # Errors
    /// As [`Self::query`]; [`EngineError::Internal`] if the query lacks the columns to put rows by.
    pub async fn scatter(&self, sql: &str, pieces: Pieces, step: Option<Step<'_>>) -> Result<Scattered, EngineError> {
        let plan = self.plan(sql).await?;
        scatter(plan, self.context.task_ctx(), pieces, step).await
    }

    /// Puts rows that pieces made into pieces anew, by what stands in their first column.
    ///
    /// # Errors
    /// [`EngineError::Resources`] if they leave the limit, [`EngineError::Internal`] if there is no such column.
    pub fn regroup(&self, made: &[Rows], pieces: Pieces) -> Result<Scattered, EngineError> {
        regroup(made, &self.context.task_ctx(), pieces)
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
    options.optimizer.join_reordering = false;
    options.optimizer.enable_round_robin_repartition = false;
    options.optimizer.repartition_aggregations = false;
    options.optimizer.repartition_file_scans = false;
    options.optimizer.enable_dynamic_filter_pushdown = false;
    config
}

fn runtime(limits: &Limits) -> Result<Arc<RuntimeEnv>, EngineError> {
    let mode = match &limits.spill {
        Some(folder) => DiskManagerMode::Directories(vec![folder.clone()]),
        None => DiskManagerMode::OsTmpDirectory,
    };
    Ok(RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(limits.memory)))
        .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(mode))
        .build_arc()?)
}

#[cfg(test)]
mod tests;
