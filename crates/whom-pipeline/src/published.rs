//! What is published: finding it, looking at it, throwing it away.

use std::error::Error;
use std::num::NonZeroUsize;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;
use whom_report::{Results, Templates, report_html, results_of};
use whom_spec::plan::Hours;
use whom_store::{
    Address, DayCache, ListedRun, Location, Output, Published, Retention, StoreError, Stores, Surplus, Sweep,
};

use crate::error::{Cause, RunError};
use crate::event::Stage;
use crate::files::REPORT_DOCUMENT;
use crate::output::located;
use crate::prepare::load_plan;
use crate::request::Request;

/// A published run, and what it says about itself.
#[derive(Clone, Debug)]
pub struct ShownRun {
    /// The run.
    pub published: Published,
    /// The sentences of its verdict; empty if it has no `result.json`.
    pub verdict: Vec<String>,
}

/// How long after its last write an upload that no run published counts as abandoned: no run stages its files for as
/// long.
const ABANDONED: TimeDelta = TimeDelta::days(1);

/// How long what a failed run tells is kept, unless an age is asked for.
const FAILED: TimeDelta = TimeDelta::days(30);

/// Which runs are thrown away. The latest never is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cleaning {
    /// How many of the latest are kept whatever their age; one unless given.
    pub keep: Option<NonZeroUsize>,
    /// The age from which the others go: any, if only `keep` is given. If neither is given, they all stay.
    pub older_than: Option<Hours>,
    /// Whether they are only found, not removed.
    pub dry_run: bool,
}

impl Cleaning {
    fn retention(&self, now: DateTime<Utc>) -> Retention {
        let aged = self.older_than.map(|age| now - TimeDelta::hours(i64::from(age.0)));
        Retention {
            keep: self.keep.map_or(1, NonZeroUsize::get),
            finished_before: aged.or(self.keep.map(|_| DateTime::<Utc>::MAX_UTC)),
            abandoned_before: now - ABANDONED,
            failed_before: aged.unwrap_or(now - FAILED),
        }
    }
}

/// The published runs of the output that a request names, by a pipeline file or by a folder; the latest first.
///
/// # Errors
/// [`Cause::Configuration`] if nothing is published there yet.
pub fn runs(request: &Request) -> BoxFuture<'_, Result<Vec<ListedRun>, RunError>> {
    Box::pin(async move {
        let (location, output) = opened(request)?;
        let runs = output.runs().await.map_err(|error| failed(&error))?;
        if runs.is_empty() { Err(nothing(&location)) } else { Ok(runs) }
    })
}

/// One published run: the latest, or that of a number.
///
/// # Errors
/// [`Cause::Configuration`] if there is no such run.
pub fn show(request: &Request, number: Option<u64>) -> BoxFuture<'_, Result<ShownRun, RunError>> {
    Box::pin(async move {
        let (output, published) = published(request, number).await?;
        let verdict = verdict(&output, &published).await?;
        Ok(ShownRun { published, verdict })
    })
}

/// The page of one published run, the latest or that of a number, as it was published or by other templates.
///
/// # Errors
/// [`Cause::Configuration`] if there is no such run, if an older program published it, or if a template does not render.
pub fn page<'a>(
    request: &'a Request,
    number: Option<u64>,
    templates: &'a Templates,
) -> BoxFuture<'a, Result<String, RunError>> {
    Box::pin(async move {
        let document = document(request, number).await?;
        report_html(&document, templates).map_err(|error| {
            let reason = error.source().map(|source| format!(": {source}")).unwrap_or_default();
            RunError::new(Stage::Sources, Cause::Configuration, format!("{error}{reason}"))
        })
    })
}

/// The results of one published run, the latest or that of a number.
///
/// # Errors
/// [`Cause::Configuration`] if there is no such run, or if an older program published it.
pub fn results(request: &Request, number: Option<u64>) -> BoxFuture<'_, Result<Results, RunError>> {
    Box::pin(async move {
        results_of(&document(request, number).await?).map_err(|error| {
            let message = format!("the results of the run cannot be read: {error}; run the pipeline again");
            RunError::new(Stage::Sources, Cause::Configuration, message)
        })
    })
}

/// The text of the results of one published run.
async fn document(request: &Request, number: Option<u64>) -> Result<String, RunError> {
    let (output, published) = published(request, number).await?;
    published.file(REPORT_DOCUMENT).map_err(|error| failed(&error))?;
    let bytes = output.read(&published, REPORT_DOCUMENT).await.map_err(|error| failed(&error))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// One published run, and the output that it lies in.
pub(crate) async fn published(request: &Request, number: Option<u64>) -> Result<(Output, Published), RunError> {
    let (location, output) = opened(request)?;
    let numbers = output.numbers().await.map_err(|error| failed(&error))?;
    let latest = *numbers.last().ok_or_else(|| nothing(&location))?;
    let number = number.unwrap_or(latest);
    if !numbers.contains(&number) {
        let message =
            format!("`{location}` has no run {number}; the latest is {latest}, and `whom runs` lists them all");
        return Err(RunError::new(Stage::Sources, Cause::Configuration, message));
    }
    let published = output.published(number).await.map_err(|error| failed(&error))?;
    Ok((output, published))
}

/// What the last run that failed told of itself, as it is written.
///
/// # Errors
/// [`Cause::Configuration`] if no run that failed told anything.
pub fn show_failure(request: &Request) -> BoxFuture<'_, Result<serde_json::Value, RunError>> {
    Box::pin(async move {
        let (location, output) = opened(request)?;
        let failures = output.failures().await.map_err(|error| failed(&error))?;
        let Some(last) = failures.first() else {
            let message = format!("no run of `{location}` has left the record of a failure");
            return Err(RunError::new(Stage::Sources, Cause::Configuration, message));
        };
        let record = output.read_failure(last.run_id).await.map_err(|error| failed(&error))?;
        serde_json::from_slice(&record).map_err(|error| {
            let message =
                format!("what run {} of `{location}` told of its failure cannot be read: {error}", last.run_id);
            RunError::new(Stage::Sources, Cause::Configuration, message)
        })
    })
}

