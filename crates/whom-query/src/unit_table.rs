//! Running the statements: from pinned tables to the unit table, every join checked to keep its rows.

use std::collections::BTreeMap;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use datafusion::arrow::datatypes::{Date32Type, Int32Type, Int64Type, TimestampMicrosecondType};
use whom_engine::session::Rows;
use whom_engine::{Engine, integer};
use whom_spec::plan::Plan;

use crate::catalog::Catalog;
use crate::compile::{Compiled, Statement};
use crate::error::QueryError;
use crate::flow::{FactRows, RowFlow, SplitRows, TagRows};
use crate::status::Status;

/// The unit table: one row per unit, in the order of buckets and ids, crossovers included.
#[derive(Clone, Debug)]
pub struct UnitTable {
    batch: RecordBatch,
    /// Where the rows of the inputs went.
    pub flow: RowFlow,
}

/// Told after each statement, for progress.
pub trait Watch: Send + Sync {
    /// A statement is about to run, `done` of `all` have run.
    fn statement(&self, name: &str, done: usize, all: usize);
}

/// Runs the statements of a plan.
///
/// # Errors
/// [`QueryError::Data`] for content that no check can judge (a key with two contents, a unit with two rows of tags),
/// [`QueryError::Internal`] if a join lost or made a row, and what the engine refuses.
pub async fn build(
    plan: &Plan,
    compiled: &Compiled,
    catalog: &Catalog,
    (engine, watch): (&Engine, &dyn Watch),
) -> Result<UnitTable, QueryError> {
    for source in catalog.sources() {
        engine.add_pinned(&source.table, std::sync::Arc::clone(&source.pinned))?;
    }
    let mut results = BTreeMap::new();
    for (done, statement) in compiled.statements.iter().enumerate() {
        watch.statement(&statement.result, done, compiled.statements.len());
        let rows = run(engine, statement).await?;
        results.insert(statement.result.as_str(), Summary::of(statement, &rows)?);
        if statement.result == "unit_table" {
            let flow = flow(plan, catalog, &results)?;
            return UnitTable::new(&rows, flow);
        }
        engine.add_rows(&statement.result, rows)?;
    }
    Err(QueryError::Internal("no statement makes the unit table".to_owned()))
}

async fn run(engine: &Engine, statement: &Statement) -> Result<Rows, QueryError> {
    tracing_name(engine.query(&statement.sql).await, &statement.result)
}

/// A refusal of the data names the statement in which it came up.
fn tracing_name(rows: Result<Rows, whom_engine::EngineError>, name: &str) -> Result<Rows, QueryError> {
    match rows {
        Err(whom_engine::EngineError::Data(message)) => Err(QueryError::Data(format!("in the {name}: {message}"))),
        other => Ok(other?),
    }
}

/// What is kept of a statement's rows: their number, and the integers of a one-row answer.
struct Summary {
    rows: usize,
    sums: BTreeMap<String, i64>,
}

impl Summary {
    fn of(statement: &Statement, rows: &Rows) -> Result<Self, QueryError> {
        let mut sums = BTreeMap::new();
        if statement.result.starts_with("snapshots of ") {
            let batch = rows.to_batch()?;
            sums.insert("units".to_owned(), valid(&batch, "snapshot")?);
            for counted in ["later", "too_old"] {
                sums.insert(counted.to_owned(), total(&batch, counted)?);
            }
        } else if statement.result.starts_with("metrics of ") {
            sums.insert("events".to_owned(), total(&rows.to_batch()?, "event_count")?);
        } else if rows.len() == 1 {
            for field in rows.schema.fields().iter().filter(|field| field.data_type().is_integer()) {
                if let Ok(Some(value)) = integer(rows, field.name()) {
                    sums.insert(field.name().clone(), value);
                }
            }
        } else if statement.result == "unknown_variants" {
            let batch = rows.to_batch()?;
            let (names, counts) = (column(&batch, "variant")?, column(&batch, "row_count")?);
            let (names, counts) = (names.as_string::<i32>(), counts.as_primitive::<Int64Type>());
            sums.extend(names.iter().flatten().map(str::to_owned).zip(counts.values().iter().copied()));
        }
        Ok(Self { rows: rows.len(), sums })
    }

