//! The ledger of looks: which discoveries have already read the units that measure cohorts.
//!
//! Folds are functions of the experiment and the bucket, so every discovery of an experiment measures on the same units. The first
//! may call what it finds held out. Whoever sees its cohorts and searches again, with other settings or a night later, chooses what to
//! publish by what those units said: from the second distinct discovery on, cohorts are exploratory until fresh units measure them.
//!
//! **What counts.** A discovery is an analysis identity and the last day that it read. It keeps the number of its first
//! publication, so that a repeated night, on other files or by another version, is no new look. Every other analysis of the same
//! experiment is one, whatever it changed. Runs that search nothing are none, and neither are runs that were not published.
//!
//! **Where it is.** In the manifests of the output: each carries the looks that it knew and its own, so that the latest of the
//! experiment is enough, and removing older runs forgets nothing. It is read after the run has fixed its predecessor: of two runs
//! at once the second to publish is refused and, repeated, sees the first. Another output has a ledger of its own.

use serde_json::{Value, json};
use whom_spec::plan::Plan;
use whom_store::{Manifest, Output, Published, StoreError};

use crate::earlier::EARLIER_RUN;
use crate::error::RunError;
use crate::event::Stage;

/// A search for cohorts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Discovery {
    /// The analysis identity.
    pub(crate) analysis: String,
    /// The last day that it read.
    pub(crate) through: String,
}

impl Discovery {
    /// The discovery that a plan asks for.
    ///
    /// # Errors
    /// Never for a plan that was loaded: it can be written as JSON.
    pub(crate) fn of(plan: &Plan) -> Result<Self, serde_json::Error> {
        Ok(Self { analysis: plan.analysis_identity()?, through: through(plan) })
    }
}

/// The last day whose rows count, as `YYYY-MM-DD`.
pub(crate) fn through(plan: &Plan) -> String {
    plan.through.as_ref().map_or(*plan.split.end, |through| **through).to_string()
}

/// The discoveries of an experiment in the order of their first publication.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Looks(Vec<Discovery>);

impl Looks {
    /// Reads them: from the latest run if that is of this experiment, and from all runs otherwise.
    ///
    /// # Errors
    /// What the store says, also of a manifest that cannot be read: it may hide a look.
    pub(crate) async fn read(output: &Output, experiment: &str) -> Result<Self, RunError> {
        let failed = |error: StoreError| RunError::store(Stage::Sources, &error);
        let Some(latest) = output.latest().await.map_err(failed)? else { return Ok(Self::default()) };
        if let Some(told) = of_experiment(&latest.manifest, experiment).and_then(told) {
            return Ok(told);
        }
        let listed = output.runs().await.map_err(failed)?.into_iter();
        let mut runs: Vec<Published> = listed.map(|listed| listed.run).collect::<Result<_, _>>().map_err(failed)?;
        runs.reverse();
        Ok(Self::of(runs.iter().map(|run| &run.manifest), experiment))
    }

    /// The looks that manifests tell, given in the order of publication.
    fn of<'a>(manifests: impl Iterator<Item = &'a Manifest>, experiment: &str) -> Self {
        let mut looks = Self::default();
        for manifest in manifests.filter_map(|manifest| of_experiment(manifest, experiment)) {
            let known = told(manifest).map_or_else(|| untold(manifest).into_iter().collect(), |told| told.0);
            for discovery in known {
                looks.enter(discovery);
            }
        }
        looks
    }

    /// The ledger as a manifest carries it.
    pub(crate) fn to_json(&self) -> Value {
        let told = |discovery: &Discovery| json!({ "analysis": discovery.analysis, "through": discovery.through });
        self.0.iter().map(told).collect()
    }

    /// The number of a discovery, from 1: its own if it was published before, and otherwise the next.
    pub(crate) fn enter(&mut self, discovery: Discovery) -> usize {
        if let Some(place) = self.0.iter().position(|known| *known == discovery) {
            return place + 1;
        }
        self.0.push(discovery);
        self.0.len()
    }
}

fn of_experiment<'a>(manifest: &'a Manifest, experiment: &str) -> Option<&'a Manifest> {
    (manifest.run.details.get("experiment").and_then(Value::as_str) == Some(experiment)).then_some(manifest)
}

/// The ledger that a manifest carries.
fn told(manifest: &Manifest) -> Option<Looks> {
    let entries = manifest.run.details.get("looks")?.as_array()?;
    let text = |entry: &Value, name| Some(entry.get(name)?.as_str()?.to_owned());
    let discovery = |entry| Some(Discovery { analysis: text(entry, "analysis")?, through: text(entry, "through")? });
    entries.iter().map(discovery).collect::<Option<_>>().map(Looks)
}

/// The discovery of a run whose program kept no ledger.
fn untold(manifest: &Manifest) -> Option<Discovery> {
    if manifest.run.inputs.iter().any(|input| input.table == EARLIER_RUN) {
        return None;
    }
    let through = manifest.run.details.get("through").and_then(Value::as_str).unwrap_or_default().to_owned();
    Some(Discovery { analysis: manifest.run.identities.analysis.clone(), through })
}

#[cfg(test)]
mod tests;
