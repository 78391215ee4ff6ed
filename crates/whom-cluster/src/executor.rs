//! The executor: Ballista's loop that pulls tasks, and one port for the answers.

use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use arrow_flight::flight_service_server::FlightServiceServer;
use ballista_core::BALLISTA_PROTOCOL_VERSION;
use ballista_core::serde::protobuf::ExecutorRegistration;
use ballista_core::serde::scheduler::{ExecutorOperatingSystemSpecification, ExecutorSpecification};
use ballista_executor::flight_service::BallistaFlightService;
use futures::future::BoxFuture;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use tokio::time::sleep;
use tonic::transport::server::TcpIncoming;
use whom_engine::{EngineError, SpillFolder, Worker};

use crate::address::Address;
use crate::failure::{Failure, chain, configuration, of_transport, transient};
use crate::metrics::Exposition;
use crate::pulling::Pulling;
use crate::security::{MESSAGE_BYTES, Tls, listen};
use crate::watch::Watch;
use crate::workshop::{Counts, Workshop};

/// What an executor is started with.
#[derive(Clone, Debug)]
pub struct ExecutorOptions {
    /// The scheduler that it pulls from.
    pub scheduler: Address,
    /// Where it listens: the one port from which answers are fetched.
    pub bind: SocketAddr,
    /// The name by which the scheduler, and clients where no proxy is between, reach it; with its port, its name in messages.
    pub external_host: String,
    /// Whether connections are encrypted and proven.
    pub tls: Tls,
    /// Where answers wait, and what does not fit into memory lies; on a volume with room for both.
    pub work: PathBuf,
    /// Parts that are done at once; at least one.
    pub slots: usize,
    /// Bytes of memory for all of them together.
    pub memory: usize,
    /// How often it tells the scheduler that it lives, and asks whether anybody still waits for what it does.
    pub heartbeat: Duration,
    /// How long it may take to reach the scheduler at the start, and to hand over what is done at the end.
    pub patience: Duration,
    /// Where figures for Prometheus are given, in plain text without encryption; nowhere unless asked.
    pub metrics: Option<SocketAddr>,
}

impl ExecutorOptions {
    /// What others call it: its name, and the port that it was given.
    fn registration(&self, port: u16) -> ExecutorRegistration {
        let slots = u32::try_from(self.slots.max(1)).unwrap_or(u32::MAX);
        ExecutorRegistration {
            id: uuid::Uuid::new_v4().to_string(),
            host: Some(self.external_host.clone()),
            port: u32::from(port),
            // Nobody listens for commands: who pulls needs none. Ballista sends some all the same, and is refused here.
            grpc_port: u32::from(port),
            specification: Some(ExecutorSpecification::default().with_vcores(slots).into()),
            os_info: Some(ExecutorOperatingSystemSpecification::default().into()),
            ballista_protocol_version: BALLISTA_PROTOCOL_VERSION,
        }
    }
}

/// An executor that listens.
pub struct Executor {
    options: ExecutorOptions,
    address: SocketAddr,
    incoming: TcpIncoming,
    folder: Arc<SpillFolder>,
    workshop: Arc<Workshop>,
    threads: Threads,
    exposition: Option<Exposition>,
}

