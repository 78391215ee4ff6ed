//! Experiments in memory whose effects are known: three arms, four metrics, three tags, and two cohorts that are named beforehand.
//!
//! The letter moves one primary metric, `gain`, at some ages; the call, and everything else, does nothing.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use whom_engine::{Rows, SpillFolder, StoredRows};
use whom_query::compile::{Compiled, MeasureColumn, NamedColumn};
use whom_query::{AnalysedUnits, Room, UnitSchema, UnitTable};
use whom_report::Results;
use whom_spec::plan::MeasurePart;
use whom_spec::{LoadedPlan, MemoryReader, Settings, load};
use whom_stats::bucket::bucket_of_text;
use whom_stats::{Grid, bucket_of_integer};

use super::draws::Draws;
use super::spend::spend;
use crate::analysis::analyse;
use crate::clock::Stages;
use crate::event::Silent;
use crate::study::Study;

pub(super) const AGES: usize = 8;
pub(super) const SCORES: usize = 16;
pub(super) const CITIES: [&str; 4] = ["north", "south", "east", "west"];

/// The first day of the split, 2026-10-01, as days since 1970-01-01.
const START: i32 = 20_727;
const DAYS: usize = 28;

/// Units of a household.
const HOUSEHOLD: usize = 8;

/// The first day of the second period of a ramp, after half of the days.
const HALF_WAY: &str = "2026-10-15";

/// A treatment's share in the first period of a ramp, in hundredths.
const FIRST_TREATED: usize = 10;

const PIPELINE: &str = "\
version: 1
experiment: EXPERIMENT
unit: id
through: 2026-11-20
split:
  path: split.parquet
  time: at
  variant: variant
  variants: { none: { weight: NONE }, letter: { weight: LETTER }, call: { weight: CALL } }
  control: none
  start: 2026-10-01
  end: 2026-10-28
facts:
  orders: { path: orders.parquet, time: at }
metrics:
  gain: { role: primary, from: orders, aggregate: sum, value: amount, precision: 0.0001, window: 14d, desired: increase, matters: 0.1COVARIATE }
  second: SECOND
  harm: { role: guardrail, from: orders, aggregate: sum, value: amount, precision: 0.0001, window: 14d, desired: decrease, limit: 0.2 }
  other: { role: secondary, from: orders, aggregate: sum, value: amount, precision: 0.0001, window: 14d }
tags:
  person: { path: people.parquet, static: true, columns: { age: numeric, city: categorical, score: numeric } }
cohorts:
  young: age < 4
  southern: city = 'south'
slices: [city]
discover:
  tree: { depth: 2, units_per_arm: 50, events_per_arm: 0, pruning_folds: FOLDS }
  search_replicates: 0
  resplits: 0
validate: { correction: CORRECTION, bootstrap: 399 }
output: { path: out/ }
";

const MEAN: &str =
    "{ role: primary, from: orders, aggregate: sum, value: amount, precision: 0.0001, window: 14d, desired: increase }";
const RATIO: &str = "{ role: primary, window: 14d, desired: increase, numerator: { from: orders, aggregate: sum, value: clicked }, denominator: { from: orders, aggregate: count } }";

/// What the primary metrics are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Metrics {
    /// Means of normal values.
    Means,
    /// A mean that is adjusted by a pre-period, and a ratio.
    AdjustedAndRatio,
    /// Means of normal values, where few were treated in the first half of the days, after which values are higher and other cities come.
    Ramped,
    /// Means of normal values half of whose variance households share, who were assigned together and have the same tags.
    Households,
    /// The same, and nobody says so.
    HiddenHouseholds,
    /// The mean of spend like that of Hillstrom's customers, and that of normal values.
    Spend,
}

/// Where the letter moves `gain`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Affected {
    Nobody,
    Everybody,
    /// The oldest so many of eight ages.
    Ages(usize),
}

impl Affected {
    /// Whether an age, 0 to 7, is affected.
    pub(super) fn affects(self, age: usize) -> bool {
        match self {
            Self::Nobody => false,
            Self::Everybody => true,
            Self::Ages(oldest) => age >= AGES - oldest,
        }
    }
}

