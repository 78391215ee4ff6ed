//! Sealed plans: registering one, and judging whether a run kept to it.
//!
//! A plan that is registered before the first exposure could not know any outcome, so what it declares is confirmatory in
//! the strictest sense. Several plans may be registered while nobody has been exposed, each correcting the one before; the last of
//! them is the one that binds, or else whoever registers many could choose afterwards. What is registered later than
//! the first exposure seals nothing.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use serde_json::{Value, json};
use uuid::Uuid;
use whom_report::{PlanDifference, Seal, SealStanding};
use whom_spec::plan::{FIELDS_IN_HOURS, Hours, Plan};
use whom_store::{Output, REGISTRATION_VERSION, Registered, Registration, StoreError};

use crate::error::{Cause, RunError};
use crate::event::Stage;
use crate::identity::VERSION;
use crate::output::located;
use crate::prepare::load_plan;
use crate::request::Request;

/// Longest text of a value in a difference.
const LONGEST_VALUE: usize = 60;

/// Registers the plan of a pipeline where it will be published. Its tables need not be there yet.
///
/// # Errors
/// [`Cause::Configuration`] for what is wrong with the pipeline file; what the store says.
pub fn register(request: &Request) -> BoxFuture<'_, Result<Registered, RunError>> {
    Box::pin(async move {
        let loaded = load_plan(request)?;
        let location = located(&loaded.plan.output.path, &loaded.sources)?;
        let output =
            Output::create(&request.stores, &location, Uuid::new_v4()).await.map_err(|error| failed(&error))?;
        let registration = registration(&loaded.plan).map_err(|error| internal(&error))?;
        output.register(&registration).await.map_err(|error| failed(&error))
    })
}

fn registration(plan: &Plan) -> Result<Registration, serde_json::Error> {
    Ok(Registration {
        schema_version: REGISTRATION_VERSION,
        experiment: plan.experiment.value.clone(),
        analysis: plan.analysis_identity()?,
        plan: plan.analysis_json()?,
        tool_version: VERSION.to_owned(),
    })
}

/// The registered plans of a run's experiment.
pub(crate) struct Registrations(Vec<Registered>);

impl Registrations {
    /// Reads them.
    pub(crate) async fn read(output: &Output, plan: &Plan) -> Result<Self, RunError> {
        output.registrations(&plan.experiment).await.map(Self).map_err(|error| failed(&error))
    }

    /// How a plan stands to them, given when the first unit was exposed, in microseconds since 1970-01-01 UTC; `None` if
    /// there are none.
    ///
    /// # Errors
    /// [`Cause::Internal`] if the plan cannot be written as JSON.
    pub(crate) fn judge(&self, plan: &Plan, first: Option<i64>) -> Result<Option<Seal>, RunError> {
        let first = first.and_then(DateTime::from_timestamp_micros);
        let Some(binding) = self.binding(first) else { return Ok(None) };
        let this = registration(plan).map_err(|error| internal(&error))?;
        let same = |registered: &&Registered| registered.registration.analysis == this.analysis;
        let in_time = is_before(binding, first);
        let compared = if in_time { binding } else { self.0.iter().find(same).unwrap_or(binding) };
        let differences =
            if same(&compared) { Vec::new() } else { differences(&compared.registration.plan, &this.plan) };
        let standing = match (in_time, same(&compared)) {
            (false, _) => SealStanding::Late,
            (true, true) => SealStanding::Kept,
            (true, false) => SealStanding::Changed,
        };
        Ok(Some(Seal { standing, differences }))
    }

    /// What the manifest tells: every registered plan with its time.
    pub(crate) fn to_json(&self) -> Value {
        let told = |registered: &Registered| json!({ "analysis": registered.registration.analysis, "registered_at": registered.registered_at });
        self.0.iter().map(told).collect()
    }

    /// The last plan that was registered before the first exposure; if none was, the last one.
    fn binding(&self, first: Option<DateTime<Utc>>) -> Option<&Registered> {
        self.0.iter().rev().find(|registered| is_before(registered, first)).or(self.0.last())
    }
}

/// Whether a plan was registered while nobody had been exposed.
fn is_before(registered: &Registered, first: Option<DateTime<Utc>>) -> bool {
    first.is_none_or(|first| registered.registered_at < first)
}

/// The places in which two plans differ, in alphabetical order.
fn differences(registered: &Value, run: &Value) -> Vec<PlanDifference> {
    let mut found = Vec::new();
    compare(String::new(), Some(registered), Some(run), &mut found);
    found
}

fn compare(place: String, registered: Option<&Value>, run: Option<&Value>, found: &mut Vec<PlanDifference>) {
    if registered == run {
        return;
    }
    let (Some(of_registered), Some(of_run)) = (registered.and_then(parts), run.and_then(parts)) else {
        let in_words = |value: &Value| in_words(&place, value);
        let (registered, run) = (registered.map(in_words), run.map(in_words));
        return found.push(PlanDifference { place, registered, run });
    };
    let names: std::collections::BTreeSet<&String> = of_registered.keys().chain(of_run.keys()).collect();
    for name in names {
        let inner = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
        compare(inner, of_registered.get(name).copied(), of_run.get(name).copied(), found);
    }
}

/// The parts of a value under their names: the fields of an object, or the entries of a list of named things.
fn parts(value: &Value) -> Option<BTreeMap<String, &Value>> {
    match value {
        Value::Object(fields) => Some(fields.iter().map(|(name, field)| (name.clone(), field)).collect()),
        Value::Array(entries) => entries.iter().map(|entry| Some((name_of(entry)?.to_owned(), entry))).collect(),
        _ => None,
    }
}

/// The name of an entry of a list, its own or that of the tag in it.
fn name_of(entry: &Value) -> Option<&str> {
    entry.get("name").or_else(|| entry.pointer("/tag/name")).and_then(Value::as_str)
}

/// A value as a sentence shows it: short, a duration as a pipeline file writes it, and of anything with parts only that it
/// is there.
fn in_words(place: &str, value: &Value) -> String {
    let field = place.rsplit('.').next().unwrap_or(place);
    let hours = value.as_u64().filter(|_| FIELDS_IN_HOURS.contains(&field)).and_then(|hours| u32::try_from(hours).ok());
    if let Some(hours) = hours {
        return Hours(hours).to_string();
    }
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => {
            let short: String = text.chars().take(LONGEST_VALUE).collect();
            if short.len() < text.len() { format!("`{short}…`") } else { format!("`{short}`") }
        }
        Value::Object(_) => "{…}".to_owned(),
        Value::Array(entries) => format!("a list of {}", entries.len()),
        plain => plain.to_string(),
    }
}

fn failed(error: &StoreError) -> RunError {
    RunError::store(Stage::Sources, error)
}

fn internal(error: &serde_json::Error) -> RunError {
    RunError::new(Stage::Plan, Cause::Internal, error.to_string())
}

#[cfg(test)]
mod tests;
