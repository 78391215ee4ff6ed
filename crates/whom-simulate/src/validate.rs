//! What a description must be, before anything is drawn from it.

use chrono::Datelike;

use crate::description::{Cohort, Effect, Fact, Test, Warehouse};
use crate::error::SimulateError;
use crate::steering::in_backticks;
use crate::tag::{Tag, Values};

/// The most units of a population: their ids and the keys of their events stay far below 2^63.
const MOST_UNITS: u64 = 1 << 40;

/// The description, if it is sound.
pub(crate) fn validated(warehouse: Warehouse) -> Result<Warehouse, SimulateError> {
    numbers(&warehouse)?;
    names(&warehouse)?;
    warehouse
        .variants
        .iter()
        .try_for_each(|variant| positive(&format!("the weight of `{}`", variant.name), variant.weight))?;
    for (place, tag) in warehouse.tags.iter().enumerate() {
        valid_tag(tag, &warehouse.tags[..place])?;
    }
    for prognosis in &warehouse.prognosis {
        let name = format!("the strength of `{}`", prognosis.tag);
        within(&name, prognosis.strength, -1.0..=1.0, "between -1 and 1")?;
    }
    warehouse.facts.iter().try_for_each(valid_fact)?;
    warehouse.cohorts.iter().try_for_each(|cohort| valid_cohort(cohort, &warehouse))?;
    valid_effects(&warehouse.elsewhere, &warehouse)?;
    Ok(warehouse)
}

fn numbers(warehouse: &Warehouse) -> Result<(), SimulateError> {
    let calendar = &warehouse.calendar;
    let count =
        |name: &str, value: u64, most: u64, range: &'static str| within(name, value as f64, 1.0..=most as f64, range);
    count("the number of units", warehouse.units, MOST_UNITS, "1 to 2^40")?;
    count("the number of units of a file", warehouse.units_per_file, MOST_UNITS, "1 to 2^40")?;
    count("the number of days of enrolment", calendar.enrolment_days.into(), 1_000, "1 to 1,000")?;
    count("the number of days of the window", calendar.window_days.into(), 1_000, "1 to 1,000")?;
    within("the number of variants", warehouse.variants.len() as f64, 2.0..=256.0, "2 to 256")?;
    within("the year of the start", calendar.start.year().into(), 1970.0..=9_000.0, "1970 to 9000")?;
    within("the number of exposures of a unit", warehouse.exposures_per_unit, 1.0..=10_000.0, "1 to 10,000")?;
    let flaws = &warehouse.flaws;
    share("the share of crossovers", flaws.crossovers)?;
    share("the share of units without tags", flaws.without_tags)?;
    share("the share of skipped snapshots", flaws.skipped_snapshots)?;
    share("the share of rows without a unit", flaws.without_unit)?;
    share("the share of duplicates", flaws.duplicates)
}

fn names(warehouse: &Warehouse) -> Result<(), SimulateError> {
    name("experiment", &warehouse.experiment)?;
    distinct("variant", warehouse.variants.iter().map(|variant| &*variant.name))?;
    distinct("tag", warehouse.tags.iter().map(|tag| &*tag.name))?;
    distinct("cohort", warehouse.cohorts.iter().map(|cohort| &*cohort.name))?;
    let tables = RESERVED_TABLES.into_iter().chain(warehouse.facts.iter().map(|fact| &*fact.name));
    distinct("table", tables)?;
    let metrics = warehouse.facts.iter().map(|fact| &fact.metrics);
    distinct("metric", metrics.flat_map(|metrics| [&*metrics.any, &*metrics.count, &*metrics.sum]))
}

/// The tables that every warehouse has.
pub(crate) const RESERVED_TABLES: [&str; 2] = ["exposures", "snapshots"];

