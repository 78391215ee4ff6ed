//! Grows one causal tree from arrays of 32-bit numbers in memory, as the peers in `peers/trees.py` do.
//!
//!     tree_from_arrays FOLDER all|honest|pruned revenue|conversion THREADS DEPTH LEAF LEAVES_OUT
//!
//! `FOLDER` is what `peers/tree_arrays.py` wrote. Reading it does not count. Prints seconds as JSON: binning, which ends with the
//! units laid out for counting, growth with pruning, and measuring. The leaf of each held-out unit goes to `LEAVES_OUT`.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use datafusion::arrow::array::{ArrayRef, Float32Array};
use datafusion::arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use datafusion::arrow::datatypes::Float32Type;
use rayon::prelude::*;
use serde_json::{Value, json};
use whom_forest::{Controls, Discovery, DiscoveryPlan, Target, Tree};
use whom_query::{BinKind, QueryError, TagBins};
use whom_spec::plan::{Codes, TagKind};
use whom_stats::{
    BUCKETS, BucketSet, CodeColumn, Grid, NodeIndex, Pass, TreePass, UnitColumnParts, UnitColumns, answer,
    bucket_of_integer,
};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Folds of pruning, as in a pipeline that says nothing.
const PRUNING_FOLDS: usize = 5;

/// What to grow.
struct Setting {
    /// Whether the second half of the units measures what the first half finds.
    honest: bool,
    pruned: bool,
    /// Whether the outcome is whether there is any revenue.
    conversion: bool,
    depth: usize,
    /// Fewest units of a leaf.
    leaf: u64,
}

/// The arrays of the units that are given.
struct Given {
    tags: Vec<ScalarBuffer<f32>>,
    outcome: Vec<f32>,
    treated: Vec<u8>,
}

#[expect(clippy::print_stdout, reason = "this is its result")]
fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, mode, outcome, threads, depth, leaf, leaves] = arguments.as_slice() else {
        return Err("tree_from_arrays FOLDER all|honest|pruned revenue|conversion THREADS DEPTH LEAF LEAVES_OUT".into());
    };
    let setting = Setting {
        honest: mode != "all",
        pruned: mode == "pruned",
        conversion: outcome == "conversion",
        depth: depth.parse()?,
        leaf: leaf.parse()?,
    };
    let folder = Path::new(folder);
    let about: Value = serde_json::from_slice(&fs::read(folder.join("arrays.json"))?)?;
    let tags = about["tags"].as_array().map_or(0, Vec::len);
    let given = Given {
        tags: columns(&folder.join("given_columns.f32"), tags)?,
        outcome: numbers(&folder.join("given_outcome.f32"))?,
        treated: fs::read(folder.join("given_treated.u8"))?,
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.parse()?).build()?;
    let grown = pool.install(|| grow(&setting, &given))?;
    println!("{}", grown.costs);
    let held_out = columns(&folder.join("held_out_columns.f32"), tags)?;
    fs::write(leaves, pool.install(|| grown.leaves_of(&held_out))?.concat())?;
    Ok(())
}

