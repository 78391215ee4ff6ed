//! The order of the stages: a plan in, typed results and a verdict out.
//!
//! A run goes one way and never back: read the pipeline file, list and open its tables, make the unit table, judge the
//! data, compute averages, look at every tag by itself, grow trees on one half of the buckets, test on the other half, publish. Until the last write
//! of the last stage nothing is visible; after it everything is.
//!
//! [`run()`] is a function of the files it reads and of its [`Request`]; clock and random names reach the manifest, never
//! a result file. [`check`] and [`compile()`] stop after the tables fit the plan; [`rehearse`] analyses days before the experiment and
//! publishes nothing. [`runs()`], [`show`], [`path`] and
//! [`clean`] look after what is published; [`register`] seals a plan before there is anything to publish.
//!
//! ```no_run
//! use std::collections::BTreeMap;
//! use std::sync::Arc;
//! use whom_pipeline::{Limits, Request, Silent, Stores, run};
//!
//! # async fn example() -> Result<(), whom_pipeline::RunError> {
//! let request = Request {
//!     pipeline: "pipelines/hillstrom.yaml".into(),
//!     variables: BTreeMap::new(),
//!     environment: BTreeMap::new(),
//!     keep_units: false,
//!     show_ids: false,
//!     memory: 4 << 30,
//!     limits: Limits::default(),
//!     stores: Stores::new(),
//!     cache: None,
//!     checkpoints: None,
//!     elsewhere: None,
//!     findings_of: None,
//!     cancel: Arc::default(),
//! };
//! let outcome = run(&request, &Silent).await?;
//! println!("{} cohorts", outcome.results.discovered().len());
//! # Ok(())
//! # }
//! ```

mod analysis;
mod averages;
mod caps;
mod checkpoints;
mod checks;
mod clock;
mod clustered;
mod cohort_scatter;
mod cohorts;
mod comparison;
#[cfg(test)]
mod counted;
mod declared;
mod discovery;
mod earlier;
mod elsewhere;
pub mod error;
mod estimation;
pub mod event;
mod files;
mod first_look;
#[cfg(test)]
mod fixture;
mod global_tests;
mod identity;
mod leaf_sums;
mod looks;
mod models;
mod names;
mod output;
pub mod planned;
mod power;
mod pre_period;
mod prepare;
mod profile;
mod profiles;
pub mod published;
mod published_units;
mod quantiles;
mod record;
mod rehearsal;
mod replication;
pub mod request;
mod rows;
mod rules;
mod run;
mod scatter;
mod seal;
mod searches;
mod sequences;
mod shared_cache;
mod shrinkage;
#[cfg(test)]
mod simulation;
mod slices;
mod stability;
mod steadiness;
mod stratified;
mod study;
#[cfg(test)]
mod tests;
mod trail;
mod trees;
mod units_file;
mod usage;
mod waterfall;
mod withheld;
mod worker;

pub use checkpoints::{Checkpointing, clean_checkpoints};
pub use error::{Cause, RunError};
pub use event::{Event, Observer, Silent, Stage};
pub use planned::{Planned, plan};
pub use pre_period::{InvalidDays, PastDays, PrePeriod};
pub use prepare::{Checked, check, compile, compile_portable};
pub use published::{Cleaning, ShownRun, clean, clean_cache, page, path, results, runs, show, show_failure};
pub use rehearsal::{Rehearsal, rehearse};
pub use request::{FindingsOf, Request};
pub use run::{Outcome, run};
pub use seal::register;
pub use shared_cache::SharedCache;
pub use whom_engine::{
    CheckpointSweep, Dispatch, EngineError, Limits, MemoryPlan, Needs, Order, ScanNeeds, StageProgress, Worker,
};
pub use whom_query::cache::{ExpectedCache, ExpectedDays};
pub use whom_report as report;
pub use whom_spec::plan::Hours;
pub use whom_store::{Address, FaultPlan, ListedRun, Manifest, Pending, Registered, Stores, Surplus, Sweep};
pub use worker::RunWorker;

/// The JSON Schema of a pipeline file.
pub fn schema() -> serde_json::Value {
    whom_spec::json_schema()
}
