//! What is asked of a run.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use whom_engine::{Dispatch, Limits};
use whom_store::Stores;

use crate::checkpoints::Checkpointing;
use crate::shared_cache::SharedCache;

/// Where findings lie that are measured again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindingsOf {
    /// A pipeline file, or the folder or address that it publishes to.
    pub place: PathBuf,
    /// The number of the run; the latest if not given.
    pub run: Option<u64>,
}

/// Everything a run needs to know that is not in the pipeline file. The clock, random names and the environment come in
/// here, so that the rest is a function of its inputs.
#[derive(Clone)]
pub struct Request {
    /// The pipeline file.
    pub pipeline: PathBuf,
    /// `--set name=value`.
    pub variables: BTreeMap<String, String>,
    /// The environment variables that `${env.NAME}` may name.
    pub environment: BTreeMap<String, String>,
    /// Whether the unit table is published as well.
    pub keep_units: bool,
    /// Whether messages show what they quote of the data; otherwise a hash stands in its place.
    pub show_ids: bool,
    /// Bytes that the whole process may take. What the engine may use of it follows from what the plan needs.
    pub memory: usize,
    /// What the engine may use besides, threads among it; counting uses rayon's, which the caller sets.
    pub limits: Limits,
    /// The stores, with faults in tests.
    pub stores: Stores,
    /// Days that were read before; none to read everything where it lies. It decides no result.
    pub cache: Option<Arc<SharedCache>>,
    /// Where what is done is kept, so that a run that is stopped can go on; none to begin anew. It decides no result.
    pub checkpoints: Option<Checkpointing>,
    /// Who has the work done on other machines; none to do it here. It decides no result.
    pub elsewhere: Option<Arc<dyn Dispatch>>,
    /// The run whose cohorts are measured again, in place of a search; none to search.
    pub findings_of: Option<FindingsOf>,
    /// Raised to stop the run.
    pub cancel: Arc<AtomicBool>,
}