/// Experiments of one kind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    pub(super) metrics: Metrics,
    pub(super) units: usize,
    /// The treatments' shares of the units, in hundredths, alike; control has the rest.
    pub(super) treated: usize,
    pub(super) affected: Affected,
    /// What the letter adds there.
    pub(super) gain: f64,
    pub(super) correction: &'static str,
    /// Whether the tree is pruned, after which little is left where there is nothing to find.
    pub(super) pruned: bool,
}

/// The columns of the units.
#[derive(Default)]
struct People {
    arms: Vec<i64>,
    ages: Vec<f64>,
    cities: Vec<&'static str>,
    scores: Vec<f64>,
    days: Vec<i32>,
    /// By unit; nothing where units live by themselves.
    households: Vec<String>,
    /// Gain, second, harm, other; then second's denominator and gain before the exposure.
    values: [Vec<i64>; 6],
}

impl Kind {
    /// Analyses an experiment from its unit table on.
    pub(super) fn analysed(self, repetition: u64) -> Results {
        let name = format!("{self:?} {repetition}").replace([':', '{', '}', ',', '"', '(', ')'], "");
        let loaded = self.plan(&name);
        let compiled = self.compiled();
        let cancel = Arc::<AtomicBool>::default();
        let room = Room {
            resident: u64::MAX,
            folder: SpillFolder::create(&std::env::temp_dir(), None).unwrap(),
            cancel: Arc::clone(&cancel),
        };
        let schema = UnitSchema::new(&loaded.plan, &compiled).unwrap();
        let table = self.people(&name).table((repetition << 32) as i64);
        let units = Arc::new(AnalysedUnits::new(schema, Arc::new(table), &room).unwrap());
        let study = Study::new(&loaded.plan, &compiled, &units);
        let mut stages = Stages::new(&Silent, cancel);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(analyse(&study, Vec::new(), &mut stages)).unwrap().results
    }

    fn plan(self, name: &str) -> LoadedPlan {
        let share = |percent: usize| format!("0.{percent:02}");
        let adjusted = self.metrics == Metrics::AdjustedAndRatio;
        let weights = "control: none\n";
        let text = if self.metrics == Metrics::Ramped {
            let shares = [100 - 2 * self.treated, self.treated, self.treated].map(share);
            let later = format!(
                "  allocation: [{{ start: {HALF_WAY}, weights: {{ none: {}, letter: {}, call: {} }} }}]\n",
                shares[0], shares[1], shares[2]
            );
            PIPELINE.replace(weights, &format!("{weights}{later}"))
        } else {
            PIPELINE.to_owned()
        };
        let treated = if self.metrics == Metrics::Ramped { FIRST_TREATED } else { self.treated };
        let text = text
            .replace("EXPERIMENT", name)
            .replace("NONE", &share(100 - 2 * treated))
            .replace("LETTER", &share(treated))
            .replace("CALL", &share(treated))
            .replace("COVARIATE", if adjusted { ", cuped: 14d" } else { "" })
            .replace("SECOND", if adjusted { RATIO } else { MEAN })
            .replace("FOLDS", if self.pruned { "5" } else { "0" })
            .replace("CORRECTION", self.correction);
        let text = if self.metrics == Metrics::Households {
            text.replace("unit: id\n", "unit: id\ncluster: household\n").replace("slices: [city]\n", "")
        } else {
            text
        };
        let reader = MemoryReader::default().with("pipeline.yaml", text.as_str());
        load(Path::new("pipeline.yaml"), &Settings::default(), &reader).unwrap()
    }

