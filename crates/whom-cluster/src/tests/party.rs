//! A cluster for one test. Everything in it ends with the test, and every wait has a deadline.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tempfile::TempDir;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::time::sleep;
use whom_engine::{Dispatch, EngineError, Order, StageOrder, Worker};
use whom_store::ErrorKind;

use crate::failure::transient;
use crate::{Address, Cluster, ClusterOptions, Executor, ExecutorOptions, Patience, Scheduler, SchedulerOptions, Tls};

/// A worker that does what the first word of its order says, and remembers how often it was asked.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Orders taken up.
    pub(super) begun: AtomicUsize,
    /// Orders whose cancel flag was seen.
    pub(super) cancelled: AtomicUsize,
    /// Failures that are still to come for `flaky`.
    pub(super) failures: AtomicUsize,
}

#[async_trait]
impl Worker for Told {
    async fn work(&self, order: Order) -> Result<Bytes, EngineError> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        let part = String::from_utf8(order.part.to_vec()).unwrap();
        assert!(order.bench.spill.is_dir(), "the folder for spilling is there");
        match order.common.as_ref() {
            b"echo" => Ok(Bytes::from(format!("{part}!"))),
            b"long" => Ok(Bytes::from(vec![part.len() as u8; 10 << 20])),
            b"refuse" => Err(EngineError::Data(format!("value of part {part}"))),
            b"full" => Err(EngineError::Resources("no space left".to_owned())),
            b"first" if part == "0" => Err(EngineError::Data("value of part 0".to_owned())),
            b"panic" => panic!("out of cheese"),
            b"flaky"
                if self
                    .failures
                    .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
                    .is_ok() =>
            {
                Err(transient("connection reset".to_owned()))
            }
            b"flaky" => Ok(order.part),
            b"slow" => self.slowly(&order, Duration::from_millis(1200)).await,
            b"first" | b"forever" => self.slowly(&order, Duration::from_hours(1)).await,
            other => panic!("{other:?}"),
        }
    }
}

impl Told {
    async fn slowly(&self, order: &Order, time: Duration) -> Result<Bytes, EngineError> {
        for _ in 0..time.as_millis() / 10 {
            if order.bench.cancel.load(Ordering::Relaxed) {
                self.cancelled.fetch_add(1, Ordering::SeqCst);
                return Err(EngineError::Cancelled);
            }
            sleep(Duration::from_millis(10)).await;
        }
        Ok(order.part.clone())
    }
}

/// A service on threads of its own, which can be cut off at once, like a machine.
pub(super) struct Machine {
    stop: Option<oneshot::Sender<bool>>,
    thread: Option<JoinHandle<Result<(), EngineError>>>,
    pub(super) port: u16,
}

