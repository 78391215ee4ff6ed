//! Where the results of a pipeline go.

use uuid::Uuid;
use whom_spec::{Diagnostic, SourceMap, Spanned};
use whom_store::{Location, Output};

use crate::error::{Cause, RunError};
use crate::event::Stage;
use crate::prepare::Prepared;
use crate::request::Request;

/// The output of a plan, made if it is not there and probed.
pub(crate) async fn create(request: &Request, prepared: &Prepared) -> Result<Output, RunError> {
    let location = located(&prepared.loaded.plan.output.path, &prepared.loaded.sources)?;
    let output = Output::create(&request.stores, &location, Uuid::new_v4()).await;
    output.map_err(|error| RunError::store(Stage::Sources, &error))
}

/// An output location, relative to the folder of the file it stands in.
pub(crate) fn located(path: &Spanned<String>, texts: &SourceMap) -> Result<Location, RunError> {
    Location::output(path, texts.folder(path.span)).map_err(|error| {
        let diagnostic = Diagnostic::error(error.to_string()).at(path.span);
        RunError::diagnosed(Stage::Plan, Cause::Configuration, &[diagnostic], texts)
    })
}