impl fmt::Debug for Executor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Executor").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Executor {
    /// Starts listening, and removes from the work folder what dead executors left there; tasks are pulled from
    /// [`Self::run`] on.
    ///
    /// # Errors
    /// [`EngineError::Elsewhere`] if the port cannot be listened on; [`EngineError::Resources`] if the work folder cannot be
    /// written to.
    pub fn start(options: ExecutorOptions, worker: Arc<dyn Worker>) -> BoxFuture<'static, Result<Self, EngineError>> {
        Box::pin(async move {
            let folder = work_folder(&options)?;
            let (incoming, address) = listen(options.bind).await?;
            let exposition = match options.metrics {
                Some(bind) => Some(Exposition::start(bind).await?),
                None => None,
            };
            let slots = options.slots.max(1);
            let threads = Threads::start(slots)?;
            let spill = folder.path().join(SPILL);
            let name = format!("{}:{}", options.external_host, address.port());
            let workshop = Workshop::new(worker, threads.handle(), options.memory / slots, spill, name);
            Ok(Self { options, address, incoming, folder, workshop: Arc::new(workshop), threads, exposition })
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it gives figures, if it was asked to.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.exposition.as_ref().map(Exposition::address)
    }

    /// Pulls and does tasks until `stop` is ready. Then it takes no more, finishes what it does, waits a moment for answers to
    /// be fetched, and says good-bye. Dropping the future ends it at once; its tasks are then done elsewhere.
    ///
    /// # Errors
    /// [`EngineError::Elsewhere`] if the scheduler cannot be reached within the patience, refuses executors of this version,
    /// or the port fails.
    pub fn run(self, stop: BoxFuture<'static, ()>) -> BoxFuture<'static, Result<(), EngineError>> {
        Box::pin(async move {
            let answers = self.folder.path().join(ANSWERS);
            let registration = self.options.registration(self.address.port());
            let channel = reach(&self.options).await?;
            let slots = Arc::new(Semaphore::new(self.options.slots.max(1)));
            let pulling = Pulling {
                channel: channel.clone(),
                registration: registration.clone(),
                answers: answers.clone(),
                slots: Arc::clone(&slots),
                workshop: Arc::clone(&self.workshop),
            };
            let watch = Watch { channel, registration, answers, workshop: Arc::clone(&self.workshop) };
            let flight = FlightServiceServer::new(BallistaFlightService::new(watch.answers_text()))
                .max_decoding_message_size(MESSAGE_BYTES)
                .max_encoding_message_size(MESSAGE_BYTES);
            let serving = self.options.tls.server()?.add_service(flight).serve_with_incoming(self.incoming);
            let workshop = Arc::clone(&self.workshop);
            let figures = self.exposition.map(|given| Ending(tokio::spawn(given.run(move || figures(&workshop)))));
            let ended = tokio::select! {
                ended = serving => Err(transient(match ended {
                    Ok(()) => "the executor stopped serving".to_owned(),
                    Err(error) => format!("the executor stopped serving: {}", chain(&error)),
                })),
                ended = pulling.run() => Err(ended),
                ended = watch.run(self.options.heartbeat) => Err(ended),
                () = async { stop.await; watch.drain(&slots, self.options.slots.max(1), self.options.patience).await } => Ok(()),
            };
            drop((figures, self.threads));
            ended
        })
    }
}

/// How long to wait before trying to reach the scheduler again.
const PAUSE: Duration = Duration::from_millis(200);

/// The folder of answers within that of the executor.
const ANSWERS: &str = "answers";

/// The folder of what does not fit into memory.
const SPILL: &str = "spill";

fn work_folder(options: &ExecutorOptions) -> Result<Arc<SpillFolder>, EngineError> {
    let refused = |error: String| {
        let work = options.work.display();
        EngineError::Resources(format!("`{work}` cannot be the work folder: {error}; name another with `--work-dir`"))
    };
    fs::create_dir_all(&options.work).map_err(|error| refused(error.to_string()))?;
    let folder = SpillFolder::create(&options.work, None).map_err(|error| refused(error.to_string()))?;
    for part in [ANSWERS, SPILL] {
        fs::create_dir(folder.path().join(part)).map_err(|error| refused(error.to_string()))?;
    }
    Ok(folder)
}

/// Connects to the scheduler, which may be just about to start.
async fn reach(options: &ExecutorOptions) -> Result<tonic::transport::Channel, EngineError> {
    let endpoint = options.tls.endpoint(&options.scheduler)?;
    let deadline = tokio::time::Instant::now() + options.patience;
    loop {
        match endpoint.connect().await {
            Ok(channel) => return Ok(channel),
            Err(error) => {
                let why = format!("the scheduler at `{}` cannot be reached: {}", options.scheduler, chain(&error));
                match of_transport(why) {
                    Failure::Passing(_) if tokio::time::Instant::now() < deadline => sleep(PAUSE).await,
                    failure => return Err(failure.into()),
                }
            }
        }
    }
}

fn figures(workshop: &Workshop) -> Vec<u8> {
    let Counts { begun, answered, refused, failed, bytes } = workshop.counts();
    let totals = [
        ("whom_executor_parts_begun_total", "Parts taken up", begun),
        ("whom_executor_parts_answered_total", "Parts answered", answered),
        ("whom_executor_parts_refused_total", "Parts that cannot be done", refused),
        ("whom_executor_parts_failed_total", "Parts that failed for a passing reason", failed),
        ("whom_executor_answer_bytes_total", "Bytes of answers", bytes),
    ];
    let figure = |name: &str, help: &str, kind: &str, value: u64| {
        format!("# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n")
    };
    let totals = totals.map(|(name, help, value)| figure(name, help, "counter", value.load(Ordering::Relaxed)));
    let running = figure("whom_executor_parts_running", "Parts that are being done", "gauge", workshop.busy() as u64);
    (totals.concat() + &running).into_bytes()
}

/// The threads of the worker, which are not those that answer the scheduler.
struct Threads(Option<Runtime>, tokio::runtime::Handle);

impl Threads {
    fn start(slots: usize) -> Result<Self, EngineError> {
        let threads = Builder::new_multi_thread().worker_threads(slots).thread_name("whom-worker").enable_all().build();
        let threads = threads.map_err(|error| configuration(format!("no threads can be started: {error}")))?;
        let handle = threads.handle().clone();
        Ok(Self(Some(threads), handle))
    }

    fn handle(&self) -> tokio::runtime::Handle {
        self.1.clone()
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // Waiting here would block whoever drops it, perhaps for as long as a part takes.
        if let Some(threads) = self.0.take() {
            threads.shutdown_background();
        }
    }
}

/// A task that ends with whoever holds this.
struct Ending<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for Ending<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
