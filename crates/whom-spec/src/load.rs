//! From a path to a plan.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use crate::decode;
use crate::diagnostic::{Diagnostic, Severity, SpecError};
use crate::include::Files;
use crate::plan::Plan;
use crate::reader::SourceReader;
use crate::source::SourceMap;
use crate::tree::replace_all;

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

/// Reads, resolves and validates a pipeline file and everything that it includes.
///
/// # Errors
/// Everything that is wrong with the file, as far as one mistake does not hide another: YAML that cannot be read or
/// exceeds the limits stops at once, unset variables are reported together, and so are mistakes in the plan.
pub fn load(path: &Path, settings: &Settings<'_>, reader: &dyn SourceReader) -> Result<LoadedPlan, SpecError> {
    let mut files = Files::new(settings, reader);
    let tree = files.open(path);
    let (sources, mut diagnostics) = files.finish();
    let mut plan = None;
    if let (Some(mut tree), true) = (tree, diagnostics.is_empty()) {
        diagnostics = replace_all(&mut tree, settings, &sources);
        if diagnostics.is_empty() {
            (plan, diagnostics) = decode::plan(&tree);
        }
    }
    diagnostics.sort_by_key(|diagnostic| diagnostic.span);
    let (errors, warnings): (Vec<Diagnostic>, Vec<Diagnostic>) =
        diagnostics.into_iter().partition(|diagnostic| diagnostic.severity == Severity::Error);
    match plan {
        Some(plan) if errors.is_empty() => Ok(LoadedPlan { plan, sources, warnings }),
        _ => Err(SpecError { diagnostics: errors, sources }),
    }
}
