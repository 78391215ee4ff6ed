//! From a path to a plan.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use crate::diagnostic::{Diagnostic, SpecError};
use crate::plan::Plan;
use crate::reader::SourceReader;
use crate::source::SourceMap;

/// What a pipeline file may refer to from outside.
pub struct Settings<'a> {
    /// What `${var.name}` stands for: the values of `--set name=value`.
    pub variables: BTreeMap<String, String>,
    /// What `${env.NAME}` stands for; `None` for an unset one.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
}

impl fmt::Debug for Settings<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Settings").field("variables", &self.variables).finish_non_exhaustive()
    }
}

impl Default for Settings<'_> {
    /// No variables, and an empty environment.
    fn default() -> Self {
        Self { variables: BTreeMap::new(), environment: &|_| None }
    }
}

/// A plan, the files it came from, and what looked odd on the way.
#[derive(Debug, Clone)]
pub struct LoadedPlan {
    /// The plan.
    pub plan: Plan,
    /// The files, for messages about the plan's spans.
    pub sources: SourceMap,
    /// What is allowed but probably not meant.
    pub warnings: Vec<Diagnostic>,
}

/// Reads, resolves and validates a pipeline file.
///
/// # Errors
/// Everything that is wrong with the file and what it includes, as far as one mistake does not hide another.
pub fn load(path: &Path, settings: &Settings<'_>, reader: &dyn SourceReader) -> Result<LoadedPlan, SpecError> {
    let _ = (settings, reader);
    Err(SpecError {
        diagnostics: vec![Diagnostic::error(format!("cannot load `{}`", path.display()))],
        sources: SourceMap::default(),
    })
}
