//! Daily snapshots of the tags: a row a unit, in the order of units, which is none of the ids.

use std::ops::Range;

use arrow::array::{Float64Array, Int64Array, RecordBatch, UInt16Array};
use arrow::error::ArrowError;

use crate::columns::Columns;
use crate::draw::{Chance, Stream};
use crate::population::Population;
use crate::tag::{Pick, Table, TagColumn, between};
use crate::validate::UNIT_COLUMN;

/// A unit in a snapshot.
#[derive(Clone, Copy)]
struct Known {
    number: u64,
    id: i64,
    is_exposed: bool,
}

/// The rows of a day, from some of the units.
pub(crate) fn block(population: &Population, day: i64, units: Range<u64>) -> Result<RecordBatch, ArrowError> {
    let known = known(population, day, units);
    let ids = Int64Array::from_iter_values(known.iter().map(|unit| unit.id));
    let columns = Columns::default().add(UNIT_COLUMN, false, ids);
    population.tags.iter().try_fold(columns, |columns, tag| add(columns, population, tag, day, &known))?.batch()
}

/// The units that the day's snapshot holds.
fn known(population: &Population, day: i64, units: Range<u64>) -> Vec<Known> {
    let warehouse = &population.warehouse;
    let stream = |purpose: &str| Stream::new(warehouse.seed, &format!("snapshots: {purpose}"));
    let (never, skipped) = (stream("never"), stream("skipped"));
    let [without_tags, skips] = [warehouse.flaws.without_tags, warehouse.flaws.skipped_snapshots].map(Chance::of);
    units
        .filter(|number| !without_tags.hits(never.draw(*number, 0)) && !skips.hits(skipped.draw(*number, day as u64)))
        .map(|number| {
            let unit = population.unit(number);
            Known { number, id: unit.id, is_exposed: unit.day <= day }
        })
        .collect()
}

/// Adds the column of a tag.
fn add(
    columns: Columns,
    population: &Population,
    tag: &TagColumn,
    day: i64,
    known: &[Known],
) -> Result<Columns, ArrowError> {
    let picks = known.iter().map(|unit| tag.pick(&population.tags, unit.number, day, unit.is_exposed));
    let present = |pick: Pick| (!tag.missing.hits(pick.rest)).then_some(pick);
    match &tag.table {
        Table::Numbers { values, fine: true } => {
            let numbers: Float64Array = picks.map(|pick| present(pick).map(|pick| between(values, pick))).collect();
            Ok(columns.add(&tag.name, true, numbers))
        }
        Table::Numbers { values, fine: false } => {
            let numbers: Float64Array = picks.map(|pick| present(pick).map(|pick| values[pick.step])).collect();
            Ok(columns.add(&tag.name, true, numbers))
        }
        Table::Levels { steps, names } => {
            let levels: UInt16Array = picks.map(|pick| present(pick).map(|pick| steps[pick.step])).collect();
            columns.words(&tag.name, true, levels, names.iter().map(String::as_str))
        }
    }
}
