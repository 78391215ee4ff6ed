//! A described population, ready to be drawn.

use crate::description::{Fact, Warehouse};
use crate::distribution::{STEPS, mean};
use crate::draw::{Chance, Stream};
use crate::error::SimulateError;
use crate::rates::FactRates;
use crate::steering::{Place, Steering, Steps};
use crate::tag::{Table, TagColumn};
use crate::unit_id::UnitIds;
use crate::validate::validated;

/// Seconds of a day.
pub(crate) const DAY: i64 = 86_400;

/// A population. It holds tables of some hundred kilobytes and no units: whatever is asked about a unit is computed.
#[derive(Clone, Debug)]
pub struct Population {
    pub(crate) warehouse: Warehouse,
    pub(crate) tags: Vec<TagColumn>,
    pub(crate) steering: Steering,
    pub(crate) facts: Vec<FactRates>,
    pub(crate) activity: Vec<f64>,
    ids: UnitIds,
    /// For each variant but the last, the chance of it or one before it.
    arms: Vec<Chance>,
    units: Stream,
}

/// A unit, from its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unit {
    pub(crate) number: u64,
    pub(crate) id: i64,
    /// The place of its variant.
    pub(crate) arm: usize,
    /// The day of its first exposure, counted from the start.
    pub(crate) day: i64,
    /// The instant of its first exposure, in seconds from the start.
    pub(crate) first_exposure: i64,
}

/// What a unit's random number is for.
#[derive(Clone, Copy)]
enum Choice {
    Arm,
    Day,
    TimeOfDay,
}

impl Population {
    /// Checks a description and makes the tables that its draws need.
    ///
    /// # Errors
    /// If a number is out of its range, a name is odd, repeated or unknown, a steering tag is not independent, or a rate is no
    /// probability.
    pub fn new(warehouse: Warehouse) -> Result<Self, SimulateError> {
        let warehouse = validated(warehouse)?;
        let tags = tag_columns(&warehouse);
        let steering = Steering::new(&warehouse.tags, &tags, &warehouse.prognosis, &warehouse.cohorts)?;
        let rates = |fact: &Fact| FactRates::new(fact, &warehouse, &steering);
        Ok(Self {
            facts: warehouse.facts.iter().map(rates).collect::<Result<_, _>>()?,
            activity: activity(),
            ids: UnitIds::new(warehouse.seed, warehouse.units),
            arms: arms(&warehouse),
            units: Stream::new(warehouse.seed, "unit"),
            tags,
            steering,
            warehouse,
        })
    }

    /// The description.
    pub fn warehouse(&self) -> &Warehouse {
        &self.warehouse
    }

    /// The unit of a number below the number of units.
    #[inline]
    pub(crate) fn unit(&self, number: u64) -> Unit {
        let draw = |choice: Choice| self.units.draw(number, choice as u64);
        let arm = draw(Choice::Arm);
        let day = draw(Choice::Day).below(self.warehouse.calendar.enrolment_days.into()) as i64;
        // The last second of the day is left for an exposure that comes later on that day.
        let time = draw(Choice::TimeOfDay).below(DAY as u64 - 1) as i64;
        Unit {
            number,
            id: self.ids.id(number),
            arm: self.arms.iter().filter(|chance| !chance.hits(arm)).count(),
            day,
            first_exposure: day * DAY + time,
        }
    }

    /// Where a unit stands, by its tags before first exposure.
    pub(crate) fn place(&self, unit: u64) -> Place {
        let mut steps = Steps::default();
        for (step, column) in steps.iter_mut().zip(&self.steering.columns) {
            *step = self.tags[*column].pick(&self.tags, unit, 0, false).step as u16;
        }
        self.steering.place(&steps)
    }
}

fn tag_columns(warehouse: &Warehouse) -> Vec<TagColumn> {
    let place = |name: &str| warehouse.tags.iter().position(|tag| tag.name == name);
    let columns = warehouse.tags.iter().map(|tag| TagColumn {
        name: tag.name.clone(),
        table: Table::of(&tag.values),
        change: tag.change,
        missing: Chance::of(tag.missing),
        follows: tag.follows.as_ref().and_then(|follow| Some((place(&follow.tag)?, Chance::of(follow.share)))),
        stream: Stream::new(warehouse.seed, &format!("tag {}", tag.name)),
    });
    columns.collect()
}

fn arms(warehouse: &Warehouse) -> Vec<Chance> {
    let all: f64 = warehouse.variants.iter().map(|variant| variant.weight).sum();
    let reached = warehouse.variants.iter().scan(0.0, |reached, variant| {
        *reached += variant.weight;
        Some(Chance::of(*reached / all))
    });
    reached.take(warehouse.variants.len().saturating_sub(1)).collect()
}

/// How much more active than the mean each of equally many units is on a day: exponential, with mean 1 to the last bit
/// but rounding.
fn activity() -> Vec<f64> {
    let raw: Vec<f64> = (0..STEPS).map(|step| -libm::log1p(-(step as f64 + 0.5) / STEPS as f64)).collect();
    let mean = mean(&raw);
    raw.iter().map(|activity| activity / mean).collect()
}
