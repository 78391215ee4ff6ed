//! `whom clean`: throws away published runs that nobody keeps, and what interrupted runs left.

use whom_pipeline::report::count;
use whom_pipeline::{CheckpointSweep, Cleaning, Pending, Surplus, Sweep};

use crate::arguments::{CleanArguments, PlaceArguments};
use crate::byte_size;
use crate::commands::wait;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::request;

/// Removes, or tells what would be removed.
pub(crate) fn clean(arguments: &CleanArguments, environment: &Environment) -> Result<String, Failure> {
    let CleanArguments { keep, older_than, dry_run, .. } = *arguments;
    let cleaning = Cleaning { keep, older_than, dry_run };
    if let Some(cache) = &arguments.cache {
        let stores = request::stores(environment)?;
        let sweep = wait(whom_pipeline::clean_cache(cache, &stores, &cleaning))?;
        return Ok(swept(&sweep, dry_run));
    }
    if let Some(folder) = &arguments.checkpoints {
        let sweep = whom_pipeline::clean_checkpoints(folder, older_than, dry_run)?;
        return Ok(checkpoints_swept(&sweep, dry_run));
    }
    let place = arguments.place.clone().unwrap_or_default();
    let place = PlaceArguments { place, assignments: arguments.assignments.clone() };
    let request = request::of_place(&place, environment)?;
    let surplus = wait(whom_pipeline::clean(&request, &cleaning))?;
    Ok(told(&surplus, dry_run))
}

/// What goes of a cache.
fn swept(sweep: &Sweep, dry_run: bool) -> String {
    let kept = counted(sweep.kept, "cached day");
    let pending = uploads(&sweep.pending, dry_run);
    if sweep.days == 0 && sweep.remains == 0 {
        return format!("{pending}nothing to remove; kept {kept}\n");
    }
    format!(
        "{pending}{} {} and {} of killed runs, {}; kept {kept}\n",
        if dry_run { "would remove" } else { "removed" },
        counted(sweep.days, "cached day"),
        counted(sweep.remains, "file"),
        byte_size::shown(sweep.bytes),
    )
}

/// What goes of a folder of checkpoints.
fn checkpoints_swept(sweep: &CheckpointSweep, dry_run: bool) -> String {
    let kept = counted(sweep.kept, "checkpoint");
    match sweep.checkpoints() {
        0 => format!("nothing to remove; kept {kept}\n"),
        number => {
            let verb = if dry_run { "would remove" } else { "removed" };
            let bytes = byte_size::shown(sweep.bytes);
            format!("{verb} {}, {bytes}; kept {kept}\n", counted(number, "checkpoint"))
        }
    }
}

fn told(surplus: &Surplus, dry_run: bool) -> String {
    let pending = uploads(&surplus.pending, dry_run);
    if surplus.bytes == 0 && surplus.runs.is_empty() {
        return format!("{pending}nothing to remove; kept {}\n", counted(surplus.kept, "run"));
    }
    let verb = if dry_run { "would remove" } else { "removed" };
    let runs = surplus.runs.iter().map(|run| {
        let manifest = &run.manifest;
        let published = manifest.run.finished_at.format("%Y-%m-%d %H:%M:%S UTC");
        format!("{verb} run {} of {published} ({})\n", manifest.number, manifest.run_id)
    });
    let abandoned = surplus.abandoned.iter().map(|run| format!("{verb} what was left of run {run}, never published\n"));
    let failures =
        (surplus.failures > 0).then(|| format!("{verb} {}\n", counted(surplus.failures, "record of a failed run")));
    let exchanges = (surplus.exchanges > 0).then(|| {
        format!("{verb} what machines handed over for {} that never ended\n", counted(surplus.exchanges, "run"))
    });
    let sum = format!(
        "{verb} {} and the remains of {}, {}; kept {}\n",
        counted(surplus.runs.len(), "published run"),
        counted(surplus.abandoned.len(), "other"),
        byte_size::shown(surplus.bytes),
        counted(surplus.kept, "run"),
    );
    runs.chain(abandoned).chain(failures).chain(exchanges).chain([pending, sum]).collect()
}

/// What goes of uploads that no listing of objects shows; nothing where there are none.
fn uploads(pending: &Pending, dry_run: bool) -> String {
    if let Some(reason) = &pending.unlisted {
        return format!(
            "uploads that killed runs left could not be listed ({reason}); a rule of the bucket's lifecycle, \
             `AbortIncompleteMultipartUpload`, removes them\n"
        );
    }
    match pending.count() {
        0 => String::new(),
        number => {
            let verb = if dry_run { "would abort" } else { "aborted" };
            format!("{verb} {} that killed runs left\n", counted(number, "upload"))
        }
    }
}

/// A number of things in words.
fn counted(number: usize, thing: &str) -> String {
    format!("{} {thing}{}", count(number as u64), if number == 1 { "" } else { "s" })
}