    fn compiled(self) -> Compiled {
        let grid = Grid::decimal(4).unwrap();
        let measure = |metric, part, name: &str, grid| MeasureColumn {
            metric,
            part,
            name: name.to_owned(),
            column: format!("metric {name}"),
            status: format!("status {name}"),
            grid,
            proportion: false,
            events: None,
        };
        let adjusted = self.metrics == Metrics::AdjustedAndRatio;
        let second = if adjusted { Grid::INTEGER } else { grid };
        let mut measures = vec![
            measure(0, MeasurePart::Value, "gain", grid),
            measure(1, MeasurePart::Value, "second", second),
            measure(2, MeasurePart::Value, "harm", grid),
            measure(3, MeasurePart::Value, "other", grid),
        ];
        if adjusted {
            measures.push(measure(1, MeasurePart::Denominator, "denominator", Grid::INTEGER));
            measures.push(measure(0, MeasurePart::ValueBefore, "before", grid));
        }
        let named = |name: &str| NamedColumn { name: name.to_owned(), column: name.to_owned() };
        Compiled {
            statements: Vec::new(),
            measures,
            reached: None,
            covariates: Vec::new(),
            numbers: Vec::new(),
            tags: ["age", "city", "score"].map(named).to_vec(),
            cohorts: ["young", "southern"].map(named).to_vec(),
            strata: Vec::new(),
            cluster: (self.metrics == Metrics::Households)
                .then(|| NamedColumn { name: "household".to_owned(), column: "cluster household".to_owned() }),
            joined: Vec::new(),
            folds: None,
        }
    }

    fn people(self, name: &str) -> People {
        if matches!(self.metrics, Metrics::Households | Metrics::HiddenHouseholds) {
            return self.households(name);
        }
        let (mut draws, mut people) = (Draws::new(name), People::default());
        for _ in 0..self.units {
            let day = (self.metrics == Metrics::Ramped).then(|| draws.below(DAYS));
            let is_late = day.map(|day| day >= DAYS / 2);
            let treated = if is_late == Some(false) { FIRST_TREATED } else { self.treated };
            // Control is 0, and treatments follow by name: the call is 1, the letter 2.
            let arm = match draws.below(100) {
                place if place < treated => 1,
                place if place < 2 * treated => 2,
                _ => 0,
            };
            let age = draws.below(AGES);
            let city = match is_late {
                // Four late units in five come from the last two cities, of the early ones from the first two.
                Some(is_late) => 2 * usize::from((draws.below(5) < 4) == is_late) + draws.below(2),
                None => draws.below(CITIES.len()),
            };
            let score = draws.below(SCORES);
            let gains = arm == 2 && self.affected.affects(age);
            // What the tags tell of the metric, they tell in every arm.
            let baseline = age as f64 / AGES as f64 + city as f64 / 4.0 + if is_late == Some(true) { 2.0 } else { 0.0 };
            let values = self.values(&mut draws, baseline, if gains { self.gain } else { 0.0 });
            people.values.iter_mut().zip(values).for_each(|(column, value)| column.push(value));
            people.arms.push(arm);
            people.ages.push(age as f64);
            people.cities.push(CITIES[city]);
            people.scores.push(score as f64);
            people.days.push(START + day.unwrap_or_else(|| draws.below(DAYS)) as i32);
        }
        people
    }

    /// People who live together: a household has one arm and one value of every tag.
    fn households(self, name: &str) -> People {
        let (mut draws, mut people) = (Draws::new(name), People::default());
        for household in 0..self.units / HOUSEHOLD {
            let arm = match draws.below(100) {
                place if place < self.treated => 1,
                place if place < 2 * self.treated => 2,
                _ => 0,
            };
            let (age, city, score) = (draws.below(AGES), draws.below(CITIES.len()), draws.below(SCORES));
            let day = START + draws.below(DAYS) as i32;
            let gain = if arm == 2 && self.affected.affects(age) { self.gain } else { 0.0 };
            let shared: [f64; 4] = std::array::from_fn(|_| draws.normal());
            for _ in 0..HOUSEHOLD {
                let half = std::f64::consts::FRAC_1_SQRT_2;
                let value =
                    |shared: f64, own: f64, gain: f64| (10_000.0 * (half * (shared + own) + gain)).round() as i64;
                let own: [f64; 4] = std::array::from_fn(|_| draws.normal());
                let of = |metric: usize, gain: f64| value(shared[metric], own[metric], gain);
                let values = [of(0, gain), of(1, 0.0), of(2, 0.0), of(3, 0.0), 0, 0];
                people.values.iter_mut().zip(values).for_each(|(column, value)| column.push(value));
                people.arms.push(arm);
                people.ages.push(age as f64);
                people.cities.push(CITIES[city]);
                people.scores.push(score as f64);
                people.days.push(day);
                if self.metrics == Metrics::Households {
                    people.households.push(format!("{name} {household}"));
                }
            }
        }
        people
    }