    fn get(&self, name: &str) -> u64 {
        self.sums.get(name).and_then(|value| u64::try_from(*value).ok()).unwrap_or(0)
    }
}

fn column(batch: &RecordBatch, name: &str) -> Result<ArrayRef, QueryError> {
    batch
        .column_by_name(name)
        .cloned()
        .ok_or_else(|| QueryError::Internal(format!("a statement's answer lacks `{name}`")))
}

fn total(batch: &RecordBatch, name: &str) -> Result<i64, QueryError> {
    Ok(column(batch, name)?.as_primitive::<Int64Type>().iter().flatten().sum())
}

fn valid(batch: &RecordBatch, name: &str) -> Result<i64, QueryError> {
    let array = column(batch, name)?;
    Ok((array.len() - array.null_count()) as i64)
}

fn flow(plan: &Plan, catalog: &Catalog, results: &BTreeMap<&str, Summary>) -> Result<RowFlow, QueryError> {
    let result =
        |name: &str| results.get(name).ok_or_else(|| QueryError::Internal(format!("statement `{name}` has not run")));
    let split = result("split_rows")?;
    let exposed = result("units")?.rows as u64;
    if result("unit_table")?.rows as u64 != exposed {
        let made = result("unit_table")?.rows;
        return Err(QueryError::Internal(format!("the joins made {made} rows of {exposed} units")));
    }
    let mut facts = Vec::new();
    for fact in
        plan.facts.iter().filter(|fact| results.contains_key(format!("metrics of {}", fact.name.value).as_str()))
    {
        facts.push(fact_rows(&fact.name, catalog, results)?);
    }
    let mut tags = Vec::new();
    for table in &plan.tags {
        tags.push(tag_rows(&table.name, catalog, results)?);
    }
    Ok(RowFlow {
        split: SplitRows {
            read: split.get("rows_read"),
            of_experiment: split.get("rows_of_experiment"),
            in_days: split.get("rows_in_days"),
            with_unit: split.get("rows_with_unit"),
            with_variant: split.get("rows_with_variant"),
            of_variants: split.get("rows_of_variants"),
            unknown_variants: result("unknown_variants")?
                .sums
                .iter()
                .map(|(name, rows)| (name.clone(), *rows as u64))
                .collect(),
        },
        earlier_exposed: results.get("earlier_exposed").map(|earlier| earlier.rows as u64),
        units: exposed,
        facts,
        tags,
    })
}

fn fact_rows(name: &str, catalog: &Catalog, results: &BTreeMap<&str, Summary>) -> Result<FactRows, QueryError> {
    let metrics = results.get(format!("metrics of {name}").as_str());
    let repeats = results.get(format!("repeats of {name}").as_str());
    if let Some(repeats) = repeats {
        let (events, keys, without) =
            (repeats.get("distinct_events"), repeats.get("distinct_keys"), repeats.get("without_key"));
        if without > 0 {
            return Err(QueryError::Data(format!(
                "{without} rows of fact table `{name}` have no value in its `unique` column; fill it, or drop `unique`"
            )));
        }
        if events != keys {
            return Err(QueryError::Data(format!(
                "{} rows of fact table `{name}` repeat a key of its `unique` column with different content; keep one row per key",
                events - keys
            )));
        }
    }
    let events = metrics.map_or(0, |metrics| metrics.get("events"));
    Ok(FactRows {
        table: name.to_owned(),
        read: catalog.source(&crate::catalog::fact_table(name))?.pinned.rows(),
        delivered: repeats.map_or(events, |repeats| repeats.get("deliveries")),
        events,
    })
}

