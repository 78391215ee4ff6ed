//! Where an executor's orders are done: by the worker, on threads of their own, each with its share of the memory.

use std::any::Any;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ballista_core::error::BallistaError;
use bytes::Bytes;
use datafusion::error::DataFusionError;
use tokio::runtime::Handle;
use whom_engine::{Bench, EngineError, Order, Refusal, Worker};

use crate::header::Header;
use crate::task::TaskName;
use crate::told::Told;

/// What an executor has to do orders with.
#[derive(Debug)]
pub(crate) struct Workshop {
    worker: Arc<dyn Worker>,
    threads: Handle,
    memory: usize,
    folder: PathBuf,
    host: String,
    running: Mutex<BTreeMap<u64, Running>>,
    counts: Counts,
}

/// An order that is being done, or whose answer nobody waits for any more although its worker has not noticed yet.
#[derive(Debug)]
struct Running {
    job: String,
    cancel: Arc<AtomicBool>,
}

/// What was done here since the start.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Orders taken up.
    pub(crate) begun: AtomicU64,
    /// Orders answered.
    pub(crate) answered: AtomicU64,
    /// Orders that cannot be done.
    pub(crate) refused: AtomicU64,
    /// Orders that failed for a passing reason.
    pub(crate) failed: AtomicU64,
    /// Bytes of answers.
    pub(crate) bytes: AtomicU64,
}

impl Workshop {
    /// A workshop whose orders run on `threads`, use `memory` bytes each, and spill beneath `folder`.
    pub(crate) fn new(worker: Arc<dyn Worker>, threads: Handle, memory: usize, folder: PathBuf, host: String) -> Self {
        let (running, counts) = (Mutex::default(), Counts::default());
        Self { worker, threads, memory, folder, host, running, counts }
    }

    /// The name of this machine in messages.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// What was done here.
    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The jobs that orders are being done for, each once.
    pub(crate) fn jobs(&self) -> Vec<String> {
        let mut jobs: Vec<String> = self.running().values().map(|running| running.job.clone()).collect();
        jobs.sort();
        jobs.dedup();
        jobs
    }

    /// Orders that are being done.
    pub(crate) fn busy(&self) -> usize {
        self.running().len()
    }

    /// Tells the orders of a job that nobody waits for them.
    pub(crate) fn cancel(&self, job: &str) {
        for running in self.running().values().filter(|running| running.job == job) {
            running.cancel.store(true, Ordering::Relaxed);
        }
    }

    /// Does a part of an order for a task. Dropping the future tells the worker that nobody waits.
    ///
    /// # Errors
    /// A refusal, which Ballista does not try again; a passing reason, which it does; or that the task was cancelled.
    pub(crate) async fn work(
        self: Arc<Self>,
        task: &TaskName,
        header: &Header,
        part: Bytes,
    ) -> Result<Bytes, DataFusionError> {
        let number = self.counts.begun.fetch_add(1, Ordering::Relaxed);
        let cancel = Arc::new(AtomicBool::new(false));
        let waiting = Waiting(Arc::clone(&cancel));
        let spill = self.folder.join(number.to_string());
        let bench =
            Bench { host: self.host.clone(), memory: self.memory, spill: spill.clone(), cancel: Arc::clone(&cancel) };
        let entry = Entry { workshop: Arc::clone(&self), number, spill };
        self.running().insert(number, Running { job: task.job.clone(), cancel: Arc::clone(&cancel) });
        let worker = Arc::clone(&self.worker);
        let order = Order { stage: header.name.clone(), common: header.common.clone(), part, bench };
        let done = self.threads.spawn(async move {
            let entry = entry;
            fs::create_dir_all(&entry.spill).map_err(|error| no_folder(&error))?;
            worker.work(order).await
        });
        let answer = done.await.unwrap_or_else(|failed| Err(ended(failed)));
        let cancelled = cancel.load(Ordering::Relaxed);
        drop(waiting);
        match answer {
            Ok(bytes) => {
                self.counts.answered.fetch_add(1, Ordering::Relaxed);
                self.counts.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                Ok(bytes)
            }
            Err(_) if cancelled => Err(BallistaError::Cancelled.into_datafusion()),
            Err(error) => Err(self.tell(&error)),
        }
    }

    fn tell(&self, error: &EngineError) -> DataFusionError {
        let host = self.host.clone();
        if let Some(refusal) = Refusal::of(error) {
            self.counts.refused.fetch_add(1, Ordering::Relaxed);
            return DataFusionError::Execution(Told::Refusal { host, refusal }.to_text());
        }
        self.counts.failed.fetch_add(1, Ordering::Relaxed);
        let text = Told::Passing { host, reason: error.to_string() }.to_text();
        DataFusionError::IoError(std::io::Error::other(text))
    }

    fn running(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody waits for the answer; when not, the worker is told.
struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The order's place in the list and its folder, for as long as the worker is at it.
struct Entry {
    workshop: Arc<Workshop>,
    number: u64,
    spill: PathBuf,
}

impl Drop for Entry {
    fn drop(&mut self) {
        // What cannot be removed now goes with the executor's folder.
        let _ = fs::remove_dir_all(&self.spill);
        self.workshop.running().remove(&self.number);
    }
}

fn no_folder(error: &std::io::Error) -> EngineError {
    EngineError::Resources(format!("the folder for what does not fit into memory cannot be made: {error}"))
}

/// How a worker ended that neither answered nor refused.
fn ended(failed: tokio::task::JoinError) -> EngineError {
    match failed.try_into_panic() {
        Ok(panic) => EngineError::Internal(format!("the worker panicked: {}", words(panic.as_ref()))),
        Err(_) => EngineError::Cancelled,
    }
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    owned.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no words")
}
