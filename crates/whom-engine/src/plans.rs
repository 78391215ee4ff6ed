//! Physical plans that pieces share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::execution_plan::reset_plan_states;

use crate::error::EngineError;

/// The plans of statements that run in every piece, by their text. Planning takes milliseconds, as long as a small piece
/// takes to be worked on.
#[derive(Debug, Default)]
pub(crate) struct Plans(Mutex<BTreeMap<String, Arc<dyn ExecutionPlan>>>);

impl Plans {
    /// The plan of a statement, as if it had never run; `None` if nobody made it yet.
    ///
    /// # Errors
    /// [`EngineError::Internal`] if an operator cannot be made new.
    pub(crate) fn fresh(&self, sql: &str) -> Result<Option<Arc<dyn ExecutionPlan>>, EngineError> {
        let known = self.plans().get(sql).cloned();
        Ok(known.map(reset_plan_states).transpose()?)
    }

    /// Keeps the plan of a statement.
    pub(crate) fn keep(&self, sql: &str, plan: &Arc<dyn ExecutionPlan>) {
        self.plans().insert(sql.to_owned(), Arc::clone(plan));
    }

    fn plans(&self) -> MutexGuard<'_, BTreeMap<String, Arc<dyn ExecutionPlan>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
