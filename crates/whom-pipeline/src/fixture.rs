//! An experiment of made-up people in memory, for tests: what the stages of the analysis work on, without a warehouse.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use whom_engine::{Rows, SpillFolder, StoredRows};
use whom_query::compile::{Compiled, CovariateColumn, MeasureColumn, NamedColumn};
use whom_query::{AnalysedUnits, Outcome, Room, UnitSchema, UnitTable};
use whom_spec::plan::MeasurePart;
use whom_spec::{LoadedPlan, MemoryReader, Settings, load};
use whom_stats::{Fold, Folds, Grid, bucket_of_integer};

use crate::study::Study;

/// A plain mean of the first column.
pub(crate) static MEAN: Outcome = Outcome {
    value: 0,
    denominator: None,
    covariates: Vec::new(),
    levels: Vec::new(),
    search: 0,
    uncapped: None,
    group: None,
};

/// Three arms, one primary metric, one guardrail and one secondary metric; `DISCOVER` stands for the content of that section
/// and whatever sections follow it.
const PIPELINE: &str = "\
version: 1
experiment: made_up
unit: id
through: 2026-11-20
split:
  path: split.parquet
  time: at
  variant: variant
  variants:
    none: { weight: 0.34 }
    letter: { weight: 0.33 }
    call: { weight: 0.33 }
  control: none
  start: 2026-10-01
  end: 2026-10-28
facts:
  orders: { path: orders.parquet, time: at }
metrics:
  buys: { role: primary, from: orders, aggregate: any, window: 14d, desired: increase, matters: 0.01 }
  returns: { role: guardrail, from: orders, aggregate: any, window: 14d, desired: decrease, limit: 2% }
  spend: { role: secondary, from: orders, aggregate: sum, value: amount, precision: 0.01, window: 14d, unit_of_measure: USD }
tags:
  person: { path: people.parquet, static: true, columns: { age: numeric, city: categorical } }
cohorts:
  grown_up: age >= 2
discover:
DISCOVER
output: { path: out/ }
";

/// Growth that few people allow.
pub(crate) const SMALL_TREES: &str = "  tree: { depth: 2, units_per_arm: 50, events_per_arm: 10, pruning_folds: 0 }";

/// The arm of the treatment that works for some; the control is 0, and treatments follow by name.
pub(crate) const LETTER: u8 = 2;

/// The first day of the split, 2026-10-01, as days since 1970-01-01.
const START: i32 = 20_727;

/// How many people there are.
const PEOPLE: i64 = 6_000;

/// One unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Person {
    pub(crate) bucket: u16,
    pub(crate) arm: u8,
    /// 0 to 3.
    pub(crate) age: Option<f64>,
    pub(crate) city: &'static str,
    pub(crate) buys: i64,
    /// Days from the start of the split to the first exposure.
    pub(crate) day: i32,
}

impl Person {
    /// Thirty in a hundred buy; sixty of those whom a letter reaches at age 2 or 3.
    fn new(id: i64) -> Self {
        let (arm, who) = ((id % 3) as u8, id / 3);
        let age = (who % 50 != 49).then_some((who % 4) as f64);
        let convinced = arm == LETTER && age.is_some_and(|age| age >= 2.0);
        Self {
            bucket: bucket_of_integer(id),
            arm,
            age,
            city: ["north", "south", "west"][(who / 4 % 3) as usize],
            buys: i64::from(who * 7_919 % 100 < if convinced { 60 } else { 30 }),
            day: 0,
        }
    }
}

/// A plan and its units.
pub(crate) struct Experiment {
    loaded: LoadedPlan,
    compiled: Compiled,
    units: Arc<AnalysedUnits>,
    pub(crate) people: Vec<Person>,
    /// Raised to stop every study.
    pub(crate) cancel: Arc<AtomicBool>,
}

impl Experiment {
    /// Everybody as they are, and small trees.
    pub(crate) fn new() -> Self {
        Self::with(SMALL_TREES, |person| person)
    }

    /// People as a test wants them, and a section `discover`.
    pub(crate) fn with(discover: &str, change: impl Fn(Person) -> Person) -> Self {
        Self::made(&PIPELINE.replace("DISCOVER", discover), change, u64::MAX)
    }

    /// Everybody as they are, read from disk by every pass.
    pub(crate) fn on_disk() -> Self {
        Self::on_disk_with(SMALL_TREES)
    }

    /// The same, and a section `discover`.
    pub(crate) fn on_disk_with(discover: &str) -> Self {
        Self::made(&PIPELINE.replace("DISCOVER", discover), |person| person, 0)
    }

    /// Everybody as they are, where the primary metric should move this way.
    pub(crate) fn desiring(direction: &str) -> Self {
        let primary = format!("desired: {direction}, matters");
        let text = PIPELINE.replace("DISCOVER", SMALL_TREES).replace("desired: increase, matters", &primary);
        Self::made(&text, |person| person, u64::MAX)
    }

    /// Everybody as they are, where what is spent is compared by its median.
    pub(crate) fn with_median() -> Self {
        let spend = "precision: 0.01, window: 14d";
        let median = format!("{spend}, quantile: {{ percentile: 0.5, of: units }}");
        Self::made(&PIPELINE.replace("DISCOVER", SMALL_TREES).replace(spend, &median), |person| person, u64::MAX)
    }