fn tag_rows(name: &str, catalog: &Catalog, results: &BTreeMap<&str, Summary>) -> Result<TagRows, QueryError> {
    let snapshots = results.get(format!("snapshots of {name}").as_str());
    if let Some(repeats) = results.get(format!("repeats in {name}").as_str()) {
        let (rows, units) = (repeats.get("row_count"), repeats.get("unit_count"));
        if rows != units {
            return Err(QueryError::Data(format!(
                "{} units have more than one row in tag table `{name}`{}, with different tags; keep one row per unit",
                rows - units,
                if snapshots.is_some() { " on one day" } else { "" },
            )));
        }
    }
    let found = results.get(format!("values of {name}").as_str()).map_or(0, |values| values.rows as u64);
    Ok(TagRows {
        table: name.to_owned(),
        read: catalog.source(&crate::catalog::tag_table(name))?.pinned.rows(),
        units: found,
        later: snapshots.map_or(0, |snapshots| snapshots.get("later")),
        too_old: snapshots.map_or(0, |snapshots| snapshots.get("too_old")),
    })
}

impl UnitTable {
    fn new(rows: &Rows, flow: RowFlow) -> Result<Self, QueryError> {
        Ok(Self { batch: rows.to_batch()?, flow })
    }

    /// The number of units.
    pub fn len(&self) -> usize {
        self.batch.num_rows()
    }

    /// Whether no unit was exposed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A column under its name in the unit table.
    ///
    /// # Errors
    /// [`QueryError::Internal`] if there is none.
    pub fn column(&self, name: &str) -> Result<ArrayRef, QueryError> {
        column(&self.batch, name)
    }

    /// The arm of each unit.
    ///
    /// # Errors
    /// As [`Self::column`].
    pub fn arms(&self) -> Result<Vec<u8>, QueryError> {
        Ok(self.column("arm")?.as_primitive::<Int64Type>().values().iter().map(|arm| *arm as u8).collect())
    }

    /// The bucket of each unit.
    ///
    /// # Errors
    /// As [`Self::column`].
    pub fn buckets(&self) -> Result<Vec<u16>, QueryError> {
        Ok(self.column("bucket")?.as_primitive::<Int32Type>().values().iter().map(|bucket| *bucket as u16).collect())
    }

    /// The instant of each unit's first exposure, in microseconds since 1970 UTC.
    ///
    /// # Errors
    /// As [`Self::column`].
    pub fn first_exposures(&self) -> Result<Vec<i64>, QueryError> {
        Ok(self.column("first_exposure")?.as_primitive::<TimestampMicrosecondType>().values().to_vec())
    }

    /// The day of each unit's first exposure in the experiment's time zone, as days since 1970-01-01.
    ///
    /// # Errors
    /// As [`Self::column`].
    pub fn exposure_days(&self) -> Result<Vec<i32>, QueryError> {
        Ok(self.column("exposure_day")?.as_primitive::<Date32Type>().values().to_vec())
    }

    /// Whether each unit saw several variants.
    ///
    /// # Errors
    /// As [`Self::column`].
    pub fn several_variants(&self) -> Result<BooleanArray, QueryError> {
        Ok(self.column("several_variants")?.as_boolean().clone())
    }

    /// The grid values of a metric, [`whom_stats::ABSENT`] where a unit has none.
    ///
    /// # Errors
    /// As [`Self::column`].
    pub fn metric(&self, column: &str) -> Result<Vec<i64>, QueryError> {
        Ok(self
            .column(column)?
            .as_primitive::<Int64Type>()
            .iter()
            .map(|value| value.unwrap_or(whom_stats::ABSENT))
            .collect())
    }

    /// Why units have or lack a value.
    ///
    /// # Errors
    /// As [`Self::column`], and for a number that is no status.
    pub fn statuses(&self, column: &str) -> Result<Vec<Status>, QueryError> {
        self.column(column)?
            .as_primitive::<Int64Type>()
            .values()
            .iter()
            .map(|number| Status::of(*number).ok_or_else(|| QueryError::Internal(format!("{number} is no status"))))
            .collect()
    }

    /// Which units a pre-registered cohort holds.
    ///
    /// # Errors
    /// As [`Self::column`].
    pub fn cohort(&self, column: &str) -> Result<BooleanArray, QueryError> {
        Ok(self.column(column)?.as_boolean().clone())
    }
}
