//! Making the days that a cache lacks.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use chrono::{DateTime, Utc};
use datafusion::common::runtime::SpawnedTask;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};
use whom_engine::{DayFacts, DayScan, Engine, EngineError, PinnedTable};
use whom_store::{CachedDay, CachedPart, DayKey, DayRecord, Encoded};

use crate::cache::{Cache, CachedTable, Needed, SourceDays};
use crate::catalog::{Catalog, Source};
use crate::error::QueryError;

/// What days are made for.
pub struct Filling<'a> {
    /// Where they are kept.
    pub cache: &'a Cache,
    /// The columns that are kept of each table: those of this plan, and of others that will follow.
    pub needed: &'a Needed,
    /// Raised to stop.
    pub cancel: Arc<AtomicBool>,
    /// The time, by which what is used is told from what is not.
    pub now: DateTime<Utc>,
    /// Told before each day that is made: its name, and how many of how many are done.
    pub watch: &'a (dyn Fn(&str, usize, usize) + Sync),
}

/// A day that is to be made.
struct Job {
    table: String,
    key: DayKey,
    record: DayRecord,
    scan: DayScan,
}

/// Makes the days of a plan's tables that are not in the cache yet, as many parts at once as there are threads, and lets
/// the statements read the cached days from then on. A table of which nothing is needed is left where it lies.
///
/// # Errors
/// What reading the sources refuses, at the table that it is about; what the cache's store refuses;
/// [`EngineError::Cancelled`].
pub fn keep_days<'a>(
    catalog: &'a mut Catalog,
    engine: &'a Engine,
    filling: &'a Filling<'a>,
) -> BoxFuture<'a, Result<(), QueryError>> {
    Box::pin(async move {
        let mut jobs = Vec::new();
        for source in catalog.sources() {
            if let Some((days, columns)) = wanted(source, filling.needed) {
                for job in missing(source, days, columns, engine).await? {
                    // A plan may read a table under two names.
                    if !jobs.iter().any(|known: &Job| known.key == job.key) {
                        jobs.push(job);
                    }
                }
            }
        }
        let made = make(jobs, catalog, engine, filling).await?;
        for source in catalog.sources_mut() {
            if let Some(cached) = cached_table(source, &made, filling).await?
                && let Some(days) = &mut source.days
            {
                days.cached = Some(cached);
            }
        }
        Ok(())
    })
}

/// The days of a source and the columns that are wanted of them.
pub(super) fn wanted<'a>(source: &'a Source, needed: &'a Needed) -> Option<(&'a SourceDays, &'a BTreeSet<String>)> {
    let days = source.days.as_ref()?;
    // A day whose files have no column at all has nothing to be kept in.
    let has_columns = source.pinned.days().iter().all(|facts| !facts.schema.fields().is_empty());
    Some((days, needed.columns(&days.table).filter(|_| has_columns)?))
}

/// The columns to keep of a day: those that are wanted and its files have, or any, so that its rows are known.
pub(super) fn kept(facts: &DayFacts, wanted: &BTreeSet<String>) -> Vec<String> {
    let names = facts.schema.fields().iter().map(|field| field.name());
    let kept: Vec<String> = names.clone().filter(|name| wanted.contains(*name)).cloned().collect();
    if kept.is_empty() { names.take(1).cloned().collect() } else { kept }
}

/// The days that have to be made.
async fn missing(
    source: &Source,
    days: &SourceDays,
    columns: &BTreeSet<String>,
    engine: &Engine,
) -> Result<Vec<Job>, QueryError> {
    let mut jobs = Vec::new();
    for (key, facts) in days.keys.iter().zip(source.pinned.days()) {
        let columns = kept(facts, columns);
        if days.entry(key, &columns).is_none() {
            let scan = engine.day_scan(&source.pinned, key.day, &columns).await?;
            let record = DayRecord {
                source: source.listing.location.whole().to_string(),
                schema: Encoded::new(&facts.schema_bytes()?),
                rows: facts.rows,
                columns,
                parts: Vec::new(),
            };
            jobs.push(Job { table: source.table.clone(), key: key.clone(), record, scan });
        }
    }
    Ok(jobs)
}