    /// Everybody as they are, where the city is protected.
    pub(crate) fn with_protected_city() -> Self {
        let text =
            PIPELINE.replace("DISCOVER", SMALL_TREES).replace("static: true,", "static: true, protected: [city],");
        Self::made(&text, |person| person, u64::MAX)
    }

    /// People as a test wants them, of whom those from 2026-10-15 on are assigned by other weights.
    pub(crate) fn ramped(change: impl Fn(Person) -> Person) -> Self {
        let period = "    - { start: 2026-10-15, weights: { none: 0.1, letter: 0.45, call: 0.45 } }\n";
        let allocation = format!("  end: 2026-10-28\n  allocation:\n{period}");
        let text = PIPELINE.replace("  end: 2026-10-28\n", &allocation).replace("discover:\nDISCOVER\n", "");
        Self::made(&text, change, u64::MAX)
    }

    /// What a pipeline file makes of people, of whom so many bytes may stay in memory.
    fn made(text: &str, change: impl Fn(Person) -> Person, resident: u64) -> Self {
        let reader = MemoryReader::default().with("pipeline.yaml", text);
        let loaded = load(Path::new("pipeline.yaml"), &Settings::default(), &reader).unwrap();
        let people: Vec<Person> = (0..PEOPLE).map(Person::new).map(change).collect();
        let (compiled, cancel) = (compiled(), Arc::<AtomicBool>::default());
        let room = Room {
            resident,
            folder: SpillFolder::create(&std::env::temp_dir(), None).unwrap(),
            cancel: Arc::clone(&cancel),
        };
        let schema = UnitSchema::new(&loaded.plan, &compiled).unwrap();
        let units = Arc::new(AnalysedUnits::new(schema, Arc::new(table(&people)), &room).unwrap());
        Self { loaded, compiled, units, people, cancel }
    }

    pub(crate) fn study(&self) -> Study<'_> {
        Study::new(&self.loaded.plan, &self.compiled, &self.units)
    }

    /// The people of an arm in a fold who meet a condition: how many, and the share that buys.
    pub(crate) fn buyers(&self, fold: Fold, arm: u8, meets: impl Fn(&Person) -> bool) -> (u64, f64) {
        let folds = Folds::hashed("made_up");
        let of_arm: Vec<&Person> = self
            .people
            .iter()
            .filter(|person| person.arm == arm && folds.of(person.bucket) == fold && meets(person))
            .collect();
        let buyers: i64 = of_arm.iter().map(|person| person.buys).sum();
        (of_arm.len() as u64, buyers as f64 / of_arm.len() as f64)
    }
}

fn compiled() -> Compiled {
    let metric = |metric, name: &str, grid, proportion| MeasureColumn {
        metric,
        part: MeasurePart::Value,
        name: name.to_owned(),
        column: format!("metric {name}"),
        status: format!("status {name}"),
        grid,
        proportion,
        events: None,
    };
    let named = |name: &str| NamedColumn { name: name.to_owned(), column: name.to_owned() };
    Compiled {
        statements: Vec::new(),
        measures: vec![
            metric(0, "buys", Grid::INTEGER, true),
            metric(1, "returns", Grid::INTEGER, true),
            metric(2, "spend", Grid::decimal(2).unwrap(), false),
        ],
        reached: None,
        covariates: Vec::new(),
        numbers: vec![CovariateColumn { name: "age".into(), column: "age".into(), grid: Grid::FLOAT }],
        tags: vec![named("age"), named("city")],
        cohorts: vec![named("grown_up")],
        strata: Vec::new(),
        cluster: None,
        joined: Vec::new(),
        folds: None,
    }
}

fn table(people: &[Person]) -> UnitTable {
    let each = |value: fn(&Person) -> i64| -> ArrayRef { Arc::new(people.iter().map(value).collect::<Int64Array>()) };
    let count = people.len();
    let instants = TimestampMicrosecondArray::from(vec![0; count]).with_timezone("UTC");
    let grown_up = people.iter().map(|person| Some(person.age.is_some_and(|age| age >= 2.0)));
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("unit", Arc::new(Int64Array::from_iter_values(0..count as i64))),
        ("bucket", Arc::new(people.iter().map(|person| i32::from(person.bucket)).collect::<Int32Array>())),
        ("arm", each(|person| person.arm.into())),
        ("first_exposure", Arc::new(instants)),
        ("exposure_day", Arc::new(Date32Array::from_iter_values(people.iter().map(|person| START + person.day)))),
        ("several_variants", Arc::new(BooleanArray::from(vec![false; count]))),
        ("metric buys", each(|person| person.buys)),
        ("status buys", each(|_| 0)),
        ("metric returns", each(|_| 0)),
        ("status returns", each(|_| 0)),
        ("metric spend", each(|person| person.buys * 1_999)),
        ("status spend", each(|_| 0)),
        ("age", Arc::new(people.iter().map(|person| person.age).collect::<Float64Array>())),
        ("city", Arc::new(people.iter().map(|person| Some(person.city)).collect::<StringArray>())),
        ("grown_up", Arc::new(grown_up.collect::<BooleanArray>())),
    ];
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    let rows = Rows { schema: rows.schema(), batches: vec![rows] };
    UnitTable::new(vec![Arc::new(StoredRows::uncounted(rows))], whom_query::flow::RowFlow::default()).unwrap()
}
