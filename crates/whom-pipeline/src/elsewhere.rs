//! The work of a run on other machines: the folder through which its rows go, and when that goes.
//!
//! The folder lies beneath the output, in `_exchange`, under a name that follows from the plan, the statements, the program and
//! every input file. So a run that was killed and is started again finds what is done of its work, and no other run does.

use std::sync::Arc;

use serde_json::Value;
use whom_engine::{Dispatch, WrittenOnce};
use whom_query::Elsewhere;
use whom_store::Exchange;

use crate::checkpoints::helps_after;
use crate::error::{Cause, RunError};
use crate::event::Stage;
use crate::identity::checkpoint_identity;
use crate::output::located;
use crate::prepare::Prepared;
use crate::request::Request;

/// Where a run has its work done; none, if it does it itself.
#[derive(Debug)]
pub(crate) struct RunElsewhere(Option<Elsewhere>);

impl RunElsewhere {
    /// What a request asks for. Without a request for other machines nothing is made.
    pub(crate) fn open(request: &Request, prepared: &Prepared) -> Result<Self, RunError> {
        let Some(dispatch) = &request.elsewhere else { return Ok(Self(None)) };
        let internal =
            |error: &dyn std::fmt::Display| RunError::new(Stage::Sources, Cause::Internal, error.to_string());
        let output = located(&prepared.loaded.plan.output.path, &prepared.loaded.sources)?;
        let mut name = checkpoint_identity(prepared).map_err(|error| internal(&error))?;
        name.truncate(32);
        let opened = Exchange::beneath(&request.stores, &output, &name);
        let exchange = opened.map_err(|error| RunError::store(Stage::Sources, &error))?;
        let dispatch = Arc::new(WrittenOnce::new(Arc::clone(dispatch), exchange.clone()));
        Ok(Self(Some(Elsewhere { dispatch, exchange })))
    }

    /// Where work is done, if not here.
    pub(crate) fn get(&self) -> Option<&Elsewhere> {
        self.0.as_ref()
    }

    /// The run has ended: what nobody can go on from is removed.
    pub(crate) async fn end<T>(self, ended: &Result<T, RunError>) {
        let is_over = ended.as_ref().err().is_none_or(|error| !helps_after(error.cause));
        if let Some(Elsewhere { exchange, .. }) = self.0.filter(|_| is_over) {
            exchange.remove_all().await;
        }
    }
}

/// What a run says of the stages that other machines did in its manifest.
pub(crate) fn to_json(dispatch: &dyn Dispatch) -> Value {
    serde_json::to_value(dispatch.figures()).unwrap_or_default()
}
