//! `whom plan`: what a run will need, before it runs.

use whom_pipeline::report::count;
use whom_pipeline::{ExpectedCache, ExpectedDays, MemoryPlan, Planned};

use crate::arguments::PlanArguments;
use crate::byte_size::shown;
use crate::columns::{Column, table};
use crate::commands::wait;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::request;

/// Plans a run.
pub(crate) fn plan(arguments: &PlanArguments, environment: &Environment) -> Result<String, Failure> {
    let request = request::of_plan(arguments, environment)?;
    let planned = wait(whom_pipeline::plan(&request))?;
    Ok(told(&planned, request.limits.threads.get()))
}

fn told(planned: &Planned, threads: usize) -> String {
    format!(
        "{}\n{}{}\n{}",
        headed("READ", &read(planned)),
        planned.cache.as_ref().map(days).unwrap_or_default(),
        headed(&format!("MEMORY of {threads} threads"), &memory(&planned.memory)),
        headed("EXPECTED", &expected(planned))
    )
}

/// What scans read: the columns that they need, as they lie in the files or in the cache.
fn read(planned: &Planned) -> String {
    let scans = planned.needs.scans.iter();
    let mut rows: Vec<[String; 4]> =
        scans.map(|scan| [scan.table.clone(), count(scan.files as u64), count(scan.rows), shown(scan.bytes)]).collect();
    rows.push(["all".to_owned(), String::new(), String::new(), shown(planned.needs.read())]);
    table([Column::Left("table"), Column::Right("files"), Column::Right("rows"), Column::Right("size")], &rows)
}

/// Which days are in the cache, and which have to be read where they lie.
fn days(cache: &ExpectedCache) -> String {
    let row = |days: &ExpectedDays| {
        [days.table.clone(), count(days.reused as u64), count(days.filled as u64), shown(days.bytes)]
    };
    let rows: Vec<[String; 4]> = cache.tables.iter().map(row).collect();
    let columns =
        [Column::Left("table"), Column::Right("days kept"), Column::Right("days to make"), Column::Right("size")];
    headed("CACHE", &table(columns, &rows)) + "\n"
}

/// Bytes that are read where tables lie, and from a cache.
fn sources(planned: &Planned) -> [u64; 2] {
    let Some(cache) = &planned.cache else { return [planned.needs.read(), 0] };
    let scans = planned.needs.scans.iter();
    let cached: u64 = scans.filter(|scan| cache.table(&scan.table).is_some()).map(|scan| scan.bytes).sum();
    [planned.needs.read() - cached + cache.filled(), cached]
}

/// Who gets how much.
fn memory(plan: &MemoryPlan) -> String {
    let rows = [
        ("what allocators keep", plan.slack),
        ("program and threads", plan.program),
        ("readers", plan.readers),
        ("filters of keys", plan.filters),
        ("rows on their way to pieces", plan.buffers),
        ("rows that wait", plan.rows),
        ("pieces at work", plan.work),
        ("operators", plan.pool),
        ("search and writer, beyond these", plan.afterwards),
        ("limit", plan.limit),
    ];
    let rows = rows.map(|(part, bytes)| [part.to_owned(), shown(bytes as u64)]);
    table([Column::Left("part"), Column::Right("at most")], &rows)
}

fn expected(planned: &Planned) -> String {
    let [source, cached] = sources(planned);
    let mut rows = vec![
        ("units, about", count(planned.needs.units)),
        ("pieces", count(planned.memory.pieces.count() as u64)),
        ("peak memory", shown(planned.memory.peak)),
        ("spilled, at most", shown(planned.memory.spilled)),
        ("slot of an executor, at least", shown(planned.slot)),
        ("checkpoints, if kept, at most", shown(planned.checkpoints)),
        ("read", shown(source)),
        ("unit table written", shown(planned.units_written)),
    ];
    if let Some(cache) = &planned.cache {
        rows.push(("read from the cache", shown(cached)));
        rows.push(("written to the cache, about", shown(cache.filled())));
    }
    let rows: Vec<[String; 2]> = rows.into_iter().map(|(what, how)| [what.to_owned(), how]).collect();
    table([Column::Left("what"), Column::Right("how much")], &rows)
}

fn headed(heading: &str, text: &str) -> String {
    let lines: String = text.lines().flat_map(|line| ["  ", line, "\n"]).collect();
    format!("{heading}\n{lines}")
}
