//! How long a causal tree takes to grow on units in memory, and where the time goes. No assertion depends on it.
//!
//!     cargo run --locked --example tree_growth -- units=1000000 threads=1,2
//!
//! Prints a line per number of threads: the passes (histograms of the counted rows), the grower (search, subtraction), and
//! the passes' time per tag, counted row and metric; with `replicates=200` also as many trees of the bootstrap, `together=4` of
//! them sharing passes, with `pruning=5` folds each like the tree itself. The last line is the same as JSON. `write=FOLDER` leaves the same units for
//! `peers/lightgbm_histograms.py`. On a busy Linux machine, `threads=1 processor=true` counts the time that the thread had a
//! processor, not what others took.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for a person who measures")]

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use serde_json::{Value, json};
use whom_forest::{Controls, Discoveries, Discovery, DiscoveryPlan, Target};
use whom_stats::{
    BUCKETS, BucketSet, BucketWeights, CodeColumn, ColumnShape, UnitColumnParts, UnitColumns, answer, bucket_of_integer,
};

/// Codes of every tag, spread evenly: what LightGBM bins to by default.
const CODES: u64 = 255;

/// What to grow, from arguments such as `units=10000000`.
struct Setting {
    units: u64,
    tags: usize,
    metrics: usize,
    arms: usize,
    depth: usize,
    /// Pairs of treatment and metric to search: a tree each, and one for all if there are several.
    targets: usize,
    /// Folds that prune.
    pruning: usize,
    /// Trees of the bootstrap, and how many of them grow together.
    replicates: usize,
    together: usize,
    threads: Vec<usize>,
    /// Whether metrics are what experiments have (a visit, orders, spend) instead of all as wide as a search grid.
    mixed: bool,
    repeats: usize,
    /// Whether to count a thread's time on a processor instead of time on the wall.
    processor: bool,
    write: Option<PathBuf>,
}

impl Setting {
    fn of_arguments() -> Self {
        let mut setting = Self {
            units: 1_000_000,
            tags: 50,
            metrics: 5,
            arms: 3,
            depth: 5,
            targets: 1,
            pruning: 0,
            replicates: 0,
            together: 1,
            threads: vec![1, 2],
            mixed: false,
            repeats: 3,
            processor: false,
            write: None,
        };
        for argument in std::env::args().skip(1) {
            let Some((name, value)) = argument.split_once('=') else { continue };
            let number = || value.parse().unwrap();
            match name {
                "units" => setting.units = value.parse().unwrap(),
                "tags" => setting.tags = number(),
                "metrics" => setting.metrics = number(),
                "arms" => setting.arms = number(),
                "depth" => setting.depth = number(),
                "targets" => setting.targets = number(),
                "pruning" => setting.pruning = number(),
                "replicates" => setting.replicates = number(),
                "together" => setting.together = number(),
                "repeats" => setting.repeats = number(),
                "threads" => setting.threads = value.split(',').map(|threads| threads.parse().unwrap()).collect(),
                "mixed" => setting.mixed = value.parse().unwrap(),
                "processor" => setting.processor = value.parse().unwrap(),
                "write" => setting.write = Some(PathBuf::from(value)),
                other => println!("`{other}` is no setting of this benchmark"),
            }
        }
        setting
    }

    /// Seconds since a fixed moment.
    fn now(&self) -> f64 {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        if !self.processor {
            return START.elapsed().as_secs_f64();
        }
        let statistics = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        let nanoseconds: u64 = statistics.split_whitespace().next().unwrap().parse().unwrap();
        nanoseconds as f64 / 1e9
    }

    fn plan(&self, units: &UnitColumns) -> DiscoveryPlan {
        let targets = (0..self.metrics)
            .rev()
            .flat_map(|metric| (1..self.arms).rev().map(move |treatment| Target { treatment, metric }));
        DiscoveryPlan {
            shapes: units.shapes().to_vec(),
            columns: (0..self.tags).collect(),
            places: Vec::new(),
            within: None,
            arms: self.arms,
            metrics: self.metrics,
            targets: targets.take(self.targets).collect(),
            controls: Controls { depth: self.depth, pruning_folds: self.pruning, ..Controls::default() },
            buckets: BucketSet::all(),
            folds: (0..self.pruning)
                .map(|fold| (0..BUCKETS as u16).skip(fold).step_by(self.pruning).collect())
                .collect(),
        }
    }

    fn parts(&self) -> UnitColumnParts {
        let arm = |unit| (hash(unit, 0) % self.arms as u64) as u8;
        let code = |unit, tag: usize| (hash(unit, 1 + tag as u64) % CODES) as u8;
        let shape =
            |tag| ColumnShape { name: format!("tag_{tag:02}"), codes: CODES as usize, ordered: true, missing: None };
        let column = |tag| CodeColumn::U8((0..self.units).map(|unit| code(unit, tag)).collect());
        // Five tags move the metrics, and more so for the treated, so that there is something to split at every depth.
        let lift = |unit| -> i64 { (0..5).map(|tag| if code(unit, tag) < 128 { 1 << (4 - tag) } else { 0 }).sum() };
        let value = |unit, metric: usize| {
            let noise = hash(unit, 1000 + metric as u64);
            let effect = lift(unit) * (1 + i64::from(arm(unit)));
            match if self.mixed { metric % 5 } else { 4 } {
                0 => i64::from((noise % 1000) < 100 + effect as u64),
                1 => (noise % (8 + effect as u64 / 16)) as i64,
                2 if !noise.is_multiple_of(10) => 0,
                2 => (noise / 10 % 90_000) as i64 + 100 * effect,
                3 => (noise % 86_400) as i64 + 100 * effect,
                _ => (noise % (1 << 21)) as i64 - (1 << 20) + 2_000 * (effect - 60),
            }
            .clamp(-(1 << 20), 1 << 20)
        };
        UnitColumnParts {
            arm_count: self.arms,
            arms: (0..self.units).map(arm).collect(),
            buckets: (0..self.units).map(|unit| bucket_of_integer(unit as i64)).collect(),
            codes: (0..self.tags).map(column).collect(),
            shapes: (0..self.tags).map(shape).collect(),
            metrics: (0..self.metrics)
                .map(|metric| (0..self.units).map(|unit| value(unit, metric)).collect())
                .collect(),
        }
    }
}

