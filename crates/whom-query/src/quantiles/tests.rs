use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use whom_engine::{Engine, Limits};
use whom_stats::{CrossProducts, Grid, QuantileArm, RatioColumn, Sample, ValueCounts, bucket_of_text};

use super::*;
use crate::build::build;
use crate::testing::{Unwatched, Warehouse, numbers, orders, pipeline, room, texts};
use crate::unit_schema::UnitSchema;

const PEOPLE: usize = 700;

const SPLIT: &str = "  several_variants: { rule: exclude, at_most: 50% }";

const REST: &str = "facts:
  orders: { path: orders.parquet, time: at }
metrics:
  m: { role: primary, from: orders, aggregate: any, window: 1d, desired: increase, matters: 1% }
  large: { role: secondary, from: orders, aggregate: max, value: amount, precision: 0.01, window: 1d, quantile: { percentile: 0.75, of: units } }
  number: { role: secondary, from: orders, aggregate: count, window: 1d, quantile: { percentile: 0.5, of: units } }
  every: { role: secondary, from: orders, value: amount, precision: 0.01, window: 1d, quantile: { percentile: 0.5, of: events } }
tags:
  profile: { path: people.parquet, static: true, columns: { height: numeric } }
cohorts:
  tall: height > 0.6";

fn name(person: usize) -> String {
    format!("person {person}")
}

/// The largest order of a person in cents, twice the same for some; every seventh person orders nothing.
fn largest(person: usize) -> Option<i64> {
    (!person.is_multiple_of(7)).then_some((person * 7_919 % 350) as i64 * 25)
}

fn saw_both(person: usize) -> bool {
    person.is_multiple_of(31)
}

fn height(person: usize) -> usize {
    person * 13 % 100
}

fn warehouse() -> Warehouse {
    let names: Vec<String> = (0..PEOPLE).map(name).collect();
    let exposed = |person: usize| {
        let at = "2026-10-06T12:00:00";
        let again = saw_both(person).then(|| (names[person].as_str(), ["b", "a"][person % 2], "2026-10-07T12:00:00"));
        std::iter::once((names[person].as_str(), ["a", "b"][person % 2], at)).chain(again)
    };
    let warehouse = Warehouse::exposing(&(0..PEOPLE).flat_map(exposed).collect::<Vec<_>>());
    let ordered = |person: usize| {
        let of = move |amount: f64| (person, amount);
        largest(person).into_iter().flat_map(move |cents| [of(cents as f64 / 100.0), of(smaller(cents) as f64 / 100.0)])
    };
    let rows: Vec<(&str, &str, Option<f64>)> = (0..PEOPLE)
        .flat_map(ordered)
        .map(|(person, amount)| (names[person].as_str(), "2026-10-06T13:00:00", Some(amount)))
        .collect();
    warehouse.write("orders.parquet", orders(&rows));
    let heights: Vec<f64> = (0..PEOPLE).map(|person| height(person) as f64 / 100.0).collect();
    let columns = vec![("user", texts(names.iter().map(|name| Some(name.as_str())))), ("height", numbers(&heights))];
    warehouse.write("people.parquet", columns);
    warehouse
}

async fn units(warehouse: &Warehouse, pieces: usize, batch_size: usize, resident: u64) -> AnalysedUnits {
    let fitted = warehouse.fit(&pipeline(SPLIT, REST)).await.unwrap();
    let limits = Limits { batch_size, pieces: NonZeroUsize::new(pieces), ..Limits::default() };
    let engine = Engine::new(&limits).unwrap();
    let table = build(&fitted.compiled, &fitted.catalog, &engine, &Unwatched).await.unwrap();
    let schema = UnitSchema::new(&fitted.loaded.plan, &fitted.compiled).unwrap();
    AnalysedUnits::new(schema, Arc::new(table), &room(resident)).unwrap()
}

fn percentiles() -> [Percentile; 2] {
    [0.75, 0.5].map(|share| Percentile::new(share).unwrap())
}

/// Both metrics among every kind of group. Those whose height is among the lowest 30 are the first leaf; even buckets count.
fn asked() -> AskedQuantiles {
    let mut tree = Routing::root();
    tree.split(0, 0, (0..30).collect());
    AskedQuantiles {
        metrics: vec![(1, percentiles()[0]), (2, percentiles()[1]), (3, percentiles()[1])],
        among: vec![
            Among::Everybody,
            Among::Exposed,
            Among::Cohort(0),
            Among::BesideCohort(0),
            Among::Leaf(0),
            Among::BesideLeaf(0),
        ],
        tree: Some((tree, (0..1024).step_by(2).collect())),
    }
}

