//! What the bootstrap costs: standard errors of every metric, treatment and cohort from statistics by bucket. No assertion depends on it.
//!
//!     cargo run --locked --example bootstrap_cost -- FOLDER REPLICATES THREADS STANDARD_ERRORS_OUT
//!
//! The folder holds what `peers/bootstrap_arrays.py` writes: an arm and a cohort per unit, and one metric after the other, as whole
//! numbers. The standard errors are written as numbers of 64 bits: by metric, then by treatment, then by cohort. The last line is
//! JSON: seconds that laying the units out took, counting them by cohort, arm and bucket, and the bootstrap, and those of all
//! processors together.

#![expect(clippy::print_stdout, reason = "a program for a person who measures")]

use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use whom_stats::{
    Against, Bootstrap, BucketSet, CellStatistics, CodeColumn, ColumnShape, Grid, Grouping, Hypothesis, Measured,
    Reference, Target, UnitColumnParts, UnitColumns, bucket_of_integer, cell_statistics,
};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, replicates, threads, out] = arguments.as_slice() else {
        return Err("bootstrap_cost FOLDER REPLICATES THREADS STANDARD_ERRORS_OUT".into());
    };
    let replicates = replicates.parse()?;
    let given = Given::read(Path::new(folder))?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.parse()?).build()?;
    let (std_errors, costs) = pool.install(|| given.bootstrapped(replicates))?;
    fs::write(out, std_errors.iter().flat_map(|error| error.to_le_bytes()).collect::<Vec<u8>>())?;
    println!("{costs}");
    Ok(())
}

/// The units as they are given.
struct Given {
    arms: Vec<u8>,
    cohorts: Vec<u8>,
    metrics: Vec<Vec<i64>>,
}

impl Given {
    fn read(folder: &Path) -> Outcome<Self> {
        let (arms, cohorts) = (fs::read(folder.join("arms.u8"))?, fs::read(folder.join("cohorts.u8"))?);
        let bytes = fs::read(folder.join("metrics.i64"))?;
        let (values, _) = bytes.as_chunks();
        let values: Vec<i64> = values.iter().map(|value| i64::from_le_bytes(*value)).collect();
        let metrics = values.chunks(arms.len().max(1)).map(<[i64]>::to_vec).collect();
        Ok(Self { arms, cohorts, metrics })
    }

    /// The standard errors, and what they cost as JSON.
    fn bootstrapped(self, replicates: u64) -> Outcome<(Vec<f64>, String)> {
        let highest = |column: &[u8]| usize::from(column.iter().copied().max().unwrap_or(0));
        let (arms, cohorts, metrics) = (highest(&self.arms) + 1, highest(&self.cohorts) + 1, self.metrics.len());
        let (start, processor) = (Instant::now(), processor_seconds()?);
        let units = UnitColumns::new(UnitColumnParts {
            arm_count: arms,
            buckets: (0..self.arms.len() as i64).map(bucket_of_integer).collect(),
            arms: self.arms,
            codes: vec![CodeColumn::U8(self.cohorts)],
            shapes: vec![ColumnShape { name: "cohort".into(), codes: cohorts, ordered: false, missing: None }],
            metrics: self.metrics,
        })?;
        let laid_out = start.elapsed().as_secs_f64();
        let grouping = Grouping::Codes { column: 0, codes: cohorts as u16 };
        let cells = cell_statistics(&units, &[grouping], &AtomicBool::new(false))?.remove(0);
        let counted = start.elapsed().as_secs_f64() - laid_out;
        let family: Vec<Hypothesis> = (0..metrics)
            .flat_map(|metric| (1..arms).map(move |treatment| (metric, treatment)))
            .flat_map(|(metric, treatment)| (0..cohorts).map(move |cell| Target { metric, treatment, cell }))
            .map(|target| Hypothesis { target, against: Against::Zero })
            .collect();
        let std_errors = std_errors(&cells, &family, replicates)?;
        let bootstrap = start.elapsed().as_secs_f64() - laid_out - counted;
        let processor = processor_seconds()? - processor;
        let costs = format!(
            "{{\"laid_out\": {laid_out}, \"counted\": {counted}, \"bootstrap\": {bootstrap}, \"processor\": {processor}}}"
        );
        Ok((std_errors, costs))
    }
}

fn std_errors(cells: &CellStatistics, family: &[Hypothesis], replicates: u64) -> Outcome<Vec<f64>> {
    let grids = vec![Grid::INTEGER; family.last().map_or(0, |last| last.target.metric + 1)];
    let measured = Measured { cells, buckets: &BucketSet::all(), grids: &grids };
    let bootstrap = Bootstrap { experiment: "benchmark", replicates, level: 0.95, reference: Reference::T };
    let outcomes = bootstrap.max_t(&measured, family).outcomes;
    Ok(outcomes
        .into_iter()
        .map(|outcome| Ok(outcome?.bootstrap_std_err))
        .collect::<Result<_, whom_stats::NotEstimable>>()?)
}

/// Seconds that all threads of this process had a processor.
fn processor_seconds() -> Outcome<f64> {
    const TICKS_PER_SECOND: f64 = 100.0;
    let statistics = fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = statistics.rsplit_once(") ").ok_or("`/proc/self/stat` has another form")?;
    let ticks: Vec<f64> = fields.split(' ').skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() / TICKS_PER_SECOND)
}
