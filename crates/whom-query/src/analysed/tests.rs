use std::num::NonZeroUsize;

use datafusion::arrow::array::{ArrayRef, Float64Array};
use whom_engine::{Engine, Limits};
use whom_stats::routing::Routing;
use whom_stats::{BucketSet, CellStatistics, CellSums, Check, Folds, Grouping, Histograms, Pass, TreePass};

use super::*;
use crate::build::build;
use crate::checks::Subject;
use crate::testing::{Unwatched, Warehouse, pipeline, room, texts};

const SPLIT: &str = "  several_variants: { rule: exclude, at_most: 50% }";

const REST: &str = "facts:
  orders: { path: orders.parquet, time: at }
metrics:
  m: { role: primary, from: orders, aggregate: sum, value: amount, precision: 0.01, window: 1d, missing: drop_unit, desired: increase, matters: 1% }
tags:
  profile: { path: people.parquet, static: true, columns: { age: numeric, city: { categorical: { levels: 3 } }, height: numeric } }
cohorts:
  tall: height > 1.5
  grown_up: age >= 18";

/// Six hundred people, some of them in both variants, without a tag, or without an order.
fn warehouse() -> Warehouse {
    let name = |person: usize| format!("person {person}");
    let exposures: Vec<(String, &str, String)> = (0..600)
        .flat_map(|person| {
            let at = format!("2026-10-0{}T1{}:00:00", 6 + person % 4, person % 7);
            let variant = ["a", "b"][person % 2];
            let again =
                (person % 29 == 0).then(|| (name(person), ["b", "a"][person % 2], "2026-10-10T12:00:00".to_owned()));
            [Some((name(person), variant, at)), again]
        })
        .flatten()
        .collect();
    let rows: Vec<(&str, &str, &str)> =
        exposures.iter().map(|(unit, variant, at)| (unit.as_str(), *variant, at.as_str())).collect();
    let warehouse = Warehouse::exposing(&rows);
    let ordered: Vec<(String, String, Option<f64>)> = (0..600)
        .filter(|person| person % 11 > 0)
        .map(|person| {
            (name(person), format!("2026-10-0{}T18:00:00", 6 + person % 4), Some(f64::from(person as u32) / 8.0))
        })
        .collect();
    let rows: Vec<(&str, &str, Option<f64>)> =
        ordered.iter().map(|(unit, at, amount)| (unit.as_str(), at.as_str(), *amount)).collect();
    warehouse.write("orders.parquet", crate::testing::orders(&rows));
    let people: Vec<String> = (0..580).map(name).collect();
    let ages: ArrayRef =
        Arc::new((0..580).map(|person| (person % 13 > 0).then_some(f64::from(person % 71))).collect::<Float64Array>());
    let heights: ArrayRef = Arc::new(
        (0..580).map(|person| Some(1.2 + f64::from(person * 7_919 % 1_009) / 1_000.0)).collect::<Float64Array>(),
    );
    let cities: Vec<&str> =
        (0..580).map(|person| ["north", "south", "west", "east", "far"][person * person % 11 % 5]).collect();
    warehouse.write(
        "people.parquet",
        vec![
            ("user", texts(people.iter().map(|name| Some(name.as_str())))),
            ("age", ages),
            ("city", texts(cities.into_iter().map(Some))),
            ("height", heights),
        ],
    );
    warehouse
}

/// Everything that results are made from.
#[derive(PartialEq)]
struct Found {
    bins: Vec<TagBins>,
    tally: Tally,
    checks: Vec<Check>,
    by_first_exposure: Option<CellSums>,
    histograms: Histograms,
    cells: Vec<CellStatistics>,
    /// The same of a sample, where they are counted, and the units of its buckets.
    sampled: (Vec<CellStatistics>, u64),
    /// Bits of the means and squares of numeric tags, by tag and cohort.
    cohorts: Vec<[u64; 3]>,
}

