//! The unit table that an analysis of the warehouse must arrive at, straight from the description.

use std::ops::Range;

use arrow::array::{Float64Array, Int64Array, RecordBatch, UInt16Array};
use arrow::error::ArrowError;

use crate::columns::Columns;
use crate::exposures::Crossovers;
use crate::population::{Population, Unit};
use crate::rates::FactRates;
use crate::snapshots::Coverage;
use crate::tag::TagColumn;

/// The oldest snapshot that counts, in days before the day of exposure.
pub(crate) const OLDEST_SNAPSHOT: i64 = 7;

/// What a unit comes to in its window.
#[derive(Clone, Copy, Default)]
struct Outcome {
    count: i64,
    sum: f64,
}

impl Population {
    /// The unit table of the units of these numbers, as the pipeline file defines it: `unit`, `arm`, `first_exposure`, the metrics in
    /// the order of the pipeline file, the tags. It is in the order of units; crossovers are left out.
    ///
    /// Rows of the warehouse have no part in it, so whoever makes it from them can compare; and a tree can be grown on it
    /// without a warehouse.
    ///
    /// # Errors
    /// If its columns cannot be put together, which no description causes.
    pub fn unit_table(&self, units: Range<u64>) -> Result<RecordBatch, ArrowError> {
        let crossovers = Crossovers::new(self);
        let numbers = units.start..units.end.min(self.warehouse.units);
        let units: Vec<Unit> =
            numbers.map(|number| self.unit(number)).filter(|unit| !crossovers.holds(unit.number)).collect();
        let arms: UInt16Array = units.iter().map(|unit| unit.arm as u16).collect::<Vec<_>>().into();
        let mut columns = Columns::default()
            .add("unit", false, Int64Array::from_iter_values(units.iter().map(|unit| unit.id)))
            .words("arm", false, arms, self.warehouse.variants.iter().map(|variant| &*variant.name))?
            .instants("first_exposure", self, units.iter().map(|unit| unit.first_exposure));
        for (fact, rates) in self.warehouse.facts.iter().zip(&self.facts) {
            let outcomes: Vec<Outcome> = units.iter().map(|unit| self.outcome(rates, *unit)).collect();
            let counts = || outcomes.iter().map(|outcome| outcome.count);
            columns = columns
                .add(&fact.metrics.count, false, Int64Array::from_iter_values(counts()))
                .add(&fact.metrics.any, false, Int64Array::from_iter_values(counts().map(|count| count.min(1))))
                .add(
                    &fact.metrics.sum,
                    false,
                    Float64Array::from_iter_values(outcomes.iter().map(|outcome| outcome.sum)),
                );
        }
        self.with_tags(columns, &units)?.batch()
    }

    /// What a unit comes to in its window, whose days are the periods from the first exposure on.
    fn outcome(&self, rates: &FactRates, unit: Unit) -> Outcome {
        let mut place = None;
        let periods = 0..i64::from(self.warehouse.calendar.window_days);
        let events = periods.filter_map(|period| rates.event(self, unit, period, &mut place));
        events.filter(|event| !event.is_void).fold(Outcome::default(), |outcome, event| Outcome {
            count: outcome.count + 1,
            sum: outcome.sum + rates.amounts[usize::from(event.step)],
        })
    }

    /// The tags of the last snapshot that holds the unit, before the day of its exposure.
    fn with_tags(&self, columns: Columns, units: &[Unit]) -> Result<Columns, ArrowError> {
        let coverage = Coverage::new(self);
        let first_snapshot = self.snapshot_days().start;
        let days: Vec<Option<i64>> = units
            .iter()
            .map(|unit| {
                let oldest = first_snapshot.max(unit.day - OLDEST_SNAPSHOT);
                (oldest..unit.day).rev().find(|day| coverage.holds(unit.number, *day))
            })
            .collect();
        self.tags.iter().try_fold(columns, |columns, tag: &TagColumn| {
            let pick =
                |(unit, day): (&Unit, &Option<i64>)| day.map(|day| tag.pick(&self.tags, unit.number, day, false));
            columns.tag(tag, units.iter().zip(&days).map(pick))
        })
    }
}
