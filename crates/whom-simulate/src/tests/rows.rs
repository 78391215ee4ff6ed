//! A warehouse read as an analysis would read it: a slow and obvious one, from rows alone.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type, TimestampMicrosecondType, UInt16Type};

use crate::{Flaws, Population, Size, TableKind, Warehouse};

/// Microseconds of a day.
pub(super) const DAY: i64 = 86_400_000_000;

/// All rows of a table, a batch for each block.
pub(super) fn batches(population: &Population, table: TableKind) -> Vec<(i64, RecordBatch)> {
    let partitions = population.partitions().into_iter().filter(|partition| partition.table == table);
    let blocks = partitions.flat_map(|partition| population.blocks(partition).map(move |block| (partition.day, block)));
    blocks.map(|(day, block)| (day, block.expect("a block"))).collect()
}

pub(super) fn integers(batch: &RecordBatch, name: &str) -> Vec<Option<i64>> {
    batch.column_by_name(name).expect(name).as_primitive::<Int64Type>().iter().collect()
}

pub(super) fn instants(batch: &RecordBatch, name: &str) -> Vec<i64> {
    batch.column_by_name(name).expect(name).as_primitive::<TimestampMicrosecondType>().values().to_vec()
}

pub(super) fn numbers(batch: &RecordBatch, name: &str) -> Vec<Option<f64>> {
    batch.column_by_name(name).expect(name).as_primitive::<Float64Type>().iter().collect()
}

pub(super) fn words(batch: &RecordBatch, name: &str) -> Vec<Option<String>> {
    let column = batch.column_by_name(name).expect(name).as_dictionary::<UInt16Type>();
    let words = column.values().as_string::<i32>();
    column.keys().iter().map(|key| key.map(|key| words.value(usize::from(key)).to_owned())).collect()
}

/// An exposure: instant, unit, variant.
pub(super) type Exposure = (i64, Option<i64>, String);

pub(super) fn exposures(population: &Population) -> Vec<Exposure> {
    let of_batch = |(_, batch): &(i64, RecordBatch)| {
        let variants = words(batch, "variant").into_iter().map(|variant| variant.expect("a variant"));
        let rows = instants(batch, "exposed_at").into_iter().zip(integers(batch, "user_id")).zip(variants);
        rows.map(|((at, unit), variant)| (at, unit, variant)).collect::<Vec<_>>()
    };
    batches(population, TableKind::Exposures).iter().flat_map(of_batch).collect()
}

/// An event.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub(super) struct Event {
    pub(super) at: i64,
    pub(super) key: i64,
    pub(super) unit: Option<i64>,
    pub(super) value: f64,
    pub(super) status: String,
}

pub(super) fn events(population: &Population, fact: usize) -> Vec<Event> {
    let names = &population.warehouse().facts[fact];
    let mut events = Vec::new();
    for (_, batch) in batches(population, TableKind::Fact(fact)) {
        let (at, keys) = (instants(&batch, &names.time), integers(&batch, &names.key));
        let (units, values) = (integers(&batch, "user_id"), numbers(&batch, &names.value));
        for (row, status) in words(&batch, "status").into_iter().enumerate() {
            let status = status.expect("a status");
            let (key, value) = (keys[row].expect("a key"), values[row].expect("a value"));
            events.push(Event { at: at[row], key, unit: units[row], value, status });
        }
    }
    events
}

/// A unit that was shown one variant only.
pub(super) struct Analysed {
    pub(super) variant: String,
    pub(super) first_exposure: i64,
    /// From the last snapshot before the day of first exposure.
    pub(super) tags: Option<Tags>,
}

/// Some of the tags of a snapshot.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tags {
    pub(super) tenure_days: f64,
    pub(super) device: String,
    /// Another one every day.
    pub(super) score: f64,
}

/// The tags in each row.
pub(super) fn tags(batch: &RecordBatch) -> Vec<Option<Tags>> {
    let (tenure, device, score) = (numbers(batch, "tenure_days"), words(batch, "device"), numbers(batch, "score"));
    let row = |row: usize| Some(Tags { tenure_days: tenure[row]?, device: device[row].clone()?, score: score[row]? });
    (0..batch.num_rows()).map(row).collect()
}

/// All units of the experiment by id; crossovers are left out, as are rows without a unit.
pub(super) fn units(population: &Population) -> BTreeMap<i64, Analysed> {
    let mut shown: BTreeMap<i64, (i64, BTreeSet<String>)> = BTreeMap::new();
    for (at, unit, variant) in exposures(population) {
        let Some(unit) = unit else { continue };
        let (first, variants) = shown.entry(unit).or_insert((at, BTreeSet::new()));
        *first = at.min(*first);
        variants.insert(variant);
    }
    let mut units: BTreeMap<i64, Analysed> = BTreeMap::new();
    for (unit, (first_exposure, variants)) in shown {
        if let Some(variant) = (variants.len() == 1).then(|| variants.into_iter().next()).flatten() {
            units.insert(unit, Analysed { variant, first_exposure, tags: None });
        }
    }
    let start = start(population);
    // Days come in ascending order, so that the last one before exposure stays.
    for (day, batch) in batches(population, TableKind::Snapshots) {
        for (unit, tags) in integers(&batch, "user_id").into_iter().zip(tags(&batch)) {
            let Some(analysed) = units.get_mut(&unit.expect("a unit")) else { continue };
            if day < (analysed.first_exposure - start).div_euclid(DAY) {
                analysed.tags = tags;
            }
        }
    }
    units
}

pub(super) fn start(population: &Population) -> i64 {
    let start = population.warehouse().calendar.start.and_time(chrono::NaiveTime::MIN);
    start.and_utc().timestamp_micros()
}

/// What each unit comes to: whether it has an event, how many, and the sum of their values.
pub(super) type Outcomes = BTreeMap<i64, [f64; 3]>;

pub(super) fn outcomes(population: &Population, fact: usize, units: &BTreeMap<i64, Analysed>) -> Outcomes {
    let window = i64::from(population.warehouse().calendar.window_days) * DAY;
    let mut outcomes: Outcomes = units.keys().map(|unit| (*unit, [0.0; 3])).collect();
    let mut seen = BTreeSet::new();
    for event in events(population, fact) {
        let Some(unit) = event.unit else { continue };
        let Some(analysed) = units.get(&unit) else { continue };
        let since = event.at - analysed.first_exposure;
        if event.status == "valid" && (0..window).contains(&since) && seen.insert(event.key) {
            let outcome = outcomes.get_mut(&unit).expect("a unit");
            *outcome = [1.0, outcome[1] + 1.0, outcome[2] + event.value];
        }
    }
    outcomes
}

/// The standard warehouse with events before and after the windows, duplicates, and rows without a unit.
pub(super) fn flawed(units: u64, seed: u64) -> Population {
    let standard = Warehouse::standard(Size::Tiny, seed);
    let flaws =
        Flaws { crossovers: 0.01, without_tags: 0.02, skipped_snapshots: 0.05, without_unit: 0.01, duplicates: 0.01 };
    Population::new(Warehouse { units, flaws, ..standard }).expect("a population")
}