/// What is found of the warehouse in so many pieces and rows a batch, with room for so many bytes.
async fn found(warehouse: &Warehouse, pieces: usize, batch_size: usize, resident: u64) -> Found {
    let fitted = warehouse.fit(&pipeline(SPLIT, REST)).await.unwrap();
    let limits = Limits { batch_size, pieces: NonZeroUsize::new(pieces), ..Limits::default() };
    let engine = Engine::new(&limits).unwrap();
    let table = build(&fitted.compiled, &fitted.catalog, &engine, &Unwatched).await.unwrap();
    let plan = &fitted.loaded.plan;
    let schema = UnitSchema::new(plan, &fitted.compiled).unwrap();
    let units = AnalysedUnits::new(schema, Arc::new(table), &room(resident)).unwrap();
    assert_eq!(units.source.is_streamed(), resident == 0);
    let folds = Folds::hashed(&plan.experiment);
    let checks = Subject { plan, compiled: &fitted.compiled, units: &units, folds: &folds }.judge();
    let mut tree = Routing::root();
    tree.split(0, 2, (0..100).collect());
    let asked = TreePass {
        routing: tree.clone(),
        buckets: (0..1024).step_by(2).collect(),
        weights: None,
        within: None,
        nodes: vec![0, 2],
        columns: vec![0, 1, 2, 3, 4],
    };
    let histograms = units.source.answer(Pass { trees: vec![asked] }).await.unwrap();
    let groupings = vec![Grouping::Everybody, Grouping::Leaves(tree.clone()), Grouping::Codes { column: 4, codes: 2 }];
    let sample = units.sampled(200).unwrap().unwrap();
    assert_eq!(sample.source.is_streamed(), resident == 0);
    let sampled = (sample.source.cells(groupings.clone()).await.unwrap(), sample.tally.units_in(&BucketSet::all()));
    let cells = units.source.cells(groupings).await.unwrap();
    let sums = units.sums_by_cohort(&tree).unwrap();
    let spreads = (0..3).flat_map(|tag| [sums.in_leaf(tag, 0), sums.in_leaf(tag, 1), sums.in_registered(tag, 1)]);
    let cohorts =
        spreads.flatten().map(|found| [found.values, found.mean.to_bits(), found.squares.to_bits()]).collect();
    let AnalysedUnits { bins, tally, by_first_exposure, .. } = units;
    Found { bins, tally, checks, by_first_exposure, histograms, cells, sampled, cohorts }
}

