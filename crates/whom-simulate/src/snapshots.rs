//! Daily snapshots of the tags: a row a unit, in the order of units, which is none of the ids.

use std::ops::Range;

use arrow::array::{Float64Array, Int64Array, RecordBatch, UInt16Array};
use arrow::error::ArrowError;

use crate::columns::Columns;
use crate::draw::{Chance, Stream};
use crate::population::{Population, Unit};
use crate::tag::{Pick, Table, TagColumn, between};
use crate::validate::UNIT_COLUMN;

/// The rows of a day, from some of the units.
pub(crate) fn block(population: &Population, day: i64, units: Range<u64>) -> Result<RecordBatch, ArrowError> {
    let coverage = Coverage::new(population);
    let known: Vec<Unit> =
        units.filter(|number| coverage.holds(*number, day)).map(|number| population.unit(number)).collect();
    let ids = Int64Array::from_iter_values(known.iter().map(|unit| unit.id));
    let columns = Columns::default().add(UNIT_COLUMN, false, ids);
    let with_tag = |columns: Columns, tag: &TagColumn| {
        let pick = |unit: &Unit| tag.pick(&population.tags, unit.number, day, unit.day <= day);
        columns.tag(tag, known.iter().map(|unit| Some(pick(unit))))
    };
    population.tags.iter().try_fold(columns, with_tag)?.batch()
}

/// Which units a snapshot holds.
pub(crate) struct Coverage {
    never: (Stream, Chance),
    skipped: (Stream, Chance),
}

impl Coverage {
    pub(crate) fn new(population: &Population) -> Self {
        let warehouse = &population.warehouse;
        let of = |purpose: &str, share: f64| {
            (Stream::new(warehouse.seed, &format!("snapshots: {purpose}")), Chance::of(share))
        };
        let flaws = &warehouse.flaws;
        Self { never: of("never", flaws.without_tags), skipped: of("skipped", flaws.skipped_snapshots) }
    }

    /// Whether the snapshot of a day holds a unit.
    #[inline]
    pub(crate) fn holds(&self, unit: u64, day: i64) -> bool {
        let hits = |(stream, chance): &(Stream, Chance), number: i64| chance.hits(stream.draw(unit, number as u64));
        !hits(&self.never, 0) && !hits(&self.skipped, day)
    }
}

impl Columns {
    /// The column of a tag, from what was drawn; nothing was drawn where nothing is known.
    ///
    /// # Errors
    /// If the column cannot be put together, which no description causes.
    pub(crate) fn tag(self, tag: &TagColumn, picks: impl Iterator<Item = Option<Pick>>) -> Result<Self, ArrowError> {
        let present = picks.map(|pick| pick.filter(|pick| !tag.missing.hits(pick.rest)));
        match &tag.table {
            Table::Numbers { values, fine: true } => {
                let numbers: Float64Array = present.map(|pick| pick.map(|pick| between(values, pick))).collect();
                Ok(self.add(&tag.name, true, numbers))
            }
            Table::Numbers { values, fine: false } => {
                let numbers: Float64Array = present.map(|pick| pick.map(|pick| values[pick.step])).collect();
                Ok(self.add(&tag.name, true, numbers))
            }
            Table::Levels { steps, names } => {
                let levels: UInt16Array = present.map(|pick| pick.map(|pick| steps[pick.step])).collect();
                self.words(&tag.name, true, levels, names.iter().map(String::as_str))
            }
        }
    }
}
