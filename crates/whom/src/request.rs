//! From arguments, environment and machine to the request of a run.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use whom_pipeline::{Cause, Checkpointing, FaultPlan, Limits, Request, SharedCache, Stores};

use crate::arguments::{PipelineArguments, PlaceArguments, PlanArguments, PowerArguments, Resources, RunArguments};
use crate::byte_size::ByteSize;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::machine;

/// What is used where neither a limit nor the machine tells.
pub(crate) const MEMORY_OF_AN_UNKNOWN_MACHINE: usize = 4 << 30;

/// The variable that says where days are cached.
const CACHE: &str = "WHOM_CACHE";

/// The variable that says where checkpoints are kept.
const CHECKPOINTS: &str = "WHOM_CHECKPOINTS";

/// The requests of the runs of one command, which share a cache.
pub(crate) fn of_runs(arguments: &RunArguments, environment: &Environment) -> Result<Vec<Request>, Failure> {
    let RunArguments { pipelines, assignments, resources, keep_units, show_ids, .. } = arguments;
    let stores = stores(environment)?;
    let checkpoints = checkpointing(arguments, environment);
    let request = |pipeline: &PathBuf| {
        let pipeline = PipelineArguments { pipeline: pipeline.clone(), assignments: assignments.clone() };
        let request = request(&pipeline, resources, environment)?;
        let (stores, checkpoints) = (stores.of_another_run(), checkpoints.clone());
        Ok(Request { keep_units: *keep_units, show_ids: *show_ids, stores, checkpoints, ..request })
    };
    let requests = pipelines.iter().map(request).collect::<Result<Vec<_>, Failure>>()?;
    let cache = match cache_location(arguments.cache.as_ref(), environment) {
        Some(location) => Some(SharedCache::lasting(&location, requests.clone())?),
        // What is shared for one command only has no limit of its own to keep to.
        None if requests.len() > 1 && resources.spill_limit.is_none() && !is_for_cluster(arguments) => {
            Some(SharedCache::temporary(requests.clone())?)
        }
        None => None,
    };
    let cache = cache.map(Arc::new);
    Ok(requests.into_iter().map(|request| Request { cache: cache.clone(), ..request }).collect())
}

/// Whether other machines are to read the tables.
#[cfg(feature = "cluster")]
fn is_for_cluster(arguments: &RunArguments) -> bool {
    arguments.cluster.is_asked_for()
}

/// This program knows no other machines.
#[cfg(not(feature = "cluster"))]
fn is_for_cluster(_: &RunArguments) -> bool {
    false
}

/// Where and how checkpoints are kept, if they are to be.
fn checkpointing(arguments: &RunArguments, environment: &Environment) -> Option<Checkpointing> {
    let given = arguments.checkpoints.clone().or_else(|| environment.get(CHECKPOINTS).map(PathBuf::from));
    let folder = given.filter(|folder| !folder.as_os_str().is_empty())?;
    let limit = arguments.checkpoint_limit.map(|limit| limit.bytes() as u64);
    Some(Checkpointing { folder, limit, after: Duration::from_secs(arguments.checkpoint_after) })
}

/// The request of a run that is only planned.
pub(crate) fn of_plan(arguments: &PlanArguments, environment: &Environment) -> Result<Request, Failure> {
    let request = request(&arguments.pipeline, &arguments.resources, environment)?;
    let request = Request { keep_units: arguments.keep_units, ..request };
    let cache = match cache_location(arguments.cache.as_ref(), environment) {
        Some(location) => Some(Arc::new(SharedCache::planned(&location, vec![request.clone()])?)),
        None => None,
    };
    Ok(Request { cache, ..request })
}

/// Where days are cached, if they are.
fn cache_location(given: Option<&String>, environment: &Environment) -> Option<String> {
    given.cloned().or_else(|| environment.get(CACHE)).filter(|location| !location.is_empty())
}

/// The request of a command that does little work.
pub(crate) fn of_pipeline(pipeline: &PipelineArguments, environment: &Environment) -> Result<Request, Failure> {
    request(pipeline, &Resources::default(), environment)
}

