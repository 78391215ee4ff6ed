//! What a run tells of itself in its manifest.

use chrono::Utc;
use serde_json::{Value, json};
use whom_engine::{Dispatch, MemoryPlan};
use whom_query::cache::TableReads;
use whom_query::unit_table::Keeping;
use whom_report::Results;
use whom_store::RunRecord;

use crate::checkpoints;
use crate::clock::Stages;
use crate::elsewhere;
use crate::identity::{VERSION, identities};
use crate::looks::Looks;
use crate::prepare::Prepared;
use crate::seal::Registrations;
use crate::trail::Trail;

/// A run that is about to be published.
pub(crate) struct Recorded<'a> {
    pub(crate) prepared: &'a Prepared,
    pub(crate) results: &'a Results,
    pub(crate) worked: &'a Worked,
    pub(crate) trail: &'a Trail,
    pub(crate) threads: usize,
    /// Who had the work done on other machines, if anybody had.
    pub(crate) elsewhere: Option<&'a dyn Dispatch>,
}

/// What is known of the work beside its results.
pub(crate) struct Worked {
    pub(crate) memory: MemoryUse,
    /// What was kept on the way, if anything was to be.
    pub(crate) keeping: Option<Keeping>,
    pub(crate) registrations: Registrations,
    /// The looks at the measuring fold, this run's among them.
    pub(crate) looks: Looks,
    /// The number of this run's; `None` if it searches nothing.
    pub(crate) look: Option<usize>,
}

/// What was planned, and what came of it.
pub(crate) struct MemoryUse {
    pub(crate) planned: MemoryPlan,
    /// The most bytes on disk at any moment.
    pub(crate) spilled: u64,
    /// Whether passes read the units from disk.
    pub(crate) units_on_disk: bool,
}

impl Recorded<'_> {
    /// The record that publishes the run.
    ///
    /// # Errors
    /// Never for a plan that was loaded: it can be written as JSON.
    pub(crate) fn record(&self, stages: &Stages<'_>) -> Result<RunRecord, serde_json::Error> {
        let Self { prepared, results, worked, .. } = self;
        let Worked { memory, keeping, registrations, looks, look } = worked;
        let mut inputs = prepared.catalog.inputs();
        inputs.extend(prepared.earlier.as_ref().map(|earlier| earlier.file.clone()));
        Ok(RunRecord {
            identities: identities(&prepared.loaded.plan, &prepared.compiled, &inputs)?,
            tool_version: VERSION.to_owned(),
            started_at: stages.started_at,
            finished_at: Utc::now(),
            inputs,
            details: json!({
                "experiment": results.experiment,
                "registrations": registrations.to_json(),
                "through": results.through,
                "look": look,
                "looks": looks.to_json(),
                "folds": results.folds,
                "units": results.units(),
                "waterfall": results.waterfall,
                "checks": results.checks,
                "stages": stages.to_json(),
                "statements": self.trail.statements(),
                "read": prepared.catalog.reads().iter().map(read_of).collect::<Vec<_>>(),
                "threads": self.threads,
                "pieces": memory.planned.pieces.count(),
                "memory": memory.to_json(),
                "elsewhere": self.elsewhere.map(elsewhere::to_json),
                "checkpoints": keeping.as_ref().map(checkpoints::to_json),
            }),
        })
    }
}

/// What was read of a table.
fn read_of(reads: &TableReads) -> Value {
    let TableReads { table, source, cache } = reads;
    let cache =
        cache.map(|cache| json!({ "bytes": cache.bytes, "days_reused": cache.reused, "days_filled": cache.filled }));
    json!({ "table": table, "bytes": source.bytes, "files": source.files, "cache": cache })
}

impl MemoryUse {
    fn to_json(&self) -> Value {
        json!({
            "limit": self.planned.limit,
            "expected_peak": self.planned.peak,
            "expected_spill": self.planned.spilled,
            "spilled": self.spilled,
            "units_on_disk": self.units_on_disk,
        })
    }
}
