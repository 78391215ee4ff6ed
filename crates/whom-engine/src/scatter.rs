//! Rows of a scan, put into pieces by the bucket of their unit, which is the first column.
//!
//! A scan is read by several threads, each with files or row groups of its own; every row goes to the piece that its unit
//! belongs to, so that what follows (joins, groups) happens within pieces and nothing is repartitioned. The order of rows
//! within a piece depends on threads, and nothing that reads them may.

use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, RecordBatch, UInt32Array};
use datafusion::arrow::compute::{BatchCoalescer, take_record_batch};
use datafusion::arrow::datatypes::{Int64Type, SchemaRef};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use futures::StreamExt;
use tokio::task::JoinSet;
use whom_stats::bucket::{bucket_of_integer, bucket_of_text};

use crate::error::EngineError;
use crate::pieces::Pieces;
use crate::rows::{Rows, bytes_of};

/// How far rows come: those of a step from `kept` on go to their piece, the others are counted and dropped.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// The column, of 64-bit integers; it does not go on to the pieces.
    pub column: &'a str,
    /// The first step of rows that are kept.
    pub kept: usize,
    /// The number of steps, counted from 0.
    pub count: usize,
}

/// The rows of a statement by piece.
#[derive(Debug)]
pub struct Scattered {
    schema: SchemaRef,
    pieces: Vec<Vec<RecordBatch>>,
    /// Rows by the step they came to.
    pub steps: Vec<u64>,
    /// The memory that the rows take, until they are handed on.
    _reserved: Vec<MemoryReservation>,
}

impl Scattered {
    /// The rows of each piece, in the order of the pieces.
    pub fn into_pieces(self) -> Vec<Rows> {
        let schema = &self.schema;
        self.pieces.into_iter().map(|batches| Rows { schema: Arc::clone(schema), batches }).collect()
    }
}

/// Runs a plan and puts its rows into pieces. A row without a unit belongs to no piece.
pub(crate) async fn scatter(
    plan: Arc<dyn ExecutionPlan>,
    context: Arc<TaskContext>,
    pieces: Pieces,
    step: Option<Step<'_>>,
) -> Result<Scattered, EngineError> {
    let places = Places::find(&plan.schema(), step)?;
    let schema = places.kept_columns(&plan.schema())?;
    let mut readers = JoinSet::new();
    for partition in 0..plan.output_partitioning().partition_count() {
        let (plan, context) = (Arc::clone(&plan), Arc::clone(&context));
        readers.spawn(async move {
            let mut rows = plan.execute(partition, Arc::clone(&context))?;
            let mut sorter = Sorter::new(&places.kept_columns(&rows.schema())?, pieces, places, &context);
            while let Some(batch) = rows.next().await {
                sorter.add(batch?)?;
            }
            sorter.finish()
        });
    }
    let mut sorted = Vec::new();
    while let Some(read) = readers.join_next().await {
        sorted.push(read.map_err(|error| internal(format!("a reading task failed: {error}")))??);
    }
    Ok(Scattered::of(schema, sorted, pieces, places))
}

/// Puts rows that pieces made into pieces anew, by the text or integer in their first column.
pub(crate) fn regroup(made: &[Rows], context: &TaskContext, pieces: Pieces) -> Result<Scattered, EngineError> {
    let schema = made.first().map(|rows| Arc::clone(&rows.schema)).ok_or_else(|| internal("no piece made rows"))?;
    let places = Places { step: None };
    let mut sorter = Sorter::new(&schema, pieces, places, context);
    made.iter().flat_map(|rows| &rows.batches).try_for_each(|batch| sorter.add(batch.clone()))?;
    Ok(Scattered::of(schema, vec![sorter.finish()?], pieces, places))
}

impl Scattered {
    /// What all readers put into pieces.
    fn of(schema: SchemaRef, sorted: Vec<Sorted>, pieces: Pieces, places: Places) -> Self {
        let (mut rows, mut steps) = (vec![Vec::new(); pieces.count()], vec![0; places.steps()]);
        let mut reserved = Vec::new();
        for part in sorted {
            rows.iter_mut().zip(part.pieces).for_each(|(piece, batches)| piece.extend(batches));
            steps.iter_mut().zip(part.steps).for_each(|(total, rows)| *total += rows);
            reserved.push(part.reserved);
        }
        Self { schema, pieces: rows, steps, _reserved: reserved }
    }
}

/// Where the columns stand.
#[derive(Clone, Copy)]
struct Places {
    step: Option<StepPlace>,
}

#[derive(Clone, Copy)]
struct StepPlace {
    column: usize,
    kept: usize,
    count: usize,
}