/// The request of a command that looks after what is published.
pub(crate) fn of_place(place: &PlaceArguments, environment: &Environment) -> Result<Request, Failure> {
    let PlaceArguments { place, assignments } = place.clone();
    of_pipeline(&PipelineArguments { pipeline: place, assignments }, environment)
}

/// The request of what analyses days before an experiment.
pub(crate) fn of_power(arguments: &PowerArguments, environment: &Environment) -> Result<Request, Failure> {
    let PlaceArguments { place, assignments } = arguments.place.clone();
    let pipeline = PipelineArguments { pipeline: place, assignments };
    let request = request(&pipeline, &arguments.resources, environment)?;
    Ok(Request { show_ids: arguments.show_ids, ..request })
}

fn request(
    arguments: &PipelineArguments,
    resources: &Resources,
    environment: &Environment,
) -> Result<Request, Failure> {
    Ok(Request {
        pipeline: arguments.pipeline.clone(),
        variables: arguments.assignments.iter().cloned().collect(),
        environment: environment.variables().clone(),
        keep_units: false,
        show_ids: false,
        memory: memory(resources),
        limits: limits(resources),
        stores: stores(environment)?,
        cache: None,
        checkpoints: None,
        elsewhere: None,
        findings_of: None,
        cancel: Arc::new(AtomicBool::new(false)),
    })
}

/// What is asked for, or else the machine's share.
fn memory(resources: &Resources) -> usize {
    let asked = resources.memory_limit.map(ByteSize::bytes);
    asked.or_else(machine::memory_share).unwrap_or(MEMORY_OF_AN_UNKNOWN_MACHINE)
}

fn limits(resources: &Resources) -> Limits {
    let defaults = Limits::default();
    Limits {
        batch_size: resources.batch_size.map_or(defaults.batch_size, NonZeroUsize::get),
        spill: resources.spill_dir.clone(),
        spill_limit: resources.spill_limit.map(|limit| limit.bytes() as u64),
        threads: resources.threads.unwrap_or_else(machine::cores),
        pieces: resources.pieces,
        rows: resources.waiting_limit.map_or(defaults.rows, ByteSize::bytes),
        buffer: resources.waiting_limit.map_or(defaults.buffer, ByteSize::bytes),
        resident: resources.resident_limit.map(ByteSize::bytes),
        ..defaults
    }
}

/// The stores, with the fault that the hidden switch of tests asks for.
pub(crate) fn stores(environment: &Environment) -> Result<Stores, Failure> {
    let faults = FaultPlan::from_environment(|name| environment.get(name));
    let faults = faults.map_err(|error| Failure::start(Cause::Configuration, error.to_string()))?;
    Ok(faults.into_iter().fold(Stores::new(), |stores, plan| stores.with_faults(Arc::new(plan))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_wins_over_what_the_machine_offers() {
        let resources = Resources {
            memory_limit: Some("2GiB".parse().expect("a size")),
            batch_size: NonZeroUsize::new(64),
            threads: NonZeroUsize::new(3),
            pieces: NonZeroUsize::new(5),
            resident_limit: Some("1B".parse().expect("a size")),
            ..Resources::default()
        };
        let [threads, pieces] = [3, 5].map(|count| NonZeroUsize::new(count).expect("not zero"));
        let expected = Limits { batch_size: 64, threads, pieces: Some(pieces), resident: Some(1), ..Limits::default() };
        assert_eq!((limits(&resources), memory(&resources)), (expected, 2 << 30));
    }

    #[test]
    fn the_machine_offers_something_without_being_asked() {
        assert!(memory(&Resources::default()) > 0);
        assert_eq!(limits(&Resources::default()).batch_size, Limits::default().batch_size);
    }

    #[test]
    fn the_last_assignment_of_a_name_counts() {
        let assignments = ["2026-10-01", "2026-10-02"].map(|day| ("ds".to_owned(), day.to_owned())).to_vec();
        let pipeline = PipelineArguments { pipeline: "p.yaml".into(), assignments };
        let request = of_pipeline(&pipeline, &Environment::collect()).unwrap_or_else(|failure| panic!("{failure:?}"));
        assert_eq!(request.variables["ds"], "2026-10-02");
    }
}
