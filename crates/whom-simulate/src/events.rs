//! Fact tables: events, in the order of time.

use std::ops::Range;

use arrow::array::{Float64Array, Int64Array, RecordBatch, UInt16Array};
use arrow::error::ArrowError;

use crate::columns::Columns;
use crate::distribution::STEPS;
use crate::draw::Chance;
use crate::population::{DAY, Population, Unit};
use crate::rates::FactRates;
use crate::steering::Place;
use crate::validate::{STATUS_COLUMN, UNIT_COLUMN};

/// The status of an event that counts, and of one that does not.
pub(crate) const STATUSES: [&str; 2] = ["valid", "void"];
/// The number of periods that keys have room for; a unit's periods lie around the half of it.
const PERIODS: i64 = 1 << 18;
/// Set in the key of an event without a unit, so that no two events share one.
const WITHOUT_UNIT: i64 = 1 << 61;

/// A row, in the order of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    at: i64,
    key: i64,
    unit: Option<i64>,
    /// The step of the value.
    step: u16,
    is_void: bool,
}

/// The rows of a day, from some of the units.
pub(crate) fn block(
    population: &Population,
    fact: usize,
    day: i64,
    units: Range<u64>,
) -> Result<RecordBatch, ArrowError> {
    let names = &population.warehouse.facts[fact];
    let log = Log::new(population, &population.facts[fact], day);
    let mut rows = Vec::new();
    units.for_each(|number| log.push(number, &mut rows));
    rows.sort_unstable();
    let amounts = &log.rates.amounts;
    let statuses: UInt16Array = rows.iter().map(|row| u16::from(row.is_void)).collect::<Vec<_>>().into();
    Columns::default()
        .add(&names.key, false, Int64Array::from_iter_values(rows.iter().map(|row| row.key)))
        .add(UNIT_COLUMN, true, rows.iter().map(|row| row.unit).collect::<Int64Array>())
        .instants(&names.time, population, rows.iter().map(|row| row.at))
        .add(&names.value, false, Float64Array::from_iter_values(rows.iter().map(|row| amounts[usize::from(row.step)])))
        .words(STATUS_COLUMN, false, statuses, STATUSES.into_iter())?
        .batch()
}

/// What decides about a day's rows.
struct Log<'a> {
    population: &'a Population,
    rates: &'a FactRates,
    day: i64,
    without_unit: Chance,
    duplicates: Chance,
}

impl<'a> Log<'a> {
    fn new(population: &'a Population, rates: &'a FactRates, day: i64) -> Self {
        let flaws = &population.warehouse.flaws;
        let [without_unit, duplicates] = [flaws.without_unit, flaws.duplicates].map(Chance::of);
        Self { population, rates, day, without_unit, duplicates }
    }

    /// The events of a unit on this day, which is part of two of its periods.
    fn push(&self, number: u64, rows: &mut Vec<Row>) {
        let unit = self.population.unit(number);
        let mut place = None;
        for period in [self.day - unit.day - 1, self.day - unit.day] {
            let event = self.rates.event(self.population, unit, period, &mut place);
            if let Some(event) = event.filter(|event| event.at.div_euclid(DAY) == self.day) {
                self.push_event(unit, period, event, rows);
            }
        }
    }

    /// The row of an event, with what the flaws add.
    fn push_event(&self, unit: Unit, period: i64, event: Event, rows: &mut Vec<Row>) {
        let streams = &self.rates.streams;
        let (number, place) = (unit.number, period as u64);
        let key = number as i64 * PERIODS + PERIODS / 2 + period;
        let row = Row { at: event.at, key, unit: Some(unit.id), step: event.step, is_void: event.is_void };
        rows.push(row);
        if self.duplicates.hits(streams.duplicates.draw(number, place)) {
            rows.push(row);
        }
        if self.without_unit.hits(streams.without_unit.draw(number, place)) {
            rows.push(Row { unit: None, key: row.key | WITHOUT_UNIT, ..row });
        }
    }
}

/// An event of a unit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    /// Seconds from the start of the experiment.
    pub(crate) at: i64,
    /// The step of its value.
    pub(crate) step: u16,
    pub(crate) is_void: bool,
}

impl FactRates {
    /// The event of a unit in a period of 24 hours, counted from its first exposure, if it has one. `place` is where the unit
    /// stands, once that was needed.
    #[inline]
    pub(crate) fn event(
        &self,
        population: &Population,
        unit: Unit,
        period: i64,
        place: &mut Option<Place>,
    ) -> Option<Event> {
        let (number, draw_of) = (unit.number, period as u64);
        let happens = self.streams.happens.draw(number, draw_of);
        // Most periods need no more than this.
        if !self.largest.hits(happens) {
            return None;
        }
        let place = *place.get_or_insert_with(|| population.place(number));
        let arm = (period >= 0).then_some(unit.arm);
        Chance::of(self.rate(place, arm)).hits(happens).then(|| Event {
            at: unit.first_exposure + period * DAY + self.streams.time.draw(number, draw_of).below(DAY as u64) as i64,
            step: self.streams.amount.draw(number, draw_of).below(STEPS as u64) as u16,
            is_void: self.void.hits(self.streams.void.draw(number, draw_of)),
        })
    }
}