impl Places {
    fn find(schema: &SchemaRef, step: Option<Step<'_>>) -> Result<Self, EngineError> {
        let Some(Step { column, kept, count }) = step else { return Ok(Self { step: None }) };
        let column = schema.index_of(column).map_err(|_| internal(format!("no column `{column}` of steps")))?;
        Ok(Self { step: Some(StepPlace { column, kept, count }) })
    }

    /// The columns that go to the pieces.
    fn kept_columns(self, schema: &SchemaRef) -> Result<SchemaRef, EngineError> {
        let kept: Vec<usize> = (0..schema.fields().len()).filter(|place| !self.is_step(*place)).collect();
        Ok(Arc::new(schema.project(&kept).map_err(internal)?))
    }

    /// The number of steps.
    fn steps(self) -> usize {
        self.step.map_or(0, |step| step.count)
    }

    fn is_step(self, place: usize) -> bool {
        self.step.is_some_and(|step| step.column == place)
    }
}

/// Puts the rows of one reader into pieces.
struct Sorter {
    pieces: Pieces,
    places: Places,
    chosen: Vec<Vec<u32>>,
    collected: Vec<BatchCoalescer>,
    steps: Vec<u64>,
    reserved: MemoryReservation,
}

/// What one reader put into pieces.
struct Sorted {
    pieces: Vec<Vec<RecordBatch>>,
    steps: Vec<u64>,
    reserved: MemoryReservation,
}

impl Sorter {
    fn new(schema: &SchemaRef, pieces: Pieces, places: Places, context: &TaskContext) -> Self {
        let batch_size = context.session_config().batch_size();
        let collected = (0..pieces.count()).map(|_| BatchCoalescer::new(Arc::clone(schema), batch_size)).collect();
        let reserved = MemoryConsumer::new("rows by piece").register(context.memory_pool());
        Self {
            pieces,
            places,
            chosen: vec![Vec::new(); pieces.count()],
            collected,
            steps: vec![0; places.steps()],
            reserved,
        }
    }

    fn add(&mut self, mut batch: RecordBatch) -> Result<(), EngineError> {
        self.choose(&batch)?;
        if let Some(step) = self.places.step {
            batch.remove_column(step.column);
        }
        for (rows, collected) in self.chosen.iter_mut().zip(&mut self.collected) {
            if !rows.is_empty() {
                let taken = take_record_batch(&batch, &UInt32Array::from(std::mem::take(rows))).map_err(internal)?;
                self.reserved.try_grow(bytes_of(&taken))?;
                collected.push_batch(taken).map_err(internal)?;
            }
        }
        Ok(())
    }

    /// Chooses the rows of each piece.
    fn choose(&mut self, batch: &RecordBatch) -> Result<(), EngineError> {
        let steps = match self.places.step {
            None => None,
            Some(StepPlace { column, kept, .. }) => {
                let steps = batch.column(column).as_primitive_opt::<Int64Type>();
                Some((steps.ok_or_else(|| internal("a step is no integer"))?, kept))
            }
        };
        let units = batch.columns().first().ok_or_else(|| internal("no unit to put rows by"))?;
        let buckets = buckets(units)?;
        for (row, bucket) in buckets.enumerate() {
            if let Some((steps, kept)) = steps {
                let step = usize::try_from(steps.value(row)).unwrap_or(usize::MAX);
                let count = self.steps.get_mut(step).ok_or_else(|| internal(format!("{step} is no step")))?;
                *count += 1;
                if step < kept {
                    continue;
                }
            }
            if let Some(bucket) = bucket {
                self.chosen[self.pieces.of_bucket(bucket)].push(row as u32);
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Sorted, EngineError> {
        let mut pieces = Vec::with_capacity(self.collected.len());
        for collected in &mut self.collected {
            collected.finish_buffered_batch().map_err(internal)?;
            pieces.push(std::iter::from_fn(|| collected.next_completed_batch()).collect());
        }
        Ok(Sorted { pieces, steps: self.steps, reserved: self.reserved })
    }
}

/// The bucket of each row's unit; a null has none.
fn buckets(units: &dyn Array) -> Result<Box<dyn Iterator<Item = Option<u16>> + '_>, EngineError> {
    if let Some(integers) = units.as_primitive_opt::<Int64Type>() {
        return Ok(Box::new(integers.iter().map(|unit| unit.map(bucket_of_integer))));
    }
    match units.as_string_opt::<i32>() {
        Some(texts) => Ok(Box::new(texts.iter().map(|unit| unit.map(bucket_of_text)))),
        None => Err(internal(format!("a unit cannot be of type {}", units.data_type()))),
    }
}

fn internal(error: impl std::fmt::Display) -> EngineError {
    EngineError::Internal(error.to_string())
}

#[cfg(test)]
mod tests;