    fn values(self, draws: &mut Draws, baseline: f64, gain: f64) -> [i64; 6] {
        let on_grid = |value: f64| (10_000.0 * value).round() as i64;
        let before = draws.normal();
        let first = match self.metrics {
            Metrics::Means | Metrics::Ramped | Metrics::Households | Metrics::HiddenHouseholds => {
                on_grid(baseline + draws.normal() + gain)
            }
            Metrics::AdjustedAndRatio => on_grid(baseline + before + draws.normal() + gain),
            Metrics::Spend => 100 * spend(draws) + on_grid(gain),
        };
        let (second, denominator) = if self.metrics == Metrics::AdjustedAndRatio {
            let (rate, views) = (0.1 + 0.2 * baseline + 0.2 * draws.uniform(), 1 + draws.below(8));
            ((0..views).filter(|_| draws.uniform() < rate).count() as i64, views as i64)
        } else {
            (on_grid(baseline + draws.normal()), 0)
        };
        [first, second, on_grid(draws.normal()), on_grid(baseline + draws.normal()), denominator, on_grid(before)]
    }
}

impl People {
    /// The unit table of units whose ids follow on the first one.
    fn table(self, first_id: i64) -> UnitTable {
        let Self { arms, ages, cities, scores, days, households, values } = self;
        let ids = || first_id..first_id + arms.len() as i64;
        let count = arms.len();
        let instants = TimestampMicrosecondArray::from(vec![0; count]).with_timezone("UTC");
        let young = ages.iter().map(|age| Some(*age < 4.0)).collect::<BooleanArray>();
        let southern = cities.iter().map(|city| Some(*city == "south")).collect::<BooleanArray>();
        let buckets: Int32Array = match households.as_slice() {
            [] => ids().map(|id| i32::from(bucket_of_integer(id))).collect(),
            households => households.iter().map(|household| i32::from(bucket_of_text(household))).collect(),
        };
        let mut columns: Vec<(String, ArrayRef)> = vec![
            ("unit".into(), Arc::new(Int64Array::from_iter_values(ids()))),
            ("bucket".into(), Arc::new(buckets)),
            ("first_exposure".into(), Arc::new(instants)),
            ("exposure_day".into(), Arc::new(Date32Array::from(days))),
            ("several_variants".into(), Arc::new(BooleanArray::from(vec![false; count]))),
            ("age".into(), Arc::new(Float64Array::from(ages))),
            ("city".into(), Arc::new(StringArray::from(cities))),
            ("score".into(), Arc::new(Float64Array::from(scores))),
            ("young".into(), Arc::new(young)),
            ("southern".into(), Arc::new(southern)),
            ("arm".into(), Arc::new(Int64Array::from(arms))),
        ];
        if !households.is_empty() {
            columns.push(("cluster household".into(), Arc::new(StringArray::from(households))));
        }
        for (name, values) in ["gain", "second", "harm", "other", "denominator", "before"].into_iter().zip(values) {
            columns.push((format!("metric {name}"), Arc::new(Int64Array::from(values))));
            columns.push((format!("status {name}"), Arc::new(Int64Array::from(vec![0; count]))));
        }
        let rows = RecordBatch::try_from_iter(columns).unwrap();
        let rows = Rows { schema: rows.schema(), batches: vec![rows] };
        UnitTable::new(vec![Arc::new(StoredRows::uncounted(rows))], whom_query::flow::RowFlow::default()).unwrap()
    }
}
