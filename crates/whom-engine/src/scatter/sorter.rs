//! One reader's rows on their way to pieces.

use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, RecordBatch, UInt32Array};
use datafusion::arrow::compute::{concat_batches, take_record_batch};
use datafusion::arrow::datatypes::{Int64Type, SchemaRef};
use whom_stats::bucket::{bucket_of_integer, bucket_of_text};

use super::piece_files::PieceFiles;
use super::{Places, Shelves, StepPlace, internal};
use crate::error::EngineError;
use crate::row_store::Held;
use crate::rows::{Rows, bytes_of};
use crate::stored::StoredRows;

/// Batches that are smaller than one such part of the usual size are not worth their calls.
const WORTH_A_CALL: usize = 4;

/// The most batches that are sorted at once.
const AT_ONCE: usize = 8;

/// Stands for the piece of a row that goes to none.
const NOWHERE: u16 = u16::MAX;

/// Puts the rows of one reader into pieces.
#[derive(Debug)]
pub(super) struct Sorter {
    pub(super) schema: SchemaRef,
    shelves: Shelves,
    places: Places,
    waiting: Waiting,
    collected: Vec<Vec<RecordBatch>>,
    /// Bytes collected in memory.
    bytes: usize,
    /// Room for those beyond the buffer.
    held: Option<Held>,
    files: Arc<PieceFiles>,
    steps: Vec<u64>,
}

/// Rows that wait to be put into pieces.
#[derive(Debug, Default)]
struct Waiting {
    batches: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
}

impl Waiting {
    fn add(&mut self, batch: RecordBatch) {
        self.rows += batch.num_rows();
        self.bytes += bytes_of(&batch);
        self.batches.push(batch);
    }
}

/// What one reader put into pieces.
pub(super) struct Sorted {
    pub(super) pieces: Vec<StoredRows>,
    pub(super) steps: Vec<u64>,
}

impl Sorter {
    pub(super) fn new(schema: &SchemaRef, shelves: Shelves, files: Arc<PieceFiles>, places: Places) -> Self {
        let pieces = shelves.pieces.count();
        Self {
            schema: Arc::clone(schema),
            places,
            waiting: Waiting::default(),
            collected: vec![Vec::new(); pieces],
            bytes: 0,
            held: shelves.store.hold(0),
            files,
            steps: vec![0; places.steps()],
            shelves,
        }
    }

    pub(super) fn add(&mut self, batch: RecordBatch) -> Result<(), EngineError> {
        self.waiting.add(batch);
        let (pieces, batch_size, buffer) = (self.shelves.pieces, self.shelves.batch_size, self.shelves.buffer);
        if self.waiting.rows >= (pieces.count() * batch_size / WORTH_A_CALL).min(batch_size * AT_ONCE) {
            self.sort()?;
        }
        let beyond = (self.bytes + self.waiting.bytes).saturating_sub(buffer);
        if self.held.as_mut().is_none_or(|held| held.resize(beyond)) { Ok(()) } else { self.spill() }
    }

    /// Puts the rows that wait into pieces. Enough of them are sorted at once that each piece gets rows worth a call.
    fn sort(&mut self) -> Result<(), EngineError> {
        let waiting = std::mem::take(&mut self.waiting).batches;
        let mut batch = match waiting.as_slice() {
            [] => return Ok(()),
            [batch] => batch.clone(),
            [first, ..] => concat_batches(&first.schema(), &waiting).map_err(internal)?,
        };
        let pieces = self.pieces_of(&batch)?;
        if let Some(step) = self.places.step {
            batch.remove_column(step.column);
        }
        let (order, starts) = order(&pieces, self.shelves.pieces.count());
        if order.is_empty() {
            return Ok(());
        }
        let sorted = if order.len() == batch.num_rows() && self.shelves.pieces.count() == 1 {
            batch
        } else {
            take_record_batch(&batch, &UInt32Array::from(order)).map_err(internal)?
        };
        self.bytes += bytes_of(&sorted);
        for (collected, rows) in self.collected.iter_mut().zip(starts.windows(2)) {
            if rows[0] < rows[1] {
                collected.push(sorted.slice(rows[0], rows[1] - rows[0]));
            }
        }
        Ok(())
    }