#[tokio::test(flavor = "multi_thread")]
async fn pieces_batches_and_where_units_lie_change_nothing() {
    let warehouse = warehouse();
    let reference = found(&warehouse, 1, 8192, u64::MAX).await;
    assert_eq!(reference.tally.units(), 600 - 600_usize.div_ceil(29) as u64);
    assert!(reference.by_first_exposure.is_some() && reference.cohorts.len() == 6);
    for (pieces, batch_size, resident) in
        [(1, 64, 0), (2, 8192, u64::MAX), (3, 7, 0), (40, 100, u64::MAX), (1024, 8192, 0)]
    {
        let other = found(&warehouse, pieces, batch_size, resident).await;
        let occasion = format!("{pieces} pieces, batches of {batch_size}, {resident} bytes");
        assert_eq!(other.bins, reference.bins, "{occasion}");
        assert_eq!(other.tally, reference.tally, "{occasion}");
        assert_eq!(other.checks, reference.checks, "{occasion}");
        assert_eq!(other.cohorts, reference.cohorts, "{occasion}");
        assert!(other == reference, "{occasion}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_is_its_units_and_nobody_else() {
    let warehouse = warehouse();
    let fitted = warehouse.fit(&pipeline(SPLIT, REST)).await.unwrap();
    let engine = Engine::new(&Limits::default()).unwrap();
    let table = Arc::new(build(&fitted.compiled, &fitted.catalog, &engine, &Unwatched).await.unwrap());
    let schema = UnitSchema::new(&fitted.loaded.plan, &fitted.compiled).unwrap();
    let units = AnalysedUnits::new(schema.clone(), Arc::clone(&table), &room(u64::MAX)).unwrap();
    let analysed = units.tally.units();
    assert!(units.sampled(analysed).unwrap().is_none(), "no more units than were asked for");
    let sample = units.sampled(analysed / 3).unwrap().unwrap();

    let everybody = schema.analysed(crate::testing::whole(&table)).unwrap();
    let chosen = Sampling::about(analysed / 3, analysed).of_rows(everybody).unwrap();
    assert!((analysed / 4..analysed / 2).contains(&(chosen.len() as u64)), "{} of {analysed}", chosen.len());
    let (arms, amounts) = (chosen.arms().unwrap(), chosen.metric(&units.schema.measures[0].column).unwrap());
    let counted = sample.source.cells(vec![Grouping::Everybody]).await.unwrap().remove(0).pooled(&BucketSet::all());
    for arm in 0..2 {
        let of_arm = || arms.iter().zip(&amounts).filter(|(of, _)| usize::from(**of) == arm).map(|(_, amount)| *amount);
        assert_eq!(counted.units[arm], of_arm().count() as u64);
        let sum: i64 = of_arm().filter(|amount| *amount != whom_stats::ABSENT).sum();
        assert_eq!(counted.get(arm, 0).sum, i128::from(sum));
    }
    assert_eq!((sample.tally.units(), sample.shapes), (chosen.len() as u64, units.shapes));
}

#[tokio::test]
async fn what_is_counted_is_what_hand_counting_gives() {
    let found = found(&warehouse(), 3, 64, 0).await;
    // Every 29th person saw both variants, every 11th has no order, every 13th of the first 580 no age.
    let kept = |person: &usize| !person.is_multiple_of(29);
    let count = |of: &dyn Fn(usize) -> bool| (0..600).filter(kept).filter(|person| of(*person)).count() as u64;
    let by_arm =
        |of: &dyn Fn(usize) -> bool| [0, 1].map(|arm| count(&|person| person % 2 == arm && of(person))).to_vec();
    let tally = &found.tally;
    assert_eq!((tally.exposed.clone(), tally.several.iter().sum::<u64>()), (vec![300, 300], 21));
    assert_eq!(tally.analysed, by_arm(&|_| true));
    assert_eq!(tally.with_status(0, crate::Status::has_value), by_arm(&|person| person % 11 > 0));
    let age = &tally.tags[0];
    assert_eq!(age.by_code()[71], count(&|person| person >= 580 || person % 13 == 0));
    assert_eq!(age.by_code()[7], count(&|person| person < 580 && person % 13 > 0 && person % 71 == 7));
    let everybody = age.sums.as_ref().unwrap().spread(0..2).unwrap();
    let ages: Vec<f64> =
        (0..580).filter(kept).filter(|person| person % 13 > 0).map(|person| (person % 71) as f64).collect();
    assert_eq!(everybody.values, ages.len() as u64);
    assert!((everybody.mean - ages.iter().sum::<f64>() / ages.len() as f64).abs() < 1e-12);
}

#[tokio::test]
async fn a_raised_flag_ends_every_look() {
    let fitted = warehouse().fit(&pipeline(SPLIT, REST)).await.unwrap();
    let table = Arc::new(warehouse().units(&pipeline(SPLIT, REST)).await.unwrap());
    let schema = UnitSchema::new(&fitted.loaded.plan, &fitted.compiled).unwrap();
    let room = room(u64::MAX);
    let units = AnalysedUnits::new(schema.clone(), Arc::clone(&table), &room).unwrap();
    room.cancel.store(true, std::sync::atomic::Ordering::Relaxed);
    let cancelled = |error: &QueryError| matches!(error, QueryError::Engine(whom_engine::EngineError::Cancelled));
    assert!(cancelled(&AnalysedUnits::new(schema, table, &room).unwrap_err()));
    assert!(cancelled(&units.sums_by_cohort(&Routing::root()).unwrap_err()));
}
