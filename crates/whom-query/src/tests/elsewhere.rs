//! The unit table is the same wherever it is made, and a caller that was killed goes on from what is done.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::ipc::reader::StreamReader;
use datafusion::arrow::ipc::writer::StreamWriter;
use serde::{Deserialize, Serialize};
use whom_engine::{
    Bench, Dispatch, EngineError, Order, Rows, StageFigures, StageOrder, StageProgress, StoredRows, Take, Worker,
    blocking,
};
use whom_stats::bucket::bucket_of_text;
use whom_stats::{BucketSet, Grouping, Pass, Routing, TreePass, UnitSample};
use whom_store::{ErrorKind, Exchange, Location, Stores};

use crate::analysed::AnalysedUnits;
use crate::build::{Keeping, build};
use crate::elsewhere::{Elsewhere, UnitTableWorker, build_elsewhere};
use crate::error::QueryError;
use crate::look::{Look, Looks};
use crate::testing::{
    Fitted, Unwatched, Warehouse, by_unit, exposures, integers, numbers, orders, pipeline, room, texts, texts_by_unit,
    units,
};
use crate::unit_schema::UnitSchema;
use crate::unit_table::{UnitRows, UnitTable};

/// Does every part twice, the last one first, and answers with what came of the second time.
#[derive(Debug)]
struct Crew {
    worker: UnitTableWorker,
    bench: Bench,
    stages: Mutex<Vec<(String, usize)>>,
    /// The stage before which the way to it breaks.
    breaks_before: AtomicUsize,
}

impl Crew {
    fn new(warehouse: &Warehouse) -> Arc<Self> {
        let spill = warehouse.path().join("spill");
        let bench = Bench { host: "one".to_owned(), memory: 256 << 20, spill, cancel: Arc::default() };
        let breaks_before = AtomicUsize::new(usize::MAX);
        let worker = UnitTableWorker::new(Stores::new(), Looks::of_units().with::<EveryUnit>());
        Arc::new(Self { worker, bench, stages: Mutex::default(), breaks_before })
    }
}

#[async_trait]
impl Dispatch for Crew {
    async fn dispatch_each(&self, stage: StageOrder, take: &mut Take<'_>) -> Result<(), EngineError> {
        let before = self.stages.lock().unwrap().len();
        if before == self.breaks_before.load(Ordering::Relaxed) {
            return Err(EngineError::Elsewhere { kind: ErrorKind::Transient, problem: "nobody is there".to_owned() });
        }
        self.stages.lock().unwrap().push((stage.name.clone(), stage.parts.len()));
        let mut answers = Vec::new();
        for part in stage.parts.into_iter().rev() {
            let (stage, common, bench) = (stage.name.clone(), stage.common.clone(), self.bench.clone());
            let order = Order { stage, common, part, bench };
            self.worker.work(order.clone()).await?;
            answers.push(self.worker.work(order).await?);
        }
        answers.into_iter().rev().try_for_each(take)
    }

    async fn slots(&self) -> Result<usize, EngineError> {
        Ok(2)
    }

    fn progress(&self) -> Option<StageProgress> {
        None
    }

    fn figures(&self) -> Vec<StageFigures> {
        Vec::new()
    }
}

const REST: &str = "facts:
  orders: { path: orders/, time: at, unique: id }
metrics:
  spend: { role: primary, from: orders, value: amount, precision: 0.01, aggregate: sum, window: 2d, desired: increase, matters: 1% }
  bought: { role: secondary, from: orders, aggregate: any, window: 2d }
tags:
  known: { path: tags.parquet, static: true, columns: { age: numeric, device: categorical } }
cohorts:
  old: age > 1";

