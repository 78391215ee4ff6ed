//! From a path to a plan.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use crate::decode;
use crate::diagnostic::{Diagnostic, Severity, SpecError};
use crate::include::Files;
use crate::plan::Plan;
use crate::reader::SourceReader;
use crate::source::{Source, SourceMap};
use crate::suggest::name_hint;
use crate::tree::{quoted, replace_all};

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
    if tree.is_some() {
        diagnostics.extend(unused(settings, &sources));
    }
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

/// Variables that are set, and that no file mentions: a slip in the name, or in the choice of the file.
fn unused(settings: &Settings<'_>, sources: &SourceMap) -> Vec<Diagnostic> {
    let mentioned: BTreeSet<&str> = sources
        .iter()
        .flat_map(|source| source.text().split("${var.").skip(1))
        .filter_map(|reference| Some(reference.split_once('}')?.0))
        .collect();
    let unused = settings.variables.keys().filter(|name| !mentioned.contains(name.as_str()));
    let refusal = |name: &String| {
        let main = sources.iter().next().map_or("", Source::name);
        let hint = name_hint(name, mentioned.iter().copied());
        Diagnostic::error(format!("the variable {} is set, but `{main}` never uses it", quoted(name)))
            .hint(hint.unwrap_or_else(|| "it has no `${var.…}`; leave `--set` out".to_owned()))
    };
    unused.map(refusal).collect()
}
