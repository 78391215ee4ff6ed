//! Every byte that is allocated, counted: a run stays within what its plan of memory gives it.

use std::env;
use std::num::NonZeroUsize;
use std::process::Command;

use peak_alloc::PeakAlloc;
use whom_simulate::{Population, Size, Warehouse};

use super::tests::requested;
use super::*;

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// The variable that says which limit the process tries, in MiB: one run in a process, or others would be counted as well.
const TRIES: &str = "WHOM_TEST_COUNTED_MIB";

const UNITS: u64 = 60_000;

#[test]
fn what_is_allocated_stays_within_the_plan() {
    if let Ok(limit) = env::var(TRIES) {
        return within(limit.parse::<usize>().unwrap() << 20);
    }
    for limit in ["288", "512", "4096"] {
        let mut again = Command::new(env::current_exe().unwrap());
        again.args(["--exact", "counted::what_is_allocated_stays_within_the_plan", "--nocapture"]).env(TRIES, limit);
        let output = again.output().unwrap();
        print!("{}", String::from_utf8_lossy(&output.stdout));
        assert!(output.status.success(), "{limit} MiB: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Runs a simulated warehouse within a limit, and asserts that what was allocated is what was planned, without the program's
/// own pages and what allocators keep, and near what was expected.
fn within(limit: usize) {
    let folder = tempfile::tempdir().unwrap();
    let threads = NonZeroUsize::new(2).unwrap();
    let population = Population::new(Warehouse::standard(Size::Units(UNITS), 1)).unwrap();
    population.write(folder.path(), threads, &|_| {}).unwrap();
    let limits = Limits { threads, ..Limits::default() };
    let request = Request { memory: limit, limits, keep_units: true, ..requested(folder.path().join("pipeline.yaml")) };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let memory = runtime.block_on(plan(&request)).unwrap().memory;
    ALLOCATED.reset_peak_usage();
    let before = ALLOCATED.current_usage();
    runtime.block_on(run(&request, &Silent)).unwrap();
    let allocated = ALLOCATED.peak_usage() - before;
    let (given, expected) = (memory.limit - memory.slack - memory.program, memory.peak as usize - memory.program);
    println!("{limit} bytes: {given} given, {expected} expected, {allocated} allocated");
    assert!(allocated <= given, "{allocated} bytes were allocated of {given}");
    assert!(allocated <= expected / 4 * 5, "{allocated} bytes were allocated where {expected} were expected");
    assert!(expected <= allocated / 2 * 3, "{allocated} bytes were allocated where {expected} were expected");
}