fn numbers(path: &Path) -> Outcome<Vec<f32>> {
    let bytes = fs::read(path)?;
    let (numbers, _) = bytes.as_chunks();
    Ok(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

/// Columns that lie one after the other.
fn columns(path: &Path, columns: usize) -> Outcome<Vec<ScalarBuffer<f32>>> {
    let numbers = numbers(path)?;
    Ok(numbers.chunks(numbers.len().div_ceil(columns.max(1)).max(1)).map(|own| own.to_vec().into()).collect())
}

/// A grown tree, what its codes mean, and what it cost.
struct Grown {
    bins: Vec<TagBins>,
    tree: Tree,
    costs: Value,
}

fn grow(setting: &Setting, given: &Given) -> Outcome<Grown> {
    let (start, processor) = (Instant::now(), processor_seconds()?);
    let (bins, units) = binned(setting, given)?;
    let binning = start.elapsed().as_secs_f64();
    let plan = setting.plan(&units);
    let tree = discovered(&units, plan)?;
    let growth = start.elapsed().as_secs_f64() - binning;
    if setting.honest {
        measured(&units, &tree)?;
    }
    let measuring = start.elapsed().as_secs_f64() - binning - growth;
    let costs = json!({
        "binning": binning,
        "growth": growth,
        "measuring": measuring,
        "processor": processor_seconds()? - processor,
        "leaves": tree.routing.leaves().count(),
        "version": env!("CARGO_PKG_VERSION"),
    });
    Ok(Grown { bins, tree, costs })
}

fn binned(setting: &Setting, given: &Given) -> Outcome<(Vec<TagBins>, UnitColumns)> {
    let tags = given.tags.par_iter().enumerate().map(|(place, values)| {
        let values: ArrayRef = Arc::new(as_tag(values.clone()));
        let bins = TagBins::fit(&format!("tag_{place:03}"), &values, TagKind::Numeric, Codes::Bits8)?;
        let codes = bins.encode(&values)?;
        Ok((bins, codes))
    });
    let tags: Vec<(TagBins, CodeColumn)> = tags.collect::<Result<_, QueryError>>()?;
    let (bins, codes): (Vec<TagBins>, Vec<CodeColumn>) = tags.into_iter().unzip();
    let metric = setting.metric(&given.outcome)?;
    let units = UnitColumns::new(UnitColumnParts {
        arm_count: 2,
        arms: given.treated.clone(),
        buckets: setting.buckets(given.treated.len()),
        codes,
        shapes: bins.iter().map(TagBins::shape).collect(),
        metrics: vec![metric],
    })?;
    Ok((bins, units))
}

/// A numeric tag as the unit table has it: NaN is missing.
fn as_tag(values: ScalarBuffer<f32>) -> Float32Array {
    let known = NullBuffer::new(BooleanBuffer::collect_bool(values.len(), |row| !values[row].is_nan()));
    Float32Array::new(values, (known.null_count() > 0).then_some(known))
}

impl Setting {
    fn metric(&self, outcome: &[f32]) -> Outcome<Vec<i64>> {
        if self.conversion {
            return Ok(outcome.par_iter().map(|value| i64::from(*value > 0.0)).collect());
        }
        let cents = Grid::decimal(2)?;
        Ok(outcome.par_iter().map(|value| cents.to_grid(f64::from(*value))).collect::<Result<_, _>>()?)
    }

    /// The buckets of units by their number. Of honest halves, the first has the lower half of the buckets.
    fn buckets(&self, units: usize) -> Vec<u16> {
        let bucket = |unit: usize| {
            let bucket = bucket_of_integer(unit as i64);
            let half = if unit < units / 2 { 0 } else { BUCKETS as u16 / 2 };
            if self.honest { bucket / 2 + half } else { bucket }
        };
        (0..units).into_par_iter().map(bucket).collect()
    }

    fn plan(&self, units: &UnitColumns) -> DiscoveryPlan {
        let growing = if self.honest { BUCKETS as u16 / 2 } else { BUCKETS as u16 };
        let pruning_folds = if self.pruned { PRUNING_FOLDS } else { 0 };
        let fold = |fold: usize| (0..growing).skip(fold).step_by(PRUNING_FOLDS).collect();
        DiscoveryPlan {
            shapes: units.shapes().to_vec(),
            columns: (0..units.shapes().len()).collect(),
            places: Vec::new(),
            within: None,
            arms: 2,
            metrics: 1,
            targets: vec![Target { treatment: 1, metric: 0 }],
            controls: Controls {
                depth: self.depth,
                units_per_arm: self.leaf / 2,
                events_per_arm: 0,
                pruning_folds,
                honesty_ratio: f64::from(u8::from(self.honest)),
                ..Controls::default()
            },
            buckets: (0..growing).collect(),
            folds: (0..pruning_folds).map(fold).collect(),
        }
    }
}

fn discovered(units: &UnitColumns, plan: DiscoveryPlan) -> Outcome<Tree> {
    let mut discovery = Discovery::new(plan)?;
    while let Some(pass) = discovery.next() {
        discovery.absorb(&answer(units, &pass, &AtomicBool::new(false))?)?;
    }
    Ok(discovery.finish()?.joint.pruned)
}

/// The effect in each leaf, among the units that did not grow the tree.
fn measured(units: &UnitColumns, tree: &Tree) -> Outcome<Vec<Option<f64>>> {
    let nodes: Vec<NodeIndex> = tree.routing.leaves().collect();
    let buckets: BucketSet = (BUCKETS as u16 / 2..BUCKETS as u16).collect();
    let tree =
        TreePass { routing: tree.routing.clone(), buckets, weights: None, within: None, nodes, columns: Vec::new() };
    let counted = answer(units, &Pass { trees: vec![tree] }, &AtomicBool::new(false))?;
    let leaves = counted.trees.iter().flatten();
    Ok(leaves.map(|leaf| leaf.totals.get(1, 0).mean_difference(leaf.totals.get(0, 0))).collect())
}

impl Grown {
    /// The leaf of units that nobody has seen, as four bytes each.
    fn leaves_of(&self, tags: &[ScalarBuffer<f32>]) -> Outcome<Vec<[u8; 4]>> {
        let codes = tags.par_iter().zip(&self.bins).map(|(values, bins)| codes(values, bins));
        let codes: Vec<CodeColumn> = codes.collect::<Result<_, QueryError>>()?;
        let rows = codes.first().map_or(0, CodeColumn::len);
        let leaf = |row| self.tree.routing.leaf(|column| codes[column].code(row));
        Ok((0..rows).into_par_iter().map(|row| (leaf(row) as u32).to_le_bytes()).collect())
    }
}

/// The codes of unseen values, the largest of which may be beyond the last edge and belong to its bin.
fn codes(values: &ScalarBuffer<f32>, bins: &TagBins) -> Result<CodeColumn, QueryError> {
    let BinKind::Numeric { edges, .. } = &bins.kind else { return Ok(CodeColumn::U8(Vec::new())) };
    // Edges are values of the given units, which have 32 bits.
    let last = edges.last().copied().unwrap_or(0.0) as f32;
    let within = as_tag(values.clone()).unary::<_, Float32Type>(|value| value.min(last));
    bins.encode(&(Arc::new(within) as ArrayRef))
}

/// Seconds that all threads of this process had a processor.
fn processor_seconds() -> Outcome<f64> {
    const TICKS_PER_SECOND: f64 = 100.0;
    let statistics = fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = statistics.rsplit_once(") ").ok_or("`/proc/self/stat` has another form")?;
    let ticks: Vec<f64> = fields.split(' ').skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() / TICKS_PER_SECOND)
}