impl Machine {
    fn start<S, R>(service: S) -> Self
    where
        S: FnOnce(oneshot::Receiver<bool>, std::sync::mpsc::Sender<u16>) -> R + Send + 'static,
        R: Future<Output = Result<(), EngineError>>,
    {
        let (stop, stopped) = oneshot::channel();
        let (tell, port) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            let ended = runtime.block_on(service(stopped, tell));
            runtime.shutdown_background();
            ended
        });
        let port = port.recv_timeout(Duration::from_secs(10)).unwrap();
        Self { stop: Some(stop), thread: Some(thread), port }
    }

    /// Ends it in order, and waits for that.
    pub(super) fn end(mut self) -> Result<(), EngineError> {
        self.stop.take().unwrap().send(true).unwrap();
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for Machine {
    /// Cuts it off at once.
    fn drop(&mut self) {
        if let (Some(stop), Some(thread)) = (self.stop.take(), self.thread.take()) {
            let _ = stop.send(false);
            let _ = thread.join();
        }
    }
}

/// A scheduler, executors and a folder for their work.
pub(super) struct Party {
    pub(super) scheduler: Option<Machine>,
    pub(super) executors: Vec<Machine>,
    pub(super) worker: Arc<Told>,
    pub(super) cancel: Arc<AtomicBool>,
    pub(super) work: TempDir,
    tls: Tls,
    proxy: bool,
}

impl Party {
    /// A scheduler and so many executors of two slots each.
    pub(super) fn of(executors: usize) -> Self {
        Self::with(executors, Tls::Off, true)
    }

    pub(super) fn with(executors: usize, tls: Tls, proxy: bool) -> Self {
        let (worker, cancel, work) = (Arc::new(Told::default()), Arc::default(), tempfile::tempdir().unwrap());
        let mut party = Self { scheduler: None, executors: Vec::new(), worker, cancel, work, tls, proxy };
        party.scheduler = Some(party.scheduler_at(0));
        for _ in 0..executors {
            party.join();
        }
        party
    }

    /// A scheduler at a port, zero for any.
    pub(super) fn scheduler_at(&self, port: u16) -> Machine {
        self.scheduler_of(port, None).0
    }

    /// A scheduler that gives figures, and where.
    pub(super) fn scheduler_with_figures(&self) -> (Machine, u16) {
        let (machine, figures) = self.scheduler_of(0, Some(([127, 0, 0, 1], 0).into()));
        (machine, figures.recv().unwrap())
    }

    fn scheduler_of(&self, port: u16, metrics: Option<SocketAddr>) -> (Machine, Receiver<u16>) {
        let mut options = SchedulerOptions::new(([127, 0, 0, 1], port).into(), "localhost", self.tls.clone());
        options.lost_after = Duration::from_secs(3);
        (options.proxy, options.metrics) = (self.proxy, metrics);
        let (tell_figures, figures) = channel();
        let machine = Machine::start(async move |stopped, tell| {
            let scheduler = Scheduler::start(options).await.unwrap();
            let _ = scheduler.metrics_address().map(|address| tell_figures.send(address.port()));
            tell.send(scheduler.address().port()).unwrap();
            scheduler.run(Box::pin(async { stopped.await.map_or((), drop) })).await
        });
        (machine, figures)
    }

    /// One more executor.
    pub(super) fn join(&mut self) {
        let (machine, _) = self.executor_of(None);
        self.executors.push(machine);
    }

    /// One more executor, which gives figures, and where.
    pub(super) fn join_with_figures(&mut self) -> u16 {
        let (machine, figures) = self.executor_of(Some(([127, 0, 0, 1], 0).into()));
        self.executors.push(machine);
        figures.recv().unwrap()
    }

    fn executor_of(&self, metrics: Option<SocketAddr>) -> (Machine, Receiver<u16>) {
        let options = ExecutorOptions {
            scheduler: self.address(),
            bind: ([127, 0, 0, 1], 0).into(),
            external_host: "localhost".to_owned(),
            tls: self.tls.clone(),
            work: self.work.path().to_owned(),
            slots: 2,
            memory: 2 << 20,
            heartbeat: Duration::from_millis(500),
            patience: Duration::from_secs(5),
            metrics,
        };
        let worker: Arc<dyn Worker> = Arc::<Told>::clone(&self.worker);
        let (tell_figures, figures) = channel();
        let machine = Machine::start(async move |mut stopped, tell| {
            let executor = Executor::start(options, worker).await.unwrap();
            let _ = executor.metrics_address().map(|address| tell_figures.send(address.port()));
            tell.send(executor.address().port()).unwrap();
            let (end, ended) = oneshot::channel();
            let run = executor.run(Box::pin(async { ended.await.unwrap_or(()) }));
            tokio::pin!(run);
            tokio::select! {
                done = &mut run => return done,
                orderly = &mut stopped => if orderly != Ok(true) { return Ok(()) },
            }
            end.send(()).unwrap();
            run.await
        });
        (machine, figures)
    }

    pub(super) fn address(&self) -> Address {
        Address::new("localhost", self.scheduler.as_ref().unwrap().port)
    }

    /// A client with deadlines that a test can wait for.
    pub(super) async fn client(&self) -> Cluster {
        self.try_client(self.tls.clone(), Duration::from_secs(5)).await.unwrap()
    }

    /// A client that waits so long for executors.
    pub(super) async fn try_client(&self, tls: Tls, executors: Duration) -> Result<Cluster, EngineError> {
        let patience = Patience {
            scheduler: Duration::from_secs(5),
            executors,
            stage: Duration::from_secs(50),
            answer: Duration::from_secs(10),
        };
        let cancel = Arc::clone(&self.cancel);
        Cluster::connect(ClusterOptions { scheduler: self.address(), tls, patience, cancel }).await
    }

    /// Waits until a condition of the worker holds.
    pub(super) async fn until(&self, what: &str, holds: impl Fn(&Told) -> bool) {
        for _ in 0..1000 {
            if holds(&self.worker) {
                return;
            }
            sleep(Duration::from_millis(10)).await;
        }
        panic!("not within 10 s: {what}");
    }
}

/// A stage that has the worker do `what` with so many parts, which are their numbers.
pub(super) fn stage(what: &'static str, parts: usize) -> StageOrder {
    let parts = (0..parts).map(|part| Bytes::from(part.to_string())).collect();
    StageOrder { name: format!("stage of {what}"), common: Bytes::from_static(what.as_bytes()), parts }
}

/// The kind and the words of an error from elsewhere.
pub(super) fn elsewhere(error: &EngineError) -> (ErrorKind, String) {
    match error {
        EngineError::Elsewhere { kind, problem } => (*kind, problem.clone()),
        other => panic!("{other:?}"),
    }
}

/// The words of an error, without the port of the executor that it came from.
pub(super) fn words(error: &EngineError, party: &Party) -> String {
    let port = |machine: &Machine| format!("localhost:{}", machine.port);
    let ports = party.executors.iter().map(port);
    ports.fold(error.to_string(), |words, port| words.replace(&port, "localhost:1"))
}

/// Whether nothing is left in the folders of answers beneath a work folder.
pub(super) fn no_answers(work: &Path) -> bool {
    let folders = std::fs::read_dir(work).unwrap().map(|entry| entry.unwrap().path().join("answers"));
    folders.filter(|answers| answers.is_dir()).all(|answers| std::fs::read_dir(answers).unwrap().next().is_none())
}

/// Why stages were ordered again, one after the other.
pub(super) fn repeats(cluster: &Cluster) -> Vec<String> {
    cluster.figures().into_iter().flat_map(|stage| stage.repeats).collect()
}