fn warehouse() -> Warehouse {
    let names: Vec<String> = (0..40).map(|unit| format!("u{unit}")).collect();
    let seen: Vec<(&str, &str, &str)> = names
        .iter()
        .enumerate()
        .map(|(place, name)| (name.as_str(), if place % 2 == 0 { "a" } else { "b" }, "2026-10-05T12:00:00"))
        .collect();
    let warehouse = Warehouse::exposing(&seen);
    warehouse.write("split.parquet", exposures(&seen));
    for (file, shift) in [("one", 0), ("two", 1)] {
        let sold: Vec<_> = names
            .iter()
            .enumerate()
            .filter(|(place, _)| place % 3 == shift)
            .map(|(place, name)| (name.as_str(), "2026-10-05T14:00:00", Some(place as f64 * 0.5)))
            .collect();
        let ids: Vec<i64> = (0..sold.len() as i64).map(|id| id * 2 + shift as i64).collect();
        let mut sold = orders(&sold);
        sold.push(("id", integers(&ids)));
        warehouse.write(&format!("orders/{file}.parquet"), sold);
    }
    let ages: Vec<f64> = (0..40).map(f64::from).collect();
    let devices = names.iter().enumerate().map(|(place, _)| Some(if place % 4 == 0 { "phone" } else { "desk" }));
    let ids = texts(names.iter().map(|name| Some(name.as_str())));
    warehouse.write("tags.parquet", vec![("user", ids), ("age", numbers(&ages)), ("device", texts(devices))]);
    warehouse
}

async fn elsewhere(warehouse: &Warehouse, crew: &Arc<Crew>) -> Result<(UnitTable, Keeping), QueryError> {
    made_elsewhere(&pipeline("", REST), warehouse, crew).await
}

async fn made_elsewhere(
    text: &str,
    warehouse: &Warehouse,
    crew: &Arc<Crew>,
) -> Result<(UnitTable, Keeping), QueryError> {
    let Fitted { catalog, compiled, engine, .. } = warehouse.fit(text).await.unwrap();
    let location = Location::output("exchange", warehouse.path()).unwrap();
    let exchange = Exchange::create(&Stores::new(), &location).unwrap();
    let elsewhere = Elsewhere { dispatch: Arc::clone(crew) as _, exchange };
    build_elsewhere(&compiled, &catalog, &engine, &Unwatched, &elsewhere).await
}

async fn here(warehouse: &Warehouse) -> (UnitTable, Fitted) {
    made_here(&pipeline("", REST), warehouse).await
}

async fn made_here(text: &str, warehouse: &Warehouse) -> (UnitTable, Fitted) {
    let fitted = warehouse.fit(text).await.unwrap();
    let table = build(&fitted.compiled, &fitted.catalog, &fitted.engine, &Unwatched).await.unwrap();
    (table, fitted)
}

/// The look that sees everything.
#[derive(Serialize, Deserialize)]
struct EveryUnit;

impl Look for EveryUnit {
    const NAME: &'static str = "everything";
    /// Batches of units, in their order.
    type Seen = Vec<Vec<u8>>;
    type Ready<'a> = ();

    fn ready(&self) -> Result<(), QueryError> {
        Ok(())
    }

    fn nothing(&self) -> Self::Seen {
        Vec::new()
    }

    fn add((): &(), seen: &mut Self::Seen, rows: UnitRows) -> Result<(), QueryError> {
        let mut bytes = Vec::new();
        let mut writer = StreamWriter::try_new(&mut bytes, &rows.batch().schema()).unwrap();
        writer.write(rows.batch()).unwrap();
        writer.finish().unwrap();
        drop(writer);
        seen.push(bytes);
        Ok(())
    }

    fn merged(mut one: Self::Seen, other: Self::Seen) -> Self::Seen {
        one.extend(other);
        one
    }
}

/// A table that was made elsewhere, brought here.
fn brought(table: &UnitTable) -> UnitTable {
    let seen = table.look(&EveryUnit, &AtomicBool::new(false)).unwrap();
    let batches = seen.iter().flat_map(|bytes| StreamReader::try_new(bytes.as_slice(), None).unwrap());
    let batches: Vec<RecordBatch> = batches.map(Result::unwrap).collect();
    let rows = StoredRows::uncounted(Rows { schema: batches[0].schema(), batches });
    UnitTable::new(vec![Arc::new(rows)], table.flow.clone()).unwrap()
}

