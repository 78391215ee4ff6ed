//! Rows of a scan, put into pieces by the bucket of their unit, which is the first column.
//!
//! A scan is read by several threads, each with files or row groups of its own; every row goes to the piece that its unit
//! belongs to, so that what follows (joins, groups) happens within pieces and nothing is repartitioned. Rows wait in memory
//! while there is room; a reader that finds none writes what it has collected to a file for each piece. The order of rows
//! within a piece depends on threads, and nothing that reads them may.

mod piece_files;
mod sorter;
mod together;

use std::sync::{Arc, Mutex, PoisonError};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use futures::StreamExt;
use tokio::task::JoinSet;

use crate::error::EngineError;
use crate::pieces::Pieces;
use crate::row_store::RowStore;
use crate::rows::Rows;
use crate::stored::StoredRows;
use piece_files::PieceFiles;
use sorter::{Sorted, Sorter};
use together::{SeenPlaces, Together};

pub use together::remembered_bytes;

/// How far rows come: those of a step from `kept` on go to their piece, the others are counted and dropped.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// The column, of 64-bit integers; it does not go on to the pieces.
    pub column: &'a str,
    /// The first step of rows that are kept.
    pub kept: usize,
    /// The number of steps, counted from 0.
    pub count: usize,
    /// The columns of an instant, an arm, and whether there were several: of the rows of one unit that come to the first
    /// step that is kept, and that a reader meets near each other, only the first goes on.
    pub first: Option<[&'a str; 3]>,
}

/// The rows of a statement by piece.
#[derive(Debug)]
pub struct Scattered {
    /// The rows of each piece, in the order of the pieces.
    pub pieces: Vec<StoredRows>,
    /// Rows by the step they came to.
    pub steps: Vec<u64>,
}

/// Where rows are put, and how many of them wait in memory at least.
#[derive(Clone, Debug)]
pub(crate) struct Shelves {
    pub(crate) pieces: Pieces,
    pub(crate) store: RowStore,
    /// Bytes that a reader may collect whether or not the store has room.
    pub(crate) buffer: usize,
    /// Rows of a batch.
    pub(crate) batch_size: usize,
}

impl Shelves {
    fn files(&self, schema: &SchemaRef) -> Arc<PieceFiles> {
        Arc::new(PieceFiles::new(Arc::clone(schema), self.store.clone(), self.pieces.count()))
    }
}

/// Runs a plan and puts its rows into pieces. A row without a unit belongs to no piece.
pub(crate) async fn scatter(
    plan: Arc<dyn ExecutionPlan>,
    context: Arc<TaskContext>,
    shelves: Shelves,
    step: Option<Step<'_>>,
) -> Result<Scattered, EngineError> {
    let places = Places::find(&plan.schema(), step)?;
    let schema = places.kept_columns(&plan.schema())?;
    let files = shelves.files(&schema);
    let mut readers = JoinSet::new();
    for partition in 0..plan.output_partitioning().partition_count() {
        let (plan, context) = (Arc::clone(&plan), Arc::clone(&context));
        let mut reader = Reader::new(&schema, &shelves, &files, places);
        readers.spawn(async move {
            let mut rows = plan.execute(partition, context)?;
            while let Some(batch) = rows.next().await {
                reader.add(batch?)?;
            }
            reader.finish()
        });
    }
    let mut scattered = Scattered::empty(&schema, shelves.pieces, places);
    while let Some(read) = readers.join_next().await {
        scattered.absorb(read.map_err(|error| internal(format!("a reading task failed: {error}")))??);
    }
    scattered.close(&files)?;
    Ok(scattered)
}

/// What one task reads.
struct Reader {
    together: Option<Together>,
    sorter: Sorter,
}

impl Reader {
    fn new(schema: &SchemaRef, shelves: &Shelves, files: &Arc<PieceFiles>, places: Places) -> Self {
        let firsts = places.step.and_then(|step| step.first.map(|seen| (seen, step)));
        let together = firsts.map(|(seen, step)| Together::new(schema, seen, step, shelves.batch_size));
        let places = if together.is_some() { Places { step: None } } else { places };
        Self { together, sorter: Sorter::new(schema, shelves.clone(), Arc::clone(files), places) }
    }

