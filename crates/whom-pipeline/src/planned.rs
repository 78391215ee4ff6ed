//! What a run will need, known before any row is read.

use whom_engine::{Engine, MemoryPlan, Needs, checkpoint};

use crate::error::{Cause, RunError};
use crate::event::Stage;
use crate::prepare::{Prepared, load_plan, session};
use crate::request::Request;

/// What a run will need, and how its memory is shared out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// What the footers of the files tell.
    pub needs: Needs,
    /// The parts of the memory, the pieces, and what is expected of both.
    pub memory: MemoryPlan,
    /// Bytes of the unit table, if it is published: a guess, as nobody knows how well it compresses.
    pub units_written: u64,
    /// The most bytes of checkpoints that lie on disk at any moment, if they are kept.
    pub checkpoints: u64,
}

impl Planned {
    /// Plans the memory of a run whose tables fit its plan.
    pub(crate) async fn new(request: &Request, prepared: &Prepared) -> Result<Self, RunError> {
        let scratch = session(&request.limits)?;
        let needs = whom_query::needs(&prepared.compiled, &prepared.catalog, &scratch).await;
        let needs = needs.map_err(|error| prepared.refused(Stage::Sources, &error))?;
        let memory = MemoryPlan::new(request.memory, &request.limits, &needs);
        let memory = memory.map_err(|error| RunError::new(Stage::Sources, Cause::Resources, error.to_string()))?;
        let units_written = if request.keep_units { needs.waiting / 4 } else { 0 };
        let checkpoints = checkpoint::expected_bytes(&needs);
        Ok(Self { needs, memory, units_written, checkpoints })
    }

    /// A session under this plan.
    pub(crate) fn engine(&self, request: &Request) -> Result<Engine, RunError> {
        session(&self.memory.limits(&request.limits))
    }
}

/// Plans a run without running it.
///
/// # Errors
/// A [`RunError`] with everything that is wrong with the pipeline or its tables, or that the memory is too little.
pub async fn plan(request: &Request) -> Result<Planned, RunError> {
    let prepared = Prepared::new(request, load_plan(request)?).await?;
    Planned::new(request, &prepared).await
}