fn is_among(person: usize, among: Among) -> bool {
    let (is_tall, is_low) = (height(person) > 60, height(person) < 30);
    let counts = bucket_of_text(&name(person)).is_multiple_of(2);
    match among {
        Among::Exposed => true,
        _ if saw_both(person) => false,
        Among::Everybody => true,
        Among::Cohort(_) => is_tall,
        Among::BesideCohort(_) => !is_tall,
        Among::Leaf(_) => counts && is_low,
        Among::BesideLeaf(_) => counts && !is_low,
    }
}

/// What sorting all values of a group gives.
fn expected(among: Among, arm: usize) -> [FoundQuantile; 3] {
    let members = || (0..PEOPLE).filter(|person| person % 2 == arm && is_among(*person, among));
    let amounts: ValueCounts = members().filter_map(largest).collect();
    let numbers: ValueCounts = members().map(|person| if largest(person).is_some() { 2 } else { 0 }).collect();
    let found = |counts: ValueCounts, percentile, grid: Grid| FoundQuantile {
        units: counts.total(),
        value: counts.quantile(percentile).map(|value| grid.from_grid(value)),
        arm: QuantileArm::of_units(&counts, percentile, grid),
        clusters: None,
        scores: Vec::new(),
    };
    let cents = Grid::decimal(2).unwrap();
    [found(amounts, percentiles()[0], cents), found(numbers, percentiles()[1], Grid::INTEGER), of_events(members())]
}

/// Both orders of everybody who has some, clustered by person.
fn of_events(members: impl Iterator<Item = usize>) -> FoundQuantile {
    let orders: Vec<[i64; 2]> = members.filter_map(largest).map(|cents| [cents, smaller(cents)]).collect();
    let counts: ValueCounts = orders.iter().flatten().copied().collect();
    let median = counts.quantile(percentiles()[1]).unwrap();
    let mut products = CrossProducts::new(2);
    for person in &orders {
        products.push(&[person.iter().filter(|cents| **cents <= median).count() as i64, 2]);
    }
    let share = RatioColumn { numerator: 0, denominator: Some(1), centre: 0.0 };
    let sample = Sample::exact(&products, &[0, 0], &[Grid::INTEGER; 2]).unwrap().ratios(&[share]).unwrap();
    let grid = Grid::decimal(2).unwrap();
    FoundQuantile {
        units: orders.len() as u64,
        value: Some(grid.from_grid(median)),
        arm: QuantileArm::of_events(&counts, percentiles()[1], grid, &sample),
        clusters: None,
        scores: Vec::new(),
    }
}

/// The smaller one of two orders.
fn smaller(cents: i64) -> i64 {
    cents / 5
}

#[tokio::test(flavor = "multi_thread")]
async fn every_group_has_the_quantiles_of_its_sorted_values_whatever_the_pieces() {
    let warehouse = warehouse();
    let asked = asked();
    for (pieces, batch_size, resident) in [(1, 8192, u64::MAX), (7, 50, 0), (40, 8192, u64::MAX)] {
        let found = units(&warehouse, pieces, batch_size, resident).await.quantiles(&asked).unwrap();
        assert_eq!(found.len(), asked.among.len());
        for (among, metrics) in asked.among.iter().zip(&found) {
            for arm in [0, 1] {
                let of_arm: Vec<FoundQuantile> = metrics.iter().map(|arms| arms[arm].clone()).collect();
                assert!(of_arm[0].units > 40 && of_arm[0].arm.is_ok(), "{of_arm:?}");
                assert_eq!(of_arm, expected(*among, arm), "{among:?}, arm {arm}, {pieces} pieces");
            }
        }
    }
}

#[tokio::test]
async fn a_raised_flag_ends_the_looks_and_what_there_is_not_is_a_bug_of_ours() {
    let units = units(&warehouse(), 3, 64, u64::MAX).await;
    let of =
        |metric, among| AskedQuantiles { metrics: vec![(metric, percentiles()[0])], among: vec![among], tree: None };
    for asked in [of(9, Among::Everybody), of(1, Among::Cohort(5))] {
        assert!(matches!(units.quantiles(&asked), Err(QueryError::Internal(_))), "{asked:?}");
    }
    let none = units.quantiles(&AskedQuantiles { metrics: Vec::new(), ..asked() }).unwrap();
    assert!(none.len() == 6 && none.iter().all(Vec::is_empty));
    units.cancel().store(true, Ordering::Relaxed);
    let cancelled = units.quantiles(&asked());
    assert!(matches!(cancelled, Err(QueryError::Engine(whom_engine::EngineError::Cancelled))));
}
