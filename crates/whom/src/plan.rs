//! `whom plan`: what a run will need, before it runs.

use whom_pipeline::report::count;
use whom_pipeline::{MemoryPlan, Planned};

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
        "{}\n{}\n{}",
        headed("READ", &read(planned)),
        headed(&format!("MEMORY of {threads} threads"), &memory(&planned.memory)),
        headed("EXPECTED", &expected(planned))
    )
}

/// What scans read: the columns that they need, as they lie in the files.
fn read(planned: &Planned) -> String {
    let scans = planned.needs.scans.iter();
    let mut rows: Vec<[String; 4]> =
        scans.map(|scan| [scan.table.clone(), count(scan.files as u64), count(scan.rows), shown(scan.bytes)]).collect();
    rows.push(["all".to_owned(), String::new(), String::new(), shown(planned.needs.read())]);
    table([Column::Left("table"), Column::Right("files"), Column::Right("rows"), Column::Right("size")], &rows)
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
    let rows = [
        ("units, about", count(planned.needs.units)),
        ("pieces", count(planned.memory.pieces.count() as u64)),
        ("peak memory", shown(planned.memory.peak)),
        ("spilled, at most", shown(planned.memory.spilled)),
        ("checkpoints, if kept, at most", shown(planned.checkpoints)),
        ("read", shown(planned.needs.read())),
        ("unit table written", shown(planned.units_written)),
    ];
    table([Column::Left("what"), Column::Right("how much")], &rows.map(|(what, how)| [what.to_owned(), how]))
}

fn headed(heading: &str, text: &str) -> String {
    let lines: String = text.lines().flat_map(|line| ["  ", line, "\n"]).collect();
    format!("{heading}\n{lines}")
}