/// Reads and writes the parts of all days, in the order of tables and days, and makes an entry of each day that is complete.
async fn make(
    jobs: Vec<Job>,
    catalog: &Catalog,
    engine: &Engine,
    filling: &Filling<'_>,
) -> Result<Vec<CachedDay>, QueryError> {
    let parts: Vec<_> = jobs.iter().flat_map(|job| parts(job, filling)).collect();
    let mut written = stream::iter(parts).buffered(engine.limits().threads.get());
    let mut made = Vec::new();
    for (done, job) in jobs.iter().enumerate() {
        (filling.watch)(&format!("{} of {}", job.table, job.key.day), done, jobs.len());
        let mut record = job.record.clone();
        for _ in 0..job.scan.parts() {
            let part = written.next().await.unwrap_or_else(|| Err(no_part()));
            record.parts.push(part.map_err(|error| in_table(job, error, catalog))?);
        }
        let rows: u64 = record.parts.iter().map(|part| part.rows).sum();
        if rows != record.rows {
            let problem = format!("its files of {} hold {rows} rows and promise {}", job.key.day, record.rows);
            return Err(catalog.unreadable(Some(&job.table), problem, "write them again".to_owned()));
        }
        made.push(filling.cache.days.publish(&job.key, record).await?);
    }
    Ok(made)
}

/// The work that makes the parts of a day; nothing happens before it is waited for.
fn parts(job: &Job, filling: &Filling<'_>) -> Vec<BoxFuture<'static, Result<CachedPart, EngineError>>> {
    let part = |part: usize| {
        let (days, key, columns) = (filling.cache.days.clone(), job.key.clone(), job.record.columns.clone());
        let (scan, cancel) = (job.scan.clone(), Arc::clone(&filling.cancel));
        async move {
            let to = days.part(&key, &columns).await?;
            let task = SpawnedTask::spawn(async move { scan.write(part, to, cancel).await });
            task.join().await.map_err(|error| EngineError::Internal(format!("a day's task failed: {error}")))?
        }
        .boxed()
    };
    (0..job.scan.parts()).map(part).collect()
}

fn no_part() -> EngineError {
    EngineError::Internal("a day has fewer parts than it promised".to_owned())
}

/// A file that cannot be read is told at its table.
fn in_table(job: &Job, error: EngineError, catalog: &Catalog) -> QueryError {
    match error {
        EngineError::Input { problem, fix } => catalog.unreadable(Some(&job.table), problem, fix),
        other => other.into(),
    }
}

/// The table over the days of a source, if all of them are kept.
async fn cached_table(
    source: &Source,
    made: &[CachedDay],
    filling: &Filling<'_>,
) -> Result<Option<CachedTable>, QueryError> {
    let Some((days, columns)) = wanted(source, filling.needed) else { return Ok(None) };
    let (mut read, mut known, mut filled) = (Vec::new(), Vec::new(), 0);
    for (key, facts) in days.keys.iter().zip(source.pinned.days()) {
        let columns = kept(facts, columns);
        let fresh = made.iter().find(|day| day.key == *key);
        filled += usize::from(fresh.is_some());
        let Some(entry) = fresh.or_else(|| days.entry(key, &columns)) else { return Ok(None) };
        read.push(entry.clone());
        let recorded = DayFacts::recorded(key.day, &entry.record);
        known.push(recorded.as_ref().unwrap_or(facts).projected(&columns));
    }
    filling.cache.days.renew(&read, filling.now).await?;
    let listing = filling.cache.days.pinned(&read);
    let table = PinnedTable::open_knowing(&source.table, &listing, Some(&days.partition), &known).await?;
    let table = table.with_words_of(&source.pinned);
    Ok(Some(CachedTable { table: Arc::new(table), listing, reused: read.len() - filled, filled }))
}