/// Removes what is not to be kept, and uploads of runs that were never published.
///
/// # Errors
/// [`Cause::Configuration`] if nothing is published there, so that nothing of anybody else is taken for ours.
pub fn clean<'a>(request: &'a Request, cleaning: &'a Cleaning) -> BoxFuture<'a, Result<Surplus, RunError>> {
    Box::pin(async move {
        let (location, output) = opened(request)?;
        let surplus = output.surplus(&cleaning.retention(Utc::now())).await.map_err(|error| failed(&error))?;
        if surplus.kept == 0 {
            return Err(nothing(&location));
        }
        if !cleaning.dry_run {
            output.remove(&surplus).await.map_err(|error| failed(&error))?;
        }
        Ok(surplus)
    })
}

/// Removes the days of a cache that were not used for an age, and what killed runs left; without an age only the latter.
///
/// # Errors
/// [`Cause::Configuration`] if there is no such folder.
pub fn clean_cache<'a>(
    location: &'a str,
    stores: &'a Stores,
    cleaning: &'a Cleaning,
) -> BoxFuture<'a, Result<Sweep, RunError>> {
    Box::pin(async move {
        let location = Location::output(location, Path::new("")).map_err(|error| failed(&error))?;
        let cache = DayCache::open(stores, &location).map_err(|error| failed(&error))?;
        let now = Utc::now();
        let used_before = cleaning.older_than.map(|age| now - TimeDelta::hours(i64::from(age.0)));
        let sweep = cache.sweep(used_before, now - ABANDONED).await.map_err(|error| failed(&error))?;
        if !cleaning.dry_run {
            cache.remove_swept(&sweep).await.map_err(|error| failed(&error))?;
        }
        Ok(sweep)
    })
}

/// The address of a published file of the latest run.
///
/// # Errors
/// [`Cause::Configuration`] if nothing is published yet or the run has no such file.
pub fn path<'a>(request: &'a Request, name: &'a str) -> BoxFuture<'a, Result<Address, RunError>> {
    Box::pin(async move {
        let (location, output) = opened(request)?;
        let latest = output.latest().await.map_err(|error| failed(&error))?.ok_or_else(|| nothing(&location))?;
        latest.address(name).map_err(|error| failed(&error))
    })
}

/// The output that a request names. A folder and an address are the output itself; anything else is a pipeline file.
fn opened(request: &Request) -> Result<(Location, Output), RunError> {
    let place = &request.pipeline;
    let location = match place.to_str() {
        Some(text) if place.is_dir() || text.contains("://") => {
            Location::output(text, Path::new("")).map_err(|error| failed(&error))?
        }
        _ => {
            let loaded = load_plan(request)?;
            located(&loaded.plan.output.path, &loaded.sources)?
        }
    };
    match Output::open(&request.stores, &location) {
        Ok(output) => Ok((location, output)),
        Err(StoreError::LocationNotFound { .. }) => Err(nothing(&location)),
        Err(error) => Err(failed(&error)),
    }
}

/// The sentences of a run's verdict.
async fn verdict(output: &Output, published: &Published) -> Result<Vec<String>, RunError> {
    const RESULT: &str = "result.json";
    if published.file(RESULT).is_err() {
        return Ok(Vec::new());
    }
    let bytes = output.read(published, RESULT).await.map_err(|error| failed(&error))?;
    let result: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let sentences = result.get("summary").and_then(serde_json::Value::as_array).into_iter().flatten();
    Ok(sentences.filter_map(|sentence| Some(sentence.as_str()?.to_owned())).collect())
}

fn nothing(location: &Location) -> RunError {
    let message = format!("nothing is published in `{location}` yet; run the pipeline first");
    RunError::new(Stage::Sources, Cause::Configuration, message)
}

fn failed(error: &StoreError) -> RunError {
    RunError::store(Stage::Sources, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaning(keep: usize, older_than: Option<u32>) -> Cleaning {
        Cleaning { keep: NonZeroUsize::new(keep), older_than: older_than.map(Hours), dry_run: true }
    }

    #[test]
    fn what_is_asked_for_decides_what_goes() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(100);
        let yesterday = now - TimeDelta::days(1);
        let last_month = now - TimeDelta::days(30);
        for (cleaning, keep, finished_before, failed_before) in [
            (cleaning(0, None), 1, None, last_month),
            (cleaning(3, None), 3, Some(DateTime::<Utc>::MAX_UTC), last_month),
            (cleaning(0, Some(24)), 1, Some(yesterday), yesterday),
            (cleaning(3, Some(24)), 3, Some(yesterday), yesterday),
        ] {
            let expected = Retention { keep, finished_before, abandoned_before: yesterday, failed_before };
            assert_eq!(cleaning.retention(now), expected, "{cleaning:?}");
        }
    }
}