fn valid_tag(tag: &Tag, before: &[Tag]) -> Result<(), SimulateError> {
    share(&format!("the share of missing `{}`", tag.name), tag.missing)?;
    match &tag.values {
        Values::Numbers { distribution, .. } => distribution.validate(&tag.name)?,
        Values::Levels(levels) => {
            let name = format!("the number of levels of `{}`", tag.name);
            within(&name, levels.len() as f64, 1.0..=4_096.0, "1 to 4,096")?;
            distinct("level", levels.iter().map(|level| &*level.name))?;
            levels.iter().try_for_each(|level| positive(&format!("the share of `{}`", level.name), level.share))?;
        }
    }
    let Some(follow) = &tag.follows else { return Ok(()) };
    share(&format!("how far `{}` follows `{}`", tag.name, follow.tag), follow.share)?;
    let leaders = || before.iter().filter(|tag| tag.follows.is_none()).map(|tag| &*tag.name);
    known("tag to follow", &follow.tag, leaders())
}

fn valid_fact(fact: &Fact) -> Result<(), SimulateError> {
    let columns = [&*fact.key, &fact.time, &fact.value, UNIT_COLUMN, STATUS_COLUMN, DAY_COLUMN];
    distinct("column", columns.into_iter())?;
    share(&format!("the rate of `{}`", fact.name), fact.rate)?;
    share(&format!("the share of void events of `{}`", fact.name), fact.void)?;
    fact.amount.validate(&fact.value)
}

/// The column of the unit, in every table.
pub(crate) const UNIT_COLUMN: &str = "user_id";
/// The column of an event's status.
pub(crate) const STATUS_COLUMN: &str = "status";
/// The column of the partitions.
pub(crate) const DAY_COLUMN: &str = "dt";

fn valid_cohort(cohort: &Cohort, warehouse: &Warehouse) -> Result<(), SimulateError> {
    for condition in &cohort.conditions {
        if let Test::Lowest(lowest) | Test::AllBut(lowest) = condition.test {
            share(&format!("the share of `{}` in cohort `{}`", condition.tag, cohort.name), lowest)?;
        }
    }
    valid_effects(&cohort.effects, warehouse)
}

fn valid_effects(effects: &[Effect], warehouse: &Warehouse) -> Result<(), SimulateError> {
    effects.iter().try_for_each(|effect| {
        known("fact", &effect.fact, warehouse.facts.iter().map(|fact| &*fact.name))?;
        known("variant", &effect.variant, warehouse.variants.iter().map(|variant| &*variant.name))?;
        within("the rate of an effect", effect.rate, -1.0..=1.0, "between -1 and 1")
    })
}

fn within(
    name: &str,
    value: f64,
    valid: std::ops::RangeInclusive<f64>,
    range: &'static str,
) -> Result<(), SimulateError> {
    if valid.contains(&value) { Ok(()) } else { Err(SimulateError::OutOfRange { name: name.to_owned(), value, range }) }
}

fn share(name: &str, value: f64) -> Result<(), SimulateError> {
    within(name, value, 0.0..=1.0, "between 0 and 1")
}

fn positive(name: &str, value: f64) -> Result<(), SimulateError> {
    within(name, value, f64::MIN_POSITIVE..=f64::MAX, "above 0")
}

fn known<'a>(
    kind: &'static str,
    name: &str,
    valid: impl Iterator<Item = &'a str> + Clone,
) -> Result<(), SimulateError> {
    if valid.clone().any(|found| found == name) {
        return Ok(());
    }
    Err(SimulateError::Unknown { kind, name: name.to_owned(), valid: in_backticks(valid) })
}

fn distinct<'a>(kind: &'static str, names: impl Iterator<Item = &'a str>) -> Result<(), SimulateError> {
    let mut names: Vec<&str> = names.collect();
    names.iter().try_for_each(|found| name(kind, found))?;
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(SimulateError::RepeatedName { kind, name: pair[0].to_owned() }),
        None => Ok(()),
    }
}

fn name(kind: &'static str, name: &str) -> Result<(), SimulateError> {
    let is_sound = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    if is_sound { Ok(()) } else { Err(SimulateError::InvalidName { kind, name: name.to_owned() }) }
}

#[cfg(test)]
mod tests;