    fn add(&mut self, batch: RecordBatch) -> Result<(), EngineError> {
        match &mut self.together {
            Some(together) => together.add(batch)?.into_iter().try_for_each(|batch| self.sorter.add(batch)),
            None => self.sorter.add(batch),
        }
    }

    fn finish(mut self) -> Result<Sorted, EngineError> {
        let Some(together) = self.together.take() else { return self.sorter.finish() };
        let (batches, steps) = together.finish()?;
        batches.into_iter().try_for_each(|batch| self.sorter.add(batch))?;
        Ok(Sorted { steps, ..self.sorter.finish()? })
    }
}

/// Puts rows that pieces made into pieces anew, by the text or integer in their first column.
#[derive(Debug)]
pub struct Regrouping {
    shelves: Shelves,
    sorter: Mutex<Option<(Sorter, Arc<PieceFiles>)>>,
}

impl Regrouping {
    pub(crate) fn new(shelves: Shelves) -> Self {
        Self { shelves, sorter: Mutex::new(None) }
    }

    /// Adds the rows of a piece; pieces may come in any order and at once.
    ///
    /// # Errors
    /// [`EngineError::Resources`] if they fit neither into memory nor on disk, [`EngineError::Internal`] if there is no
    /// column to put them by.
    pub fn add(&self, rows: Rows) -> Result<(), EngineError> {
        let mut sorter = self.sorter.lock().unwrap_or_else(PoisonError::into_inner);
        let (sorter, _) = sorter.get_or_insert_with(|| {
            let files = self.shelves.files(&rows.schema);
            (Sorter::new(&rows.schema, self.shelves.clone(), Arc::clone(&files), Places { step: None }), files)
        });
        rows.batches.into_iter().try_for_each(|batch| sorter.add(batch))
    }

    /// The rows of each piece.
    ///
    /// # Errors
    /// As [`Self::add`]; [`EngineError::Internal`] if no rows were added, so that nobody knows their columns.
    pub fn finish(self) -> Result<Vec<StoredRows>, EngineError> {
        let sorter = self.sorter.into_inner().unwrap_or_else(PoisonError::into_inner);
        let (sorter, files) = sorter.ok_or_else(|| internal("no piece made rows"))?;
        let mut scattered = Scattered::empty(&sorter.schema, self.shelves.pieces, Places { step: None });
        scattered.absorb(sorter.finish()?);
        scattered.close(&files)?;
        Ok(scattered.pieces)
    }
}

impl Scattered {
    fn empty(schema: &SchemaRef, pieces: Pieces, places: Places) -> Self {
        let none = || StoredRows::uncounted(Rows { schema: Arc::clone(schema), batches: Vec::new() });
        Self { pieces: (0..pieces.count()).map(|_| none()).collect(), steps: vec![0; places.steps()] }
    }

    /// Adds what one reader put into pieces.
    fn absorb(&mut self, sorted: Sorted) {
        self.pieces.iter_mut().zip(sorted.pieces).for_each(|(piece, rows)| piece.join(rows));
        self.steps.iter_mut().zip(sorted.steps).for_each(|(total, rows)| *total += rows);
    }

    /// Adds what lies in files, once all readers are done.
    fn close(&mut self, files: &PieceFiles) -> Result<(), EngineError> {
        for (piece, disk) in self.pieces.iter_mut().zip(files.finish()?) {
            piece.extend_by(disk);
        }
        Ok(())
    }
}

/// Where the columns stand.
#[derive(Clone, Copy, Debug)]
struct Places {
    step: Option<StepPlace>,
}

#[derive(Clone, Copy, Debug)]
struct StepPlace {
    column: usize,
    kept: usize,
    count: usize,
    first: Option<SeenPlaces>,
}

impl Places {
    fn find(schema: &SchemaRef, step: Option<Step<'_>>) -> Result<Self, EngineError> {
        let Some(Step { column, kept, count, first }) = step else { return Ok(Self { step: None }) };
        let column = schema.index_of(column).map_err(|_| internal(format!("no column `{column}` of steps")))?;
        let first = first.map(|names| SeenPlaces::find(schema, names)).transpose()?.flatten();
        Ok(Self { step: Some(StepPlace { column, kept, count, first }) })
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

fn internal(error: impl std::fmt::Display) -> EngineError {
    EngineError::Internal(error.to_string())
}

#[cfg(test)]
mod tests;