fn assert_same(here: &UnitTable, elsewhere: &UnitTable) {
    let (one, other) = (here, &brought(elsewhere));
    assert!(elsewhere.read().next().unwrap().is_err(), "nobody reads here what lies elsewhere");
    assert_eq!(one.flow, other.flow);
    assert_eq!(units(one), units(other));
    for column in ["metric spend", "status of spend", "metric bought", "arm", "bucket", "tag age", "cohort old"] {
        assert_eq!(by_unit(one, column), by_unit(other, column), "{column}");
    }
    assert_eq!(texts_by_unit(one, "tag device"), texts_by_unit(other, "tag device"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_unit_table_is_the_same_wherever_it_is_made_and_however_often_a_part_is_done() {
    let warehouse = warehouse();
    let crew = Crew::new(&warehouse);
    let (made_here, fitted) = here(&warehouse).await;
    let (made_elsewhere, _) = elsewhere(&warehouse, &crew).await.unwrap();
    assert_same(&made_here, &made_elsewhere);
    assert_eq!(made_elsewhere.units(), 40);
    let stages = crew.stages.lock().unwrap().clone();
    assert!(stages.iter().any(|(name, parts)| name == "rows of orders" && *parts > 1), "{stages:?}");
    assert!(stages.iter().any(|(name, parts)| name == "keys of orders" && *parts == 4), "{stages:?}");
    let scanned = fitted.compiled.statements.iter().find(|statement| statement.purpose.table() == "rows of orders");
    assert!(fitted.engine.ledger().executed(&scanned.unwrap().sql).is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn units_lie_in_the_order_of_the_buckets_of_their_clusters_wherever_they_are_put_there() {
    let warehouse = warehouse();
    let names: Vec<String> = (0..40).map(|unit| format!("u{unit}")).collect();
    let seen: Vec<(&str, &str, &str)> = names.iter().map(|name| (name.as_str(), "a", "2026-10-05T12:00:00")).collect();
    // The last unit has no home: it is refused when clusters are counted, and lost nowhere before.
    let homes: Vec<Option<String>> = (0..40).map(|unit| (unit < 39).then(|| format!("h{}", unit % 7))).collect();
    let mut split = exposures(&seen);
    split.push(("home", texts(homes.iter().map(Option::as_deref))));
    warehouse.write("split.parquet", split);
    let text = pipeline("", REST).replace("unit: user\n", "unit: user\ncluster: home\n");
    let (table, _) = made_here(&text, &warehouse).await;
    let mut expected: Vec<(i64, String)> = names
        .iter()
        .zip(&homes)
        .map(|(name, home)| (i64::from(bucket_of_text(home.as_deref().unwrap_or_default())), name.clone()))
        .collect();
    expected.sort();
    let buckets = by_unit(&table, "bucket");
    let found: Vec<(i64, String)> =
        units(&table).into_iter().map(|name| (buckets[&name].expect("a bucket"), name)).collect();
    assert_eq!(found, expected);
    let crew = Crew::new(&warehouse);
    assert_same(&table, &made_elsewhere(&text, &warehouse, &crew).await.unwrap().0);
    let stages = crew.stages.lock().unwrap().clone();
    assert!(stages.iter().any(|(name, parts)| name == "units_of_clusters" && *parts == 4), "{stages:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_was_killed_goes_on_after_the_last_stage_that_was_done() {
    let warehouse = warehouse();
    let (expected, _) = here(&warehouse).await;
    let all = {
        let crew = Crew::new(&warehouse);
        elsewhere(&warehouse, &crew).await.unwrap();
        crew.stages.lock().unwrap().len()
    };
    for breaks_before in 0..all {
        std::fs::remove_dir_all(warehouse.path().join("exchange")).unwrap();
        let crew = Crew::new(&warehouse);
        crew.breaks_before.store(breaks_before, Ordering::Relaxed);
        elsewhere(&warehouse, &crew).await.map(|_| ()).unwrap_err();
        crew.breaks_before.store(usize::MAX, Ordering::Relaxed);
        let (table, keeping) = elsewhere(&warehouse, &crew).await.unwrap();
        assert_eq!(keeping.resumed.is_some(), breaks_before > 0, "{breaks_before}");
        assert_eq!(crew.stages.lock().unwrap().len(), all, "no stage is repeated that was done");
        assert_same(&expected, &table);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_begins_anew_where_rows_of_an_earlier_caller_were_removed() {
    let warehouse = warehouse();
    let (expected, _) = here(&warehouse).await;
    let crew = Crew::new(&warehouse);
    elsewhere(&warehouse, &crew).await.unwrap();
    let (_, keeping) = elsewhere(&warehouse, &crew).await.unwrap();
    assert!(keeping.resumed.is_some());
    for folder in ["rows", "filters"] {
        std::fs::remove_dir_all(warehouse.path().join("exchange").join(folder)).unwrap();
        let (table, keeping) = elsewhere(&warehouse, &crew).await.unwrap();
        assert_same(&expected, &table);
        assert_eq!(keeping.resumed, None, "without {folder}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn units_are_looked_at_and_asked_where_they_lie_as_they_are_here() {
    let warehouse = warehouse();
    let (made_here, fitted) = here(&warehouse).await;
    let (made_elsewhere, _) = elsewhere(&warehouse, &Crew::new(&warehouse)).await.unwrap();
    let analysed = async |table: UnitTable| {
        let schema = UnitSchema::new(&fitted.loaded.plan, &fitted.compiled).unwrap();
        let room = room(u64::MAX);
        blocking(&Arc::clone(&room.cancel), move || AnalysedUnits::new(schema, Arc::new(table), &room)).await.unwrap()
    };
    let (one, other) = (analysed(made_here).await, analysed(made_elsewhere).await);
    assert_eq!((&one.bins, &one.tally, &one.shapes), (&other.bins, &other.tally, &other.shapes));
    let mut tree = Routing::root();
    tree.split(0, one.tag_column("device").unwrap(), std::iter::once(0).collect());
    let pass = |tree: &Routing| {
        let (routing, columns) = (tree.clone(), (0..one.shapes.len()).collect());
        Pass {
            trees: vec![TreePass {
                routing,
                buckets: BucketSet::all(),
                weights: None,
                within: None,
                nodes: vec![0, 1, 2],
                columns,
            }],
        }
    };
    assert!(one.source.answer(pass(&tree)).await.unwrap() == other.source.answer(pass(&tree)).await.unwrap());
    let groupings = || vec![Grouping::Everybody, Grouping::Leaves(tree.clone())];
    assert!(one.source.cells(groupings()).await.unwrap() == other.source.cells(groupings()).await.unwrap());
    let groups = || one.groups.clone();
    let sums = one.source.sums(groupings(), groups()).await.unwrap();
    assert!(sums == other.source.sums(groupings(), groups()).await.unwrap());
    let pooled = one.source.pooled(groupings(), groups()).await.unwrap();
    assert!(pooled == other.source.pooled(groupings(), groups()).await.unwrap());
    let sample = || UnitSample { buckets: BucketSet::all(), step: 1 };
    let labels = one.source.leaf_labels(vec![tree.clone()], sample()).await.unwrap();
    assert_eq!(labels, other.source.leaf_labels(vec![tree.clone()], sample()).await.unwrap());
    let age = one.tag_column("age").unwrap();
    let spread = |units: &AnalysedUnits| {
        let sums = units.sums_by_cohort(&tree).unwrap();
        (sums.in_leaf(age, 0), sums.in_leaf(age, 1), sums.in_registered(age, 0))
    };
    assert_eq!(spread(&one), spread(&other));
    assert!(spread(&one).0.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_elsewhere_is_told_as_it_is_here() {
    let warehouse = warehouse();
    let seen = [("u1", "a", "2026-10-05T12:00:00"), ("u2", "b", "2026-10-05T12:00:00")];
    let mut sold = orders(&[("u1", "2026-10-05T14:00:00", Some(1.0)), ("u2", "2026-10-05T14:00:00", Some(2.0))]);
    sold.push(("id", integers(&[900, 900])));
    warehouse.write("split.parquet", exposures(&seen)).write("orders/three.parquet", sold);
    let Fitted { catalog, compiled, engine, .. } = warehouse.fit(&pipeline("", REST)).await.unwrap();
    let here = build(&compiled, &catalog, &engine, &Unwatched).await.map(|_| ()).unwrap_err().to_string();
    let told = elsewhere(&warehouse, &Crew::new(&warehouse)).await.map(|_| ()).unwrap_err();
    assert!(matches!(told, QueryError::Data(_)), "{told:?}");
    assert_eq!(told.to_string(), here);
}
