//! The exposure log: every showing of a variant, in the order of time.

use std::ops::Range;

use arrow::array::{Int64Array, RecordBatch, UInt16Array};
use arrow::error::ArrowError;

use crate::columns::Columns;
use crate::distribution::{STEP_BITS, STEPS};
use crate::draw::{Chance, Stream};
use crate::population::{DAY, Population, Unit};
use crate::validate::UNIT_COLUMN;

/// The column of the variant.
pub(crate) const VARIANT_COLUMN: &str = "variant";
/// The column of the instant.
pub(crate) const TIME_COLUMN: &str = "exposed_at";

/// A row, in the order of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    at: i64,
    unit: Option<i64>,
    arm: u16,
}

/// The rows of a day, from some of the units.
pub(crate) fn block(population: &Population, day: i64, units: Range<u64>) -> Result<RecordBatch, ArrowError> {
    let log = Log::new(population, day);
    let mut rows = Vec::new();
    for unit in units.map(|number| population.unit(number)).filter(|unit| unit.day <= day) {
        log.push(unit, &mut rows);
    }
    rows.sort_unstable();
    let arms: UInt16Array = rows.iter().map(|row| row.arm).collect::<Vec<_>>().into();
    let variants = population.warehouse.variants.iter().map(|variant| &*variant.name);
    Columns::default()
        .add(UNIT_COLUMN, true, rows.iter().map(|row| row.unit).collect::<Int64Array>())
        .words(VARIANT_COLUMN, false, arms, variants)?
        .instants(TIME_COLUMN, population, rows.iter().map(|row| row.at))
        .batch()
}

/// What decides about a day's rows.
struct Log<'a> {
    population: &'a Population,
    day: i64,
    is_last_day: bool,
    /// Exposures after the first one, a day.
    repeats: f64,
    crossovers: Crossovers,
    without_unit: Chance,
    streams: Streams,
}

struct Streams {
    repeats: Stream,
    time: Stream,
    other_variant: Stream,
    without_unit: Stream,
}

/// The units that are shown a second variant.
pub(crate) struct Crossovers {
    chance: Chance,
    stream: Stream,
}

impl Crossovers {
    pub(crate) fn new(population: &Population) -> Self {
        let warehouse = &population.warehouse;
        Self { chance: Chance::of(warehouse.flaws.crossovers), stream: stream(population, "crossovers") }
    }

    #[inline]
    pub(crate) fn holds(&self, unit: u64) -> bool {
        self.chance.hits(self.stream.draw(unit, 0))
    }
}

fn stream(population: &Population, purpose: &str) -> Stream {
    Stream::new(population.warehouse.seed, &format!("exposures: {purpose}"))
}

impl<'a> Log<'a> {
    fn new(population: &'a Population, day: i64) -> Self {
        let warehouse = &population.warehouse;
        let enrolment = f64::from(warehouse.calendar.enrolment_days);
        // A unit can be exposed again on its first day and on all later ones: on (enrolment + 1) / 2 days in the mean.
        let repeats = (warehouse.exposures_per_unit - 1.0) / f64::midpoint(enrolment, 1.0);
        let stream = |purpose: &str| stream(population, purpose);
        Self {
            population,
            day,
            is_last_day: day + 1 == i64::from(warehouse.calendar.enrolment_days),
            repeats,
            crossovers: Crossovers::new(population),
            without_unit: Chance::of(warehouse.flaws.without_unit),
            streams: Streams {
                repeats: stream("repeats"),
                time: stream("time"),
                other_variant: stream("other variant"),
                without_unit: stream("without unit"),
            },
        }
    }

    fn push(&self, unit: Unit, rows: &mut Vec<Row>) {
        if unit.day == self.day {
            self.push_row(unit, Row { at: unit.first_exposure, unit: Some(unit.id), arm: unit.arm as u16 }, 0, rows);
        }
        let repeats = self.repeats(unit);
        for number in 1..=repeats {
            let row = Row { at: self.later(unit, number), unit: Some(unit.id), arm: unit.arm as u16 };
            self.push_row(unit, row, number, rows);
        }
        if self.is_last_day && self.crossovers.holds(unit.number) {
            let number = repeats + 1;
            let row = Row { at: self.later(unit, number), unit: Some(unit.id), arm: self.other_arm(unit) };
            self.push_row(unit, row, number, rows);
        }
    }

    /// A row, and by chance another one that lacks the unit.
    fn push_row(&self, unit: Unit, row: Row, number: u64, rows: &mut Vec<Row>) {
        rows.push(row);
        if self.without_unit.hits(self.streams.without_unit.draw(unit.number, self.place(number))) {
            rows.push(Row { unit: None, ..row });
        }
    }

    /// How often the unit is exposed again on this day. Units differ in it from day to day; the mean is exact.
    fn repeats(&self, unit: Unit) -> u64 {
        let draw = self.streams.repeats.draw(unit.number, self.day as u64);
        let expected = self.repeats * self.population.activity[draw.below(STEPS as u64) as usize];
        expected as u64 + u64::from(Chance::of(expected.fract()).hits(draw.after(STEP_BITS)))
    }

    /// An instant of this day after the first exposure.
    fn later(&self, unit: Unit, number: u64) -> i64 {
        let from = if unit.day == self.day { unit.first_exposure + 1 } else { self.day * DAY };
        let until = (self.day + 1) * DAY;
        from + self.streams.time.draw(unit.number, self.place(number)).below((until - from) as u64) as i64
    }

    fn other_arm(&self, unit: Unit) -> u16 {
        let arms = self.population.warehouse.variants.len();
        let further = 1 + self.streams.other_variant.draw(unit.number, 0).below(arms as u64 - 1);
        ((unit.arm as u64 + further) % arms as u64) as u16
    }

    /// The place of an exposure among all of its unit.
    fn place(&self, number: u64) -> u64 {
        (self.day as u64) << 32 | number
    }
}