    /// The piece of each row, counting how far it came.
    fn pieces_of(&mut self, batch: &RecordBatch) -> Result<Vec<u16>, EngineError> {
        let units = batch.columns().first().ok_or_else(|| internal("no unit to put rows by"))?;
        let mut pieces = self.pieces_of_units(units)?;
        let Some(StepPlace { column, kept, .. }) = self.places.step else { return Ok(pieces) };
        let steps = batch.column(column).as_primitive_opt::<Int64Type>();
        let steps = steps.ok_or_else(|| internal("a step is no integer"))?;
        for (piece, step) in pieces.iter_mut().zip(steps.values()) {
            let step = usize::try_from(*step).unwrap_or(usize::MAX);
            *self.steps.get_mut(step).ok_or_else(|| internal(format!("{step} is no step")))? += 1;
            if step < kept {
                *piece = NOWHERE;
            }
        }
        Ok(pieces)
    }

    /// The piece of each unit; a null has none.
    fn pieces_of_units(&self, units: &dyn Array) -> Result<Vec<u16>, EngineError> {
        let pieces = self.shelves.pieces;
        let piece = |bucket: Option<u16>| bucket.map_or(NOWHERE, |bucket| pieces.of_bucket(bucket) as u16);
        if let Some(integers) = units.as_primitive_opt::<Int64Type>() {
            return Ok(integers.iter().map(|unit| piece(unit.map(bucket_of_integer))).collect());
        }
        match units.as_string_opt::<i32>() {
            Some(texts) => Ok(texts.iter().map(|unit| piece(unit.map(bucket_of_text))).collect()),
            None => Err(internal(format!("a unit cannot be of type {}", units.data_type()))),
        }
    }

    /// Writes what is collected to the files of the pieces.
    fn spill(&mut self) -> Result<(), EngineError> {
        self.sort()?;
        for (piece, collected) in self.collected.iter_mut().enumerate() {
            let batches = joined(&self.schema, std::mem::take(collected), self.shelves.batch_size)?;
            if !batches.is_empty() {
                self.files.write(piece, &batches)?;
            }
        }
        self.bytes = 0;
        if let Some(held) = &mut self.held {
            held.resize(0);
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Sorted, EngineError> {
        self.sort()?;
        let fits = self.held.as_mut().is_some_and(|held| held.resize(self.bytes));
        if !fits {
            self.spill()?;
        }
        let mut held = self.held.take();
        let mut pieces = Vec::with_capacity(self.collected.len());
        for collected in self.collected {
            let memory = Rows {
                schema: Arc::clone(&self.schema),
                batches: joined(&self.schema, collected, self.shelves.batch_size)?,
            };
            let share = held.as_mut().and_then(|held| held.split(memory.bytes()));
            pieces.push(StoredRows::new(memory, share, Vec::new()));
        }
        Ok(Sorted { pieces, steps: self.steps })
    }
}

/// The rows in the order of their pieces, those of none left out, and where each piece starts.
fn order(pieces: &[u16], count: usize) -> (Vec<u32>, Vec<usize>) {
    let mut starts = vec![0; count + 1];
    for piece in pieces.iter().filter(|piece| **piece != NOWHERE) {
        starts[usize::from(*piece) + 1] += 1;
    }
    for piece in 1..=count {
        starts[piece] += starts[piece - 1];
    }
    let mut next = starts.clone();
    let mut order = vec![0; starts[count]];
    for (row, piece) in pieces.iter().enumerate().filter(|(_, piece)| **piece != NOWHERE) {
        let place = &mut next[usize::from(*piece)];
        order[*place] = row as u32;
        *place += 1;
    }
    (order, starts)
}

/// The same rows in batches that are worth a call each: those of the slices of many small pieces are put together.
fn joined(schema: &SchemaRef, batches: Vec<RecordBatch>, batch_size: usize) -> Result<Vec<RecordBatch>, EngineError> {
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    if rows >= batches.len() * (batch_size / WORTH_A_CALL / 2).max(1) {
        return Ok(batches);
    }
    let mut joined = Vec::with_capacity(rows.div_ceil(batch_size));
    let (mut waiting, mut waiting_rows) = (Vec::new(), 0);
    for batch in batches {
        waiting_rows += batch.num_rows();
        waiting.push(batch);
        if waiting_rows >= batch_size {
            joined.push(concat_batches(schema, &waiting).map_err(internal)?);
            (waiting, waiting_rows) = (Vec::new(), 0);
        }
    }
    if !waiting.is_empty() {
        joined.push(concat_batches(schema, &waiting).map_err(internal)?);
    }
    Ok(joined)
}
