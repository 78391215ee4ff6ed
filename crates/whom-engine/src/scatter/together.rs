//! Rows of one unit that a reader meets near each other, put together before they go to pieces.
//!
//! A unit is exposed again and again within a day, and only its first exposure counts. A reader remembers the units that it
//! met last, each in the one place that its hash gives it; whoever comes to a place that is taken sends the other one on.
//! However much is put together, the first exposure of a unit stays the same.

use std::cmp::Ordering;
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, AsArray, BooleanArray, Int16Array, Int64Array, RecordBatch, TimestampMicrosecondArray, UInt32Array,
};
use datafusion::arrow::compute::take_record_batch;
use datafusion::arrow::datatypes::{DataType, Int16Type, Int64Type, SchemaRef, TimestampMicrosecondType};

use super::{StepPlace, internal};
use crate::error::EngineError;
use crate::filters::mixed;
use crate::functions::Seen;

/// Units that a reader remembers, as a power of two: 6 MB.
const REMEMBERED: u32 = 18;

/// Bytes of the units that a reader of exposures remembers.
pub fn remembered_bytes() -> u64 {
    (size_of::<(i64, Seen)>() as u64) << REMEMBERED
}

/// Rows whose places are looked at together.
const AHEAD: usize = 64;

/// The columns of exposures that are put together: the unit is the first column, a 64-bit integer.
#[derive(Clone, Copy, Debug)]
pub(super) struct SeenPlaces {
    instant: usize,
    arm: usize,
    several: usize,
}

impl SeenPlaces {
    /// Where the columns stand, of a schema with a step; `None` where units are texts, or rows say more (their stratum): those
    /// are not put together.
    pub(super) fn find(schema: &SchemaRef, names: [&str; 3]) -> Result<Option<Self>, EngineError> {
        let place = |name: &str| schema.index_of(name).map_err(|_| internal(format!("no column `{name}`")));
        let [instant, arm, several] = [place(names[0])?, place(names[1])?, place(names[2])?];
        let is_integer = schema.fields().first().is_some_and(|unit| *unit.data_type() == DataType::Int64);
        // The unit, these three, and the step.
        let is_all = schema.fields().len() == 5;
        Ok((is_integer && is_all).then_some(Self { instant, arm, several }))
    }
}

/// Puts the rows of one reader together.
pub(super) struct Together {
    schema: SchemaRef,
    places: SeenPlaces,
    step: StepPlace,
    remembered: Vec<(i64, Seen)>,
    sent: Vec<(i64, Seen)>,
    batch_size: usize,
    /// Rows by the step they came to.
    pub(super) steps: Vec<u64>,
}

impl Together {
    /// For rows of this schema, without their step.
    pub(super) fn new(schema: &SchemaRef, places: SeenPlaces, step: StepPlace, batch_size: usize) -> Self {
        Self {
            schema: Arc::clone(schema),
            places,
            step,
            remembered: vec![(0, Seen::NOTHING); 1 << REMEMBERED],
            sent: Vec::new(),
            batch_size,
            steps: vec![0; step.count],
        }
    }

    /// Takes rows, and gives those that are to go on.
    pub(super) fn add(&mut self, mut batch: RecordBatch) -> Result<Vec<RecordBatch>, EngineError> {
        let others = self.remember(&batch)?;
        let mut on = Vec::new();
        if !others.is_empty() {
            batch.remove_column(self.step.column);
            on.push(take_record_batch(&batch, &UInt32Array::from(others)).map_err(internal)?);
        }
        if self.sent.len() >= self.batch_size {
            on.push(self.batch()?);
        }
        Ok(on)
    }

    /// Everything that is remembered.
    pub(super) fn finish(mut self) -> Result<(Vec<RecordBatch>, Vec<u64>), EngineError> {
        let mut on = vec![self.batch()?];
        for remembered in std::mem::take(&mut self.remembered).chunks(self.batch_size) {
            self.sent.extend(remembered.iter().filter(|(_, seen)| seen.is_known()));
            on.push(self.batch()?);
        }
        Ok((on, self.steps))
    }