/// 64 random bits of a unit (splitmix64).
fn hash(unit: u64, purpose: u64) -> u64 {
    let mut mixed = unit.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ purpose.wrapping_mul(0xd1b5_4a32_d192_ed03);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Tag codes one column after the other, and the last metric as LightGBM's label.
fn write(folder: &PathBuf, parts: &UnitColumnParts) {
    fs::create_dir_all(folder).unwrap();
    let codes = parts.codes.iter().flat_map(|column| match column {
        CodeColumn::U8(codes) => codes.clone(),
        CodeColumn::U16(_) => Vec::new(),
    });
    fs::write(folder.join("codes.u8"), codes.collect::<Vec<u8>>()).unwrap();
    let label = parts.metrics.last().unwrap().iter().flat_map(|value| (*value as f32).to_le_bytes());
    fs::write(folder.join("label.f32"), label.collect::<Vec<u8>>()).unwrap();
}

/// Seconds in passes and in the grower, and what came of it.
#[derive(Clone, Copy, Default)]
struct Growth {
    passes: f64,
    grower: f64,
    rows: u64,
    leaves: usize,
    gain: f64,
}

fn grow(setting: &Setting, units: &UnitColumns) -> Growth {
    let mut growth = Growth::default();
    let mut discovery = Discovery::new(setting.plan(units)).unwrap();
    while let Some(pass) = discovery.next() {
        let start = setting.now();
        let histograms = answer(units, &pass, &AtomicBool::new(false)).unwrap();
        growth.passes += setting.now() - start;
        growth.rows += histograms.trees.iter().flatten().map(|node| node.totals.total_units()).sum::<u64>();
        let start = setting.now();
        discovery.absorb(&histograms).unwrap();
        growth.grower += setting.now() - start;
    }
    let tree = discovery.finish().unwrap().joint.unpruned;
    growth.leaves = tree.leaves().len();
    growth.gain = tree.nodes.iter().filter_map(|node| node.gain).sum();
    growth
}

/// Seconds that the bootstrap's trees take.
fn bootstrap(setting: &Setting, units: &UnitColumns) -> f64 {
    let start = setting.now();
    let numbers: Vec<u64> = (0..setting.replicates as u64).collect();
    for numbers in numbers.chunks(setting.together.max(1)) {
        let replicate = |number: &u64| {
            Discovery::replicate(setting.plan(units), BucketWeights::poisson("benchmark", "search", *number)).unwrap()
        };
        let mut together = Discoveries::new(numbers.iter().map(replicate).collect());
        while let Some(pass) = together.next() {
            together.absorb(answer(units, &pass, &AtomicBool::new(false)).unwrap()).unwrap();
        }
        together.finish().unwrap();
    }
    setting.now() - start
}

fn main() {
    let setting = Setting::of_arguments();
    let parts = setting.parts();
    if let Some(folder) = &setting.write {
        write(folder, &parts);
    }
    let start = Instant::now();
    let units = UnitColumns::new(parts).unwrap();
    let laid_out = start.elapsed().as_secs_f64();
    let Setting { units: count, tags, metrics, arms, depth, mixed, .. } = setting;
    println!(
        "{count} units, {tags} tags of {CODES} codes, {metrics} metrics (mixed: {mixed}), {arms} arms, depth {depth}"
    );
    println!("units laid out in {laid_out:.2} s");
    let runs: Vec<Value> = setting.threads.iter().map(|threads| measured(&setting, &units, *threads)).collect();
    println!("{}", json!({ "runs": runs }));
}

/// Grows the tree again and again with some threads, and tells the median.
fn measured(setting: &Setting, units: &UnitColumns, threads: usize) -> Value {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let mut growths: Vec<Growth> = (0..setting.repeats).map(|_| pool.install(|| grow(setting, units))).collect();
    growths.sort_by(|one, other| one.passes.total_cmp(&other.passes));
    let best = growths[0].passes;
    let replicates = pool.install(|| bootstrap(setting, units));
    if setting.replicates > 0 {
        println!("{threads} threads: {} replicates {replicates:.3} s", setting.replicates);
    }
    let Growth { passes, grower, rows, leaves, gain } = growths[growths.len() / 2];
    let each = |passes: f64| passes * 1e9 / (rows as f64 * setting.tags as f64 * setting.metrics as f64);
    println!(
        "{threads} threads: passes {passes:.3} s over {rows} rows, {:.3} ns per tag, row and metric (best {:.3}), \
         grower {grower:.3} s, tree {:.3} s, {leaves} leaves, gain {gain:.6e}",
        each(passes),
        each(best),
        passes + grower
    );
    json!({
        "threads": threads, "rows": rows, "passes": passes, "tree": passes + grower,
        "nanoseconds": each(passes), "best": each(best), "replicates": replicates,
    })
}
