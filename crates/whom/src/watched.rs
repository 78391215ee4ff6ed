//! Work that is watched and can be stopped: a run, or what stops before it publishes.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::task::JoinError;
use whom_pipeline::{Cause, Dispatch, Request, RunError, Stores};

use crate::failure::Failure;
use crate::progress::Progress;
use crate::signals::{Signal, Signals};

/// How long work may take to stop by itself; the process has ended two seconds later.
const PATIENCE: Duration = Duration::from_secs(8);

/// How often it is looked whether the stores answer.
const LOOK: Duration = Duration::from_secs(1);

/// How long no store answers before anybody is told.
const WORTH_TELLING: Duration = Duration::from_secs(2);

/// Works until the end or a signal. After a signal the work has [`PATIENCE`] to stop by itself; a second signal, or the
/// end of patience, leaves it where it is, which is safe: a run exists when its manifest does, and that is one write.
///
/// The work has a runtime of its own: on a runtime whose threads are busy no signal is heard and no clock ticks.
pub(crate) async fn watched<T, W>(
    runtime: &Runtime,
    request: Request,
    progress: Arc<Progress>,
    work: impl FnOnce(Request, Arc<Progress>) -> W,
) -> Result<T, Failure>
where
    T: Send + 'static,
    W: Future<Output = Result<T, RunError>> + Send + 'static,
{
    let listening = Signals::listen();
    let mut signals = listening
        .map_err(|error| Failure::start(Cause::Resources, format!("the system tells of no signals: {error}")))?;
    let cancel = Arc::clone(&request.cancel);
    let (stores, elsewhere) = (request.stores.clone(), request.elsewhere.clone());
    let mut work = runtime.spawn(work(request, Arc::clone(&progress)));
    let signal = tokio::select! {
        never = tell_state(&stores, elsewhere.as_deref(), &progress) => match never {},
        ended = &mut work => return finished(ended, &progress)?.map_err(Failure::from),
        signal = signals.next() => signal,
    };
    cancel.store(true, Ordering::Relaxed);
    progress.stopping();
    tokio::select! {
        ended = work => finished(ended, &progress)?.map_err(|error| blamed(error, signal)),
        _ = signals.next() => Err(Failure::interrupted(signal, progress.stage())),
        () = tokio::time::sleep(PATIENCE) => Err(Failure::interrupted(signal, progress.stage())),
    }
}

/// Tells for as long as it is polled whether the stores answer, and how far other machines are.
async fn tell_state(stores: &Stores, elsewhere: Option<&dyn Dispatch>, progress: &Progress) -> Infallible {
    loop {
        tokio::time::sleep(LOOK).await;
        let trouble = stores.trouble().filter(|trouble| trouble.lasting() >= WORTH_TELLING);
        progress.waiting(trouble.map(|trouble| trouble.to_string()).as_deref());
        progress.elsewhere(elsewhere.and_then(Dispatch::progress));
    }
}

/// What the work came to, unless it panicked. Nobody aborts its task.
fn finished<T>(
    ended: Result<Result<T, RunError>, JoinError>,
    progress: &Progress,
) -> Result<Result<T, RunError>, Failure> {
    ended.map_err(|_panic| Failure::bug().at(progress.stage()))
}

/// Work that stopped because it was asked to tells by which signal.
fn blamed(error: RunError, signal: Signal) -> Failure {
    match error.cause {
        Cause::Interrupted => Failure::interrupted(signal, error.stage),
        _ => error.into(),
    }
}