    /// Remembers the exposures that count, and gives the places of the other rows that are kept.
    fn remember(&mut self, batch: &RecordBatch) -> Result<Vec<u32>, EngineError> {
        let columns = Columns::of(batch, self.places, self.step)?;
        let mut others = Vec::new();
        for start in (0..batch.num_rows()).step_by(AHEAD) {
            let rows = start..batch.num_rows().min(start + AHEAD);
            let mut places = [0; AHEAD];
            for (place, unit) in places.iter_mut().zip(&columns.units.values()[rows.clone()]) {
                *place = (mixed(unit.cast_unsigned(), 0) >> (u64::BITS - REMEMBERED)) as usize;
            }
            // The places are far apart. Looked at together before anything depends on them, they are on their way at once.
            let looked_at = places.iter().fold(0, |looked_at, place| looked_at ^ self.remembered[*place].0);
            std::hint::black_box(looked_at);
            for (row, place) in rows.zip(places) {
                let step = usize::try_from(columns.steps.value(row)).unwrap_or(usize::MAX);
                *self.steps.get_mut(step).ok_or_else(|| internal(format!("{step} is no step")))? += 1;
                match step.cmp(&self.step.kept) {
                    Ordering::Less => {}
                    Ordering::Equal => self.see(place, columns.units.value(row), columns.seen(row)),
                    Ordering::Greater => others.push(row as u32),
                }
            }
        }
        Ok(others)
    }

    /// Remembers an exposure of a unit at its place.
    #[inline]
    fn see(&mut self, place: usize, unit: i64, seen: Seen) {
        let (known, before) = &mut self.remembered[place];
        if *known == unit {
            before.merge(seen);
            return;
        }
        if before.is_known() {
            self.sent.push((*known, *before));
        }
        (*known, *before) = (unit, seen);
    }

    /// The rows that are sent on.
    fn batch(&mut self) -> Result<RecordBatch, EngineError> {
        let sent = std::mem::take(&mut self.sent);
        let instants = sent.iter().map(|(_, seen)| seen.at()).collect::<Vec<_>>();
        let columns = [
            (0, Arc::new(sent.iter().map(|(unit, _)| *unit).collect::<Int64Array>()) as ArrayRef),
            (self.places.instant, Arc::new(TimestampMicrosecondArray::from(instants).with_timezone("UTC"))),
            (self.places.arm, Arc::new(sent.iter().map(|(_, seen)| seen.arm()).collect::<Int16Array>())),
            (
                self.places.several,
                Arc::new(sent.iter().map(|(_, seen)| Some(seen.several())).collect::<BooleanArray>()),
            ),
        ];
        let mut columns = columns.to_vec();
        columns.sort_by_key(|(place, _)| *place);
        let columns = columns.into_iter().map(|(_, column)| column).collect();
        RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(internal)
    }
}

/// The columns of a batch of exposures.
struct Columns<'a> {
    units: &'a Int64Array,
    instants: &'a TimestampMicrosecondArray,
    arms: &'a Int16Array,
    several: &'a BooleanArray,
    steps: &'a Int64Array,
}

impl<'a> Columns<'a> {
    fn of(batch: &'a RecordBatch, places: SeenPlaces, step: StepPlace) -> Result<Self, EngineError> {
        let unfit = || internal("an exposure has columns of other types");
        Ok(Self {
            units: batch.column(0).as_primitive_opt::<Int64Type>().ok_or_else(unfit)?,
            instants: batch.column(places.instant).as_primitive_opt::<TimestampMicrosecondType>().ok_or_else(unfit)?,
            arms: batch.column(places.arm).as_primitive_opt::<Int16Type>().ok_or_else(unfit)?,
            several: batch.column(places.several).as_boolean_opt().ok_or_else(unfit)?,
            steps: batch.column(step.column).as_primitive_opt::<Int64Type>().ok_or_else(unfit)?,
        })
    }

    #[inline]
    fn seen(&self, row: usize) -> Seen {
        Seen::of(self.instants.value(row), self.arms.value(row), self.several.value(row))
    }
}

#[cfg(test)]
mod tests;
