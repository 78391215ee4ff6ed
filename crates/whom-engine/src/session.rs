//! The session: one place that configures DataFusion.

use std::path::PathBuf;
use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::{Int64Type, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::common::TableReference;
use datafusion::datasource::MemTable;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::physical_plan::{ExecutionPlan, collect};
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::error::EngineError;
use crate::functions;
use crate::plan_rules;
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
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory: 4 << 30, batch_size: 8192, spill: None }
    }
}

/// A session of DataFusion with our functions, one piece wide.
pub struct Engine {
    context: SessionContext,
}

impl Engine {
    /// A session within these limits.
    ///
    /// # Errors
    /// [`EngineError::Internal`] if the runtime cannot be set up.
    pub fn new(limits: &Limits) -> Result<Self, EngineError> {
        let state = SessionStateBuilder::new()
            .with_config(configuration(limits))
            .with_runtime_env(runtime(limits)?)
            .with_default_features()
            .build();
        let context = SessionContext::new_with_state(state);
        functions::register(&context);
        Ok(Self { context })
    }

    /// Makes a pinned table known under its name.
    ///
    /// # Errors
    /// [`EngineError::Internal`] if the name is taken.
    pub fn add_pinned(&self, name: &str, table: Arc<PinnedTable>) -> Result<(), EngineError> {
        self.context.runtime_env().register_object_store(table.store_url().as_ref(), table.store());
        self.add(name, table)
    }

    /// Makes the result of a query known as a table; an empty result keeps its columns.
    ///
    /// # Errors
    /// [`EngineError::Internal`] if the name is taken.
    pub fn add_rows(&self, name: &str, rows: Rows) -> Result<(), EngineError> {
        let table = MemTable::try_new(rows.schema, vec![rows.batches])?;
        self.add(name, Arc::new(table))
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

    /// The session's state, to resolve expressions against a schema.
    pub fn state(&self) -> SessionState {
        self.context.state()
    }
}

/// The rows of a query.
#[derive(Clone, Debug)]
pub struct Rows {
    /// The columns, known even without rows.
    pub schema: SchemaRef,
    /// The rows in batches.
    pub batches: Vec<RecordBatch>,
}

impl Rows {
    /// The number of rows.
    pub fn len(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All rows in one batch.
    ///
    /// # Errors
    /// [`EngineError::Internal`] if the batches disagree on their columns.
    pub fn to_batch(&self) -> Result<RecordBatch, EngineError> {
        concat_batches(&self.schema, &self.batches).map_err(|error| EngineError::Internal(error.to_string()))
    }
}

/// An integer column of the first row; `None` if it is null.
///
/// # Errors
/// [`EngineError::Internal`] if there is no row or no such column of 64-bit integers.
pub fn integer(rows: &Rows, column: &str) -> Result<Option<i64>, EngineError> {
    let missing = || EngineError::Internal(format!("no integer `{column}` in the answer"));
    let batch = rows.batches.iter().find(|batch| batch.num_rows() > 0).ok_or_else(missing)?;
    let values =
        batch.column_by_name(column).and_then(|array| array.as_primitive_opt::<Int64Type>()).ok_or_else(missing)?;
    Ok(values.is_valid(0).then(|| values.value(0)))
}

fn configuration(limits: &Limits) -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_target_partitions(1)
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
    options.optimizer.join_reordering = false;
    options.optimizer.enable_round_robin_repartition = false;
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
